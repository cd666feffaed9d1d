//! `hcndc simulate`: what a mesh file will do over some days, without running anything.
//!
//! The engine of the file's definitions is made in memory and played forward by
//! [`forecast`](hcndc_core::forecast::forecast).

mod moments;
mod notes;
mod table;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono_tz::Tz;
use clap::{Args, ValueEnum};
use console::Term;
use hcndc_core::{
    engine::{EditBatch, Engine, Input, Rejected, Settings},
    forecast::{Assumptions, Forecast, forecast},
    id::{ExecutorId, JobId},
    model::{Edit, ExecutorDraft},
    time::{DataDate, Timestamp},
};

use super::{Exit, pick, print, warn, warn_error, warn_faults};
use crate::{
    causes::with_causes,
    day::first_moment_or_utc,
    forecast_report as report,
    interchange::{Existing, Lang, MeshFile, Span, edits, read_mesh},
};

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// Mesh file, YAML or JSON
    mesh: PathBuf,
    /// First day, YYYY-MM-DD, in the mesh's zone
    #[arg(long, value_name = "DATE", value_parser = super::run::data_date)]
    from: DataDate,
    /// Last day
    #[arg(long, value_name = "DATE", value_parser = super::run::data_date)]
    to: DataDate,
    /// How the forecast is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// A line for each job run too, not only for each flow run
    #[arg(long = "details")]
    details: bool,
    /// JSON object of how long jobs take, such as {"load/orders": "12m"}; over what the mesh file expects
    #[arg(long, value_name = "FILE")]
    durations: Option<PathBuf>,
    /// How long a job takes of which nothing is known
    #[arg(long, value_name = "SPAN", default_value = "1m", value_parser = span)]
    otherwise: Span,
    /// An executor that is taken to be lost; may be given several times
    #[arg(long, value_name = "EXECUTOR")]
    lose: Vec<String>,
    /// Slots of this host, when the mesh file names no executors; the number of processors if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    slots: Option<u32>,
    /// A second mesh file: what would change if it were in force
    #[arg(long, value_name = "MESH")]
    against: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

fn span(text: &str) -> Result<Span, String> {
    Span::parse(text).ok_or_else(|| "a span such as 90s, 5m or 1h30m".to_owned())
}

