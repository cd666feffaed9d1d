//! The way to places where files arrive.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};

use async_trait::async_trait;

use crate::{
    id::FileEventId,
    model::{FileEvent, FileServer},
    time::{DataDate, Timestamp},
};

/// A look for the files of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Tells it from every other look of a scheduler.
    pub number: u64,
    /// What is looked for.
    pub event: Arc<FileEvent>,
    /// Where.
    pub server: Arc<FileServer>,
    /// For which data dates: placeholders of dates in the path stand for each of them. Each once, the latest first.
    pub dates: Vec<DataDate>,
}

/// A file that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Where it is on the server.
    pub path: String,
    /// Bytes that it has.
    pub size: u64,
    /// When the server says that it was changed last.
    pub modified: Timestamp,
    /// The data date that its name tells, by the event's date pattern, else by placeholders in the path; `None` if neither does.
    pub date: Option<DataDate>,
    /// Whether its marker lies beside it, or it needs none.
    pub is_complete: bool,
}

/// What came of a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The event that it was for.
    pub event: FileEventId,
    /// Its number.
    pub number: u64,
    /// The files that fit, by path; or why it could not look.
    pub found: Result<Vec<FoundFile>, String>,
}

/// Looks for files.
///
/// # Contract
/// 1. `look` never blocks.
/// 2. Of every look `recv` tells once what came of it, within minutes, whatever the server does.
/// 3. Found is every file whose path fits that of the event for one of the dates, and no folder; sorted by path, each once.
///    A place that is not there holds no file.
/// 4. A look changes nothing where it looks.
/// 5. Secrets stand in no reason, and in no log.
#[async_trait]
pub trait FileProbe: Send + Sync {
    /// Whether it looks at all. Without, nobody is asked to.
    fn is_there(&self) -> bool {
        true
    }

    /// Look for these.
    fn look(&self, look: Look);

    /// What came of the next look that is over; waits for one.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    async fn recv(&self) -> Looked;
}

/// For who has no files to wait for.
#[async_trait]
impl FileProbe for () {
    fn is_there(&self) -> bool {
        false
    }

    fn look(&self, _: Look) {}

    async fn recv(&self) -> Looked {
        core::future::pending().await
    }
}

#[async_trait]
impl<T: FileProbe + ?Sized> FileProbe for Arc<T> {
    fn is_there(&self) -> bool {
        (**self).is_there()
    }

    fn look(&self, look: Look) {
        (**self).look(look);
    }

    async fn recv(&self) -> Looked {
        (**self).recv().await
    }
}
