//! Crontabs → mesh file: each line becomes a flow with one job, and a schedule that starts it.
//!
//! The format is that of crontab(5), as Vixie's cron and cronie read it: `CRON_TZ`, `@daily` and its kin, environment lines,
//! `%` for lines of standard input. What has no counterpart is told: see [`CrontabNote`].

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use hcndc_core::trigger::cron::{Cron, Dialect};
use hcndc_exec::executor::template::placeholders;

use super::{
    Fault, Lang, MeshDialect, MeshFile, MeshFlow, MeshJob, MeshSchedule, MeshTrigger, Position,
    Problem, source::check_mesh,
};

/// Bytes of a crontab, at most.
const MOST_BYTES: u64 = 4 << 20;
/// The job of each flow.
const JOB: &str = "run";

/// A crontab as a mesh.
#[derive(Debug, Clone, PartialEq)]
pub struct CrontabMesh {
    /// Its flows and schedules.
    pub mesh: MeshFile,
    /// What could not be carried over, line by line.
    pub notes: Vec<CrontabNote>,
}

/// Something that cron would have done and the mesh does not, or does otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrontabNote {
    /// The line, from 1.
    pub line: usize,
    /// What it is.
    pub matter: CrontabMatter,
}

/// What of a crontab has no counterpart.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CrontabMatter {
    /// A line that runs when cron starts: its flow has no schedule.
    Reboot {
        /// The flow.
        flow: String,
    },
    /// The user that a line runs as: an executor runs all as its own, or as its settings say.
    User {
        /// The user.
        user: String,
    },
    /// Whom cron mails output to.
    Mail {
        /// The variable's value.
        to: String,
    },
    /// Another shell than `sh`.
    Shell {
        /// Which.
        shell: String,
    },
    /// A variable that means something to cron only.
    Variable {
        /// Its name.
        name: String,
    },
    /// A variable of the shell that looks like a placeholder of ours, and will be taken for one.
    Placeholder {
        /// The flow.
        flow: String,
    },
    /// A zone that is not in the IANA database: the file's holds.
    Zone {
        /// The zone.
        zone: String,
    },
}

impl CrontabNote {
    /// What it means, and what to do, in one sentence without a full stop.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        let line = self.line;
        let said = match (&self.matter, lang) {
            (CrontabMatter::Reboot { flow }, Lang::En) => format!(
                "`@reboot` has no counterpart; `{flow}` has no schedule: start it by hand or by the API"
            ),
            (CrontabMatter::Reboot { flow }, Lang::Zh) => {
                format!("`@reboot` 没有对应写法；`{flow}` 没有调度，请手动或通过 API 启动")
            }
            (CrontabMatter::User { user }, Lang::En) => format!(
                "the user `{user}` is not carried over; an executor's `--run-as` says who jobs run as"
            ),
            (CrontabMatter::User { user }, Lang::Zh) => {
                format!("用户 `{user}` 未导入；以何用户运行由执行器的 `--run-as` 决定")
            }
            (CrontabMatter::Mail { to }, Lang::En) => {
                format!("mail to `{to}` is not carried over; make an alert channel and a rule")
            }
            (CrontabMatter::Mail { to }, Lang::Zh) => {
                format!("发往 `{to}` 的邮件未导入；请建立预警配置和预警规则")
            }
            (CrontabMatter::Shell { shell }, Lang::En) => format!(
                "commands are run by sh, not by `{shell}`; a first line `#!{shell}` in a command changes that"
            ),
            (CrontabMatter::Shell { shell }, Lang::Zh) => {
                format!("命令由 sh 而非 `{shell}` 运行；可在命令的第一行写 `#!{shell}`")
            }
            (CrontabMatter::Variable { name }, Lang::En) => {
                format!("`{name}` means something to cron only, and is left out")
            }
            (CrontabMatter::Variable { name }, Lang::Zh) => {
                format!("`{name}` 只对 cron 有意义，已略去")
            }
            (CrontabMatter::Placeholder { flow }, Lang::En) => format!(
                "`{flow}` has something like `${{date}}`, which is replaced before the shell sees it: write a variable of the shell without braces"
            ),
            (CrontabMatter::Placeholder { flow }, Lang::Zh) => format!(
                "`{flow}` 含有 `${{date}}` 一类的写法，会在交给 shell 之前被替换；shell 变量请不加花括号"
            ),
            (CrontabMatter::Zone { zone }, Lang::En) => {
                format!("the time zone `{zone}` is not known; the file's holds for what follows")
            }
            (CrontabMatter::Zone { zone }, Lang::Zh) => {
                format!("时区 `{zone}` 不存在；其后各行使用文件的时区")
            }
        };
        match lang {
            Lang::En => format!("line {line}: {said}"),
            Lang::Zh => format!("第 {line} 行：{said}"),
        }
    }
}

