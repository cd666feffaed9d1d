//! Files of a recording: one after the other, the oldest go when all are too large.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// The files of a folder, of which the newest is written.
#[derive(Debug)]
pub(super) struct Files {
    dir: PathBuf,
    /// All but the newest may go when together they are larger than this, in bytes.
    limit: u64,
    /// Number, path and size, the oldest first.
    all: Vec<(u64, PathBuf, u64)>,
    newest: Option<BufWriter<File>>,
}

impl Files {
    /// Those that are there; the folder is made if need be.
    pub(super) fn open(dir: &Path, limit: u64) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let mut all = Vec::new();
        for (number, path) in list(dir)? {
            let size = fs::metadata(&path)?.len();
            all.push((number, path, size));
        }
        Ok(Self {
            dir: dir.to_path_buf(),
            limit,
            all,
            newest: None,
        })
    }

    /// Begins the next file. Nobody else may read it: it says all that jobs are told.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        self.end()?;
        let number = self.all.last().map_or(1, |(number, ..)| number + 1);
        let path = self.dir.join(format!("recording-{number:06}.jsonl"));
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        self.newest = Some(BufWriter::new(file));
        self.all.push((number, path, 0));
        Ok(())
    }

    /// Writes to the newest file; without one it is left out.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (Some(file), Some((_, _, size))) = (&mut self.newest, self.all.last_mut()) else {
            return Ok(());
        };
        file.write_all(bytes)?;
        *size += bytes.len() as u64;
        let mut total: u64 = self.all.iter().map(|(_, _, size)| size).sum();
        while total > self.limit && self.all.len() > 1 {
            let (_, path, size) = self.all.remove(0);
            total -= size;
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Has the system know all that was written.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.newest.as_mut().map_or(Ok(()), BufWriter::flush)
    }

    /// Ends the newest file: what comes is left out until the next begins.
    pub(super) fn end(&mut self) -> io::Result<()> {
        let flushed = self.flush();
        self.newest = None;
        flushed
    }
}

/// The recordings in a folder by their numbers, the oldest first.
pub(super) fn list(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let number = name
            .and_then(|name| name.strip_prefix("recording-")?.strip_suffix(".jsonl"))
            .and_then(|number| number.parse().ok());
        if let Some(number) = number {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<u64> {
        let all = list(dir).unwrap().into_iter();
        all.map(|(number, _)| number).collect()
    }

    #[test]
    fn the_oldest_go_and_the_newest_stays_however_large_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Files::open(dir.path(), 100).unwrap();
        for _ in 0..3 {
            files.begin().unwrap();
            files.write(&[b'x'; 40]).unwrap();
        }
        files.end().unwrap();
        assert_eq!(names(dir.path()), [2, 3]);
        let mut files = Files::open(dir.path(), 100).unwrap();
        files.begin().unwrap();
        files.write(&[b'x'; 500]).unwrap();
        assert_eq!(names(dir.path()), [4]);
        files.end().unwrap();
        // With no file open there is nothing to write to.
        files.write(b"lost").unwrap();
        let size = fs::metadata(dir.path().join("recording-000004.jsonl"));
        assert_eq!(size.unwrap().len(), 500);
    }
}
