//! A project's flows as flows of a mesh: embedded ones stand in the outer flow job by job.

use std::collections::{BTreeMap, BTreeSet};

use super::super::fault::{Fault, Problem, Station};
use super::super::mesh_file::{
    DependencyCondition, JobDependency, JobRetry, MeshDialect, MeshFile, MeshFlow, MeshJob,
    MeshSchedule, MeshTrigger,
};
use super::super::placeholder::is_param_name;
use super::super::span::Span;
use super::super::text_map::TextMap;
use super::AzkabanMesh;
use super::note::AzkabanNote;
use super::project::{AzFlow, AzNode, Embeds, Project, Setting, Settings, overlaid};
use super::resolve::{Findings, Properties, resolve};

/// Retries of a job, at most.
const MOST_RETRIES: u32 = 100;
/// Jobs of all flows together, at most: flows that embed flows that embed flows grow without bound.
const MOST_JOBS: usize = 100_000;

/// Settings that mean something to Azkaban only.
const LEFT_OUT: &[&str] = &[
    "failure.emails",
    "success.emails",
    "notify.emails",
    "user.to.proxy",
    "flow.num.job.level",
    "use.executor",
    "job.log.sendmail.enable",
];

pub(super) fn of_project(
    project: &Project,
    name: &str,
    zone: &str,
) -> Result<AzkabanMesh, Vec<Fault>> {
    let mut builder = Builder {
        project,
        notes: Vec::new(),
        settings: BTreeMap::new(),
        faults: Vec::new(),
        jobs: 0,
    };
    let flows: Vec<MeshFlow> = project
        .flows
        .iter()
        .map(|flow| builder.flow(flow))
        .collect();
    let mut mesh = MeshFile::of_flows(flows);
    mesh.name = Some(name.to_owned()).filter(|name| !name.is_empty());
    zone.clone_into(&mut mesh.zone);
    for flow in &project.flows {
        mesh.schedules.extend(builder.schedule(flow));
    }
    let left_out = builder.settings.into_iter();
    let left_out = left_out.map(|(setting, jobs)| AzkabanNote::Setting { setting, jobs });
    builder.notes.extend(left_out);
    match builder.faults.is_empty() {
        true => Ok(AzkabanMesh {
            mesh,
            notes: builder.notes,
        }),
        false => Err(builder.faults),
    }
}

struct Builder<'a> {
    project: &'a Project,
    notes: Vec<AzkabanNote>,
    settings: BTreeMap<String, usize>,
    faults: Vec<Fault>,
    jobs: usize,
}

/// What is around the nodes that are laid out.
#[derive(Clone)]
struct Around<'a> {
    flow: &'a AzFlow,
    /// `outer:inner:`, or nothing.
    prefix: String,
    /// Settings of the nodes that embed these, from the outside in.
    embedding: Vec<&'a Settings>,
    /// Names of the flows that are embedded, from the outside in.
    chain: Vec<&'a str>,
    /// What the first jobs wait for.
    after: Vec<JobDependency>,
}

impl<'a> Builder<'a> {
    fn flow(&mut self, flow: &'a AzFlow) -> MeshFlow {
        let mut mesh = MeshFlow::named(flow.name.clone());
        let around = Around {
            flow,
            prefix: String::new(),
            embedding: Vec::new(),
            chain: vec![&flow.name],
            after: Vec::new(),
        };
        mesh.params = flow_params(flow);
        self.lay_out(&flow.nodes, &around, &mut mesh.jobs);
        mesh
    }

    /// Lays the nodes out as jobs; gives the names of those on which no other depends.
    fn lay_out(
        &mut self,
        nodes: &'a [AzNode],
        around: &Around<'a>,
        jobs: &mut Vec<MeshJob>,
    ) -> Vec<String> {
        // The last jobs of embedded flows have to be known before those that wait for them: in order of dependencies.
        let mut ends: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut open: Vec<&AzNode> = nodes.iter().collect();
        while !open.is_empty() {
            let (ready, later): (Vec<_>, Vec<_>) = open.iter().partition(|node| {
                let mut others = node.depends_on.iter();
                others.all(|(other, _)| ends.contains_key(other.as_str()))
            });
            if ready.is_empty() {
                self.circle(&later, around);
                return Vec::new();
            }
            for node in ready {
                let own = self.node(node, around, &ends, jobs);
                ends.insert(&node.name, own);
            }
            open = later;
        }
        let needed: BTreeSet<&str> = nodes
            .iter()
            .flat_map(|node| node.depends_on.iter().map(|(name, _)| name.as_str()))
            .collect();
        let last = nodes
            .iter()
            .filter(|node| !needed.contains(node.name.as_str()));
        last.flat_map(|node| ends.remove(node.name.as_str()).unwrap_or_default())
            .collect()
    }

