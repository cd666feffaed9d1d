//! `hcndc schema`.

use super::{Exit, print};
use crate::interchange::{Lang, mesh_schema};

pub(super) fn run(lang: Lang) -> Exit {
    print(lang, format_args!("{:#}", mesh_schema()))
}
