//! What stands in a recording in place of secrets.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

use hcndc_core::{
    engine::{Input, Snapshot},
    model::{Definition, DefinitionDraft, Edit, Secret},
};

/// From this length in bytes on, a text may be refused for its length; then what stands for it is as long.
const LONG: usize = 4_096;

/// Replaces secrets by digests: equal ones by equal ones, so that an edit that changes nothing still changes nothing when it
/// is played back. The key of the digests is drawn for each process and kept nowhere: nobody can try texts against them.
#[derive(Clone, Debug, Default)]
pub struct Mask([RandomState; 2]);

impl Mask {
    /// One with a key of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What stands for a secret. None stands for none; what would be refused is refused still.
    #[must_use]
    pub fn secret(&self, secret: &Secret) -> Secret {
        let text = secret.reveal();
        if text.is_empty() {
            return Secret::default();
        }
        let [one, two] = self.0.each_ref().map(|key| key.hash_one(text));
        let mut digest = format!("{one:016x}{two:016x}");
        if text.contains('\0') {
            digest.push('\0');
        }
        if text.len() > LONG {
            digest.extend(std::iter::repeat_n('0', text.len() - digest.len()));
        }
        Secret::new(digest)
    }

    /// What an engine is loaded from, without its secrets.
    #[must_use]
    pub fn snapshot(&self, snapshot: &Snapshot) -> Snapshot {
        let mut masked = snapshot.clone();
        for definition in &mut masked.definitions {
            match definition {
                Definition::DataSource(it) => {
                    let it = Arc::make_mut(it);
                    it.password = self.secret(&it.password);
                }
                Definition::FileServer(it) => {
                    let it = Arc::make_mut(it);
                    it.password = self.secret(&it.password);
                }
                Definition::AlertChannel(it) => {
                    let it = Arc::make_mut(it);
                    it.secret = self.secret(&it.secret);
                }
                Definition::Webhook(it) => {
                    let it = Arc::make_mut(it);
                    it.secret = self.secret(&it.secret);
                }
                Definition::Schedule(_)
                | Definition::Calendar(_)
                | Definition::Pool(_)
                | Definition::Param(_)
                | Definition::FileEvent(_)
                | Definition::AlertRule(_) => {}
            }
        }
        masked
    }

    /// An input without its secrets.
    #[must_use]
    pub fn input(&self, input: &Input) -> Input {
        let mut masked = input.clone();
        let Input::Edit(batch) = &mut masked else {
            return masked;
        };
        for edit in &mut batch.edits {
            let Edit::Put(draft) = edit else { continue };
            let given = match draft {
                DefinitionDraft::DataSource(it) => &mut it.password,
                DefinitionDraft::FileServer(it) => &mut it.password,
                DefinitionDraft::AlertChannel(it) => &mut it.secret,
                DefinitionDraft::Webhook(it) => &mut it.secret,
                DefinitionDraft::Schedule(_)
                | DefinitionDraft::Calendar(_)
                | DefinitionDraft::Pool(_)
                | DefinitionDraft::Param(_)
                | DefinitionDraft::FileEvent(_)
                | DefinitionDraft::AlertRule(_) => continue,
            };
            *given = given.as_ref().map(|secret| self.secret(secret));
        }
        masked
    }
}

#[cfg(test)]
mod tests {
    use hcndc_core::{
        engine::{EditBatch, Engine, Settings},
        model::{
            AlertChannelDraft, AlertChannelKind, DataSourceDraft, DataSourceKind, FileServerDraft,
            FileServerKind,
        },
        time::Timestamp,
    };

    use super::*;

    fn edits(text: &str) -> Input {
        let secret = || Some(Secret::new(text));
        let mut source = DataSourceDraft::new("s", DataSourceKind::Mysql, "h");
        source.password = secret();
        let mut server = FileServerDraft::new("f", FileServerKind::Sftp, "h");
        server.password = secret();
        let mut channel = AlertChannelDraft::new("c", AlertChannelKind::Webhook);
        channel.secret = secret();
        Input::Edit(EditBatch {
            by: "ann".into(),
            edits: vec![source.into(), server.into(), channel.into()],
        })
    }

    #[test]
    fn no_secret_of_any_kind_comes_through() {
        let (at, mask) = (Timestamp::default(), Mask::new());
        let mut engine = Engine::default();
        engine.apply(at, edits("hunter2")).unwrap();
        let snapshot = engine.snapshot();
        let text = |it: serde_json::Result<String>| it.unwrap();
        // Else this test shows nothing.
        assert_eq!(
            text(serde_json::to_string(&snapshot))
                .matches("hunter2")
                .count(),
            3
        );
        let masked = mask.snapshot(&snapshot);
        assert!(!text(serde_json::to_string(&masked)).contains("hunter2"));
        let input = mask.input(&edits("hunter2"));
        assert!(!text(serde_json::to_string(&input)).contains("hunter2"));
        assert!(Engine::load(at, Settings::default(), masked).is_ok());
    }

    #[test]
    fn what_changes_nothing_changes_nothing_when_it_is_masked() {
        let (at, mask) = (Timestamp::default(), Mask::new());
        let mut engine = Engine::default();
        engine.apply(at, edits("hunter2")).unwrap();
        let mut engine =
            Engine::load(at, Settings::default(), mask.snapshot(&engine.snapshot())).unwrap();
        let named = |text: &str| {
            let Input::Edit(mut batch) = mask.input(&edits(text)) else {
                unreachable!("it is an edit")
            };
            batch.edits.truncate(1);
            let Edit::Put(DefinitionDraft::DataSource(draft)) = &mut batch.edits[0] else {
                unreachable!("it is a data source")
            };
            draft.id = Some(engine.find_data_source("s").unwrap().id);
            Input::Edit(batch)
        };
        let (same, other) = (named("hunter2"), named("hunter3"));
        assert_eq!(engine.apply(at, same).unwrap().changes.len(), 0);
        assert_eq!(engine.apply(at, other).unwrap().changes.len(), 1);
    }

    #[test]
    fn none_stands_for_none_and_what_is_refused_is_refused_still() {
        let mask = Mask::new();
        assert!(mask.secret(&Secret::default()).is_empty());
        assert!(mask.secret(&Secret::new("a\0b")).reveal().contains('\0'));
        let long = "x".repeat(100_000);
        assert_eq!(mask.secret(&Secret::new(long)).reveal().len(), 100_000);
    }
}
