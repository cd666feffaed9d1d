//! Values that a job puts out: lines of its standard output, however they come in pieces.

use std::collections::BTreeMap;

use hcndc_core::outputs::{LONGEST_LINE, PREFIX, Refused, parse, put};

use super::mask::MASKED;

/// Refusals that the log tells of one by one; more are counted.
const TOLD: u32 = 20;

/// Finds values in a stream, from which secrets are masked.
#[derive(Debug, Default)]
pub(super) struct PutOut {
    /// Whether the job has secrets, so that what looks like a mask is one.
    has_secrets: bool,
    /// What has come of a line that may put out a value, one byte more than such a line has at most.
    held: Vec<u8>,
    /// The line is none that does.
    is_other: bool,
    /// The last that came is a carriage return: whatever follows but a line feed is drawn over the line.
    returned: bool,
    values: BTreeMap<String, String>,
    refused: u32,
}

impl PutOut {
    pub(super) fn new(has_secrets: bool) -> Self {
        Self {
            has_secrets,
            ..Self::default()
        }
    }

    /// Takes what has come. Says what is to be told of it.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut told = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = piece.strip_suffix(b"\n");
            for (nth, part) in text
                .unwrap_or(piece)
                .split(|byte| *byte == b'\r')
                .enumerate()
            {
                self.returned |= nth > 0;
                if !part.is_empty() {
                    self.add(part);
                }
            }
            if text.is_some() {
                told.extend(self.end_line());
            }
        }
        told
    }

    /// Takes the last line, which has no end, and gives all values.
    pub(super) fn finish(mut self) -> (BTreeMap<String, String>, Vec<String>) {
        let mut told: Vec<String> = self.end_line().into_iter().collect();
        if self.refused > TOLD {
            told.push(format!(
                "{} more lines that were to put out values were not taken",
                self.refused - TOLD
            ));
        }
        (self.values, told)
    }

    fn add(&mut self, part: &[u8]) {
        if std::mem::take(&mut self.returned) {
            self.held.clear();
            self.is_other = false;
        }
        if self.is_other {
            return;
        }
        let room = (LONGEST_LINE + 1).saturating_sub(self.held.len());
        self.held.extend_from_slice(&part[..room.min(part.len())]);
        let begun = self.held.len().min(PREFIX.len());
        self.is_other = self.held[..begun] != PREFIX.as_bytes()[..begun];
        if self.is_other {
            self.held.clear();
        }
    }

    fn end_line(&mut self) -> Option<String> {
        self.returned = false;
        self.is_other = false;
        let line = std::mem::take(&mut self.held);
        let refused = self.keep(&line).err()?;
        self.refused += 1;
        (self.refused <= TOLD).then(|| format!("no value was put out: {refused}"))
    }

    fn keep(&mut self, line: &[u8]) -> Result<(), Refused> {
        let Some(found) = parse(line) else {
            return Ok(());
        };
        let (name, value) = found?;
        let mask = std::str::from_utf8(MASKED).unwrap_or_default();
        if self.has_secrets && value.contains(mask) {
            return Err(Refused::Secret { name: name.into() });
        }
        put(&mut self.values, name, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text puts out and what is told, if it comes in pieces of so many bytes.
    fn put_out(text: &[u8], piece: usize) -> (Vec<(String, String)>, Vec<String>) {
        let mut found = PutOut::new(false);
        let mut told: Vec<String> = text
            .chunks(piece)
            .flat_map(|piece| found.take(piece))
            .collect();
        let (values, last) = found.finish();
        told.extend(last);
        (values.into_iter().collect(), told)
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.into(), value.into())
    }

    #[test]
    fn values_are_found_however_the_output_comes_in_pieces() {
        let text = "hello\n::set-output rows=12\n ::set-output no=1\n::set-output a-b=x=\u{8868} y \r\n\
                    10%\r20%\r::set-output drawn=1\n::set-output over=1\r99%\n\
                    say ::set-output no=1\n::set-output rows=13\n::set-output last=";
        let expected = vec![
            pair("a-b", "x=\u{8868} y "),
            pair("drawn", "1"),
            pair("last", ""),
            pair("rows", "13"),
        ];
        for piece in 1..=text.len() {
            let found = put_out(text.as_bytes(), piece);
            assert_eq!(found, (expected.clone(), vec![]), "{piece}");
        }
    }

    #[test]
    fn what_cannot_be_put_out_is_told() {
        let long = "v".repeat(hcndc_core::outputs::LONGEST_VALUE);
        let fits = format!("::set-output {}={long}\n", "n".repeat(64));
        let text = format!(
            "{fits}::set-output long={long}v\n::set-output 1a=\n::set-output a\n::set-output {}=1\n::set-output db_password=x\n",
            "n".repeat(65)
        );
        for piece in [1, 7, 4096, text.len()] {
            let (values, told) = put_out(text.as_bytes(), piece);
            assert_eq!(values, [pair(&"n".repeat(64), &long)]);
            let parts = [
                "\"long\" has more than 4096 bytes",
                "\"1a\" is no name",
                "NAME=VALUE",
                "is no name",
                "secret",
            ];
            assert_eq!(told.len(), parts.len(), "{told:?}");
            for (told, part) in told.iter().zip(parts) {
                assert!(told.contains(part), "{told} has no {part}");
            }
        }
        let (_, told) = put_out(b"::set-output a=\xff\n::set-output b=\0\n", 3);
        assert_eq!(told.len(), 2);
    }

    #[test]
    fn there_are_no_more_than_fit() {
        let text: String = (0..100)
            .map(|n| format!("::set-output n{n:02}=1\n"))
            .collect();
        let (values, told) = put_out(text.as_bytes(), 1000);
        assert_eq!(values.len(), 64);
        // Twenty of 36, and how many more.
        assert_eq!(told.len(), 21);
        assert!(told[20].starts_with("16 more"), "{}", told[20]);
        let big = "v".repeat(4000);
        let text: String = (0..20)
            .map(|n| format!("::set-output n{n}={big}\n"))
            .collect();
        let (values, told) = put_out(text.as_bytes(), 1000);
        assert_eq!((values.len(), told.len()), (16, 4));
    }

    #[test]
    fn a_masked_value_is_not_put_out() {
        let mut found = PutOut::new(true);
        let told = found.take(b"::set-output a=x***y\n::set-output b=1\n");
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(found.finish().0, [pair("b", "1")].into());
    }
}
