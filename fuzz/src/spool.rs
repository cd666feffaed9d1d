//! What an executor finds on its disk.

use hcndc_core::time::Timestamp;
use hcndc_exec::ledger::{
    Ledger,
    journal::{replay, seal, write_line},
};

/// At how many places a journal is cut.
const CUTS: usize = 32;

/// Any bytes are read as a journal up to where they are none. Cut off anywhere, a journal loses only the record that was
/// cut; written anew, it gives the same ledger.
///
/// # Panics
/// If that is not so.
pub fn spool(data: &[u8]) {
    journal(data);
    // Once more past the checksums, which few inputs get right.
    let mut sealed = Vec::new();
    for line in data.split(|byte| *byte == b'\n') {
        seal(line, &mut sealed);
    }
    journal(&sealed);
}

fn journal(bytes: &[u8]) {
    let mut ledger = Ledger::default();
    let whole = replay(bytes, &mut ledger);
    let line_ends = || {
        let newlines = (0..whole).filter(|at| bytes[*at] == b'\n');
        newlines.map(|at| at + 1)
    };
    assert!(
        whole == 0 || line_ends().next_back() == Some(whole),
        "a part of a line was taken"
    );

    for cut in (0..bytes.len()).step_by(bytes.len() / CUTS + 1) {
        let mut cut_off = Ledger::default();
        let kept = replay(&bytes[..cut], &mut cut_off);
        assert_eq!(kept, line_ends().rfind(|end| *end <= cut).unwrap_or(0));
        assert_eq!(kept + replay(&bytes[kept..], &mut cut_off), whole);
        assert_eq!(cut_off, ledger);
    }

    let mut anew = Vec::new();
    for record in ledger.to_records() {
        write_line(&record, &mut anew);
    }
    let mut again = Ledger::default();
    assert_eq!(replay(&anew, &mut again), anew.len());
    assert_eq!(again, ledger);

    assert!(ledger.held().len() >= ledger.alive().count());
    for now in [i64::MIN, 0, i64::MAX] {
        ledger.forget(Timestamp::from_micros(now));
    }
}
