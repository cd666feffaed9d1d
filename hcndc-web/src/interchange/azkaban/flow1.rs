//! Flow 1.0: a file of Java properties for each job.

use std::collections::{BTreeMap, BTreeSet};

use java_properties::{LineContent, PropertiesIter};
use petgraph::{algo::tarjan_scc, graph::DiGraph};

use super::super::fault::{Fault, Noun, Problem, Station};
use super::super::near::nearest;
use super::super::node::Position;
use super::files::{FileKind, Files, ProjectFile};
use super::project::{AzFlow, AzNode, Embeds, Place, Project, Setting, Settings};

pub(super) fn read(files: &Files) -> Result<Project, Vec<Fault>> {
    let mut faults = Vec::new();
    let folders = Folders::read(files, &mut faults);
    let jobs = jobs(files, &folders, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    circles(&jobs, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    let flows = flows(&jobs, &folders);
    Ok(Project { flows })
}

/// What properties files say, by folder.
struct Folders(BTreeMap<String, Settings>);

impl Folders {
    fn read(files: &Files, faults: &mut Vec<Fault>) -> Self {
        let mut folders: BTreeMap<String, Settings> = BTreeMap::new();
        // In the order of their names: the later one wins.
        for file in files.of(FileKind::Properties) {
            let settings = settings(file, faults);
            folders
                .entry(file.folder().to_owned())
                .or_default()
                .extend(settings);
        }
        Self(folders)
    }

    fn of_project(&self) -> Settings {
        self.0.get("").cloned().unwrap_or_default()
    }

    /// Settings of the folders below the project's, down to this one.
    fn below(&self, folder: &str) -> Settings {
        let mut all = Settings::new();
        let ends = folder.match_indices('/').map(|(end, _)| end);
        for end in ends.chain([folder.len()]).filter(|end| *end > 0) {
            if let Some(own) = self.0.get(&folder[..end]) {
                all.extend(own.clone());
            }
        }
        all
    }
}

fn settings(file: &ProjectFile, faults: &mut Vec<Fault>) -> Settings {
    let place = |line| Place {
        file: file.path.clone(),
        position: Some(Position { line, column: 1 }),
    };
    let mut settings = Settings::new();
    let lines = PropertiesIter::new_with_encoding(file.bytes.as_slice(), encoding_rs::UTF_8);
    for line in lines {
        match line {
            Ok(line) => {
                let at = place(line.line_number());
                if let LineContent::KVPair(name, value) = line.consume_content() {
                    settings.insert(name, Setting { value, at });
                }
            }
            Err(error) => faults.push(place(error.line_number().unwrap_or(1)).fault(
                "",
                Problem::Syntax {
                    detail: error.to_string(),
                },
            )),
        }
    }
    settings
}

type Jobs = BTreeMap<String, AzNode>;

fn jobs(files: &Files, folders: &Folders, faults: &mut Vec<Fault>) -> Jobs {
    let mut jobs = Jobs::new();
    for file in files.of(FileKind::Job) {
        let mut own = settings(file, faults);
        let place = Place {
            file: file.path.clone(),
            position: None,
        };
        let name = file.stem().to_owned();
        if jobs.contains_key(&name) {
            let noun = Noun::Job;
            faults.push(place.fault(
                "",
                Problem::DuplicateName {
                    noun,
                    name,
                    first: None,
                },
            ));
            continue;
        }
        let mut depends_on = Vec::new();
        if let Some(list) = own.remove("dependencies") {
            let names = list.value.split(',').map(str::trim);
            for other in names.filter(|name| !name.is_empty()) {
                if !depends_on.iter().any(|(known, _)| known == other) {
                    depends_on.push((other.to_owned(), list.at.clone()));
                }
            }
        }
        let kind = own.remove("type").map(|it| it.value.trim().to_owned());
        let Some(kind) = kind.filter(|kind| !kind.is_empty()) else {
            let field = "type".to_owned();
            faults.push(place.fault("", Problem::MissingField { field }));
            continue;
        };
        let embeds = match (kind.as_str(), own.remove("flow.name")) {
            ("flow", Some(flow)) => Embeds::Named(flow.value.trim().to_owned(), flow.at),
            ("flow", None) => {
                let field = "flow.name".to_owned();
                faults.push(place.fault("", Problem::MissingField { field }));
                continue;
            }
            (_, _) => Embeds::Nothing,
        };
        jobs.insert(
            name.clone(),
            AzNode {
                name,
                at: place,
                kind,
                depends_on,
                condition: own.remove("condition").map(|it| it.value),
                near: folders.below(file.folder()),
                own,
                embeds,
            },
        );
    }
    for job in jobs.values() {
        for (other, at) in &job.depends_on {
            if !jobs.contains_key(other) {
                let near = nearest(other, jobs.keys().map(String::as_str));
                let (name, near) = (other.clone(), near.map(str::to_owned));
                faults.push(at.fault("dependencies", Problem::UnknownDependency { name, near }));
            }
        }
        if let Embeds::Named(flow, at) = &job.embeds
            && !roots(&jobs).any(|root| root == flow)
        {
            let near = nearest(flow, roots(&jobs)).map(str::to_owned);
            let (noun, name) = (Noun::Flow, flow.clone());
            faults.push(at.fault("flow.name", Problem::UnknownName { noun, name, near }));
        }
    }
    jobs
}

/// Jobs on which no other depends: each is a flow, with all that it depends on.
fn roots(jobs: &Jobs) -> impl Iterator<Item = &str> {
    let needed: BTreeSet<&str> = jobs
        .values()
        .flat_map(|job| job.depends_on.iter().map(|(name, _)| name.as_str()))
        .collect();
    jobs.keys()
        .map(String::as_str)
        .filter(move |name| !needed.contains(name))
}

/// Jobs that wait for each other in a circle are part of no flow, or of one that never ends.
fn circles(jobs: &Jobs, faults: &mut Vec<Fault>) {
    let mut graph = DiGraph::<&AzNode, ()>::new();
    let places: BTreeMap<&str, _> = jobs
        .values()
        .map(|job| (job.name.as_str(), graph.add_node(job)))
        .collect();
    for job in jobs.values() {
        for (other, _) in &job.depends_on {
            graph.add_edge(places[job.name.as_str()], places[other.as_str()], ());
        }
    }
    for circle in tarjan_scc(&graph) {
        let first = circle[0];
        if circle.len() > 1 || graph.contains_edge(first, first) {
            let stations = circle
                .iter()
                .map(|job| Station::Flow(graph[*job].name.clone()));
            let stations = stations.collect();
            let fault = graph[first]
                .at
                .fault("dependencies", Problem::Cycle { stations });
            faults.push(fault);
        }
    }
}

fn flows(jobs: &Jobs, folders: &Folders) -> Vec<AzFlow> {
    roots(jobs)
        .map(|root| {
            let mut members = BTreeSet::new();
            let mut open = vec![root];
            while let Some(name) = open.pop() {
                if members.insert(name) {
                    open.extend(jobs[name].depends_on.iter().map(|(name, _)| name.as_str()));
                }
            }
            AzFlow {
                name: root.to_owned(),
                params: folders.of_project(),
                nodes: members.into_iter().map(|name| jobs[name].clone()).collect(),
                trigger: None,
            }
        })
        .collect()
}
