//! What jobs do beside running commands: requests and statements, each in a process of its own.
//!
//! The executor starts its own program once more for such a job, as it would start a shell: so the job has a process group,
//! a timeout, a log and an end like any other, and whatever goes wrong in it takes nothing else along. It is told what to do in
//! a file without a name that it inherits as its standard input: neither its command line nor its environment tells secrets,
//! and nothing of them lies on a disk. What an answer or a query gives goes to standard output, what is said of it to standard
//! error.
//!
//! | exit code | means |
//! | --- | --- |
//! | 0 | done |
//! | 1 | the other end said no: a status that was not expected, a statement that failed |
//! | 2 | the other end was not reached, or could not be asked as the job is |

pub mod access;
pub mod fill;
mod http;
pub mod split;
mod sql;
pub mod tab_separated;

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
    io::{self, Read as _, Write as _},
    process::ExitCode,
    time::Duration,
};

use hcndc_core::engine::SourceAccess;
use serde::{Deserialize, Serialize};

use crate::platform;

/// The first argument of a program that is to do such work.
pub(crate) const ARGUMENT: &str = "hcndc-work";

/// The other end said no.
const REFUSED: u8 = 1;
/// The other end was not reached.
const UNREACHED: u8 = 2;

/// What to do, with all values in their places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Task {
    Http(HttpTask),
    Sql(Box<SqlTask>),
}

/// For people: the request as HTTP writes it, or the statements.
impl Display for Task {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(task) => {
                write!(f, "{} {}", task.method, task.url)?;
                for (name, value) in &task.headers {
                    write!(f, "\n{name}: {value}")?;
                }
                match task.body.is_empty() {
                    true => Ok(()),
                    false => write!(f, "\n\n{}", task.body),
                }
            }
            Self::Sql(task) => f.write_str(&task.statement),
        }
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HttpTask {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    pub(crate) expect: String,
}

/// Statements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SqlTask {
    pub(crate) source: SourceAccess,
    pub(crate) statement: String,
    pub(crate) transaction: bool,
    /// How long all of it may take, after which nobody waits for it any more.
    pub(crate) timeout: Option<Duration>,
}

/// Does what this process was started for, if it was started to do such work.
pub(crate) fn work_if_asked() -> Option<ExitCode> {
    if std::env::args_os().nth(1)? != ARGUMENT {
        return None;
    }
    Some(work().unwrap_or_else(|error| {
        say(format_args!(
            "what is to be done is not understood: {error}"
        ));
        ExitCode::from(UNREACHED)
    }))
}

fn work() -> io::Result<ExitCode> {
    let mut told = String::new();
    io::stdin().read_to_string(&mut told)?;
    // Nobody who looks at this process later finds it there.
    platform::close_input()?;
    let task: Task = serde_json::from_str(&told)?;
    drop(told);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let code = runtime.block_on(async {
        match task {
            Task::Http(task) => http::run(task).await,
            Task::Sql(task) => sql::run(*task).await,
        }
    });
    runtime.shutdown_background();
    Ok(ExitCode::from(code))
}

/// Says something of the work. Nobody may read it any more, which is as good.
fn say(words: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{words}");
}
