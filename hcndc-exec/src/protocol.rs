//! Versions of the protocol, and which of them understand each other.

use std::fmt;

/// The version that this program speaks.
pub const PROTOCOL: Protocol = Protocol { major: 1, minor: 3 };

/// The first version whose executors do anything but run commands.
pub(crate) const KINDS: Protocol = Protocol { major: 1, minor: 3 };

/// A version of the protocol. Each end says its own in its hello.
///
/// Two ends understand each other if their majors are the same. A later minor only adds what an end that does not know
/// it may skip, or what is said to an end of that minor or a later one alone. Version 1.0 said no minor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol {
    /// Ends of different majors refuse each other.
    pub major: u32,
    /// Ends of different minors go on.
    pub minor: u32,
}

impl Protocol {
    /// Whether an end of this version and one of the other understand each other.
    #[must_use]
    pub const fn understands(self, other: Self) -> bool {
        self.major == other.major
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
