//! Records as text: a line for each, which is a checksum of 16 hexadecimal digits, a space, and the record as JSON.
//!
//! A line that is not whole ends the journal, for whatever wrote it came no further.

use std::io::Write as _;

use serde::de::DeserializeOwned;

use super::{Ledger, Record};
use crate::checksum::fnv1a;

/// Appends a record's line.
///
/// # Panics
/// Never: a record has string keys and finite numbers, so it can be written as JSON.
pub fn write_line(record: &Record, lines: &mut Vec<u8>) {
    let json = serde_json::to_vec(record).expect("a record has string keys and finite numbers");
    seal(&json, lines);
}

/// Appends a line with this content, whatever it is, and its checksum.
pub fn seal(content: &[u8], lines: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = write!(lines, "{:016x} ", fnv1a([content]));
    lines.extend_from_slice(content);
    lines.push(b'\n');
}

/// Applies whole lines up to the first that is not; returns their length.
pub fn replay(bytes: &[u8], ledger: &mut Ledger) -> usize {
    read_sealed(bytes, |record: Record| ledger.apply(&record))
}

/// Takes the contents of whole lines up to the first that is not; returns their length.
pub(crate) fn read_sealed<R: DeserializeOwned>(bytes: &[u8], mut take: impl FnMut(R)) -> usize {
    let mut whole = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(record) = read_line(line) else { break };
        take(record);
        whole += line.len();
    }
    whole
}

fn read_line<R: DeserializeOwned>(line: &[u8]) -> Option<R> {
    let line = line.strip_suffix(b"\n")?;
    let (sum, json) = (line.get(..16)?, line.get(16..)?.strip_prefix(b" ")?);
    let sum = u64::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    if sum != fnv1a([json]) {
        return None;
    }
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::testing::end;
    use hcndc_core::{engine::EndCause, id::AttemptId, port::Fence, time::Timestamp};

    fn records() -> Vec<Record> {
        let attempt = AttemptId(1);
        vec![
            Record::Realm {
                realm: "a \"database\"".into(),
                era: 3,
            },
            Record::Fence(Fence(2)),
            Record::Accepted {
                attempt,
                fingerprint: u64::MAX,
                at: Timestamp::from_micros(5),
            },
            Record::Ended {
                attempt,
                end: end(EndCause::NotStarted("no\nsuch \u{1F600}".into())),
            },
        ]
    }

    #[test]
    fn a_journal_cut_off_anywhere_gives_what_came_before() {
        let mut bytes = Vec::new();
        let mut ends = vec![0];
        for record in records() {
            write_line(&record, &mut bytes);
            ends.push(bytes.len());
        }
        for cut in 0..=bytes.len() {
            let whole = replay(&bytes[..cut], &mut Ledger::default());
            assert_eq!(Some(&whole), ends.iter().rfind(|end| **end <= cut));
        }
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let mut bytes = Vec::new();
        records()
            .iter()
            .for_each(|record| write_line(record, &mut bytes));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x04;
            assert!(replay(&changed, &mut Ledger::default()) <= at);
        }
    }
}
