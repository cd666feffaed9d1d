//! What must hold beyond a sound file for its flows to be run together, now.

use super::{Fault, JobIndex, MeshSource, Problem};

/// All that keeps the enabled flows of a sound file from running: none of them, or jobs that wait for jobs of flows that
/// are not, or for runs of other dates, which are no part of one run. Such a file may still be stored; it is for `run`
/// that it is wrong.
///
/// # Errors
/// All faults, in the order of the file.
pub fn check_runnable(source: &MeshSource) -> Result<(), Vec<Fault>> {
    let file = &source.file;
    let index = JobIndex::new(file);
    let mut faults = Vec::new();
    if !file.flows.iter().any(|flow| flow.enabled) {
        faults.push(source.fault("flows", Problem::NothingEnabled));
    }
    for (at, flow) in file
        .flows
        .iter()
        .enumerate()
        .filter(|(_, flow)| flow.enabled)
    {
        for (job_at, job) in flow.jobs.iter().enumerate().filter(|(_, job)| job.enabled) {
            for (tie_at, tie) in job.depends_on.iter().enumerate() {
                let Some((other, found)) = index.find_job(at, &tie.job) else {
                    continue;
                };
                let other = &file.flows[other];
                let (flow, job) = (other.name.clone(), other.jobs[found].name.clone());
                let problem = if !other.enabled {
                    Problem::DisabledDependency { flow, job }
                } else if !tie.is_of_same_date() {
                    Problem::OtherDate { flow, job }
                } else {
                    continue;
                };
                let path = format!("flows[{at}].jobs[{job_at}].depends_on[{tie_at}]");
                faults.push(source.fault(&path, problem));
            }
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::parse_mesh;

    #[test]
    fn what_waits_for_a_flow_that_is_not_enabled_is_named_with_its_place() {
        let text = "hcndc: 1
flows:
  - {name: a, enabled: false, jobs: [{name: x, command: 'true'}]}
  - name: b
    jobs:
      - {name: y, command: 'true', depends_on: [a/x]}
      - {name: z, command: 'true', enabled: false, depends_on: [a/x]}
";
        let mesh = parse_mesh("m.yaml", text.as_bytes(), &[]).unwrap();
        let faults = check_runnable(&mesh).unwrap_err();
        assert_eq!(faults.len(), 1);
        assert_eq!(
            (faults[0].code(), faults[0].position.unwrap().line),
            ("disabled-dependency", 6)
        );
    }

    #[test]
    fn what_waits_for_another_date_is_named_with_its_place() {
        let text = "hcndc: 1
flows:
  - name: a
    jobs:
      - {name: x, command: 'true', depends_on: [{job: x, offset_days: -1}]}
";
        let mesh = parse_mesh("m.yaml", text.as_bytes(), &[]).unwrap();
        let faults = check_runnable(&mesh).unwrap_err();
        assert_eq!(faults.len(), 1);
        assert_eq!(
            (faults[0].code(), faults[0].position.unwrap().line),
            ("other-date", 5)
        );
    }

    #[test]
    fn a_mesh_without_an_enabled_flow_has_nothing_to_run() {
        let text = "{hcndc: 1, flows: [{name: a, enabled: false}]}";
        let mesh = parse_mesh("m.json", text.as_bytes(), &[]).unwrap();
        assert_eq!(
            check_runnable(&mesh).unwrap_err()[0].code(),
            "nothing-enabled"
        );
    }
}