    fn circle(&mut self, nodes: &[&AzNode], around: &Around<'_>) {
        // Whoever waits for one of the circle is among the nodes, too: go back until a node comes again.
        let by_name: BTreeMap<&str, &AzNode> = nodes
            .iter()
            .map(|node| (node.name.as_str(), *node))
            .collect();
        let mut walk: Vec<&AzNode> = nodes.iter().take(1).copied().collect();
        while let Some(next) = walk.last().and_then(|node| {
            let mut others = node.depends_on.iter();
            others.find_map(|(other, _)| by_name.get(other.as_str()))
        }) {
            if let Some(from) = walk.iter().position(|node| node.name == next.name) {
                let stations = walk[from..].iter();
                let flow = &around.flow.name;
                let station = |node: &&AzNode| Station::Job(flow.clone(), node.name.clone());
                let stations = stations.map(station).collect();
                let fault = next.at.fault("dependsOn", Problem::Cycle { stations });
                self.faults.push(fault);
                return;
            }
            walk.push(next);
        }
    }

    fn node(
        &mut self,
        node: &'a AzNode,
        around: &Around<'a>,
        ends: &BTreeMap<&str, Vec<String>>,
        jobs: &mut Vec<MeshJob>,
    ) -> Vec<String> {
        let mut enabled = true;
        let on = match node.condition.as_deref().map(str::trim) {
            None | Some("all_success") => DependencyCondition::Success,
            Some("all_done") => DependencyCondition::Done,
            Some("all_failed") => DependencyCondition::Failure,
            Some(condition) => {
                enabled = false;
                self.notes.push(AzkabanNote::Condition {
                    flow: around.flow.name.clone(),
                    job: format!("{}{}", around.prefix, node.name),
                    condition: condition.to_owned(),
                });
                DependencyCondition::Done
            }
        };
        let others = node.depends_on.iter();
        let mut waits: Vec<JobDependency> = others
            .filter_map(|(other, _)| ends.get(other.as_str()))
            .flatten()
            .map(|job| JobDependency {
                on,
                ..JobDependency::on_success(job)
            })
            .collect();
        if node.depends_on.is_empty() {
            waits.clone_from(&around.after);
        }
        let inner = match &node.embeds {
            Embeds::Nothing => None,
            Embeds::Inline(nodes) => Some((nodes.as_slice(), node.name.as_str())),
            Embeds::Named(flow, _) => {
                let mut flows = self.project.flows.iter();
                let found = flows.find(|it| it.name == *flow);
                found.map(|flow| (flow.nodes.as_slice(), flow.name.as_str()))
            }
        };
        match inner {
            Some((nodes, flow)) => {
                let before = jobs.len();
                let ends = self.embed(node, nodes, flow, waits, around, jobs);
                for job in &mut jobs[before..] {
                    job.enabled &= enabled;
                }
                ends
            }
            None => {
                let mut job = self.job(node, around);
                job.depends_on = waits;
                job.enabled = enabled;
                let name = job.name.clone();
                jobs.push(job);
                vec![name]
            }
        }
    }

    fn embed(
        &mut self,
        node: &'a AzNode,
        nodes: &'a [AzNode],
        flow: &'a str,
        after: Vec<JobDependency>,
        around: &Around<'a>,
        jobs: &mut Vec<MeshJob>,
    ) -> Vec<String> {
        if let Embeds::Named(_, at) = &node.embeds
            && let Some(from) = around.chain.iter().position(|outer| *outer == flow)
        {
            let chain = around.chain[from..].iter();
            let stations = chain.map(|flow| Station::Flow((*flow).to_owned()));
            let stations = stations.collect();
            let fault = at.fault("flow.name", Problem::Cycle { stations });
            if !self.faults.contains(&fault) {
                self.faults.push(fault);
            }
            return Vec::new();
        }
        self.jobs += nodes.len();
        if self.jobs > MOST_JOBS {
            let (count, max) = (self.jobs, MOST_JOBS);
            if self.jobs - nodes.len() <= MOST_JOBS {
                let fault = node.at.fault(&*node.name, Problem::TooMany { count, max });
                self.faults.push(fault);
            }
            return Vec::new();
        }
        let mut inner = around.clone();
        inner.prefix.push_str(&node.name);
        inner.prefix.push(':');
        inner.embedding.push(&node.own);
        inner.chain.push(flow);
        inner.after = after;
        self.lay_out(nodes, &inner, jobs)
    }

    fn job(&mut self, node: &AzNode, around: &Around<'_>) -> MeshJob {
        let mut layers = vec![&node.near];
        layers.extend(&around.embedding);
        layers.push(&node.own);
        let of_job = overlaid(&layers);
        let of_flow = overlaid(&[&around.flow.params]);
        let properties = Properties {
            of_flow: &of_flow,
            of_job: &of_job,
        };
        let mut findings = Findings::default();
        let setting = |name: &str| of_job.get(name).or_else(|| of_flow.get(name)).copied();
        let mut text = |value: &str| resolve(value, &properties, &mut findings);

        let name = format!("{}{}", around.prefix, node.name);
        let command = match node.kind.as_str() {
            "noop" => "true".to_owned(),
            "command" => commands(&of_job, &mut text),
            "javaprocess" => java(&setting, &mut text),
            kind => {
                self.notes.push(AzkabanNote::JobType {
                    flow: around.flow.name.clone(),
                    job: name.clone(),
                    kind: kind.to_owned(),
                });
                "echo 'the command of this job is not written yet' >&2; exit 1".to_owned()
            }
        };
        let mut job = MeshJob::new(name, command);
        job.workdir = setting("working.dir").map(|it| text(&it.value));
        let env = of_flow.iter().chain(&of_job).filter_map(|(name, it)| {
            let name = name.strip_prefix("env.")?;
            Some((name.to_owned(), text(&it.value)))
        });
        job.env = env.collect::<TextMap>();
        job.retry = self.retry(&setting);
        for name in LEFT_OUT {
            if setting(name).is_some() {
                *self.settings.entry((*name).to_owned()).or_default() += 1;
            }
        }
        self.tell(findings, around, &job.name);
        job
    }

