//! `hcndc demo`: the server, with the retail night of `examples/` loaded and started.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Args;
use hcndc_core::{
    engine::{EditBatch, ExecutionState, Input, JobRunState, Reply, Start, TriggerKind},
    id::{ExecutionId, FlowId},
    port::{History as _, JobRunQuery},
    time::DataDate,
};
use include_dir::{Dir, DirEntry, include_dir};

use super::{
    Exit, Signals, pick, say,
    serve::{self, AccessName, ServeArgs},
    warn, warn_error, warn_faults,
};
use crate::{
    handle::CommandError,
    interchange::{Existing, Lang, edits, read_mesh},
    live::{Heard, LiveEvent, Moved},
    server::Server,
};

/// The example, as it stands in the repository.
static RETAIL: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../examples/retail");

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    #[command(flatten)]
    serve: ServeArgs,
    /// Data date of the example's night, YYYY-MM-DD; yesterday if not given
    #[arg(long, value_name = "DATE")]
    date: Option<DataDate>,
    /// End when the night has ended, with exit code 0 only if it succeeded
    #[arg(long)]
    exit: bool,
}

pub(super) fn run(args: DemoArgs, lang: Lang) -> Exit {
    super::log_to_stderr();
    match super::runtime() {
        Ok(runtime) => runtime.block_on(demo(args, lang)),
        Err(error) => {
            warn_error(lang, pick(lang, "cannot start", "无法启动"), &error);
            Exit::Failed
        }
    }
}

async fn demo(mut args: DemoArgs, lang: Lang) -> Exit {
    // Who only looks around is not asked who they are.
    args.serve.access = args.serve.access.or(Some(AccessName::Open));
    let mut signals = match Signals::watch() {
        Ok(signals) => signals,
        Err(error) => {
            warn_error(
                lang,
                pick(lang, "cannot watch signals", "无法监听信号"),
                &error,
            );
            return Exit::Failed;
        }
    };
    let folder = args.serve.data_dir.join("demo").join("retail");
    let server = match serve::start(args.serve, lang).await {
        Ok(server) => server,
        Err(exit) => return exit,
    };
    let date = args.date.unwrap_or_else(|| server.app().yesterday());
    let ended = tokio::select! {
        exit = night(&server, &folder, date, lang) => Some(exit),
        () = signals.next() => None,
        // What went wrong is told when it is stopped.
        _ = server.failed() => Some(Exit::Failed),
    };
    match ended {
        // For people to look around.
        Some(_) if !args.exit => serve::until_stopped(server, &mut signals, lang).await,
        ended => {
            let stopped = server.stop().await;
            if let Err(error) = stopped {
                warn_error(lang, pick(lang, "the server stopped", "服务已停止"), &error);
                return Exit::Failed;
            }
            ended.unwrap_or(Exit::Success)
        }
    }
}

/// Loads the example, runs it to its end, and shows what it made.
async fn night(server: &Server, folder: &Path, date: DataDate, lang: Lang) -> Exit {
    let folder = match unpack(folder) {
        Ok(folder) => folder,
        Err(error) => {
            warn_error(
                lang,
                pick(lang, "cannot unpack the example", "无法解包示例"),
                &error,
            );
            return Exit::Failed;
        }
    };
    let mesh = match read_mesh(&folder.join("mesh.yaml"), &[]) {
        Ok(mesh) => mesh,
        Err(faults) => {
            warn_faults(lang, &faults);
            return Exit::Failed;
        }
    };
    let seen = server.app().live.newest();
    let started = async {
        let handle = &server.app().scheduler;
        let existing = handle.look(Existing::of).await?;
        let edits = edits(&mesh.file, Some(&folder), &existing);
        handle
            .command(Input::Edit(EditBatch {
                by: "demo".to_owned(),
                edits,
            }))
            .await?;
        let names: Vec<String> = mesh
            .file
            .flows
            .iter()
            .map(|flow| flow.name.clone())
            .collect();
        let flows: Vec<FlowId> = handle
            .look(move |engine| {
                let flows = names.iter().filter_map(|name| engine.find_flow(name));
                flows.map(|flow| flow.id).collect()
            })
            .await?;
        let by = "demo".to_owned();
        let start = Start {
            flows,
            jobs: None,
            downstream: false,
            data_date: date,
            date_format: None,
            params: Vec::new(),
            trigger: TriggerKind::Manual,
            by,
        };
        match handle.command(Input::Start(start)).await? {
            Reply::Started(execution) => Ok(execution),
            _ => Err(CommandError::Stopped),
        }
    };
    let execution = match started.await {
        Ok(execution) => execution,
        Err(error) => {
            warn_error(
                lang,
                pick(lang, "cannot start the example", "无法启动示例"),
                &error,
            );
            return Exit::Failed;
        }
    };
    let base = format!("{}://{}", server.scheme(), server.address());
    match lang {
        Lang::En => say(format_args!(
            "execution {execution} of the retail example for {date}: {base}/execute/{execution}/"
        )),
        Lang::Zh => say(format_args!(
            "零售示例 {date} 的执行 {execution}：{base}/execute/{execution}/"
        )),
    }
    let state = follow(server, execution, seen, lang).await;
    conclude(server, execution, state, &folder, date, lang).await;
    say(match lang {
        Lang::En => format!("look around: {base}/   (Ctrl-C ends)"),
        Lang::Zh => format!("更多内容：{base}/   （Ctrl-C 结束）"),
    });
    if state == ExecutionState::Succeeded {
        Exit::Success
    } else {
        Exit::Failed
    }
}

