//! Lines that are drawn again and again with `\r`, as progress bars are: of what is drawn over, little is kept.

use std::time::Duration;

use tokio::time::Instant;

/// A line that is being redrawn is kept once in this time, as it is then, and at its end.
const EVERY: Duration = Duration::from_secs(1);
/// What is held back at most.
const MOST_BYTES: usize = 64 << 10;

/// One stream of a job. Text that is drawn over before it is due is left out; all else passes as it came, and at once
/// unless it is part of a line that is being redrawn. A stream that is seen to be no text is let alone for good.
#[derive(Debug, Default)]
pub(super) struct Redraw {
    /// The last state of a line that is being redrawn.
    held: Vec<u8>,
    /// Nothing of such a line is kept before.
    not_before: Option<Instant>,
    is_binary: bool,
    left_out: u64,
}

impl Redraw {
    /// What is to be kept now that this has come.
    pub(super) fn take(&mut self, bytes: Vec<u8>, now: Instant) -> Vec<u8> {
        let is_plain = self.held.is_empty() && !bytes.contains(&b'\r');
        if is_plain || self.is_binary {
            return bytes;
        }
        if !is_text(&bytes) {
            self.is_binary = true;
            let mut all = std::mem::take(&mut self.held);
            all.extend(bytes);
            return all;
        }
        self.held.extend(bytes);
        let lines = std::mem::take(&mut self.held);
        let mut kept = Vec::new();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let last = last_state(line);
            self.left_out += (line.len() - last.len()) as u64;
            if line.ends_with(b"\n") {
                kept.extend_from_slice(last);
            } else {
                self.held = last.to_vec();
            }
        }
        let is_redrawn = self.held.contains(&b'\r');
        let is_due = self.not_before.is_none_or(|at| at <= now);
        if !is_redrawn || is_due || self.held.len() > MOST_BYTES {
            kept.extend(self.flush(now));
        }
        kept
    }

    /// When what is held is to be kept.
    pub(super) fn due(&self) -> Option<Instant> {
        self.not_before.filter(|_| !self.held.is_empty())
    }

    /// What is held, to be kept now.
    pub(super) fn flush(&mut self, now: Instant) -> Vec<u8> {
        if !self.held.is_empty() {
            self.not_before = now.checked_add(EVERY);
        }
        std::mem::take(&mut self.held)
    }

    /// Bytes that were left out so far.
    pub(super) const fn left_out(&self) -> u64 {
        self.left_out
    }
}

/// What is to be seen of a line in the end, with the `\r` before it.
fn last_state(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    let start = end.and_then(|end| line[..end].iter().rposition(|byte| *byte == b'\r'));
    &line[start.unwrap_or(0)..]
}

/// A character may be cut off at either end.
fn is_text(bytes: &[u8]) -> bool {
    let cut = bytes
        .iter()
        .take(3)
        .take_while(|byte| (0x80..0xC0).contains(*byte));
    let whole = &bytes[cut.count()..];
    let is_utf8 = std::str::from_utf8(whole)
        .err()
        .is_none_or(|it| it.error_len().is_none());
    // Bell, backspace, tab, line feed, form feed, carriage return, escape.
    let is_control = |byte: &u8| *byte < 0x20 && !matches!(byte, 7..=10 | 12 | 13 | 27);
    is_utf8 && !bytes.iter().any(is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept of chunks that come all at once, and what was left out.
    fn kept(chunks: &[&[u8]]) -> (Vec<u8>, u64) {
        let now = Instant::now();
        let mut redraw = Redraw::default();
        let mut kept: Vec<u8> = chunks
            .iter()
            .flat_map(|it| redraw.take(it.to_vec(), now))
            .collect();
        kept.extend(redraw.flush(now));
        (kept, redraw.left_out())
    }

    #[test]
    fn of_a_line_that_is_redrawn_the_first_and_the_last_state_are_kept_within_the_interval() {
        let bar: &[&[u8]] = &[
            b"\r10%",
            b"\r20%",
            b"\r30%",
            b"\r40%\r50%",
            b"\r100%\ndone\n",
        ];
        assert_eq!(kept(bar), (b"\r10%\r100%\ndone\n".to_vec(), 16));
        let other: &[&[u8]] = &[b"10%\r", b"20%\r", b"30%\r"];
        assert_eq!(kept(other), (b"10%\r\r30%\r".to_vec(), 3));
    }

    #[test]
    fn a_state_is_kept_when_the_interval_is_over() {
        let now = Instant::now();
        let mut redraw = Redraw::default();
        assert_eq!(redraw.take(b"1\r".to_vec(), now), b"1\r");
        assert_eq!(redraw.take(b"2\r".to_vec(), now), b"");
        assert_eq!(redraw.due(), Some(now + EVERY));
        assert_eq!(redraw.take(b"3\r".to_vec(), now + EVERY), b"\r3\r");
        assert_eq!(redraw.due(), None);
    }

    #[test]
    fn text_without_redrawing_passes_at_once_as_it_came() {
        let now = Instant::now();
        let mut redraw = Redraw::default();
        for chunk in ["a\r\nb\r\n", "name? ", "c\nd", "e\r\n", "\n"] {
            assert_eq!(redraw.take(chunk.into(), now), chunk.as_bytes());
        }
        assert_eq!(redraw.left_out(), 0);
    }

    #[test]
    fn a_line_end_that_comes_in_two_parts_loses_nothing() {
        let parts: &[&[u8]] = &[b"a\r", b"\nb\r", b"\n"];
        assert_eq!(kept(parts), (b"a\r\nb\r\n".to_vec(), 0));
    }

    #[test]
    fn what_is_no_text_stays_as_it_came() {
        for chunk in [&b"a\rb\rc\0"[..], b"\xff\xfea\rb\rc", b"\x01\r\r\r"] {
            let twice: &[&[u8]] = &[chunk, b"x\ry\rz"];
            assert_eq!(kept(twice), ([chunk, b"x\ry\rz"].concat(), 0));
        }
        let umlaut: &[&[u8]] = &[b"1 \xc3", b"\xa4\r2\r3\n"];
        assert_eq!(kept(umlaut).0, b"1 \xc3\r3\n");
    }

    #[test]
    fn a_long_line_is_not_held() {
        let mut redraw = Redraw::default();
        let now = Instant::now();
        redraw.take(b"1\r".to_vec(), now);
        assert_eq!(redraw.take(b"2\r".to_vec(), now), b"");
        let long = vec![b'x'; MOST_BYTES];
        assert_eq!(redraw.take(long, now).len(), MOST_BYTES + 1);
    }
}