/// Reads the crontab at `path`; its times go by `zone` unless it says otherwise. In a `system` one, as `/etc/crontab`, each line
/// names the user that it runs as.
///
/// # Errors
/// All of its faults, at least one.
pub fn import_crontab(path: &Path, zone: &str, system: bool) -> Result<CrontabMesh, Vec<Fault>> {
    let name = path.display().to_string();
    let fault = |problem| {
        vec![Fault {
            file: name.as_str().into(),
            position: None,
            path: String::new(),
            problem,
        }]
    };
    let unreadable = |error: std::io::Error| {
        fault(Problem::Unreadable {
            reason: error.to_string(),
        })
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MOST_BYTES {
        return Err(fault(Problem::TooLarge { limit: MOST_BYTES }));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let byte = error.as_bytes()[error.utf8_error().valid_up_to()];
        fault(Problem::NotUtf8 { byte })
    })?;
    parse_crontab(&name, &text, zone, system)
}

/// As [`import_crontab`], from a text.
///
/// # Errors
/// All of its faults, at least one.
pub fn parse_crontab(
    name: &str,
    text: &str,
    zone: &str,
    system: bool,
) -> Result<CrontabMesh, Vec<Fault>> {
    let mut reader = Reader {
        file: name.into(),
        system,
        zone: None,
        env: Vec::new(),
        remarks: Vec::new(),
        names: BTreeSet::new(),
        wanted: BTreeMap::new(),
        mesh: MeshFile::of_flows(Vec::new()),
        notes: Vec::new(),
        faults: Vec::new(),
    };
    zone.clone_into(&mut reader.mesh.zone);
    for (at, line) in (1..).zip(text.lines()) {
        reader.read(at, line);
    }
    if !reader.faults.is_empty() {
        return Err(reader.faults);
    }
    check_mesh(name, &reader.mesh, &[])?;
    Ok(CrontabMesh {
        mesh: reader.mesh,
        notes: reader.notes,
    })
}

/// A crontab as far as it has been read.
struct Reader {
    file: Arc<str>,
    system: bool,
    /// Of the lines that follow.
    zone: Option<String>,
    /// Of the lines that follow.
    env: Vec<(String, String)>,
    /// Remarks right above the next line.
    remarks: Vec<String>,
    names: BTreeSet<String>,
    /// How often a name was wanted.
    wanted: BTreeMap<String, usize>,
    mesh: MeshFile,
    notes: Vec<CrontabNote>,
    faults: Vec<Fault>,
}

impl Reader {
    fn read(&mut self, at: usize, line: &str) {
        let text = line.trim();
        if let Some(remark) = text.strip_prefix('#') {
            let remark = remark.trim_start_matches('#').trim();
            if !remark.is_empty() {
                self.remarks.push(remark.to_owned());
            }
            return;
        }
        let remarks = std::mem::take(&mut self.remarks);
        if text.is_empty() {
            return;
        }
        match variable(text) {
            Some((name, value)) => self.set(at, name, value),
            None => self.entry(at, line, remarks),
        }
    }

