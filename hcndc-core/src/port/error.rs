//! What a port's failure means for its caller.

/// What to do about a failure; the driver looks at nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Someone else leads: stop leading.
    Fenced,
    /// Someone was in the way: try again at once.
    Conflict,
    /// It cannot be reached or is out of room: try later.
    Unavailable,
    /// What is stored makes no sense: call a person.
    Corrupt,
    /// The call was wrong: mend the call.
    Invalid,
}

/// An adapter's own error.
pub trait PortError: core::error::Error + Send + Sync + 'static {
    /// What to do about it.
    fn kind(&self) -> ErrorKind;
}
