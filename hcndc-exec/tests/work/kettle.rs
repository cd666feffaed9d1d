//! Jobs that start Kettle: a script in its place says how it was started.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _, path::Path};

use hcndc_core::{
    engine::{EndCause, RunOrder},
    model::{JobKind, KettleLevel, KettleRun, KettleTool},
    port::Stream,
};

use crate::{desk, desk::order};

/// A stand-in for Kettle's scripts, which writes its arguments down and exits with `$CODE`.
fn stand_in(home: &Path, tool: &str) {
    std::fs::create_dir_all(home).unwrap();
    let path = home.join(format!("{tool}.sh"));
    std::fs::write(&path, "#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit \"$CODE\"\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn kettle(id: u64, code: i32, run: KettleRun) -> RunOrder {
    let mut order = order(id, "");
    order.kind = JobKind::Kettle(Box::new(run));
    order.env.insert("CODE".into(), code.to_string());
    order
}

#[tokio::test]
async fn kettle_is_started_by_its_own_command_line() {
    let mut desk = desk().await;
    let home = desk.path("data-integration");
    stand_in(&home, "kitchen");
    stand_in(&home, "pan");
    let home = home.to_str().unwrap().to_owned();
    let job = KettleRun {
        home: home.clone(),
        repository: "etl".into(),
        user: "admin".into(),
        password: "${param.kettle}".into(),
        directory: "/daily".into(),
        name: "load orders".into(),
        level: Some(KettleLevel::Detailed),
        params: BTreeMap::from([("DAY".into(), "${date}".into())]),
        ..KettleRun::default()
    };
    let mut order = kettle(1, 0, job);
    order.values.insert("kettle".into(), "k3ttle".into());
    assert_eq!(desk.run(order).await.cause, EndCause::Exited(0));
    assert_eq!(
        desk.output(1, Stream::Stdout).await,
        "-rep=etl\n-user=admin\n-pass=***\n-dir=/daily\n-job=load orders\n-level=Detailed\n-param:DAY=2026-11-21\n"
    );
    let transformation = KettleRun {
        tool: KettleTool::Pan,
        home: home.clone(),
        file: "/etl/it's ${date:%m}.ktr".into(),
        ..KettleRun::default()
    };
    desk.run(kettle(2, 0, transformation)).await;
    let output = desk.output(2, Stream::Stdout).await;
    assert_eq!(output, "-file=/etl/it's 11.ktr\n");
}

#[tokio::test]
async fn what_kettles_exit_codes_mean_is_in_the_log() {
    let mut desk = desk().await;
    let home = desk.path("data-integration");
    stand_in(&home, "kitchen");
    stand_in(&home, "pan");
    let run = |tool| KettleRun {
        tool,
        home: home.to_str().unwrap().to_owned(),
        file: "/etl/a".into(),
        ..KettleRun::default()
    };
    let mut id = 0;
    for (tool, code, meaning) in [
        (
            KettleTool::Kitchen,
            0,
            "kitchen ended with 0: it ran without a problem",
        ),
        (
            KettleTool::Kitchen,
            1,
            "kitchen ended with 1: errors occurred",
        ),
        (
            KettleTool::Kitchen,
            2,
            "kitchen ended with 2: an unexpected error",
        ),
        (
            KettleTool::Kitchen,
            3,
            "kitchen ended with 3: which its manual does not name",
        ),
        (
            KettleTool::Kitchen,
            7,
            "kitchen ended with 7: the job could not be loaded",
        ),
        (
            KettleTool::Kitchen,
            8,
            "kitchen ended with 8: a step or a plugin",
        ),
        (
            KettleTool::Kitchen,
            9,
            "kitchen ended with 9: its command line",
        ),
        (
            KettleTool::Pan,
            3,
            "pan ended with 3: the transformation could not be prepared",
        ),
        (
            KettleTool::Pan,
            7,
            "pan ended with 7: the transformation could not be loaded",
        ),
    ] {
        id += 1;
        let end = desk.run(kettle(id, code, run(tool))).await;
        assert_eq!(end.cause, EndCause::Exited(code));
        let said = desk.output(id, Stream::Executor).await;
        assert!(said.contains(meaning), "{meaning:?} is not in {said:?}");
    }
}

#[tokio::test]
async fn kettle_that_is_not_there_is_named() {
    let mut desk = desk().await;
    let run = KettleRun {
        home: "/nowhere".into(),
        file: "/etl/a.kjb".into(),
        ..KettleRun::default()
    };
    let EndCause::NotStarted(reason) = desk.run(kettle(1, 0, run)).await.cause else {
        panic!("it must not start");
    };
    assert!(
        reason.starts_with("/nowhere/kitchen.sh does not exist on this host"),
        "{reason}"
    );
}
