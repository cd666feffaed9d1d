//! What can be done to definitions of every kind.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Desk, RemoteError,
    confirm::YesArgs,
    list::{Filters, PageArgs},
    nouns::Noun,
    table::fields,
};
use crate::{
    cli::{Exit, print, say},
    interchange::Lang,
};

/// Verbs of every kind.
#[derive(Debug, Subcommand)]
pub(super) enum ResourceCommand {
    /// Show all that is known of one
    #[command(visible_alias = "get")]
    Show(OneArgs),
    /// Tell what uses one, and would keep it from being deleted
    Uses(OneArgs),
    /// Delete some, all or none; refused while something uses them
    #[command(visible_alias = "rm")]
    Delete(DeleteArgs),
}

/// Verbs of kinds that can be switched off.
#[derive(Debug, Subcommand)]
pub(super) enum SwitchCommand {
    /// Switch some on
    Enable(SomeArgs),
    /// Switch some off, without deleting anything
    Disable(SomeArgs),
}

/// Which one.
#[derive(Debug, Args)]
pub(super) struct OneArgs {
    /// Its name, or its id
    name: String,
}

/// Which.
#[derive(Debug, Args)]
pub(super) struct SomeArgs {
    /// Their names, or their ids
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

/// What to delete.
#[derive(Debug, Args)]
pub(super) struct DeleteArgs {
    #[command(flatten)]
    some: SomeArgs,
    #[command(flatten)]
    yes: YesArgs,
}

/// Filters of lists of definitions.
#[derive(Debug, Args)]
pub(super) struct DefinitionListArgs {
    /// Only those with this text in their name or description
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    #[command(flatten)]
    pub(super) page: PageArgs,
}

impl DefinitionListArgs {
    pub(super) fn filters(&self) -> Filters {
        Filters::default().with("text", self.text.as_ref())
    }
}

/// A filter of lists of what is filed in directories.
#[derive(Debug, Args)]
pub(super) struct DirectoryArgs {
    /// Only those in this directory and below
    #[arg(long, value_name = "DIRECTORY")]
    pub(super) directory: Option<String>,
}

/// A filter of lists of what can be switched off.
#[derive(Debug, Args)]
pub(super) struct EnabledArgs {
    /// Only those that are switched on (true) or off (false)
    #[arg(long, value_name = "BOOL")]
    pub(super) enabled: Option<bool>,
}

impl OneArgs {
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl SomeArgs {
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }
}

impl Desk {
    /// Does what can be done to definitions of every kind.
    pub(super) async fn resource(
        &self,
        noun: &'static Noun,
        command: &ResourceCommand,
    ) -> Result<Exit, RemoteError> {
        match command {
            ResourceCommand::Show(args) => {
                let item = self.definition(noun, &args.name).await?;
                Ok(self.tell(&item, || fields(&item, self.lang)))
            }
            ResourceCommand::Uses(args) => {
                let id = self.id(noun, &args.name).await?;
                let path = format!("/api/v1/{}/{id}/uses", noun.path);
                let uses = self.served.json(&path).await?;
                Ok(self.tell(&uses, || self.uses_text(&uses)))
            }
            ResourceCommand::Delete(args) => self.delete(noun, args).await,
        }
    }

    fn uses_text(&self, uses: &Value) -> String {
        let items = uses["items"].as_array();
        let lines = items.into_iter().flatten().map(|it| {
            let part = |name: &str| it[name].as_str().unwrap_or_default();
            format!("{} {} ({})", part("kind"), part("name"), it["id"])
        });
        let lines: Vec<String> = lines.collect();
        match lines.is_empty() {
            true => self.pick("nothing uses it", "没有内容使用它").to_owned(),
            false => lines.join("\n"),
        }
    }

    async fn delete(&self, noun: &'static Noun, args: &DeleteArgs) -> Result<Exit, RemoteError> {
        let mut items = Vec::new();
        for name in args.some.names() {
            items.push(json!({ "id": self.id(noun, name).await? }));
        }
        let (kind, names) = (noun.name(self.lang), args.some.names().join(", "));
        let what = match self.lang {
            Lang::En => format!("delete {kind} {names}"),
            Lang::Zh => format!("删除{kind} {names}"),
        };
        args.yes.must_agree(self.lang, &what)?;
        let path = format!("/api/v1/{}/delete", noun.path);
        let body = json!({ "items": items });
        let answer = self.served.send(Method::POST, &path, &body).await?;
        Ok(self.tell(&answer, || match self.lang {
            Lang::En => format!("{kind} {names}: deleted"),
            Lang::Zh => format!("{kind} {names}：已删除"),
        }))
    }

    /// Switches definitions on or off.
    pub(super) async fn switch(
        &self,
        noun: &'static Noun,
        command: &SwitchCommand,
    ) -> Result<Exit, RemoteError> {
        let (args, enabled) = match command {
            SwitchCommand::Enable(args) => (args, true),
            SwitchCommand::Disable(args) => (args, false),
        };
        let mut changed = Vec::new();
        for name in args.names() {
            let id = self.id(noun, name).await?;
            let path = format!("/api/v1/{}/{id}", noun.path);
            let body = json!({ "enabled": enabled });
            let item = self.served.send(Method::PATCH, &path, &body).await?;
            if !self.json {
                let kind = noun.name(self.lang);
                say(match (enabled, self.lang) {
                    (true, Lang::En) => format!("{kind} {name}: enabled"),
                    (false, Lang::En) => format!("{kind} {name}: disabled"),
                    (true, Lang::Zh) => format!("{kind} {name}：已启用"),
                    (false, Lang::Zh) => format!("{kind} {name}：已停用"),
                });
            }
            changed.push(item);
        }
        match self.json {
            true => Ok(print(
                self.lang,
                format_args!("{:#}", json!({ "items": changed })),
            )),
            false => Ok(Exit::Success),
        }
    }
}