    fn note(&mut self, line: usize, matter: CrontabMatter) {
        self.notes.push(CrontabNote { line, matter });
    }

    /// A line that sets a variable for those below.
    fn set(&mut self, at: usize, name: &str, value: &str) {
        let value = value.to_owned();
        match name {
            "CRON_TZ" => match value.parse::<chrono_tz::Tz>() {
                Ok(_) => self.zone = Some(value),
                Err(_) => {
                    self.zone = None;
                    self.note(at, CrontabMatter::Zone { zone: value });
                }
            },
            "MAILTO" | "MAILFROM" if value.is_empty() => {}
            "MAILTO" => self.note(at, CrontabMatter::Mail { to: value }),
            "SHELL" if matches!(&*value, "/bin/sh" | "sh" | "/usr/bin/sh") => {}
            "SHELL" => self.note(at, CrontabMatter::Shell { shell: value }),
            "MAILFROM"
            | "CONTENT_TYPE"
            | "CONTENT_TRANSFER_ENCODING"
            | "RANDOM_DELAY"
            | "START_HOURS_RANGE"
            | "LOGNAME"
            | "USER" => {
                let name = name.to_owned();
                self.note(at, CrontabMatter::Variable { name });
            }
            _ => {
                self.env.retain(|(known, _)| known != name);
                self.env.push((name.to_owned(), value));
            }
        }
    }

    /// A line that runs something.
    fn entry(&mut self, at: usize, line: &str, remarks: Vec<String>) {
        // A dash keeps cron from writing the start down.
        let text = line.trim_start().trim_start_matches('-').trim_end();
        let fields = if text.starts_with('@') { 1 } else { 5 };
        let Some((expression, mut rest)) = split(text, fields) else {
            let found = text.split_whitespace().next().unwrap_or_default();
            let field = if found.starts_with('@') {
                "command"
            } else {
                "minute hour day month weekday command"
            };
            self.fault(
                at,
                line,
                text,
                Problem::MissingField {
                    field: field.to_owned(),
                },
            );
            return;
        };
        if self.system {
            let Some((user, command)) = split(rest, 1) else {
                let field = "command".to_owned();
                self.fault(at, line, rest, Problem::MissingField { field });
                return;
            };
            self.note(at, CrontabMatter::User { user });
            rest = command;
        }
        if rest.is_empty() {
            let field = "command".to_owned();
            self.fault(at, line, rest, Problem::MissingField { field });
            return;
        }
        let reboot = expression.eq_ignore_ascii_case("@reboot");
        if !reboot && let Err(error) = Cron::parse(Dialect::Unix, &expression) {
            self.fault(at, line, text, Problem::BadCron { expression, error });
            return;
        }
        let name = self.name(rest);
        let mut flow = MeshFlow::named(&name);
        flow.description = (!remarks.is_empty()).then(|| remarks.join(" "));
        flow.env = self.env.iter().cloned().collect();
        let command = command(rest);
        let texts = self.env.iter().map(|(_, value)| value).chain([&command]);
        // What breaks their grammar is a fault, and told as one.
        let has_placeholders = |text: &String| placeholders(text).is_ok_and(|it| !it.is_empty());
        if texts.into_iter().any(has_placeholders) {
            let flow = name.clone();
            self.note(at, CrontabMatter::Placeholder { flow });
        }
        flow.jobs.push(MeshJob::new(JOB, command));
        self.mesh.flows.push(flow);
        if reboot {
            self.note(at, CrontabMatter::Reboot { flow: name });
            return;
        }
        let dialect = MeshDialect::Unix;
        let trigger = MeshTrigger::Cron {
            expression,
            dialect,
        };
        let mut schedule = MeshSchedule::new(&name, &name, trigger);
        schedule.zone.clone_from(&self.zone);
        self.mesh.schedules.push(schedule);
    }

