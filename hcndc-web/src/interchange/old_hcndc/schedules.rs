//! Schedules (调度): cron fields as APScheduler read them.

use hcndc_core::trigger::cron::{Cron, Dialect};

use super::{Builder, OldMatter, names::description, tables::Row};
use crate::interchange::{MeshDialect, MeshSchedule, MeshTrigger};

/// Weekdays in the order of crontabs, from Sunday.
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// When a schedule fires.
struct Times {
    expression: String,
    /// Whether it comes over paused, for the first HCNDC never fired it.
    is_new: bool,
}

impl Builder<'_> {
    /// Schedules that are in use, with all that is downstream of their flows, as they did.
    pub(super) fn schedules(&mut self) {
        let has_parents = self.tables.has("tb_interface_parent");
        for row in self.living("tb_dispatch") {
            let wanted = row.text("dispatch_name");
            let interface = row.number("interface_id").unwrap_or(0);
            let Some(&flow) = self.flows.get(&interface) else {
                self.left_out(&row, wanted, OldMatter::NoFlow { flow: interface });
                continue;
            };
            let times = match self.times(&row) {
                Ok(times) => times,
                Err(matter) => {
                    self.left_out(&row, wanted, matter);
                    continue;
                }
            };
            let name = self.schedules.take(wanted, row.id());
            self.renamed(&row, wanted, &name);
            let flow = &self.mesh.flows[flow];
            let trigger = MeshTrigger::Cron {
                expression: times.expression,
                dialect: MeshDialect::Apscheduler,
            };
            let mut schedule = MeshSchedule::new(&name, &flow.name, trigger);
            schedule.directory.clone_from(&flow.directory);
            let text = row.text("dispatch_desc");
            schedule.description = Some(description(text, "dispatch_id", row.id()));
            schedule.downstream = has_parents;
            schedule.paused = times.is_new || row.number("status") == Some(2);
            if let Some(rules) = self.alerts.get(&row.id()) {
                schedule.alerts = rules.iter().cloned().collect();
            }
            self.mesh.schedules.push(schedule);
            if let Some(value) = weekdays_by_name(&row) {
                self.note(&row, &name, OldMatter::Weekday { value });
            } else if let Some(value) = week(&row) {
                let as_weekday = as_weekday(value);
                let value = value.to_owned();
                let matter = OldMatter::Week { value, as_weekday };
                self.note(&row, &name, matter);
            }
            self.carried(&row);
        }
    }

    /// The times of a schedule's fields.
    ///
    /// Its page called the last one a weekday (`mon-sun`), and the scheduler was given it as APScheduler's `week`, the week
    /// of the year. Numbers fired by that; names made it refuse the schedule, which stayed in the table and never fired.
    fn times(&self, row: &Row<'_>) -> Result<Times, OldMatter> {
        let field = |name: &str| match row.text(name).trim() {
            // A version without the column knew all values of it.
            "" if !row.has(name) => "*".to_owned(),
            text => text.to_owned(),
        };
        let [minute, hour, day, month] = ["minute", "hour", "day", "month"].map(field);
        let by_name = weekdays_by_name(row);
        let is_new = by_name.is_some();
        let expression = match (week(row), by_name) {
            (None, _) if !day.contains(' ') => format!("{minute} {hour} {day} {month} *"),
            (None, _) => keywords(&minute, &hour, &day, &month, ""),
            (Some(_), Some(names)) => keywords(
                &minute,
                &hour,
                &day,
                &month,
                &format!(" day_of_week='{names}'"),
            ),
            (Some(week), None) => {
                keywords(&minute, &hour, &day, &month, &format!(" week='{week}'"))
            }
        };
        match Cron::parse(Dialect::Apscheduler, &expression) {
            Ok(_) => Ok(Times { expression, is_new }),
            Err(error) => Err(OldMatter::Cron {
                expression,
                reason: error.to_string(),
            }),
        }
    }
}

/// `minute=… hour=… day=… month=…`, quoted: a day may hold blanks.
fn keywords(minute: &str, hour: &str, day: &str, month: &str, more: &str) -> String {
    format!("minute='{minute}' hour='{hour}' day='{day}' month='{month}'{more}")
}

/// The last field, if it says anything.
fn week<'a>(row: &Row<'a>) -> Option<&'a str> {
    let text = row.text("week").trim();
    (!matches!(text, "" | "*" | "?")).then_some(text)
}

/// The last field, if it names weekdays.
fn weekdays_by_name(row: &Row<'_>) -> Option<String> {
    let text = week(row)?;
    let has_names = text.chars().any(|it| it.is_ascii_alphabetic());
    has_names.then(|| text.to_lowercase())
}

/// Numbers of the last field as its page meant them: weekdays from Sunday, 0 or 7.
fn as_weekday(week: &str) -> Option<String> {
    let one = |text: &str| {
        let number: usize = text.trim().parse().ok()?;
        let is_one = number <= WEEKDAYS.len();
        is_one.then(|| WEEKDAYS[number % WEEKDAYS.len()])
    };
    let part = |text: &str| match text.split_once('-') {
        Some((first, last)) => Some(format!("{}-{}", one(first)?, one(last)?)),
        None => one(text).map(str::to_owned),
    };
    let parts: Option<Vec<String>> = week.split(',').map(part).collect();
    parts.map(|parts| parts.join(","))
}

#[cfg(test)]
mod tests {
    use super::as_weekday;

    #[test]
    fn what_the_page_meant_is_told_in_names() {
        assert_eq!(as_weekday("1-5").as_deref(), Some("mon-fri"));
        assert_eq!(as_weekday("0,7,6").as_deref(), Some("sun,sun,sat"));
        assert_eq!(as_weekday("*/2"), None);
        assert_eq!(as_weekday("53"), None);
    }
}
