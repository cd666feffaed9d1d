//! Traced workflows from outside: those at hand keep their shape, unusual ones become meshes,
//! faulty ones are told whole.

use std::collections::BTreeMap;
use std::path::Path;

use hcndc_web::interchange::{
    Fault, JobDependency, Lang, MeshFile, MeshJob, import_wfcommons, parse_mesh, parse_wfcommons,
    to_yaml,
};

#[derive(serde::Deserialize)]
struct Stats {
    files: Vec<Shape>,
}

#[derive(serde::Deserialize)]
struct Shape {
    file: String,
    tasks: usize,
    edges: usize,
    depth: usize,
    serial_runtime_s: f64,
}

#[test]
fn traces_keep_their_shape() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/wfinstances");
    let stats: Stats =
        serde_json::from_slice(&std::fs::read(folder.join("stats.json")).unwrap()).unwrap();
    assert_eq!(stats.files.len(), 11);
    for shape in stats.files {
        let mesh = import_wfcommons(&folder.join(&shape.file), 1.0).unwrap();
        let jobs = &mesh.flows[0].jobs;
        assert_eq!(jobs.len(), shape.tasks, "{}", shape.file);
        assert_eq!(
            jobs.iter().map(|job| job.depends_on.len()).sum::<usize>(),
            shape.edges,
            "{}",
            shape.file
        );
        assert_eq!(depth(jobs), shape.depth, "{}", shape.file);
        let slept: f64 = jobs
            .iter()
            .filter_map(|job| job.command.strip_prefix("sleep ")?.parse::<f64>().ok())
            .sum();
        assert!(
            (slept - shape.serial_runtime_s).abs() < 0.01,
            "{}: {slept}",
            shape.file
        );
        let yaml = to_yaml(&mesh);
        assert_eq!(
            parse_mesh(&shape.file, yaml.as_bytes(), &[]).unwrap().file,
            mesh,
            "{}",
            shape.file
        );
        let instant = import_wfcommons(&folder.join(&shape.file), 0.0).unwrap();
        assert!(
            instant.flows[0]
                .jobs
                .iter()
                .all(|job| job.command == "true")
        );
    }
}

/// Jobs on the longest path.
fn depth(jobs: &[MeshJob]) -> usize {
    fn level<'a>(
        name: &'a str,
        jobs: &BTreeMap<&'a str, &'a MeshJob>,
        known: &mut BTreeMap<&'a str, usize>,
    ) -> usize {
        if let Some(level) = known.get(name) {
            return *level;
        }
        let above = jobs[name]
            .depends_on
            .iter()
            .map(|parent| level(&parent.job, jobs, known))
            .max()
            .unwrap_or(0);
        known.insert(name, above + 1);
        above + 1
    }
    let by_name: BTreeMap<&str, &MeshJob> =
        jobs.iter().map(|job| (job.name.as_str(), job)).collect();
    let mut known = BTreeMap::new();
    by_name
        .keys()
        .map(|name| level(name, &by_name, &mut known))
        .max()
        .unwrap_or(0)
}

fn trace(tasks: &str, measured: &str) -> Result<MeshFile, Vec<Fault>> {
    let text = format!(
        r#"{{"name": "a/b", "schemaVersion": "1.5", "workflow": {{"specification": {{"tasks": [{tasks}]}}{measured}}}}}"#
    );
    parse_wfcommons("t.json", "t", text.as_bytes(), 0.5)
}

