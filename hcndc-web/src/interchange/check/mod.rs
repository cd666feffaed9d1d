//! What must hold in a mesh file beyond the shape of its values.
//!
//! Works on the typed file and the marked tree side by side. Both hold the same elements in the
//! same order, once the tree's faulty ones are passed over.

mod accounts;
mod circles;
mod cycles;
mod definitions;
mod names;
mod params;
mod places;
mod references;

pub(super) use self::places::Faults;

use hcndc_exec::transport::LOCAL;

use self::places::Mesh;
use super::fault::Problem;
use super::mesh_file::{FORMAT_VERSION, JobRetry, MeshExecutor, MeshFile, MeshFlow, MeshJob};
use super::near::NearBudget;
use super::node::{Node, field_path, item_path};
use super::span::Span;

/// Puts all that is wrong with `file` into `faults`. Names in `set` are params that are defined
/// outside of it.
pub(super) fn check(file: &MeshFile, root: &Node, set: &[&str], faults: &mut Faults<'_>) {
    let mesh = Mesh::new(file, root);
    let budget = NearBudget::new();
    check_head(&mesh, faults);
    names::check(&mesh, faults);
    for executor in mesh.list("executors", &file.executors) {
        check_executor(executor.item, &executor.path(), faults);
    }
    definitions::check(&mesh, faults);
    accounts::check(&mesh, faults);
    for flow in &mesh.flows {
        check_flow(flow.item, &flow.path(), faults);
        for job in &flow.jobs {
            check_job(job.item, &job.path(flow), faults);
        }
    }
    references::check(&mesh, &budget, faults);
    if cycles::check(&mesh, faults) {
        circles::check(&mesh, faults);
    }
    params::check(&mesh, set, &budget, faults);
}

/// Puts what is wrong with the definitions beside flows and executors, each by itself, into `faults`.
pub(super) fn check_definitions(file: &MeshFile, root: &Node, faults: &mut Faults<'_>) {
    let mesh = Mesh::new(file, root);
    names::check(&mesh, faults);
    definitions::check(&mesh, faults);
}

fn check_head(mesh: &Mesh<'_>, faults: &mut Faults<'_>) {
    let file = mesh.file;
    if file.hcndc != FORMAT_VERSION {
        faults.tell("hcndc", Problem::UnknownVersion { found: file.hcndc });
    }
    check_zone(&file.zone, "zone", faults);
    check_no_zero(file.defaults.timeout, "defaults.timeout", faults);
    check_retry(file.defaults.retry.as_ref(), "defaults", faults);
    if file.flows.is_empty()
        && mesh
            .root
            .field("flows")
            .is_some_and(|flows| flows.items().is_empty())
    {
        faults.tell("flows", Problem::EmptyMesh);
    }
}

fn check_zone(zone: &str, path: &str, faults: &mut Faults<'_>) {
    if zone.parse::<chrono_tz::Tz>().is_err() {
        let zones = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        let near = super::near::nearest(zone, zones).map(str::to_owned);
        let zone = zone.to_owned();
        faults.tell(path, Problem::UnknownZone { zone, near });
    }
}

fn check_executor(executor: &MeshExecutor, path: &str, faults: &mut Faults<'_>) {
    // The executor of a server's own host is as good as any.
    if executor.address != LOCAL && !is_address(&executor.address) {
        let problem = Problem::BadAddress {
            address: executor.address.clone(),
        };
        faults.tell_written(&field_path(path, "address"), problem);
    }
    if let Some(slots) = executor.slots {
        check_range(slots, 1, 100_000, &field_path(path, "slots"), faults);
    }
}

/// `host:port` with an IPv4 address, an IPv6 address in brackets or a host name.
pub(crate) fn is_address(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else {
        return false;
    };
    let port_holds =
        port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    let host_holds = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            host.len() <= 253
                && host.split('.').all(|label| {
                    (1..=63).contains(&label.len())
                        && label
                            .bytes()
                            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
                })
        }
    };
    port_holds && host_holds
}

fn check_flow(flow: &MeshFlow, path: &str, faults: &mut Faults<'_>) {
    check_directory(&flow.directory, path, faults);
    if let Some(max_runs) = flow.max_runs {
        let path = field_path(path, "max_runs");
        check_range(max_runs, 1, 10_000, &path, faults);
    }
    check_no_zero(flow.timeout, &field_path(path, "timeout"), faults);
    let restarts = field_path(path, "restart_retries");
    check_range(flow.restart_retries, 0, 100, &restarts, faults);
}

fn is_directory(directory: &str) -> bool {
    let parts = directory.strip_prefix('/');
    parts.is_some_and(|parts| {
        parts.is_empty()
            || parts.split('/').all(|part| {
                !matches!(part, "" | "." | "..")
                    && part.trim() == part
                    && !part.contains(char::is_control)
            })
    })
}

