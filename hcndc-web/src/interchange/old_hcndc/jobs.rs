//! Jobs, their params, and which come before which.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Builder, OldMatter,
    names::{Names, description, directory, literal},
    params::ParamText,
    tables::Row,
};
use crate::interchange::{JobDependency, MeshJob, MeshParamValue};

/// What a command without a text did, and succeeded at.
const NOTHING: &str = ":";

impl Builder<'_> {
    /// All jobs in use whose flows are.
    pub(super) fn jobs(&mut self) {
        let mut names: BTreeMap<usize, Names> = BTreeMap::new();
        let mut elsewhere = 0;
        for row in self.living("tb_jobs") {
            let id = row.id();
            let wanted = row.text("job_name");
            let interface = row.number("interface_id").unwrap_or(0);
            let Some(&flow) = self.flows.get(&interface) else {
                self.left_out(&row, wanted, OldMatter::NoFlow { flow: interface });
                continue;
            };
            let name = names.entry(flow).or_default().take(wanted, id);
            let place = (flow, self.mesh.flows[flow].jobs.len());
            let job = self.job(&row, &name, flow);
            self.mesh.flows[flow].jobs.push(job);
            self.jobs.insert(id, place);
            let told = self.job_name(place);
            if wanted != name {
                let was = wanted.to_owned();
                self.note(&row, &told, OldMatter::Renamed { was });
            }
            let filed = directory(row.text("job_index"));
            elsewhere += usize::from(filed != "/" && filed != self.mesh.flows[flow].directory);
            self.carried(&row);
        }
        if elsewhere > 0 {
            self.report
                .whole(OldMatter::JobDirectories { jobs: elsewhere });
        }
        self.job_params();
    }

    fn job(&mut self, row: &Row<'_>, name: &str, flow: usize) -> MeshJob {
        let told = format!("{}/{name}", self.mesh.flows[flow].name);
        let text = row.text("server_script").trim();
        let command = literal(text);
        if command != text {
            self.note(row, &told, OldMatter::Braces);
        }
        let mut job = MeshJob::new(name, command);
        if text.is_empty() {
            NOTHING.clone_into(&mut job.command);
            self.note(row, &told, OldMatter::EmptyCommand);
        }
        job.description = Some(description(row.text("job_desc"), "job_id", row.id()));
        let folder = row.text("server_dir").trim();
        let is_of_windows = folder.contains('\\') || folder.chars().nth(1) == Some(':');
        if is_of_windows {
            let folder = folder.to_owned();
            self.note(row, &told, OldMatter::Windows { folder });
        }
        job.workdir = (!folder.is_empty()).then(|| literal(folder));
        let server = row.number("server_id").unwrap_or(0);
        job.executor = self.executors.get(&server).cloned();
        let code = row.number("return_code").unwrap_or(0);
        match u8::try_from(code) {
            Ok(code) => job.success_codes = vec![code],
            Err(_) => self.note(row, &told, OldMatter::SuccessCode { code }),
        }
        job
    }

    /// Params of jobs, in their order. Behind the command they stood as they were, and the shell parted them: where that made a
    /// difference, the shell still does.
    fn job_params(&mut self) {
        let mut taken: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for row in self.living("tb_job_param") {
            let job = row.number("job_id").unwrap_or(0);
            let param = row.number("param_id").unwrap_or(0);
            let Some(&place) = self.jobs.get(&job) else {
                self.left_out(&row, "", OldMatter::NoJob { job });
                continue;
            };
            let told = self.job_name(place);
            let own = taken.entry(job).or_default();
            if !self.params.contains_key(&param) {
                self.left_out(&row, &told, OldMatter::NoParam { param });
            } else if own.contains(&param) {
                self.left_out(&row, &told, OldMatter::Twice);
            } else {
                own.push(param);
                self.carried(&row);
            }
        }
        for (id, own) in taken {
            let (flow, at) = self.jobs[&id];
            let flow_name = self.mesh.flows[flow].name.clone();
            let job = &mut self.mesh.flows[flow].jobs[at];
            let params: Vec<_> = own.iter().map(|param| &self.params[param]).collect();
            let shared = |name: &String| (name.clone(), MeshParamValue::Shared);
            job.params = params.iter().map(|it| shared(&it.name)).collect();
            let is_parted = params.iter().any(|param| match &param.text {
                ParamText::Static(text) => !is_one_word(text),
                ParamText::FlowName => !is_one_word(&flow_name),
                ParamText::JobName => !is_one_word(&job.name),
                ParamText::Other => false,
            });
            if is_parted {
                // `eval` joins its words with blanks and reads them anew.
                job.command = format!("eval '{}'", job.command.replace('\'', r"'\''"));
                let told = self.job_name((flow, at));
                self.report
                    .note("tb_jobs", id, &told, OldMatter::PartedParams);
            }
        }
    }

    /// Dependencies inside of flows. Those on jobs of other flows are put aside.
    pub(super) fn dependencies(&mut self) {
        let mut seen = BTreeSet::new();
        for row in self.living("tb_job_prep") {
            let job = row.number("job_id").unwrap_or(0);
            let Some(other) = row.number("prep_id") else {
                // So it said that there is none.
                self.carried(&row);
                continue;
            };
            let (Some(&own), Some(&from)) = (self.jobs.get(&job), self.jobs.get(&other)) else {
                let (missing, told) = match self.jobs.get(&job) {
                    Some(place) => (other, self.job_name(*place)),
                    None => (job, String::new()),
                };
                self.left_out(&row, &told, OldMatter::NoJob { job: missing });
                continue;
            };
            let told = self.job_name(own);
            if own == from {
                self.left_out(&row, &told, OldMatter::OwnTie);
            } else if !seen.insert((own, from)) {
                self.left_out(&row, &told, OldMatter::Twice);
            } else if own.0 == from.0 {
                let name = self.mesh.flows[from.0].jobs[from.1].name.clone();
                let tie = JobDependency::on_success(name);
                self.mesh.flows[own.0].jobs[own.1].depends_on.push(tie);
                self.carried(&row);
            } else {
                self.outside.push((job, other));
                self.carried(&row);
            }
        }
    }
}

/// Whether a shell takes a text for one word, and leaves it as it is.
fn is_one_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|it| it.is_alphanumeric() || "_-./:,@%+=".contains(it))
}
