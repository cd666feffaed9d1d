//! File servers and file events.

use super::{
    Builder, OldMatter,
    names::{Names, description, literal},
    params::{given, port},
    secrets::password,
    tables::Row,
};
use crate::interchange::{
    MeshFileEvent, MeshFilePer, MeshFileServer, MeshFileServerKind, MeshSchedule, MeshTrigger,
    MeshWindow, Span, TextMap, TimeOfDay,
};

/// Minutes of a day.
const DAY: i64 = 24 * 60;

impl Builder<'_> {
    /// FTP and SFTP servers.
    pub(super) fn file_servers(&mut self) {
        let mut names = Names::default();
        let (mut encoded, mut plain) = (0, 0);
        for row in self.living("tb_ftp_config") {
            let id = row.id();
            let wanted = match row.text("ftp_name") {
                "" => row.text("ftp_host"),
                wanted => wanted,
            };
            let name = names.take(wanted, id);
            self.renamed(&row, wanted, &name);
            let kind = match row.number("ftp_type").unwrap_or(1) {
                1 => MeshFileServerKind::Ftp,
                2 => MeshFileServerKind::Sftp,
                kind => {
                    self.left_out(&row, &name, OldMatter::UnknownServer { kind });
                    continue;
                }
            };
            if kind == MeshFileServerKind::Sftp {
                self.note(&row, &name, OldMatter::HostKey);
            }
            let stored = row.text("ftp_passwd");
            let secret = (!stored.is_empty()).then(|| {
                let (text, is_encoded) = password(stored);
                match is_encoded {
                    true => encoded += 1,
                    false => plain += 1,
                }
                text
            });
            self.mesh.file_servers.push(MeshFileServer {
                name: name.clone(),
                description: Some(description(row.text("ftp_desc"), "ftp_id", id)),
                directory: "/".to_owned(),
                kind,
                host: given(row.text("ftp_host")),
                port: port(row.number("ftp_port")),
                user: given(row.text("ftp_user")),
                password: secret,
                options: TextMap::default(),
            });
            self.servers.insert(id, name);
            self.carried(&row);
        }
        if encoded + plain > 0 {
            let table = "tb_ftp_config".to_owned();
            self.report.whole(OldMatter::Passwords {
                table,
                encoded,
                plain,
            });
        }
    }

    /// Events, each with a schedule for each flow that it started.
    pub(super) fn file_events(&mut self) {
        let mut names = Names::default();
        // They have no flag: they go with their event.
        let links: Vec<Row<'_>> = self.tables.rows("tb_file_event_interface").collect();
        let mut used = std::collections::BTreeSet::new();
        for row in self.living("tb_file_event") {
            let id = row.id();
            let wanted = row.text("event_name");
            let server = row.number("ftp_id").unwrap_or(0);
            let Some(server) = self.servers.get(&server).cloned() else {
                self.left_out(&row, wanted, OldMatter::NoServer { server });
                continue;
            };
            let (folder, file) = (row.text("data_path"), row.text("file_name"));
            let Some(path) = path(folder, file) else {
                let path = format!("{folder}/{file}");
                self.left_out(&row, wanted, OldMatter::BadPath { path });
                continue;
            };
            let name = names.take(wanted, id);
            self.renamed(&row, wanted, &name);
            if path.contains(['*', '?']) {
                let path = path.clone();
                self.note(&row, &name, OldMatter::Glob { path });
            }
            let minutes = row.number("interval_value").unwrap_or(0);
            let minutes = match u64::try_from(minutes) {
                Ok(minutes @ 1..=1_440) => minutes,
                _ => {
                    self.note(&row, &name, OldMatter::Interval { minutes });
                    1
                }
            };
            let window = self.window(&row, &name);
            let is_paused = row.number("status") == Some(2);
            self.mesh.file_events.push(MeshFileEvent {
                name: name.clone(),
                description: Some(description(row.text("event_desc"), "ftp_event_id", id)),
                directory: "/".to_owned(),
                server,
                path,
                window,
                zone: None,
                interval: Span::from_millis(minutes * 60_000).unwrap_or_default(),
                min_age: Span::default(),
                marker: None,
                per: MeshFilePer::Date,
                date_pattern: None,
                enabled: !is_paused,
            });
            let mut count = 0;
            for link in links
                .iter()
                .filter(|it| it.number("ftp_event_id") == Some(id))
            {
                used.insert(link.id());
                let flow = link.number("interface_id").unwrap_or(0);
                let Some(&flow) = self.flows.get(&flow) else {
                    self.left_out(link, &name, OldMatter::NoFlow { flow });
                    continue;
                };
                let flow = &self.mesh.flows[flow];
                let wanted = format!("{name}: {}", flow.name);
                let trigger = MeshTrigger::File(name.clone());
                let taken = self.schedules.take(&wanted, link.id());
                let mut schedule = MeshSchedule::new(taken, &flow.name, trigger);
                schedule.directory.clone_from(&flow.directory);
                schedule.downstream = true;
                self.mesh.schedules.push(schedule);
                self.carried(link);
                count += 1;
            }
            if count == 0 {
                self.note(&row, &name, OldMatter::NoFlows);
            }
            self.carried(&row);
        }
        let left = links.iter().filter(|link| !used.contains(&link.id()));
        self.report.count("tb_file_event_interface").deleted += left.count();
    }

    /// The part of the day in which files were looked for: hours, or times of day, by the version. The last hour counted as a
    /// whole.
    fn window(&mut self, row: &Row<'_>, name: &str) -> Option<MeshWindow> {
        let (from, to) = (row.text("start_time").trim(), row.text("end_time").trim());
        if from.is_empty() && to.is_empty() {
            return None;
        }
        let ends = minutes(from, false).zip(minutes(to, true));
        let Some((from_minute, to_minute)) = ends.filter(|(from, to)| from < to) else {
            let (from, to) = (from.to_owned(), to.to_owned());
            self.note(row, name, OldMatter::Hours { from, to });
            return None;
        };
        if from_minute == 0 && to_minute == DAY {
            return None;
        }
        let time = |minute: i64| -> Option<TimeOfDay> {
            let minute = minute % DAY;
            let text = format!("{:02}:{:02}", minute / 60, minute % 60);
            text.parse().ok().map(TimeOfDay)
        };
        let (from, to) = (time(from_minute)?, time(to_minute)?);
        Some(MeshWindow { from, to })
    }
}

