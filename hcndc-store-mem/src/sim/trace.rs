//! What happened, in order: the last lines to read, and a number that stands for all of them.

use std::{collections::VecDeque, fmt};

use hcndc_core::time::Timestamp;

/// Lines that are kept.
const KEPT: usize = 500;

/// A trace.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    lines: VecDeque<String>,
    /// FNV-1a over all lines.
    hash: u64,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            lines: VecDeque::new(),
            hash: 0xcbf2_9ce4_8422_2325,
        }
    }
}

impl Trace {
    pub(crate) fn note(&mut self, now: Timestamp, what: fmt::Arguments<'_>) {
        let line = format!("{:>12} {what}", now.as_micros());
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines.into()
    }
}