/// Says what ends, until the execution has.
async fn follow(
    server: &Server,
    execution: ExecutionId,
    mut seen: u64,
    lang: Lang,
) -> ExecutionState {
    loop {
        match server.app().live.after(seen, 100).await {
            // Its end may be among what we missed.
            Heard::Gap(newest) => {
                seen = newest;
                if let Ok(Some(view)) = server.app().history.execution(execution).await
                    && view.row.state.is_ended()
                {
                    return view.row.state;
                }
            }
            Heard::Events(events) => {
                for event in events {
                    seen = event.number;
                    if event.execution == execution
                        && let Some(state) = tell(&event, lang)
                    {
                        return state;
                    }
                }
            }
        }
    }
}

fn tell(event: &LiveEvent, lang: Lang) -> Option<ExecutionState> {
    match &event.what {
        Moved::JobRun {
            flow,
            job,
            to,
            attempt,
            ..
        } if to.is_settled() || *to == JobRunState::RetryWait => {
            let state = super::run::state_name(*to, lang);
            match lang {
                Lang::En => say(format_args!("  {flow}/{job} {state}, attempt {attempt}")),
                Lang::Zh => say(format_args!("  {flow}/{job} {state}，第 {attempt} 次尝试")),
            }
            None
        }
        Moved::Execution { to } if to.is_ended() => Some(*to),
        Moved::JobRun { .. } | Moved::FlowRun { .. } | Moved::Execution { .. } => None,
    }
}

async fn conclude(
    server: &Server,
    execution: ExecutionId,
    state: ExecutionState,
    folder: &Path,
    date: DataDate,
    lang: Lang,
) {
    if state == ExecutionState::Succeeded {
        let report = folder.join("out").join(date.to_string()).join("report.txt");
        say("");
        match fs::read_to_string(&report) {
            Ok(text) => say(text.trim_end()),
            Err(error) => {
                warn_error(
                    lang,
                    pick(lang, "cannot read the report", "无法读取报告"),
                    &error,
                );
            }
        }
        say("");
        say(format_args!(
            "{}{}",
            pick(lang, "succeeded; the report is ", "成功；报告在 "),
            report.display()
        ));
        return;
    }
    let query = JobRunQuery {
        execution: Some(execution),
        states: vec![JobRunState::Failed],
        ..JobRunQuery::default()
    };
    match server.app().history.job_runs(&query).await {
        Ok(page) => {
            for run in page.items {
                let doing = pick(lang, "failed: ", "失败：");
                warn(format_args!("{doing}{}/{}", run.flow_name, run.job_name));
            }
        }
        Err(error) => warn_error(
            lang,
            pick(lang, "cannot read the history", "无法读取历史"),
            &error,
        ),
    }
}

/// Writes the example's files into a folder, so that its jobs find them wherever this program was installed to.
fn unpack(folder: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    write(&RETAIL, folder)?;
    folder.canonicalize()
}

fn write(dir: &Dir<'_>, folder: &Path) -> io::Result<()> {
    for entry in dir.entries() {
        let path = folder.join(entry.path());
        match entry {
            // What somebody's run of the example left in the repository is not part of it.
            DirEntry::Dir(dir) if dir.path() == Path::new("out") => {}
            DirEntry::Dir(dir) => {
                fs::create_dir_all(&path)?;
                write(dir, folder)?;
            }
            DirEntry::File(file) => fs::write(&path, file.contents())?,
        }
    }
    Ok(())
}
