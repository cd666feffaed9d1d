use super::{tables::Written, *};
use crate::interchange::{Lang, to_yaml};

const FLOWS: Written<'static> = (
    "tb_interface",
    &["interface_id", "interface_name"],
    &[&["1", "load"], &["2", "sum"]],
);
const JOB_COLUMNS: &[&str] = &["job_id", "interface_id", "job_name", "server_script"];

fn tables(more: &[Written<'_>]) -> OldTables {
    let mut all = vec![FLOWS];
    all.extend_from_slice(more);
    OldTables::written(&all).expect("they are sound")
}

fn imported(more: &[Written<'_>]) -> OldHcndc {
    import_old_hcndc(&tables(more), &OldOptions::default()).expect("it is sound")
}

fn codes(report: &OldReport) -> Vec<&'static str> {
    let rows = report.notes.iter().filter(|note| note.row.is_some());
    rows.map(|note| note.matter.code()).collect()
}

#[test]
fn columns_that_all_versions_had_are_needed() {
    let lacking = [
        FLOWS,
        (
            "tb_jobs",
            &["job_id", "job_name"][..],
            &[&["1", "a"][..]][..],
        ),
    ];
    let error = OldTables::written(&lacking).expect_err("a column is missing");
    assert_eq!(
        error.to_string(),
        "the table tb_jobs has no column interface_id"
    );
    // A table without rows tells no columns.
    let empty = [FLOWS, ("tb_jobs", &["job_id"][..], &[][..])];
    assert!(OldTables::written(&empty).is_ok());
}

#[test]
fn text_that_the_shell_parted_is_parted_still() {
    let old = imported(&[
        (
            "tb_jobs",
            JOB_COLUMNS,
            &[&["7", "1", "a", "say 'it' ${date}"]],
        ),
        (
            "tb_param_config",
            &["param_id", "param_type", "param_name", "param_value"],
            &[&["1", "0", "two", "north south"]],
        ),
        (
            "tb_job_param",
            &["id", "job_id", "param_id"],
            &[&["1", "7", "1"]],
        ),
    ]);
    let job = &old.mesh.flows[0].jobs[0];
    assert_eq!(job.command, r"eval 'say '\''it'\'' $${date}'");
    assert_eq!(codes(&old.report), ["braces", "parted-params"]);
}

#[test]
fn a_circle_of_what_never_waited_is_opened_and_goes_on() {
    let old = imported(&[
        (
            "tb_jobs",
            JOB_COLUMNS,
            &[&["7", "1", "a", "true"], &["8", "2", "b", "true"]],
        ),
        (
            "tb_job_prep",
            &["id", "job_id", "prep_id"],
            &[&["1", "7", "8"], &["2", "8", "7"]],
        ),
    ]);
    let ties: usize = old
        .mesh
        .flows
        .iter()
        .map(|it| it.jobs[0].depends_on.len())
        .sum();
    assert_eq!(ties, 1, "{}", to_yaml(&old.mesh));
    assert!(
        old.mesh
            .flows
            .iter()
            .all(|it| it.enabled && it.jobs[0].enabled)
    );
    assert_eq!(codes(&old.report), ["outside-circle", "outside"]);
    let count = old.report.tables["tb_job_prep"];
    assert_eq!((count.read, count.carried, count.left_out), (2, 1, 1));
}

#[test]
fn a_circle_that_never_ran_is_switched_off() {
    let old = imported(&[(
        "tb_interface_parent",
        &["id", "interface_id", "parent_id"],
        &[&["1", "1", "2"], &["2", "2", "1"]],
    )]);
    assert!(old.mesh.flows.iter().all(|it| !it.enabled));
    let ties: usize = old.mesh.flows.iter().map(|it| it.parents.len()).sum();
    assert_eq!(ties, 1);
    assert_eq!(codes(&old.report), ["circle"]);
}

#[test]
fn each_sentence_stands_in_both_languages() {
    let old = imported(&[
        ("tb_jobs", JOB_COLUMNS, &[&["7", "9", "a", "true"]]),
        (
            "tb_dispatch",
            &[
                "dispatch_id",
                "interface_id",
                "dispatch_name",
                "minute",
                "hour",
                "day",
                "month",
                "week",
                "status",
            ],
            &[
                &["1", "1", "weekly", "0", "6", "*", "*", "1-5", "1"],
                &["2", "2", "named", "0", "6", "*", "*", "MON", "1"],
            ],
        ),
    ]);
    assert_eq!(codes(&old.report), ["no-flow", "week", "weekday"]);
    for note in &old.report.notes {
        let (en, zh) = (note.message(Lang::En), note.message(Lang::Zh));
        assert_ne!(en, zh);
        assert!(zh.chars().any(|it| it > '\u{2e80}'), "{zh}");
    }
    let triggers = to_yaml(&old.mesh);
    assert!(triggers.contains("week='1-5'"), "{triggers}");
    assert!(triggers.contains("day_of_week='mon'"), "{triggers}");
    assert!(!old.mesh.schedules[0].paused && old.mesh.schedules[1].paused);
}
