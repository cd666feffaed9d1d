//! The files of a project, from a folder or a zip.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::super::fault::{Fault, Problem};
use super::super::text::MAX_BYTES;

/// Folders in one another, at most.
const MAX_DEPTH: usize = 32;
/// Files of a project, at most.
const MAX_FILES: usize = 100_000;

/// One file that says something about flows.
pub(super) struct ProjectFile {
    /// Its path in the project, with slashes.
    pub(super) path: Arc<str>,
    pub(super) kind: FileKind,
    pub(super) bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Job,
    Properties,
    Flow,
    Project,
}

/// All of them, sorted by path.
pub(super) struct Files {
    /// What the project is called: the name of its folder or zip.
    pub(super) name: String,
    pub(super) all: Vec<ProjectFile>,
}

impl ProjectFile {
    /// The folder that it is in, `""` for the project's own.
    pub(super) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Its name without its ending.
    pub(super) fn stem(&self) -> &str {
        let name = self
            .path
            .rsplit_once('/')
            .map_or(&*self.path, |(_, name)| name);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }
}

impl FileKind {
    fn of(path: &str) -> Option<Self> {
        Some(match path.rsplit_once('.')?.1 {
            "job" => Self::Job,
            "properties" => Self::Properties,
            "flow" => Self::Flow,
            "project" => Self::Project,
            _ => return None,
        })
    }
}

impl Files {
    pub(super) fn read(path: &Path) -> Result<Self, Vec<Fault>> {
        let mut found = Found::default();
        let read = match path.is_dir() {
            true => found.folder(path, "", 0),
            false => found.zip(path),
        };
        let told = |problem| {
            vec![Fault {
                file: path.display().to_string().into(),
                position: None,
                path: String::new(),
                problem,
            }]
        };
        read.map_err(told)?;
        let mut all = found.files;
        if !all
            .iter()
            .any(|file| matches!(file.kind, FileKind::Job | FileKind::Flow))
        {
            return Err(told(Problem::EmptyMesh));
        }
        all.sort_by(|a, b| a.path.cmp(&b.path));
        let name = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let name = name.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Self {
            name: name.into_owned(),
            all,
        })
    }

    pub(super) fn of(&self, kind: FileKind) -> impl Iterator<Item = &ProjectFile> {
        self.all.iter().filter(move |file| file.kind == kind)
    }

    /// A project file makes it so; without one, having flow files and no job files.
    pub(super) fn is_flow_2(&self) -> bool {
        let mut projects = self.of(FileKind::Project);
        let says_2 = |file: &ProjectFile| {
            let text = String::from_utf8_lossy(&file.bytes);
            text.lines().any(|line| {
                let version = line.trim().strip_prefix("azkaban-flow-version:");
                version.is_some_and(|version| version.trim().starts_with('2'))
            })
        };
        projects.any(says_2) || self.of(FileKind::Job).next().is_none()
    }
}

#[derive(Default)]
struct Found {
    files: Vec<ProjectFile>,
    bytes: u64,
}

impl Found {
    fn folder(&mut self, dir: &Path, prefix: &str, depth: usize) -> Result<(), Problem> {
        if depth > MAX_DEPTH {
            return Err(Problem::TooDeep { limit: MAX_DEPTH });
        }
        for entry in std::fs::read_dir(dir).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = match prefix {
                "" => name.clone(),
                prefix => format!("{prefix}/{name}"),
            };
            // A link may lead out of the project, or round in a circle.
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_dir() && !name.starts_with('.') {
                self.folder(&entry.path(), &path, depth + 1)?;
            } else if kind.is_file() && FileKind::of(&path).is_some() {
                self.add(path, File::open(entry.path()).map_err(unreadable)?)?;
            }
        }
        Ok(())
    }

    fn zip(&mut self, path: &Path) -> Result<(), Problem> {
        let file = File::open(path).map_err(unreadable)?;
        let broken = |fault: zip::result::ZipError| Problem::Unreadable {
            reason: fault.to_string(),
        };
        let mut archive = zip::ZipArchive::new(file).map_err(broken)?;
        for index in 0..archive.len() {
            let entry = archive.by_index(index).map_err(broken)?;
            // Names that would lead out of the project are none of its files.
            let name = entry.enclosed_name();
            let name = name.map(|name| name.to_string_lossy().replace('\\', "/"));
            let Some(name) = name.filter(|_| entry.is_file()) else {
                continue;
            };
            let hidden = name
                .split('/')
                .any(|part| part.starts_with('.') || part == "__MACOSX");
            if FileKind::of(&name).is_some() && !hidden {
                self.add(name, entry)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: String, from: impl Read) -> Result<(), Problem> {
        let Some(kind) = FileKind::of(&path) else {
            return Ok(());
        };
        if self.files.len() == MAX_FILES {
            return Err(Problem::TooMany {
                count: MAX_FILES + 1,
                max: MAX_FILES,
            });
        }
        let mut bytes = Vec::new();
        // A zip says of itself how large it gets, and need not be right.
        let left = MAX_BYTES - self.bytes;
        from.take(left + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        self.bytes += bytes.len() as u64;
        if self.bytes > MAX_BYTES {
            return Err(Problem::TooLarge { limit: MAX_BYTES });
        }
        self.files.push(ProjectFile {
            path: path.into(),
            kind,
            bytes,
        });
        Ok(())
    }
}

fn unreadable(fault: std::io::Error) -> Problem {
    Problem::Unreadable {
        reason: fault.to_string(),
    }
}
