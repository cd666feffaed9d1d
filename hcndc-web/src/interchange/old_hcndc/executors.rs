//! Hosts that ran commands.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv6Addr,
};

use hcndc_exec::transport::LOCAL;

use super::{
    Builder, OldMatter,
    names::{Names, clean},
    tables::Row,
};
use crate::interchange::{MeshExecutor, TextMap, is_address};

const TABLE: &str = "tb_exec_host";

impl Builder<'_> {
    /// Executors: those in use, and those that are not although jobs still name them, which get no work.
    pub(super) fn executors(&mut self) {
        let tables = self.tables;
        let jobs = tables.rows("tb_jobs").filter(|job| !job.is_deleted());
        let needed: BTreeSet<i64> = jobs.filter_map(|job| job.number("server_id")).collect();
        let mut names = Names::without(&[LOCAL]);
        let mut addresses: BTreeMap<String, String> = BTreeMap::new();
        let (gone, living): (Vec<_>, Vec<_>) = tables.rows(TABLE).partition(|row| row.is_deleted());
        for row in &living {
            self.executor(row, &mut names, &mut addresses);
        }
        let known: BTreeSet<i64> = self.executors.keys().copied().collect();
        for id in needed.difference(&known) {
            let row = gone.iter().find(|row| row.id() == *id);
            let wanted = row.map_or("", |row| row.text("server_name"));
            let wanted = match wanted {
                "" => format!("missing executor {id}"),
                wanted => wanted.to_owned(),
            };
            let name = names.take(&wanted, *id);
            let matter = OldMatter::NoExecutor;
            self.report.note(TABLE, *id, &name, matter);
            let mut executor = executor(&name, self.nowhere(*id));
            executor.enabled = false;
            self.mesh.executors.push(executor);
            self.executors.insert(*id, name);
        }
        self.report.count(TABLE).deleted += gone.len();
    }

    fn executor(
        &mut self,
        row: &Row<'_>,
        names: &mut Names,
        addresses: &mut BTreeMap<String, String>,
    ) {
        let id = row.id();
        let host = row.text("server_host").trim();
        let address = address(host, self.options.executor_port);
        if let Some(same) = address.as_ref().and_then(|it| addresses.get(it)) {
            let same = same.clone();
            let host = host.to_owned();
            self.note(row, &same, OldMatter::SameHost { host });
            self.carried(row);
            self.executors.insert(id, same);
            return;
        }
        let wanted = row.text("server_name");
        let wanted = if clean(wanted).is_empty() {
            host
        } else {
            wanted
        };
        let name = names.take(wanted, id);
        self.renamed(row, wanted, &name);
        let is_known = address.is_some();
        let address = address.unwrap_or_else(|| self.nowhere(id));
        addresses.insert(address.clone(), name.clone());
        let mut executor = executor(&name, address);
        executor.enabled = is_known;
        if !is_known {
            let host = host.to_owned();
            self.note(row, &name, OldMatter::BadHost { host });
        }
        self.mesh.executors.push(executor);
        self.executors.insert(id, name);
        self.carried(row);
    }

    /// An address at which nothing ever is (RFC 2606), for an executor that is not known.
    fn nowhere(&self, id: i64) -> String {
        format!(
            "missing-{}.invalid:{}",
            id.unsigned_abs(),
            self.options.executor_port
        )
    }

    /// Says so where something is called otherwise now.
    pub(super) fn renamed(&mut self, row: &Row<'_>, was: &str, is: &str) {
        if was != is {
            let was = was.to_owned();
            self.note(row, is, OldMatter::Renamed { was });
        }
    }
}

fn executor(name: &str, address: String) -> MeshExecutor {
    MeshExecutor {
        name: name.to_owned(),
        address,
        labels: TextMap::default(),
        slots: None,
        enabled: true,
        description: None,
    }
}

/// Where an executor on this host listens; `None` if the host cannot be one.
fn address(host: &str, port: u16) -> Option<String> {
    let host = match host.parse::<Ipv6Addr>() {
        Ok(_) => format!("[{host}]"),
        // The port of the old executor, where people wrote one, is not that of the new.
        Err(_) if is_address(host) => host.rsplit_once(':')?.0.to_owned(),
        Err(_) => host.to_owned(),
    };
    let address = format!("{host}:{port}");
    is_address(&address).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn hosts_become_addresses() {
        for (host, expected) in [
            ("10.0.0.5", Some("10.0.0.5:7890")),
            ("etl-1:8000", Some("etl-1:7890")),
            ("::1", Some("[::1]:7890")),
            ("[fe80::1]:9", Some("[fe80::1]:7890")),
            ("", None),
            ("etl 1", None),
        ] {
            assert_eq!(address(host, 7890).as_deref(), expected, "{host}");
        }
    }
}
