//! Against projects that nobody here wrote, and what Azkaban's rules make of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::fault::Lang;
use super::super::mesh_file::{DependencyCondition, MeshFlow, MeshTrigger};
use super::project::{AzNode, Embeds, overlaid};
use super::*;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/azkaban")
}

fn expected() -> Value {
    let text = std::fs::read_to_string(data().join("expected.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["projects"].take()
}

fn import(project: &str) -> Result<AzkabanMesh, Vec<Fault>> {
    import_azkaban(&data().join(project), "Asia/Shanghai")
}

fn texts(value: &Value) -> BTreeSet<String> {
    let items = value.as_array().unwrap().iter();
    items.map(|it| it.as_str().unwrap().to_owned()).collect()
}

fn edges(flow: &MeshFlow) -> BTreeSet<(String, String)> {
    let pairs = flow.jobs.iter().flat_map(|job| {
        let others = job.depends_on.iter();
        others.map(|other| (other.job.clone(), job.name.clone()))
    });
    pairs.collect()
}

#[test]
fn flows_have_the_jobs_and_edges_of_azkabans_own() {
    let mut checked = 0;
    for (name, project) in expected().as_object().unwrap() {
        let has_faults = project["errors"].as_array().is_none_or(|it| !it.is_empty());
        if has_faults {
            continue;
        }
        let mesh = import(name)
            .unwrap_or_else(|faults| panic!("{name}: {faults:?}"))
            .mesh;
        let flows = project["flows"].as_object().unwrap().iter();
        let flows: BTreeMap<_, _> = flows.filter(|(_, it)| it["embedded"] != true).collect();
        let found: BTreeSet<&str> = mesh.flows.iter().map(|flow| flow.name.as_str()).collect();
        assert_eq!(
            found,
            flows.keys().map(|it| it.as_str()).collect(),
            "{name}"
        );
        for flow in &mesh.flows {
            let wanted = flows[&flow.name];
            let (jobs, pairs) = match wanted.get("flattened") {
                Some(flat) => (texts(&flat["jobs"]), &flat["edges"]),
                None => {
                    let jobs = match &wanted["nodes"] {
                        Value::Array(_) => texts(&wanted["nodes"]),
                        nodes => nodes.as_object().unwrap().keys().cloned().collect(),
                    };
                    (jobs, &wanted["edges"])
                }
            };
            let own: BTreeSet<String> = flow.jobs.iter().map(|job| job.name.clone()).collect();
            assert_eq!(own, jobs, "{name}: {}", flow.name);
            let pairs = pairs.as_array().unwrap().iter();
            let text = |it: &Value| it.as_str().unwrap().to_owned();
            let pairs: BTreeSet<_> = pairs.map(|it| (text(&it[0]), text(&it[1]))).collect();
            assert_eq!(edges(flow), pairs, "{name}: {}", flow.name);
            checked += 1;
        }
    }
    assert_eq!(checked, 29);
}

#[test]
fn settings_are_inherited_as_azkaban_does() {
    let mut checked = 0;
    for (name, project) in expected().as_object().unwrap() {
        let Ok(read) = Files::read(&data().join(name)).and_then(|files| read_project(&files))
        else {
            continue;
        };
        for flow in &read.flows {
            for node in &flow.nodes {
                let own = |names: &[&str]| {
                    let all = overlaid(&[&flow.params, &node.near, &node.own]);
                    let all = all.into_iter().filter(|(name, _)| !names.contains(name));
                    all.map(|(name, it)| (name.to_owned(), Value::from(it.value.as_str())))
                        .collect::<serde_json::Map<_, _>>()
                };
                let (wanted, found) = match project["jobs"].get(&node.name) {
                    Some(job) if job.get("effective").is_some() => {
                        let mut found = own(&[]);
                        if let Embeds::Named(flow, _) = &node.embeds {
                            found.insert("flow.name".into(), Value::from(flow.as_str()));
                        }
                        (&job["effective"], found)
                    }
                    Some(_) => continue,
                    None => {
                        let node = &project["flows"][&flow.name]["nodes"][&node.name];
                        match node.get("effective_config") {
                            Some(config) => (config, own(&[])),
                            None => continue,
                        }
                    }
                };
                assert_eq!(&Value::Object(found), wanted, "{name}: {}", node.name);
                checked += 1;
            }
        }
    }
    assert!(checked > 60, "{checked}");
}

#[test]
fn faults_of_projects_are_told_with_their_places() {
    let found = |project: &str| {
        let faults = import(project).unwrap_err();
        let mut told: Vec<_> = faults
            .iter()
            .map(|it| (it.file.to_string(), it.code()))
            .collect();
        told.sort();
        told
    };
    let owned = |told: &[(&str, &'static str)]| {
        let told = told.iter().map(|(file, code)| ((*file).to_owned(), *code));
        told.collect::<Vec<_>>()
    };
    let bad = owned(&[
        ("innerJobB.job", "cycle"),
        ("jobb.job", "cycle"),
        ("jobc.job", "cycle"),
        ("jobd.job", "cycle"),
        ("selfreference.job", "unknown-name"),
    ]);
    // A flow that embeds itself is one that no job is the end of.
    let mut embedded = found("embedded_bad");
    embedded.retain(|(file, _)| file != "selfreference.job");
    assert_eq!(embedded, bad[..4]);
    assert_eq!(
        found("cyclefoundyamltest"),
        owned(&[("cycle_found.flow", "cycle")])
    );
    assert_eq!(
        found("kafka-event-based-trigger"),
        owned(&[("flow_trigger.flow", "syntax")])
    );
}

#[test]
fn triggers_are_accepted_and_refused_as_by_azkaban() {
    let expected = expected();
    let cases = expected["flowtriggeryamltest"]["triggers"]
        .as_object()
        .unwrap();
    assert_eq!(cases.len(), 6);
    for (name, case) in cases {
        let dir = tempfile::tempdir().unwrap();
        std::fs::copy(
            data().join("flowtriggeryamltest").join(name),
            dir.path().join(name),
        )
        .unwrap();
        let found = import_azkaban(dir.path(), "Asia/Shanghai");
        // Azkaban takes no schedule by the second; we do.
        let ok = case["ok"] == true || name.contains("second_level");
        assert_eq!(found.is_ok(), ok, "{name}: {found:?}");
        let Ok(imported) = found else { continue };
        let schedule = &imported.mesh.schedules[0];
        let MeshTrigger::Cron { expression, .. } = &schedule.trigger else {
            panic!("{name}");
        };
        if let Some(cron) = case["cron"].as_str() {
            assert_eq!(expression, cron);
        }
        let waits = case["dependencies"]
            .as_array()
            .is_some_and(|it| !it.is_empty());
        assert_eq!(schedule.paused, waits, "{name}");
    }
}

#[test]
fn commands_run_one_after_the_other_and_conditions_become_dependencies() {
    let hello = import("command-hello").unwrap().mesh;
    assert_eq!(
        hello.flows[0].jobs[0].command,
        "set -e\necho \"hello\"\necho \"This is how one runs a command job\"\nwhoami"
    );
    let imported = import("conditional_flow3").unwrap();
    let job = imported.mesh.flows[0]
        .jobs
        .iter()
        .find(|job| job.name == "jobC")
        .unwrap();
    assert!(!job.enabled);
    let told = imported
        .notes
        .iter()
        .any(|note| note.message(Lang::En).contains("one_failed"));
    assert!(told, "{:?}", imported.notes);
    let retried = import("exectest1").unwrap().mesh;
    let flow = retried
        .flows
        .iter()
        .find(|flow| flow.name == "job-retry")
        .unwrap();
    assert_eq!(flow.jobs[0].retry.as_ref().unwrap().max, 3);
}

#[test]
fn properties_become_params_or_are_put_in() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "all.properties",
        "table = dw.${schema}\nschema=prod\nfailure.emails=a@example.com\n",
    );
    write("etl/more.properties", "level=2\nmode=${level}x\n");
    write(
        "etl/load.job",
        "type=command\ncommand=load ${table} ${mode} ${azkaban.flow.execid} ${when} $(new(\"x\")) $HOME\n\
         env.LEVEL=${level}\nworking.dir=/data/${schema}\nretries=2\nretry.backoff=1500\ndependencies=prepare\n",
    );
    write("prepare.job", "type=noop\n");
    write(
        "tidy.job",
        "type=command\ncommand=tidy\ncondition=all_done\ndependencies=load\n",
    );
    let imported = import_azkaban(dir.path(), "UTC").unwrap();
    let flow = &imported.mesh.flows[0];
    assert_eq!(flow.name, "tidy");
    assert_eq!(flow.params.find("table"), Some("dw.prod"));
    let job = |name: &str| flow.jobs.iter().find(|job| job.name == name).unwrap();
    let load = job("load");
    assert_eq!(
        load.command,
        "load ${param.table} 2x ${exec_id} ${param.when} $(new(\"x\")) $HOME"
    );
    assert_eq!(load.env.find("LEVEL"), Some("2"));
    assert_eq!(load.workdir.as_deref(), Some("/data/${param.schema}"));
    let retry = load.retry.as_ref().unwrap();
    assert_eq!((retry.max, retry.delay.as_millis()), (2, 1_500));
    assert_eq!(job("tidy").depends_on[0].on, DependencyCondition::Done);
    let notes: Vec<String> = imported
        .notes
        .iter()
        .map(|it| it.message(Lang::En))
        .collect();
    assert_eq!(notes.len(), 3, "{notes:?}");
    assert!(notes[0].contains("`when`"), "{notes:?}");
    assert!(notes[1].contains("$(new(\"x\")"), "{notes:?}");
    assert!(notes[2].contains("failure.emails"), "{notes:?}");
}

#[test]
fn a_zip_says_the_same_as_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("testFlow.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let files = Files::read(&data().join("testFlow")).unwrap();
    for file in &files.all {
        zip.start_file(&*file.path, zip::write::SimpleFileOptions::default())
            .unwrap();
        std::io::Write::write_all(&mut zip, &file.bytes).unwrap();
    }
    zip.finish().unwrap();
    let from_zip = import_azkaban(&path, "UTC").unwrap();
    let from_folder = import_azkaban(&data().join("testFlow"), "UTC").unwrap();
    assert_eq!(from_zip.mesh, from_folder.mesh);
    std::fs::write(&path, "no zip").unwrap();
    assert_eq!(
        import_azkaban(&path, "UTC").unwrap_err()[0].code(),
        "unreadable"
    );
}

#[test]
fn flows_that_grow_without_bound_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    // Each flow embeds the next one ten times.
    for level in 0..9 {
        let mut last = String::new();
        for at in 0..10 {
            let name = format!("f{level}-{at}");
            let text = format!("type=flow\nflow.name=f{}\n", level + 1);
            std::fs::write(dir.path().join(format!("{name}.job")), text).unwrap();
            last.push_str(&name);
            last.push(',');
        }
        let text = format!("type=noop\ndependencies={last}\n");
        std::fs::write(dir.path().join(format!("f{level}.job")), text).unwrap();
    }
    std::fs::write(dir.path().join("f9.job"), "type=noop\n").unwrap();
    let faults = import_azkaban(dir.path(), "UTC").unwrap_err();
    assert!(
        faults.iter().all(|it| it.code() == "too-many"),
        "{faults:?}"
    );
}

#[test]
fn every_node_of_a_flow_is_there() {
    fn count(nodes: &[AzNode]) -> usize {
        let inner = nodes.iter().map(|node| match &node.embeds {
            Embeds::Inline(nodes) => count(nodes),
            Embeds::Nothing => 1,
            Embeds::Named(..) => 0,
        });
        inner.sum()
    }
    let files = Files::read(&data().join("embeddedflowyamltest")).unwrap();
    let project = read_project(&files).unwrap();
    assert_eq!(count(&project.flows[0].nodes), 8);
}