/// Why there is no forecast.
#[derive(Debug, thiserror::Error)]
enum SimulateError {
    #[error("the definitions are refused")]
    Refused(#[source] Rejected),
    #[error("--to is before --from")]
    Backwards,
    #[error("no executor is called {name:?}")]
    NoExecutor { name: String },
    #[error("{} cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{} is no JSON object of spans such as {{\"load/orders\": \"12m\"}}", path.display())]
    NotSpans {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{}: no job is called {label:?}; it is named as flow/job", path.display())]
    NoJob { path: PathBuf, label: String },
}

impl SimulateError {
    fn warn(&self, lang: Lang) {
        match lang {
            Lang::En => warn_error(lang, "cannot look ahead", self),
            Lang::Zh => {
                let cause = std::error::Error::source(self)
                    .map_or_else(String::new, |cause| format!("：{}", with_causes(cause)));
                warn(format_args!("错误：无法预测：{}{cause}", self.zh()));
            }
        }
    }

    fn zh(&self) -> String {
        match self {
            Self::Refused(_) => "定义未被接受".to_owned(),
            Self::Backwards => "--to 早于 --from".to_owned(),
            Self::NoExecutor { name } => format!("没有名为 {name:?} 的执行服务器"),
            Self::Unreadable { path, .. } => format!("无法读取 {}", path.display()),
            Self::NotSpans { path, .. } => format!(
                "{} 不是由时长组成的 JSON 对象，例如 {{\"load/orders\": \"12m\"}}",
                path.display()
            ),
            Self::NoJob { path, label } => format!(
                "{}：没有名为 {label:?} 的任务；应写作 任务流/任务",
                path.display()
            ),
        }
    }
}

pub(super) fn run(args: &SimulateArgs, lang: Lang) -> Exit {
    let mut meshes = Vec::new();
    for path in [Some(&args.mesh), args.against.as_ref()]
        .into_iter()
        .flatten()
    {
        match read_mesh(path, &[]) {
            Ok(mesh) => meshes.push(mesh.file),
            Err(faults) => {
                warn_faults(lang, &faults);
                return Exit::Wrong;
            }
        }
    }
    let zone = zone_of(&meshes[0]);
    let forecasts = match simulate(args, &meshes, zone) {
        Ok(forecasts) => forecasts,
        Err(error) => {
            error.warn(lang);
            return Exit::Wrong;
        }
    };
    if forecasts.iter().any(|it| it.is_cut) {
        warn(pick(
            lang,
            "warning: too much happens in this time; the forecast was broken off early",
            "警告：该时段内事件过多，预测已提前截断",
        ));
    }
    let look = table::Look {
        zone,
        lang,
        has_details: args.details,
        width: Term::stdout().size_checked().map(|(_, columns)| columns),
    };
    let text = match (args.format, forecasts.as_slice()) {
        (Format::Json, [one]) => report::json(&report::Report::new(one, true)),
        (Format::Json, [one, other, ..]) => report::json(&one.compare(other)),
        (Format::Table, [one]) => table::forecast(one, look),
        (Format::Table, [one, other, ..]) => table::comparison(&one.compare(other), look),
        (_, []) => String::new(),
    };
    print(lang, text)
}

fn zone_of(mesh: &MeshFile) -> Tz {
    mesh.zone.parse().unwrap_or(Tz::UTC)
}

/// A forecast of each mesh, over the same days.
fn simulate(
    args: &SimulateArgs,
    meshes: &[MeshFile],
    zone: Tz,
) -> Result<Vec<Forecast>, SimulateError> {
    if args.to < args.from {
        return Err(SimulateError::Backwards);
    }
    // Just before the first day, so that what fires at its first moment is in it.
    let from = first_moment_or_utc(args.from.to_naive(), zone);
    let until = args.to.plus_days(1).map_or(Timestamp::MAX, |after| {
        Timestamp::from_micros(first_moment_or_utc(after.to_naive(), zone).as_micros() - 1)
    });
    let start = Timestamp::from_micros(from.as_micros() - 1);
    let engines: Vec<Engine> = meshes
        .iter()
        .map(|mesh| engine_of(args, mesh, start).map_err(SimulateError::Refused))
        .collect::<Result<_, _>>()?;
    let durations = match &args.durations {
        Some(path) => durations(&engines, path)?,
        None => Vec::new(),
    };
    for name in &args.lose {
        // Of two meshes one may be without it: that is then what is compared.
        if !engines
            .iter()
            .any(|engine| find_executor(engine, name).is_some())
        {
            return Err(SimulateError::NoExecutor { name: name.clone() });
        }
    }
    let forecast = |engine: &Engine| {
        let mut assumed = Assumptions::until(until);
        assumed.otherwise = args.otherwise.duration();
        assumed.durations = durations
            .iter()
            .filter_map(|(label, span)| Some((find_job(engine, label)?, *span)))
            .collect();
        assumed.lost = args
            .lose
            .iter()
            .filter_map(|name| find_executor(engine, name))
            .collect();
        forecast(engine, &assumed).map_err(SimulateError::Refused)
    };
    engines.iter().map(forecast).collect()
}

fn engine_of(args: &SimulateArgs, mesh: &MeshFile, now: Timestamp) -> Result<Engine, Rejected> {
    let mut engine = Engine::load(
        now,
        Settings::default(),
        hcndc_core::engine::Snapshot::default(),
    )?;
    let mut edits = edits(mesh, None, &Existing::default());
    if mesh.executors.is_empty() {
        let jobs = mesh.flows.iter().flat_map(|flow| &flow.jobs);
        let widest = jobs.map(|job| job.slots).max().unwrap_or(1);
        let slots = args.slots.unwrap_or_else(super::processors).max(widest);
        edits.push(Edit::PutExecutor(ExecutorDraft::new(
            "local", "local", slots,
        )));
    }
    let by = "simulate".to_owned();
    engine.apply(now, Input::Edit(EditBatch { by, edits }))?;
    Ok(engine)
}

fn find_executor(engine: &Engine, name: &str) -> Option<ExecutorId> {
    let found = engine.executors().find(|executor| executor.name == name);
    found.map(|executor| executor.id)
}

/// The job that is called so, as flow/job.
fn find_job(engine: &Engine, label: &str) -> Option<JobId> {
    let (flow, job) = label.split_once('/')?;
    let flow = engine.find_flow(flow)?.id;
    engine.find_job(flow, job).map(|job| job.id)
}

/// What a file of durations says, each for a job that one of the meshes has.
fn durations(engines: &[Engine], path: &Path) -> Result<Vec<(String, Duration)>, SimulateError> {
    let text = fs::read_to_string(path).map_err(|source| SimulateError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let given: BTreeMap<String, Span> =
        serde_json::from_str(&text).map_err(|source| SimulateError::NotSpans {
            path: path.to_owned(),
            source,
        })?;
    let is_known = |label: &str| {
        engines
            .iter()
            .any(|engine| find_job(engine, label).is_some())
    };
    if let Some(label) = given.keys().find(|label| !is_known(label)) {
        return Err(SimulateError::NoJob {
            path: path.to_owned(),
            label: label.clone(),
        });
    }
    let spans = given.into_iter();
    Ok(spans
        .map(|(label, span)| (label, span.duration()))
        .collect())
}
