//! The search: the folders that are listed for an event, and the files in them that fit. It is the same at every place.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hcndc_core::{
    model::FileEvent,
    port::{FoundFile, Look},
    time::{DataDate, Timestamp},
};

use super::{Entry, Place, path, too_many};

/// Folders that are read by one look.
const FOLDERS: usize = 1_000;
/// Files that one look may find.
const FILES: usize = 10_000;
/// Stands for a time that is still to be asked for.
const NEVER: Timestamp = Timestamp::from_micros(0);
/// Entries of folders that one look reads.
pub(super) const ENTRIES: usize = 100_000;

/// The files that fit at a place.
pub(super) async fn find_at(place: &mut impl Place, look: &Look) -> Result<Vec<FoundFile>, String> {
    let event = &look.event;
    let mut listings = Listings::of(place);
    let mut found: BTreeMap<String, FoundFile> = BTreeMap::new();
    for (date, pattern) in path::patterns(&event.path, &look.dates)? {
        for folder in folders(&mut listings, &pattern).await? {
            let Some(entries) = listings.list(&folder).await? else {
                continue;
            };
            for (mut file, modified) in fitting(event, &pattern, date, &folder, &entries)? {
                // The latest date has it.
                if found.contains_key(&file.path) {
                    continue;
                }
                let modified = match modified {
                    Some(modified) => Some(modified),
                    None => listings.place.modified(&file.path).await?,
                };
                if let Some(modified) = modified {
                    file.modified = modified;
                    found.insert(file.path.clone(), file);
                }
            }
            if found.len() > FILES {
                return Err(format!(
                    "more than {FILES} files fit; a narrower path is needed"
                ));
            }
        }
    }
    Ok(found.into_values().collect())
}

/// What folders hold. Each is listed once in a look, though several dates may ask for it.
struct Listings<'a, P> {
    place: &'a mut P,
    /// How many entries may still be read.
    left: usize,
    listed: BTreeMap<String, Option<Arc<[Entry]>>>,
}

impl<'a, P: Place> Listings<'a, P> {
    const fn of(place: &'a mut P) -> Self {
        Self {
            place,
            left: ENTRIES,
            listed: BTreeMap::new(),
        }
    }

    async fn list(&mut self, folder: &str) -> Result<Option<Arc<[Entry]>>, String> {
        if let Some(listed) = self.listed.get(folder) {
            return Ok(listed.clone());
        }
        let mut listed = self.place.list(folder, self.left).await?;
        if let Some(entries) = &mut listed {
            self.left = self.left.checked_sub(entries.len()).ok_or_else(too_many)?;
            // A server may say anything: what leads out of the folder does not lie in it.
            entries.retain(|it| !matches!(&*it.name, "" | "." | "..") && !it.name.contains('/'));
        }
        let listed: Option<Arc<[Entry]>> = listed.map(Into::into);
        self.listed.insert(folder.to_owned(), listed.clone());
        Ok(listed)
    }
}

/// The folders in which files may lie that fit.
async fn folders<P: Place>(
    listings: &mut Listings<'_, P>,
    pattern: &path::Pattern,
) -> Result<Vec<String>, String> {
    let mut folders = vec![String::new()];
    for part in pattern.folders() {
        if !path::is_glob(part) {
            folders.iter_mut().for_each(|it| *it = join(it, part));
            continue;
        }
        let mut next = Vec::new();
        for folder in &folders {
            let entries = listings.list(&rooted(folder)).await?;
            let fit = entries.iter().flat_map(|it| it.iter());
            let fit = fit.filter(|it| it.is_folder && path::fits(part, &it.name));
            next.extend(fit.map(|it| join(folder, &it.name)));
            if next.len() > FOLDERS {
                return Err(format!(
                    "more than {FOLDERS} folders fit; a narrower path is needed"
                ));
            }
        }
        folders = next;
    }
    Ok(folders.iter().map(|it| rooted(it)).collect())
}

fn join(folder: &str, name: &str) -> String {
    format!("{folder}/{name}")
}

/// A folder's path; that of the root is empty until here.
fn rooted(folder: &str) -> String {
    match folder.is_empty() {
        true => "/".to_owned(),
        false => folder.to_owned(),
    }
}

/// Those of a folder's entries that fit, and their times as far as the listing tells them.
fn fitting(
    event: &FileEvent,
    pattern: &path::Pattern,
    date: Option<DataDate>,
    folder: &str,
    entries: &[Entry],
) -> Result<Vec<(FoundFile, Option<Timestamp>)>, String> {
    let date_of = |name: &str| match &event.date_pattern {
        Some(form) => path::date_in(name, form),
        None => date,
    };
    // A marker may fit the path itself, and is no file of the event for that.
    let names: BTreeSet<String> = entries.iter().map(|it| it.name.clone()).collect();
    let mut markers = BTreeMap::new();
    if let Some(marker) = &event.marker {
        for name in names.iter().filter(|it| path::fits(pattern.name(), it)) {
            markers.insert(name.clone(), path::marker(marker, name, date_of(name))?);
        }
    }
    let all_markers: BTreeSet<&String> = markers.values().collect();
    let files = entries.iter().filter(|it| {
        !it.is_folder && path::fits(pattern.name(), &it.name) && !all_markers.contains(&it.name)
    });
    let folder = if folder == "/" { "" } else { folder };
    let found = files.map(|it| {
        let file = FoundFile {
            path: join(folder, &it.name),
            size: it.size,
            modified: it.modified.unwrap_or(NEVER),
            date: date_of(&it.name),
            is_complete: markers.get(&it.name).is_none_or(|it| names.contains(it)),
        };
        (file, it.modified)
    });
    Ok(found.collect())
}
