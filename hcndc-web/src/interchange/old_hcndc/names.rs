//! Names that the first HCNDC allowed, as names that may stand here.

use std::collections::BTreeSet;

/// Letters of a name, at most.
const LONGEST: usize = 255;

/// Names of one kind, each taken once.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// With names that nothing may get.
    pub(super) fn without(reserved: &[&str]) -> Self {
        let taken = reserved.iter().map(|it| (*it).to_owned()).collect();
        Self { taken }
    }

    /// A name of its own for the row of this number: what it was called, as far as that can be, and with the number behind
    /// it where another one has it.
    pub(super) fn take(&mut self, wanted: &str, id: i64) -> String {
        let name = clean(wanted);
        if !name.is_empty() && self.taken.insert(name.clone()) {
            return name;
        }
        let mut tail = format!("#{id}");
        loop {
            let room = LONGEST.saturating_sub(tail.chars().count() + 1);
            let stem: String = name.chars().take(room).collect();
            let name = format!("{} {tail}", stem.trim_end())
                .trim_start()
                .to_owned();
            if self.taken.insert(name.clone()) {
                return name;
            }
            tail.push('\'');
        }
    }
}

/// A text as a name: without control characters, slashes, and blanks at its ends. A slash would part a flow from its job.
pub(super) fn clean(text: &str) -> String {
    let letter = |it: char| match it {
        '/' => '-',
        it if it.is_control() => ' ',
        it => it,
    };
    let cleaned: String = text.trim().chars().map(letter).collect();
    let cut: String = cleaned.trim().chars().take(LONGEST).collect();
    cut.trim_end().to_owned()
}

/// A directory, which was any text.
pub(super) fn directory(text: &str) -> String {
    let part = |part: &str| -> String {
        let letters = part.chars().filter(|it| !it.is_control());
        letters.collect::<String>().trim().to_owned()
    };
    let parts = text.split(['/', '\\']).map(part);
    let parts: Vec<String> = parts
        .filter(|part| !matches!(part.as_str(), "" | "." | ".."))
        .collect();
    format!("/{}", parts.join("/"))
}

/// A description with the number that people know the row by.
pub(super) fn description(text: &str, column: &str, id: i64) -> String {
    let text = text.trim().replace('\0', "");
    match text.is_empty() {
        true => format!("[{column}={id}]"),
        false => format!("{text} [{column}={id}]"),
    }
}

/// A text in which the executor replaces nothing: what began like a placeholder was the shell's.
pub(super) fn literal(text: &str) -> String {
    let text = text.replace('\0', "");
    let found = hcndc_exec::executor::template::placeholders(&text);
    let is_plain = found.is_ok_and(|found| found.is_empty()) && !text.contains("$${");
    match is_plain {
        true => text,
        false => text.replace("${", "$${"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_and_taken_once() {
        let mut names = Names::without(&["local"]);
        assert_eq!(names.take(" 装载/订单\t", 1), "装载-订单");
        assert_eq!(names.take("装载-订单", 7), "装载-订单 #7");
        assert_eq!(names.take("", 8), "#8");
        assert_eq!(names.take("local", 9), "local #9");
        let long = "长".repeat(300);
        assert_eq!(names.take(&long, 1).chars().count(), LONGEST);
        let second = names.take(&long, 12);
        assert!(second.ends_with(" #12") && second.chars().count() == LONGEST);
    }

    #[test]
    fn directories_are_paths() {
        assert_eq!(directory("零售"), "/零售");
        assert_eq!(directory(" /ods/ /../日 报/"), "/ods/日 报");
        assert_eq!(directory(""), "/");
    }

    #[test]
    fn what_the_shell_was_to_replace_is_left_to_it() {
        assert_eq!(literal("echo ${HOME}"), "echo ${HOME}");
        assert_eq!(literal("tar ${date} ${HOME}"), "tar $${date} $${HOME}");
        assert_eq!(literal("${date-1}"), "$${date-1}");
    }
}