    /// Tells a fault at the place where `part` begins in a line.
    fn fault(&mut self, at: usize, line: &str, part: &str, problem: Problem) {
        let start = line
            .len()
            .saturating_sub(line.trim_end().len().min(part.len()));
        let before = line
            .find(part)
            .filter(|_| !part.is_empty())
            .unwrap_or(start);
        let column = line.get(..before).unwrap_or_default().chars().count() + 1;
        self.faults.push(Fault {
            file: Arc::clone(&self.file),
            position: Some(Position { line: at, column }),
            path: String::new(),
            problem,
        });
    }

    /// A name for a flow by the program that it runs, of its own in the file.
    fn name(&mut self, command: &str) -> String {
        let programs = command.split_whitespace().filter(|word| {
            let set = word
                .split_once('=')
                .is_some_and(|(name, _)| !name.contains('/'));
            // Options, and their numbers.
            !set && word.starts_with(|first: char| {
                first == '/' || first.is_alphabetic() || "._".contains(first)
            })
        });
        let mut programs = programs.filter_map(|word| word.rsplit('/').find(|it| !it.is_empty()));
        let program = programs.find(|program| {
            !matches!(
                *program,
                "cd" | "exec" | "nice" | "ionice" | "sudo" | "sh" | "bash" | "env" | "test" | "["
            )
        });
        let stem = program.unwrap_or("job");
        let stem = stem.split_once('.').map_or(stem, |(stem, _)| stem);
        let kept = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
        let stem: String = stem
            .chars()
            .filter(|letter| kept(*letter))
            .take(100)
            .collect();
        let stem = if stem.is_empty() {
            "job".to_owned()
        } else {
            stem
        };
        let wanted = self.wanted.entry(stem.clone()).or_default();
        loop {
            *wanted += 1;
            let name = match *wanted {
                1 => stem.clone(),
                at => format!("{stem}-{at}"),
            };
            if self.names.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// `NAME = value`, without quotes around either.
fn variable(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    let name = unquoted(name.trim());
    let mut letters = name.chars();
    let first = letters.next()?;
    let fits = (first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    fits.then(|| (name, unquoted(value.trim())))
}

fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        let inner = text
            .strip_prefix(quote)
            .and_then(|it| it.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner;
        }
    }
    text
}

/// The first so many words, with single spaces, and the rest.
fn split(text: &str, words: usize) -> Option<(String, &str)> {
    let mut rest = text;
    let mut taken = Vec::new();
    for _ in 0..words {
        let (word, after) = rest.split_once(char::is_whitespace)?;
        taken.push(word);
        rest = after.trim_start();
    }
    Some((taken.join(" "), rest))
}

/// A command as cron reads it: what follows the first `%` is its standard input, a line for each `%`; `\%` is `%` itself.
fn command(text: &str) -> String {
    let mut lines = vec![String::new()];
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let line = lines.last_mut();
        match (letter, letters.peek(), line) {
            ('\\', Some('%'), Some(line)) => {
                line.push('%');
                letters.next();
            }
            ('%', _, _) => lines.push(String::new()),
            (letter, _, Some(line)) => line.push(letter),
            (_, _, None) => {}
        }
    }
    let mut lines = lines.into_iter();
    let command = lines.next().unwrap_or_default().trim_end().to_owned();
    let input: Vec<String> = lines
        .map(|line| format!("'{}'", line.replace('\'', "'\\''")))
        .collect();
    match input.is_empty() {
        true => command,
        false => format!("printf '%s\\n' {} | {{ {command}\n}}", input.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::to_yaml;

    const TEXT: &str = "\
# m h dom mon dow command

SHELL=/bin/bash
PATH = \"/usr/bin:/bin\"
MAILTO=ops@example.com
# Every night, all of it
30 2 * * *\t/opt/backup.sh --all
CRON_TZ=Asia/Shanghai
@daily cd /srv && date +\\%F > day
*/5 9-17 * * mon-fri  mail -s hello ann%Dear Ann,%it's late
@reboot /opt/backup.sh
";

    #[test]
    fn each_line_becomes_a_flow_and_a_schedule() {
        let read = parse_crontab("crontab", TEXT, "Europe/Berlin", false).unwrap();
        let yaml = to_yaml(&read.mesh);
        let names: Vec<_> = read.mesh.flows.iter().map(|it| &*it.name).collect();
        assert_eq!(names, ["backup", "srv", "mail", "backup-2"]);
        let schedules: Vec<_> = read
            .mesh
            .schedules
            .iter()
            .map(|it| (&*it.flow, it.zone.as_deref()))
            .collect();
        let shanghai = Some("Asia/Shanghai");
        assert_eq!(
            schedules,
            [("backup", None), ("srv", shanghai), ("mail", shanghai)],
            "{yaml}"
        );
        let flow = |at: usize| &read.mesh.flows[at];
        assert_eq!(
            flow(0).description.as_deref(),
            Some("Every night, all of it")
        );
        assert_eq!(
            flow(0).env.iter().collect::<Vec<_>>(),
            [("PATH", "/usr/bin:/bin")]
        );
        assert_eq!(flow(1).jobs[0].command, "cd /srv && date +%F > day");
        assert_eq!(
            flow(2).jobs[0].command,
            "printf '%s\\n' 'Dear Ann,' 'it'\\''s late' | { mail -s hello ann\n}"
        );
        let notes: Vec<_> = read.notes.iter().map(|it| it.message(Lang::En)).collect();
        let starts = [
            "line 3: commands are run by sh",
            "line 5: mail to",
            "line 11: `@reboot`",
        ];
        assert_eq!(notes.len(), starts.len(), "{notes:?}");
        for (note, start) in notes.iter().zip(starts) {
            assert!(note.starts_with(start), "{note}");
        }
    }

    #[test]
    fn a_system_crontab_names_users() {
        let read =
            parse_crontab("c", "0 1 * * * root  run-parts /etc/daily\n", "UTC", true).unwrap();
        assert_eq!(read.mesh.flows[0].jobs[0].command, "run-parts /etc/daily");
        let user = "root".to_owned();
        assert_eq!(read.notes[0].matter, CrontabMatter::User { user });
    }

    #[test]
    fn all_faults_are_told_with_their_lines() {
        let text = "0 25 * * * true\n\n* * * true\n@never true\n@daily\n0 0 * * *\n";
        let faults = parse_crontab("c", text, "UTC", false).unwrap_err();
        let told: Vec<_> = faults
            .iter()
            .map(|it| (it.position.unwrap().line, it.code()))
            .collect();
        let expected = [
            (1, "bad-cron"),
            (3, "missing-field"),
            (4, "bad-cron"),
            (5, "missing-field"),
            (6, "missing-field"),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn flows_are_named_by_what_runs_and_not_by_how() {
        let text = "0 1 * * * test -x /usr/sbin/anacron || run-parts /etc/cron.daily\n\
                    0 2 * * * nice -n 19 /opt/backup.sh all\n\
                    0 3 * * * /bin/sh /opt/backup.sh some\n\
                    0 4 * * * cd / && LANG=C backup-2\n";
        let read = parse_crontab("tab", text, "UTC", false).expect("it is sound");
        let names: Vec<_> = read.mesh.flows.iter().map(|flow| &*flow.name).collect();
        assert_eq!(names, ["anacron", "backup", "backup-2", "backup-2-2"]);
    }

    #[test]
    fn a_variable_of_the_shell_that_will_be_replaced_is_told() {
        let text =
            "0 1 * * * date=$(date); tar czf /b/${date}.tgz /d\n0 2 * * * tar czf $date /d\n";
        let read = parse_crontab("tab", text, "UTC", false).expect("it is sound");
        let lines: Vec<_> = read.notes.iter().map(|note| note.line).collect();
        assert_eq!(lines, [1]);
        assert!(read.notes[0].message(Lang::En).contains("${date}"));
    }
}
