//! Alerts of schedules (调度预警) and where they went (预警配置).

use std::collections::BTreeMap;

use lettre::message::Mailbox;

use super::{
    Builder, OldMatter,
    names::{Names, description},
    params::{given, port},
    tables::Row,
};
use crate::interchange::{MeshAlertChannel, MeshAlertEvent, MeshAlertKind, MeshAlertRule, TextMap};

/// What the old configuration said of a place where alerts go.
struct Config<'a> {
    row: Row<'a>,
    is_email: bool,
}

impl Builder<'_> {
    /// A channel for each configuration and its recipients, who stood with each alert; a rule for each channel and what is told
    /// on it.
    pub(super) fn alerts(&mut self) {
        let mut names = Names::default();
        let mut rules = Names::default();
        let mut configs = BTreeMap::new();
        for row in self.living("tb_dispatch_alert_conf") {
            match row.number("alert_channel") {
                Some(kind @ (1 | 2)) => {
                    let is_email = kind == 1;
                    configs.insert(row.id(), Config { row, is_email });
                }
                kind => {
                    let kind = kind.unwrap_or(0);
                    let name = row.text("conf_name").to_owned();
                    self.left_out(&row, &name, OldMatter::UnknownChannel { kind });
                }
            }
        }
        let mut channels: BTreeMap<(i64, String), Option<String>> = BTreeMap::new();
        let mut made: BTreeMap<(String, MeshAlertEvent), String> = BTreeMap::new();
        for row in self.living("tb_dispatch_alert") {
            let id = row.number("config_id").unwrap_or(0);
            let dispatch = row.number("dispatch_id").unwrap_or(0);
            let event = match row.number("alert_type") {
                Some(1) => MeshAlertEvent::ExecutionSucceeded,
                Some(2) => MeshAlertEvent::ExecutionFailed,
                kind => {
                    let kind = kind.unwrap_or(0);
                    self.left_out(&row, "", OldMatter::UnknownAlert { kind });
                    continue;
                }
            };
            let schedules = self.tables.rows("tb_dispatch");
            let mut schedules = schedules.filter(|it| !it.is_deleted());
            let Some(schedule) = schedules.find(|it| it.id() == dispatch) else {
                self.left_out(&row, "", OldMatter::NoSchedule { schedule: dispatch });
                continue;
            };
            let told = schedule.text("dispatch_name").to_owned();
            let Some(config) = configs.get(&id) else {
                self.left_out(&row, &told, OldMatter::NoConfig { config: id });
                continue;
            };
            let to = match config.is_email {
                true => addresses(row.text("send_mail")),
                false => String::new(),
            };
            let key = (id, to.clone());
            let channel = match channels.get(&key) {
                Some(channel) => channel.clone(),
                None => {
                    let row = config.row;
                    let channel = self.channel(&row, config.is_email, &to, &mut names);
                    channels.insert(key, channel.clone());
                    channel
                }
            };
            let Some(channel) = channel else {
                self.left_out(&row, &told, OldMatter::NoConfig { config: id });
                continue;
            };
            let rule = made.entry((channel.clone(), event)).or_insert_with(|| {
                let what = match event {
                    MeshAlertEvent::ExecutionSucceeded => "execution_succeeded",
                    _ => "execution_failed",
                };
                let name = rules.take(&format!("{channel}: {what}"), id);
                self.mesh.alert_rules.push(MeshAlertRule {
                    name: name.clone(),
                    description: None,
                    directory: "/".to_owned(),
                    enabled: true,
                    events: vec![event],
                    channels: vec![channel],
                    escalation: None,
                    default: false,
                });
                name
            });
            self.alerts
                .entry(dispatch)
                .or_default()
                .insert(rule.clone());
            self.carried(&row);
        }
        for (id, config) in &configs {
            let mut used = channels.iter().filter(|((it, _), _)| it == id);
            let name = config.row.text("conf_name").to_owned();
            if channels.keys().all(|(it, _)| it != id) {
                self.unused(config, &name, &mut names);
            } else if used.any(|(_, channel)| channel.is_some()) {
                self.carried(&config.row);
            } else {
                self.report.count("tb_dispatch_alert_conf").left_out += 1;
            }
        }
    }

    /// A configuration that no alert uses: a mail to nobody is no channel.
    fn unused(&mut self, config: &Config<'_>, name: &str, names: &mut Names) {
        let row = config.row;
        if config.is_email {
            self.left_out(&row, name, OldMatter::NobodyTold);
        } else if self.channel(&row, false, "", names).is_some() {
            self.carried(&row);
        } else {
            self.report.count("tb_dispatch_alert_conf").left_out += 1;
        }
    }

    /// Makes a channel; `None`, with the reason in the report, if it could not be spoken on.
    fn channel(
        &mut self,
        row: &Row<'_>,
        is_email: bool,
        to: &str,
        names: &mut Names,
    ) -> Option<String> {
        let id = row.id();
        let wanted = row.text("conf_name");
        let config = row.text("param_config").trim();
        let mut settings: Vec<(&str, String)> = Vec::new();
        let secret = match is_email {
            true => {
                let host = row.text("param_host").trim();
                let is_sender = config.parse::<Mailbox>().is_ok();
                let are_recipients =
                    !to.is_empty() && to.split(", ").all(|it| it.parse::<Mailbox>().is_ok());
                if host.is_empty() || !is_sender || !are_recipients {
                    let from = config.to_owned();
                    let (host, to) = (host.to_owned(), to.to_owned());
                    self.note(row, wanted, OldMatter::BadMail { host, from, to });
                    return None;
                }
                settings.push(("host", host.to_owned()));
                settings.push(("from", config.to_owned()));
                settings.push(("to", to.to_owned()));
                settings.push(("user", config.to_owned()));
                // It spoke TLS from the start, whatever the port.
                settings.push(("tls", "tls".to_owned()));
                if let Some(port) = port(row.number("param_port")) {
                    settings.push(("port", port.to_string()));
                }
                given(row.text("param_pass"))
            }
            false => {
                // Whoever knows a robot's address can write to its group, so it is kept as a secret.
                if !config.starts_with("https://") {
                    self.note(row, wanted, OldMatter::BadRobot);
                    return None;
                }
                Some(config.to_owned())
            }
        };
        let name = names.take(wanted, id);
        self.renamed(row, wanted, &name);
        let settings = settings.into_iter();
        self.mesh.alert_channels.push(MeshAlertChannel {
            name: name.clone(),
            description: Some(description("", "id", id)),
            directory: "/".to_owned(),
            enabled: true,
            kind: match is_email {
                true => MeshAlertKind::Email,
                false => MeshAlertKind::DingTalk,
            },
            settings: settings
                .map(|(name, text)| (name.to_owned(), text))
                .collect::<TextMap>(),
            secret,
        });
        Some(name)
    }
}

/// Recipients in one form, so that the same ones are the same.
fn addresses(text: &str) -> String {
    let parts = text.split([',', ';', '，', '；', ' ', '\n']);
    let mut parts: Vec<&str> = parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    parts.sort_unstable();
    parts.dedup();
    parts.join(", ")
}
