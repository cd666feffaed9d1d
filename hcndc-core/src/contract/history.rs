//! What each clause of [`History`](crate::port::History) promises, case by case.

#![expect(
    clippy::missing_panics_doc,
    reason = "a case panics when its clause does not hold; that is all it does"
)]

mod backfill;
mod definition;
mod filter;
mod firing;
mod page;
mod view;

pub use backfill::*;
pub use definition::*;
pub use filter::*;
pub use firing::*;
pub use page::*;
pub use view::*;

use alloc::vec::Vec;
use core::{fmt, future::Future};

use super::{Opened, StoreFixture};
use crate::port::{Direction, Page, PageRequest};

/// What a case gets: a fresh store and its guard.
type Case<F> = Opened<<F as StoreFixture>::Store, <F as StoreFixture>::Guard>;

/// Pages of `limit` items from the start to the end.
async fn walk<T, E: fmt::Debug, P: Future<Output = Result<Page<T>, E>>>(
    limit: u32,
    direction: Direction,
    fetch: impl Fn(PageRequest) -> P,
) -> Vec<T> {
    let mut request = PageRequest {
        after: None,
        limit,
        direction,
    };
    let mut all = Vec::new();
    // The lists of these cases are much shorter than that.
    for _ in 0..100 {
        let page = fetch(request.clone()).await.expect("a page");
        assert!(page.items.len() <= limit as usize);
        all.extend(page.items);
        let Some(next) = page.next else { return all };
        assert!(!all.is_empty(), "a page that leads on has items");
        request.after = Some(next);
    }
    panic!("the pages do not come to an end");
}
