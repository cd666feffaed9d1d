//! `hcndc replay`.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;
use hcndc_core::{
    engine::{Engine, Rejected, Step},
    id::JobRunId,
    replay::{Mark, Player, Record, ReplayError},
    time::Timestamp,
};

use super::{Exit, cron::time, pick, print, say, warn, warn_error};
use crate::{
    interchange::Lang,
    recording::{Header, Reader, recordings},
};

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// A recording, or a folder of them
    #[arg(value_name = "FILE|DIR")]
    path: PathBuf,
    /// Go as far as this time, RFC 3339
    #[arg(long, value_name = "RFC3339", value_parser = time)]
    until: Option<Timestamp>,
    /// Print each input and what came of it
    #[arg(long)]
    steps: bool,
    /// At the end, tell as JSON why this job run stands where it stands, by its id
    #[arg(long, value_name = "JOB_RUN")]
    explain: Option<u64>,
}

/// What was played.
#[derive(Debug, Default)]
struct Played {
    files: u64,
    inputs: u64,
    /// Outcomes that were compared.
    compared: u64,
    different: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Played {
    const fn note(&mut self, at: Timestamp) {
        if self.first.is_none() {
            self.first = Some(at);
        }
        self.last = Some(at);
    }
}

pub(super) fn run(args: &ReplayArgs, lang: Lang) -> Exit {
    let doing = match lang {
        Lang::En => format!("cannot read {}", args.path.display()),
        Lang::Zh => format!("无法读取 {}", args.path.display()),
    };
    let files = match recordings(&args.path) {
        Ok(files) if files.is_empty() => {
            warn(format_args!(
                "{}{doing}: {}",
                pick(lang, "error: ", "错误："),
                pick(lang, "no recording is in it", "其中没有录制文件")
            ));
            return Exit::Wrong;
        }
        Ok(files) => files,
        Err(error) => {
            warn_error(lang, &doing, &error);
            return Exit::Wrong;
        }
    };
    let (mut player, mut played) = (Player::default(), Played::default());
    for file in files {
        match play(args, &file, &mut player, &mut played, lang) {
            Ok(true) => {}
            Ok(false) => break,
            Err(exit) => return exit,
        }
    }
    let ended = summarize(&played, player.engine(), lang);
    match (args.explain, player.engine()) {
        (Some(job_run), Some(engine)) => match explain(engine, JobRunId(job_run), lang) {
            Exit::Success => ended,
            exit => exit,
        },
        _ => ended,
    }
}

/// Plays one file; `false` if the end that was asked for lies in it.
fn play(
    args: &ReplayArgs,
    file: &std::path::Path,
    player: &mut Player,
    played: &mut Played,
    lang: Lang,
) -> Result<bool, Exit> {
    let name = file.display();
    let wrong = |error: &(dyn std::error::Error + 'static)| {
        warn_error(lang, &name.to_string(), error);
        Exit::Wrong
    };
    let mut reader = Reader::open(file).map_err(|error| wrong(&error))?;
    if *reader.header() != Header::new() {
        let version = &reader.header().version;
        warn(match lang {
            Lang::En => {
                format!("{name}: version {version} wrote it; this one may come to something else")
            }
            Lang::Zh => format!("{name}：由版本 {version} 录制，本版本的结果可能不同"),
        });
    }
    played.files += 1;
    while let Some(record) = reader.next_record().map_err(|error| wrong(&error))? {
        if let Record::Loaded { at, .. } | Record::Input { at, .. } = &record {
            if args.until.is_some_and(|until| *at > until) {
                return Ok(false);
            }
            played.note(*at);
        }
        if args.steps {
            say(heading(&record, reader.line()));
        }
        let compares = matches!(record, Record::Outcome { .. });
        let applies = matches!(record, Record::Input { .. });
        let result = player.play(record);
        played.inputs += u64::from(applies);
        played.compared += u64::from(compares);
        if let (true, true, Some(outcome)) = (args.steps, applies, player.outcome()) {
            say(described(outcome).trim_end());
        }
        match result {
            Ok(()) => {}
            Err(error @ ReplayError::Differs { .. }) => {
                played.different += 1;
                // One leads to the next; the first is of interest.
                if played.different == 1 {
                    warn(match lang {
                        Lang::En => format!("{name}:{}: {error}", reader.line()),
                        Lang::Zh => {
                            format!("{name}:{}: 结果与录制时不同（{error}）", reader.line())
                        }
                    });
                }
            }
            Err(error) => return Err(wrong(&error)),
        }
    }
    if reader.is_torn() {
        warn(match lang {
            Lang::En => {
                format!("{name}: the last line was not written to its end, and is left out")
            }
            Lang::Zh => format!("{name}：最后一行未写完，已略去"),
        });
    }
    Ok(true)
}

/// What goes in.
fn heading(record: &Record, line: u64) -> String {
    match record {
        Record::Loaded { at, snapshot, .. } => {
            let (live, next) = (snapshot.executions.len(), snapshot.next_id);
            format!("{line} {at} loaded: {live} live executions, next id {next}")
        }
        Record::Input { at, input } => format!("{line} {at} {input:?}"),
        Record::Outcome { mark } => format!("{line}   mark {:016x}", mark.0),
    }
}

/// What came of it, one change or effect a line.
fn described(outcome: &Result<Step, Rejected>) -> String {
    let mut text = String::new();
    // A string takes everything.
    let _ = match outcome {
        Ok(step) => {
            let changes = step.changes.iter().map(|it| format!("    change {it:?}\n"));
            let effects = step.effects.iter().map(|it| format!("    effect {it:?}\n"));
            text.extend(changes.chain(effects));
            writeln!(text, "    reply {:?}", step.reply)
        }
        Err(rejected) => writeln!(text, "    refused: {rejected}"),
    };
    text
}

fn summarize(played: &Played, engine: Option<&Engine>, lang: Lang) -> Exit {
    let Played {
        files,
        inputs,
        compared,
        different,
        ..
    } = played;
    if let (Some(first), Some(last)) = (played.first, played.last) {
        say(match lang {
            Lang::En => format!("inputs from {first} to {last}: {inputs}, in files: {files}"),
            Lang::Zh => format!("{first} 至 {last}，共 {inputs} 条输入，{files} 个文件"),
        });
    }
    if let Some(engine) = engine {
        let (executions, queued, running) = engine.load_figures();
        let mark = Mark::of_engine(engine).0;
        say(match lang {
            Lang::En => format!(
                "in the end: live executions: {executions}, job runs queued: {queued}, attempts alive: {running}; state {mark:016x}"
            ),
            Lang::Zh => format!(
                "最后：{executions} 个进行中的执行，{queued} 个排队的任务，{running} 个进行中的尝试；状态 {mark:016x}"
            ),
        });
    }
    if *different == 0 {
        say(match lang {
            Lang::En => format!("the same, bit for bit: {compared} of {compared} outcomes"),
            Lang::Zh => format!("完全一致：{compared} 条结果全部相同"),
        });
        Exit::Success
    } else {
        say(match lang {
            Lang::En => format!("not the same: {different} of {compared} outcomes differ"),
            Lang::Zh => format!("不一致：{compared} 条结果中有 {different} 条不同"),
        });
        Exit::Failed
    }
}

fn explain(engine: &Engine, job_run: JobRunId, lang: Lang) -> Exit {
    let Some(explanation) = engine.explain(job_run) else {
        warn(match lang {
            Lang::En => format!("error: no live execution has job run {job_run}"),
            Lang::Zh => format!("错误：没有进行中的执行包含任务执行 {job_run}"),
        });
        return Exit::Wrong;
    };
    match serde_json::to_string_pretty(&explanation) {
        Ok(text) => print(lang, text),
        Err(error) => {
            warn_error(lang, pick(lang, "cannot tell it", "无法输出"), &error);
            Exit::Failed
        }
    }
}