#[test]
fn unusual_traces_become_meshes() {
    // Ids with odd characters, an edge named at one end only, runtimes that are missing or have no
    // section.
    let mesh = trace(
        r#"{"id": "x:1/é", "name": "n", "children": ["b\u0007"]}, {"id": "b\u0007", "parents": null}, {"id": 7}"#,
        r#", "execution": {"tasks": [{"id": "x:1/é", "runtimeInSeconds": 1e-3, "command": {"program": "p\nq"}}, {"id": "other"}]}"#,
    )
    .unwrap();
    let flow = &mesh.flows[0];
    assert_eq!(flow.name, "a-b");
    let told: Vec<_> = flow
        .jobs
        .iter()
        .map(|job| (job.name.as_str(), job.command.as_str()))
        .collect();
    assert_eq!(
        told,
        [("x:1/é", "sleep 0.0005"), ("b_", "true"), ("7", "true")]
    );
    assert_eq!(flow.jobs[0].description.as_deref(), Some("n: p"));
    assert_eq!(
        flow.jobs[1].depends_on,
        [JobDependency::on_success("x:1/é")]
    );
    assert!(trace(r#"{"id": "a"}"#, "").is_ok());
}

#[test]
fn older_traces_name_tasks_by_title() {
    let text = r#"{"schemaVersion": "1.4", "workflow": {"tasks": [
        {"name": "a", "id": "ID1", "runtimeInSeconds": 2, "parents": []},
        {"name": "b", "id": "ID2", "runtime": 1, "parents": ["a"]}]}}"#;
    let mesh = parse_wfcommons("t.json", "stem", text.as_bytes(), 1.0).unwrap();
    let flow = &mesh.flows[0];
    assert_eq!(
        (flow.name.as_str(), flow.jobs[1].command.as_str()),
        ("stem", "sleep 1")
    );
    assert_eq!(flow.jobs[1].depends_on, [JobDependency::on_success("ID1")]);
}

#[test]
fn faulty_traces_tell_all_their_faults() {
    let faults = trace(
        r#"{"id": "a", "parents": ["z", 5, {}]}, {"id": "a"}, {"name": []}, 3, {"id": "c", "children": ["y", "c"]}"#,
        r#", "execution": {"tasks": [{"id": "a", "runtimeInSeconds": -1}, {"id": "c", "runtimeInSeconds": "2"}]}"#,
    )
    .unwrap_err();
    let told: Vec<_> = faults
        .iter()
        .map(|fault| (fault.path.as_str(), fault.code()))
        .collect();
    let tasks = "workflow.specification.tasks";
    let path = |rest: &str| format!("{tasks}{rest}");
    assert_eq!(
        told,
        [
            (path("[0].parents[0]").as_str(), "wf-unknown-task"),
            (path("[0].parents[1]").as_str(), "wf-unknown-task"),
            (path("[0].parents[2]").as_str(), "wrong-type"),
            (path("[1].id").as_str(), "duplicate-name"),
            (path("[2]").as_str(), "missing-field"),
            (path("[2].name").as_str(), "wrong-type"),
            (path("[3]").as_str(), "wrong-type"),
            (path("[4].children[0]").as_str(), "wf-unknown-task"),
            (path("[4].children[1]").as_str(), "own-dependency"),
            (
                "workflow.execution.tasks[0].runtimeInSeconds",
                "wf-bad-runtime"
            ),
            ("workflow.execution.tasks[1].runtimeInSeconds", "wrong-type"),
        ]
    );
    assert!(faults.iter().all(|fault| fault.position.is_some()));
}

#[test]
fn traces_that_are_none_are_refused() {
    let codes = |text: &str| -> Vec<&'static str> {
        parse_wfcommons("t.json", "t", text.as_bytes(), 1.0)
            .unwrap_err()
            .iter()
            .map(Fault::code)
            .collect()
    };
    assert_eq!(codes(""), ["empty-file"]);
    assert_eq!(codes("a: b"), ["syntax"]);
    assert_eq!(codes("[]"), ["wrong-type"]);
    assert_eq!(codes("{}"), ["missing-field"]);
    assert_eq!(
        codes(r#"{"schemaVersion": "1.3", "workflow": {}}"#),
        ["wf-version"]
    );
    assert_eq!(
        codes(r#"{"schemaVersion": 2, "workflow": {}}"#),
        ["wf-version"]
    );
    assert_eq!(codes(r#"{"schemaVersion": "1.5"}"#), ["missing-field"]);
    assert_eq!(
        codes(r#"{"schemaVersion": "1.5", "workflow": {"specification": {"tasks": 5}}}"#),
        ["wrong-type"]
    );
    let cycle = trace(
        r#"{"id": "a", "parents": ["b"]}, {"id": "b", "parents": ["a"]}"#,
        "",
    )
    .unwrap_err();
    assert_eq!(cycle.len(), 1);
    assert_eq!(
        cycle[0].message(Lang::En),
        "dependency cycle: a-b/a → a-b/b → a-b/a (each waits for the next)"
    );
}
