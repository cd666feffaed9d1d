//! "Did you mean …?"

use std::cell::Cell;

/// The candidate that is nearest to `word`, if any is near: a third of its characters may differ,
/// and at least one.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = word.chars().count();
    if length > 255 {
        return None;
    }
    let limit = (length / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= 4 * limit)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits between two words; a difference of case alone is the smallest.
fn distance(word: &str, candidate: &str) -> usize {
    if word.eq_ignore_ascii_case(candidate) {
        1
    } else {
        strsim::osa_distance(word, candidate)
    }
}

/// Bounds the work of finding near names in files with very many wrong ones: when the budget is
/// spent, none are found.
#[derive(Debug)]
pub(super) struct NearBudget {
    comparisons: Cell<usize>,
}

impl NearBudget {
    pub(super) fn new() -> Self {
        Self {
            comparisons: Cell::new(1_000_000),
        }
    }

    /// Whether so many comparisons are left.
    pub(super) fn allows(&self, comparisons: usize) -> bool {
        self.comparisons.get() >= comparisons
    }

    pub(super) fn nearest<'a, I>(&self, word: &str, candidates: I) -> Option<&'a str>
    where
        I: IntoIterator<Item = &'a str>,
        I::IntoIter: ExactSizeIterator,
    {
        let candidates = candidates.into_iter();
        let left = self.comparisons.get().checked_sub(candidates.len())?;
        self.comparisons.set(left);
        nearest(word, candidates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["customers", "orders", "items", "load"];
        assert_eq!(nearest("custmoers", known), Some("customers"));
        assert_eq!(nearest("Orders", known), Some("orders"));
        assert_eq!(nearest("laod", known), Some("load"));
        assert_eq!(nearest("revenue", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn budget_ends_the_search() {
        let budget = NearBudget {
            comparisons: Cell::new(5),
        };
        assert_eq!(budget.nearest("a1", ["a2", "b", "c"]), Some("a2"));
        assert_eq!(budget.nearest("a1", ["a2", "b", "c"]), None);
    }
}