    fn tell(&mut self, findings: Findings, around: &Around<'_>, job: &str) {
        let flow = &around.flow.name;
        let unknown: BTreeSet<String> = findings.unknown.into_iter().collect();
        for property in unknown {
            let (flow, job) = (flow.clone(), job.to_owned());
            let note = AzkabanNote::UnknownProperty {
                flow,
                job,
                property,
            };
            self.notes.push(note);
        }
        for expression in findings.expressions {
            let (flow, job) = (flow.clone(), job.to_owned());
            let note = AzkabanNote::Expression {
                flow,
                job,
                expression,
            };
            self.notes.push(note);
        }
    }

    fn retry<'s>(&mut self, setting: &impl Fn(&str) -> Option<&'s Setting>) -> Option<JobRetry> {
        let mut number = |name: &str, max: u64| {
            let setting = setting(name)?;
            let written = setting.value.trim();
            let number = written.parse::<u64>().ok().filter(|number| *number <= max);
            if number.is_none() {
                let problem = Problem::OutOfRange {
                    min: 0,
                    max: i64::try_from(max).unwrap_or(i64::MAX),
                    found: written.to_owned(),
                };
                self.faults.push(setting.at.fault(name, problem));
            }
            number
        };
        let max = number("retries", MOST_RETRIES.into())?;
        let delay = number("retry.backoff", Span::LONGEST.as_millis()).unwrap_or(0);
        let max = u32::try_from(max).ok().filter(|max| *max > 0)?;
        Some(JobRetry {
            max,
            delay: Span::from_millis(delay).unwrap_or_default(),
            backoff: 1.0,
            cap: None,
        })
    }

    fn schedule(&mut self, flow: &AzFlow) -> Option<MeshSchedule> {
        let trigger = flow.trigger.as_ref()?;
        let cron = MeshTrigger::Cron {
            expression: trigger
                .cron
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
            dialect: MeshDialect::Quartz,
        };
        let mut schedule = MeshSchedule::new(flow.name.clone(), flow.name.clone(), cron);
        if !trigger.events.is_empty() {
            schedule.paused = true;
            self.notes.push(AzkabanNote::Events {
                flow: flow.name.clone(),
                events: trigger.events.clone(),
            });
        }
        Some(schedule)
    }
}

/// What a start may set anew, with what is in it put in.
fn flow_params(flow: &AzFlow) -> TextMap {
    let all = overlaid(&[&flow.params]);
    let properties = Properties {
        of_flow: &BTreeMap::new(),
        of_job: &all,
    };
    let carried = all.iter().filter(|(name, _)| is_param_name(name));
    let carried = carried.filter(|(name, _)| !LEFT_OUT.contains(name) && !name.starts_with("env."));
    carried
        .map(|(name, it)| {
            let value = resolve(&it.value, &properties, &mut Findings::default());
            ((*name).to_owned(), value)
        })
        .collect()
}

/// `command`, `command.1`, `command.2`, …: one after the other, until one fails.
fn commands(settings: &BTreeMap<&str, &Setting>, text: &mut impl FnMut(&str) -> String) -> String {
    let first = settings.get("command").into_iter().copied();
    let numbered = (1..).map_while(|n: u32| settings.get(format!("command.{n}").as_str()).copied());
    let all: Vec<String> = first.chain(numbered).map(|it| text(&it.value)).collect();
    match all.len() {
        0 | 1 => all.concat(),
        _ => format!("set -e\n{}", all.join("\n")),
    }
}

/// As `JavaProcessJob` puts it together.
fn java<'s>(
    setting: &impl Fn(&str) -> Option<&'s Setting>,
    text: &mut impl FnMut(&str) -> String,
) -> String {
    let mut value = |name: &str, default: &str| {
        let found = setting(name).map(|it| text(&it.value));
        found.unwrap_or_else(|| default.to_owned())
    };
    let classpath = value("classpath", "./*").replace(',', ":");
    let parts = [
        "java".to_owned(),
        value("jvm.args", ""),
        format!("-Xms{}", value("Xms", "64M")),
        format!("-Xmx{}", value("Xmx", "256M")),
        format!("-cp '{classpath}'"),
        value("java.class", ""),
        value("main.args", ""),
    ];
    let parts = parts.iter().filter(|part| !part.is_empty());
    parts.map(String::as_str).collect::<Vec<_>>().join(" ")
}
