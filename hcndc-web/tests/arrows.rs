//! The rooms' arrows (`docs/DESIGN.md` §2): adapters know the core, the core knows no adapter, adapters do not know
//! each other, and the core has no dependency that is not on its list.

#![expect(
    clippy::unwrap_used,
    reason = "a failure here fails the test, as it should"
)]

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

/// Dependencies of each package of the workspace that are not for its tests or its build alone.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let normal = dependencies.filter(|dependency| dependency["kind"].is_null());
            let names = normal.map(|dependency| dependency["name"].as_str().unwrap().to_owned());
            (
                package["name"].as_str().unwrap().to_owned(),
                names.collect(),
            )
        });
    packages.collect()
}

#[test]
fn the_core_depends_on_nothing_off_its_list() {
    let allowed = [
        "async-trait",
        "chrono",
        "chrono-tz",
        "futures-util",
        "petgraph",
        "proptest",
        "serde",
        "thiserror",
    ];
    for dependency in &dependencies()["hcndc-core"] {
        assert!(
            allowed.contains(&dependency.as_str()),
            "hcndc-core depends on {dependency}"
        );
    }
}

#[test]
fn adapters_know_the_core_and_not_each_other() {
    let dependencies = dependencies();
    for adapter in ["hcndc-store-mem", "hcndc-store-mysql", "hcndc-exec"] {
        let rooms: Vec<_> = dependencies[adapter]
            .iter()
            .filter(|it| it.starts_with("hcndc-"))
            .collect();
        assert_eq!(rooms, ["hcndc-core"], "{adapter}");
    }
}
