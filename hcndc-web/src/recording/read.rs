//! Recordings, read.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
};

use hcndc_core::replay::Record;

use super::{FORMAT, Header, files::list};

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be read.
    #[error("cannot read it")]
    Io(#[from] io::Error),
    /// It is no recording.
    #[error("it does not begin as a recording does")]
    NoRecording,
    /// It has a format of another version.
    #[error("its format is {format}, only {FORMAT} is known here")]
    UnknownFormat {
        /// The number that it names.
        format: u32,
    },
    /// A line is no record.
    #[error("line {line} is no record")]
    BadLine {
        /// Its number, from 1.
        line: u64,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
}

/// The records of one file, in order.
#[derive(Debug)]
pub struct Reader {
    file: BufReader<File>,
    header: Header,
    line: u64,
    torn: bool,
}

impl Reader {
    /// Opens a file, and reads its first line.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let mut file = BufReader::new(File::open(path)?);
        let mut first = Vec::new();
        file.read_until(b'\n', &mut first)?;
        let header: Header = serde_json::from_slice(&first).map_err(|_| ReadError::NoRecording)?;
        if header.hcndc_recording != FORMAT {
            let format = header.hcndc_recording;
            return Err(ReadError::UnknownFormat { format });
        }
        Ok(Self {
            file,
            header,
            line: 1,
            torn: false,
        })
    }

    /// What the first line says.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The number of the line that was read last, from 1.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// Whether the last line was not written to its end: the process was killed as it wrote. It is left out.
    #[must_use]
    pub const fn is_torn(&self) -> bool {
        self.torn
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn next_record(&mut self) -> Result<Option<Record>, ReadError> {
        let mut bytes = Vec::new();
        if self.file.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        if bytes.last() != Some(&b'\n') {
            self.torn = true;
            return Ok(None);
        }
        self.line += 1;
        let record = serde_json::from_slice(&bytes);
        record.map(Some).map_err(|source| ReadError::BadLine {
            line: self.line,
            source,
        })
    }
}

/// The files of a recording in their order: those of a folder, or the one.
///
/// # Errors
/// If the folder cannot be read.
pub fn recordings(path: &Path) -> io::Result<Vec<PathBuf>> {
    if fs::metadata(path)?.is_dir() {
        let all = list(path)?;
        return Ok(all.into_iter().map(|(_, path)| path).collect());
    }
    Ok(vec![path.to_path_buf()])
}
