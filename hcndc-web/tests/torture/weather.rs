//! Databases that are slow, away, locked or full of callers: the server says so, lives on, and recovers without help.
//! `HCNDC_TEST_SLOW` makes each last a minute.

use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection};
use serde_json::json;
use tokio::runtime::Runtime;

use super::{
    check,
    draw::Draw,
    load::{Caller, Load, finish},
    processes::wait_for,
    site::Site,
};

/// Waits until the server says that its store is in trouble; it lives meanwhile.
fn told(caller: &Caller, weather: &str) -> String {
    let mut told = String::new();
    wait_for(weather, || {
        let ready = caller.status("/readyz");
        let Some((503, text)) = ready else {
            return false;
        };
        told = text;
        told.contains("\"store\"")
    });
    if std::env::var_os("HCNDC_TEST_SLOW").is_some() {
        // As long as people wait for a database to be put right.
        std::thread::sleep(Duration::from_secs(60));
    }
    let alive = caller.status("/healthz").expect("it lives");
    assert_eq!(alive.0, 200, "{alive:?}");
    told
}

fn recovers(caller: &Caller, weather: &str) {
    wait_for(&format!("the end of: {weather}"), || {
        matches!(caller.status("/readyz"), Some((200, _)))
    });
}

/// A connection beside the server's.
async fn beside(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1);
    Database::connect(options).await.unwrap()
}

#[test]
fn bad_weather_is_told_and_outlived() {
    let Some(site) = Site::on_mariadb("bad_weather_is_told_and_outlived", 1) else {
        return;
    };
    let runtime = Runtime::new().unwrap();
    let load = Load::begin(&site, Draw::new(7, 1));
    let caller = site.caller();
    let way = site.servers[0].to_database.as_ref().unwrap();

    way.slow_down(Duration::from_millis(600));
    let text = told(&caller, "a slow database");
    assert!(
        text.contains("store_slow") || text.contains("store_silent"),
        "{text}"
    );
    way.heal();
    recovers(&caller, "a slow database");

    way.cut();
    told(&caller, "a database that is away");
    way.heal();
    recovers(&caller, "a database that is away");

    let lock = runtime.block_on(async {
        let lock = beside(&site.url).await;
        let statement = "FLUSH TABLES WITH READ LOCK";
        lock.execute_unprepared(statement).await.unwrap();
        lock
    });
    told(&caller, "a database that may only be read");
    runtime.block_on(async {
        lock.execute_unprepared("UNLOCK TABLES").await.unwrap();
        lock.close().await.unwrap();
    });
    recovers(&caller, "a database that may only be read");

    // One connection more is for administrators, which this user is.
    let others = runtime.block_on(async {
        let mut others = vec![beside(&site.url).await];
        let statement = "SET GLOBAL max_connections = 10";
        others[0].execute_unprepared(statement).await.unwrap();
        way.cut();
        way.heal();
        while let Ok(other) =
            Database::connect(ConnectOptions::new(&site.url).max_connections(1).to_owned()).await
        {
            others.push(other);
            if others.len() > 20 {
                break;
            }
        }
        others
    });
    told(&caller, "a database without a free connection");
    runtime.block_on(async {
        let statement = "SET GLOBAL max_connections = 500";
        others[0].execute_unprepared(statement).await.unwrap();
        for other in others {
            other.close().await.unwrap();
        }
    });
    recovers(&caller, "a database without a free connection");

    let asked = load.end();
    finish(&site);
    super::say(&format!(
        "bad weather\n{}\n",
        check::rules(&site, &asked).report()
    ));
}

#[test]
fn a_flood_of_results_is_taken_in_while_the_database_is_slow() {
    const JOBS: usize = 2_000;
    let Some(site) = Site::on_mariadb("a_flood_of_results_is_taken_in", 1) else {
        return;
    };
    let caller = site.caller();
    let mut mesh = String::from("hcndc: 1\nexecutors:\n");
    for executor in &site.executors {
        let (name, port) = (executor.process.name(), executor.way.port);
        mesh += &format!("  - {{name: {name}, address: 127.0.0.1:{port}, slots: 500}}\n");
    }
    mesh += "flows:\n  - name: flood\n    jobs:\n";
    for number in 0..JOBS {
        mesh += &format!("      - {{name: j{number}, command: 'exit 0'}}\n");
    }
    caller.put_mesh(&mesh);
    let way = site.servers[0].to_database.as_ref().unwrap();
    way.slow_down(Duration::from_millis(50));
    let body = json!({"flows": ["flood"], "data_date": "2026-11-21"});
    let started = caller.insist("/api/v1/executions", &body, Some("flood"));
    let path = format!("/api/v1/executions/{}", started["id"]);
    wait_for("the flood to pass", || {
        let execution = caller.try_get(&path).unwrap_or_default();
        execution["state"] == "succeeded"
    });
    way.heal();
    recovers(&caller, "a flood");
    let most = site.servers[0].process.most_memory();
    super::say(&format!(
        "flood of {JOBS} results, 50 ms late each packet: {most} MiB at most\n"
    ));
    assert!(most < 500, "{most} MiB");
}
