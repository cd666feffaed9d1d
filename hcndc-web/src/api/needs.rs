//! What a route needs of its caller.

use hcndc_core::port::Permission;

/// What a caller must have, for a route to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing: anybody may ask, signed in or not.
    Nothing,
    /// To be known. What the caller may do, the handler decides.
    SignedIn,
    /// A permission, in some directory at least.
    Permission(Permission),
}

/// Anybody may ask.
pub(super) const NOTHING: Needs = Needs::Nothing;
/// To be known.
pub(super) const SIGNED_IN: Needs = Needs::SignedIn;
/// [`Permission::Read`].
pub(super) const READ: Needs = Needs::Permission(Permission::Read);
/// [`Permission::Write`].
pub(super) const WRITE: Needs = Needs::Permission(Permission::Write);
/// [`Permission::Execute`].
pub(super) const EXECUTE: Needs = Needs::Permission(Permission::Execute);
/// [`Permission::Schedule`].
pub(super) const SCHEDULE: Needs = Needs::Permission(Permission::Schedule);
/// [`Permission::Admin`].
pub(super) const ADMIN: Needs = Needs::Permission(Permission::Admin);