/// Minutes since midnight of an hour (`8`) or a time (`08:30`); of an end, after its last minute.
fn minutes(text: &str, is_end: bool) -> Option<i64> {
    let minutes = match text.split_once(':') {
        Some((hour, minute)) => {
            let hour: i64 = hour.parse().ok()?;
            let minute: i64 = minute.split(':').next()?.parse().ok()?;
            hour * 60 + minute + i64::from(is_end)
        }
        None => {
            let hour: i64 = text.parse().ok()?;
            (hour + i64::from(is_end)) * 60
        }
    };
    (minutes >= 0).then(|| minutes.min(DAY))
}

/// A path of folder and name, in which `strftime`'s letters of the name become placeholders; `None` if it can be no path.
fn path(folder: &str, name: &str) -> Option<String> {
    let folder = literal(folder.trim().trim_matches('/'));
    let name = dated(name.trim().trim_start_matches('/'))?;
    let path = match folder.is_empty() {
        true => format!("/{name}"),
        false => format!("/{folder}/{name}"),
    };
    let path = path.replace("//", "/");
    let parts = path.strip_prefix('/')?.split('/');
    let is_whole = parts.into_iter().all(|it| !matches!(it, "" | "." | ".."));
    is_whole.then_some(path)
}

/// A name with `%Y%m%d` as `${date:%Y%m%d}`. Dates have no time of day: it was midnight's.
fn dated(name: &str) -> Option<String> {
    let name = literal(name);
    let mut text = String::new();
    let mut form = String::new();
    let mut letters = name.chars();
    let put = |text: &mut String, form: &mut String| {
        if !form.is_empty() {
            text.push_str(&format!("${{date:{form}}}"));
            form.clear();
        }
    };
    while let Some(letter) = letters.next() {
        if letter != '%' {
            put(&mut text, &mut form);
            text.push(letter);
            continue;
        }
        match letters.next()? {
            '%' => {
                put(&mut text, &mut form);
                text.push('%');
            }
            'H' | 'M' | 'S' => {
                put(&mut text, &mut form);
                text.push_str("00");
            }
            letter => {
                form.push('%');
                form.push(letter);
            }
        }
    }
    put(&mut text, &mut form);
    let found = hcndc_exec::executor::template::placeholders(&text);
    (found.is_ok() && !text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_dated() {
        for (folder, name, expected) in [
            ("/in/", "l_%Y%m%d.csv", Some("/in/l_${date:%Y%m%d}.csv")),
            (
                "in//a",
                "%Y-%m-%d_%H%M.ok",
                Some("/in/a/${date:%Y}-${date:%m}-${date:%d}_0000.ok"),
            ),
            ("", "100%%.txt", Some("/100%.txt")),
            ("/in", "%Q.csv", None),
            ("/in", "a%", None),
            ("/in/..", "a", None),
        ] {
            assert_eq!(path(folder, name).as_deref(), expected, "{folder} {name}");
        }
    }

    #[test]
    fn hours_and_times_are_minutes() {
        assert_eq!(minutes("8", false), Some(480));
        assert_eq!(minutes("23", true), Some(DAY));
        assert_eq!(minutes("24", true), Some(DAY));
        assert_eq!(minutes("23:59", true), Some(DAY));
        assert_eq!(minutes("08:30", false), Some(510));
        assert_eq!(minutes("x", false), None);
    }
}
