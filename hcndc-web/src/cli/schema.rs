//! `hcndc schema`.

use super::{Exit, say};
use crate::interchange::mesh_schema;

pub(super) fn run() -> Exit {
    say(format_args!("{:#}", mesh_schema()));
    Exit::Success
}
