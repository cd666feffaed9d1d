//! What texts of cells mean: numbers, lists, dates.

use hcndc_core::time::DataDate;

/// A whole number, also as spreadsheets write it: `3`, `3.0`.
pub(super) fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if zeros.bytes().all(|byte| byte == b'0') => digits,
        Some(_) => return None,
        None => text,
    };
    let fits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| fits)
}

/// What parts the items of a list, besides spaces.
const SEPARATORS: [char; 7] = [',', '，', ';', '；', '、', '\n', '\t'];

/// The items of a list, parted by anything but spaces, which names may hold.
pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    let items = text.split(SEPARATORS).map(str::trim);
    items.filter(|item| !item.is_empty())
}

/// Whether a name would be taken for more than one, or for an id.
pub(super) fn is_ambiguous(name: &str) -> bool {
    whole(name).is_some() || name.contains(SEPARATORS) || name.contains(char::is_whitespace)
}

/// A date in any of the forms that people and spreadsheets write: `2026-11-21`, `2026/1/2`, `20261121`, also with a time.
pub(super) fn date(text: &str) -> Option<DataDate> {
    let text = text.trim();
    if let Ok(date) = text.parse() {
        return Some(date);
    }
    let day = text.split([' ', 'T']).next()?;
    let mut parts = day.split(['-', '/', '.', '年', '月', '日']);
    let mut part = || parts.next()?.parse::<u32>().ok();
    let (year, month, day) = (part()?, part()?, part()?);
    format!("{year:04}-{month:02}-{day:02}").parse().ok()
}

/// A directory as a slash path: the first HCNDC's directories are words.
pub(super) fn directory(text: &str) -> String {
    let text = text.trim().replace('\\', "/");
    let inner = text.trim_matches('/');
    format!("/{inner}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_also_when_a_spreadsheet_wrote_them() {
        let cases = [("3", 3), (" 3.0 ", 3), ("12.", 12), ("007", 7)];
        for (text, number) in cases {
            assert_eq!(whole(text), Some(number), "{text}");
        }
        for text in [
            "",
            ".0",
            "3.5",
            "-3",
            "+3",
            "1e3",
            "三",
            "99999999999999999999",
        ] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn lists_are_parted_in_all_of_the_ways_that_people_do() {
        let found: Vec<_> = items("1,2， 3;4；5、a b\n,").collect();
        assert_eq!(found, ["1", "2", "3", "4", "5", "a b"]);
    }

    #[test]
    fn dates_are_read_in_the_forms_of_spreadsheets() {
        let expected = "2026-01-02".parse().ok();
        for text in [
            "2026-01-02",
            "20260102",
            "2026/1/2",
            "2026年1月2日",
            "2026-01-02 00:00:00",
        ] {
            assert_eq!(date(text), expected, "{text}");
        }
        for text in ["", "2026-13-01", "2026", "yesterday", "1/2/2026"] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn directories_become_slash_paths() {
        for (text, path) in [
            ("零售", "/零售"),
            ("/a/b/", "/a/b"),
            ("a\\b", "/a/b"),
            ("", "/"),
        ] {
            assert_eq!(directory(text), path);
        }
    }
}