fn check_directory(directory: &str, path: &str, faults: &mut Faults<'_>) {
    if !is_directory(directory) {
        let problem = Problem::BadDirectory {
            directory: directory.to_owned(),
        };
        faults.tell(&field_path(path, "directory"), problem);
    }
}

fn check_job(job: &MeshJob, path: &str, faults: &mut Faults<'_>) {
    check_work(job, path, faults);
    if job.success_codes.is_empty() {
        // A list of which every code was faulty is not empty in the file.
        faults.tell_if(
            &field_path(path, "success_codes"),
            |node| node.items().is_empty(),
            || Problem::NoSuccessCodes,
        );
    }
    check_no_zero(job.timeout, &field_path(path, "timeout"), faults);
    check_no_zero(job.expected, &field_path(path, "expected"), faults);
    check_retry(job.retry.as_ref(), path, faults);
    check_range(job.slots, 1, 1_000, &field_path(path, "slots"), faults);
    let pool_slots = field_path(path, "pool_slots");
    check_range(job.pool_slots, 1, 1_000, &pool_slots, faults);
    if !job.depends_on.is_empty() {
        check_ties(job, &field_path(path, "depends_on"), faults);
    }
    if job.executor.is_some() && !job.labels.is_empty() {
        faults.tell(&field_path(path, "executor"), Problem::ExecutorAndLabels);
    }
}

/// What it does: one thing.
fn check_work(job: &MeshJob, path: &str, faults: &mut Faults<'_>) {
    let works = job.work();
    let count = works.count();
    let command = field_path(path, "command");
    if count == 0 {
        // One that is written and faulty has been told.
        let ways = ["command", "http", "sql", "kettle"];
        faults.tell_if(
            path,
            |node| !ways.iter().any(|it| node.entry(it).is_some()),
            || Problem::MissingField {
                field: "command".to_owned(),
            },
        );
        if job.command.trim().is_empty() {
            faults.tell_written(&command, Problem::EmptyCommand);
        }
        return;
    }
    if count > 1 {
        return faults.tell(path, Problem::SeveralKinds);
    }
    for (field, error) in works.kind().faults(&job.command) {
        faults.tell(&field_path(path, &field), Problem::Definition(error));
    }
}

/// Numbers of dependencies.
fn check_ties(job: &MeshJob, list: &str, faults: &mut Faults<'_>) {
    for (index, tie) in faults.indexes(list).into_iter().zip(&job.depends_on) {
        let path = item_path(list, index);
        let offset = field_path(&path, "offset_days");
        check_range(tie.offset_days, -366, 366, &offset, faults);
        let limit = field_path(&path, "wait_limit");
        check_no_zero(tie.wait_limit, &limit, faults);
    }
}

fn check_no_zero(span: Option<Span>, path: &str, faults: &mut Faults<'_>) {
    if span.is_some_and(Span::is_zero) {
        faults.tell(path, Problem::ZeroDuration);
    }
}

fn check_retry(retry: Option<&JobRetry>, path: &str, faults: &mut Faults<'_>) {
    let Some(retry) = retry else { return };
    let path = field_path(path, "retry");
    check_range(retry.max, 0, 100, &field_path(&path, "max"), faults);
    let thousandths = retry.backoff * 1_000.0;
    let exact = (thousandths - thousandths.round()).abs() < 1e-6;
    if !(exact && (1.0..=MAX_BACKOFF).contains(&retry.backoff)) {
        faults.tell(
            &field_path(&path, "backoff"),
            Problem::BadBackoff {
                found: retry.backoff,
                max: MAX_BACKOFF,
            },
        );
    }
    check_no_zero(retry.cap, &field_path(&path, "cap"), faults);
}

const MAX_BACKOFF: f64 = 100.0;

fn check_range(value: impl Into<i64>, min: i64, max: i64, path: &str, faults: &mut Faults<'_>) {
    let value = value.into();
    if !(min..=max).contains(&value) {
        faults.tell(
            path,
            Problem::OutOfRange {
                min,
                max,
                found: value.to_string(),
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_host_and_port() {
        for address in [
            "10.0.0.5:7890",
            "etl-1.example.com:1",
            "[::1]:7890",
            "localhost:65535",
        ] {
            assert!(is_address(address), "{address}");
        }
        for address in [
            "",
            "host",
            ":7890",
            "host:",
            "host:0",
            "host:65536",
            "::1:7890",
            "a b:1",
            "host:+1",
            "http://h:1",
        ] {
            assert!(!is_address(address), "{address}");
        }
    }
}
