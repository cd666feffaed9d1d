//! The REST API over real connections: every route, good and bad.

#![expect(
    clippy::unwrap_used,
    reason = "a failure here fails the test, as it should"
)]

mod access;
mod alerts;
mod bed;
mod control;
mod documents;
mod draft_check;
mod events;
mod executions;
mod executors;
mod flows;
mod graphs;
mod guard;
mod hand;
mod health;
mod hooks;
mod job_edits;
mod job_runs;
mod jobs;
mod logs;
mod mesh;
mod previews;
mod requests;
mod resources;
mod schedules;
mod sheets;
mod site;
mod tokens;
mod trends;
mod trials;
mod what_if;
