//! From an order to what the operating system needs: command line, directory, environment.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use hcndc_core::{
    engine::RunOrder,
    model::{HttpCall, JobKind, KettleRun, KettleTool},
    outputs::is_secret_name,
};

use super::{
    mask::Mask,
    template::{Context, TemplateError, expand, expand_value},
};
use crate::{
    platform::{KETTLE_SUFFIX, quoted},
    work::{
        HttpTask, SqlTask, Task,
        fill::{QueryError, fill},
    },
};

/// What to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prepared {
    /// What runs.
    pub(crate) program: Program,
    /// Working directory; relative ones are below the executor's own.
    pub(crate) workdir: PathBuf,
    /// Environment of the job, without what the executor passes on.
    pub(crate) env: BTreeMap<String, String>,
    /// Values that are to be seen in no log, each once.
    pub(crate) secrets: BTreeSet<String>,
}

/// What runs for a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// This line, by `sh -c`.
    Shell(String),
    /// A text that begins with `#!`, by the interpreter that its first line names.
    Script {
        interpreter: PathBuf,
        /// What follows in that line, as one argument (execve(2)).
        argument: Option<String>,
        text: String,
        args: Vec<String>,
    },
    /// This program with these arguments.
    Plain { program: PathBuf, args: Vec<String> },
    /// What a program of ours does for the job, see [`crate::work`].
    Work(Box<Task>),
}

impl Program {
    pub(crate) const fn is_script(&self) -> bool {
        matches!(self, Self::Script { .. })
    }

    /// Whether a command tells all of it: its standard input is empty, and there is no zero byte, in whose place a command has other
    /// words.
    pub(crate) fn is_told_by_its_command(&self) -> bool {
        match self {
            Self::Shell(text) => !text.contains('\0'),
            Self::Plain { args, .. } => !args.iter().any(|argument| argument.contains('\0')),
            Self::Script { .. } | Self::Work(_) => false,
        }
    }

    pub(crate) const fn is_plain(&self) -> bool {
        matches!(self, Self::Plain { .. })
    }
}

/// An order that cannot be carried out as it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PrepareError {
    /// A placeholder is wrong.
    #[error("{place}: {source}")]
    Placeholder {
        place: String,
        source: TemplateError,
    },
    /// A statement cannot be filled.
    #[error("statement: {0}")]
    Statement(#[from] QueryError),
    /// The shell cannot be given a value.
    #[error(
        "the shell of this system cannot be given a param that holds a line break; jobs find all params in their environment"
    )]
    Unquotable,
    /// Nothing is to be done.
    #[error(
        "the order says nothing that this executor could run: it may be of a newer server; upgrade the executor"
    )]
    Nothing,
}

/// What an order comes to, for people to look at before it is given; secrets are masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandPreview {
    /// The line for the shell, or the script; the request, the statement or Kettle's command line of jobs of other kinds.
    pub text: String,
    /// What a script is given.
    pub args: Vec<String>,
    /// Working directory; relative ones are below the executor's own.
    pub workdir: String,
    /// Environment of the job, without what the executor passes on.
    pub env: BTreeMap<String, String>,
}

/// What an order comes to.
///
/// # Errors
/// Why it cannot be carried out, in words.
pub fn preview(order: &RunOrder) -> Result<CommandPreview, String> {
    let prepared = prepare(order).map_err(|error| error.to_string())?;
    let (text, args) = match prepared.program {
        Program::Shell(line) => (line, Vec::new()),
        Program::Script { text, args, .. } => (text, args),
        Program::Plain { program, args } => {
            let mut line = program.display().to_string();
            for arg in args {
                line.push(' ');
                line.push_str(&quoted(&arg).unwrap_or(arg));
            }
            (line, Vec::new())
        }
        Program::Work(task) => (task.to_string(), Vec::new()),
    };
    let masked = |text: String| {
        let [mut mask, _] = Mask::pair(prepared.secrets.clone());
        let mut bytes = mask.take(text.into_bytes());
        bytes.extend(mask.rest());
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Ok(CommandPreview {
        text: masked(text),
        args: args.into_iter().map(masked).collect(),
        workdir: prepared.workdir.display().to_string(),
        env: prepared
            .env
            .into_iter()
            .map(|(name, value)| (name, masked(value)))
            .collect(),
    })
}

/// Replaces placeholders, appends the args, and collects the environment.
pub(crate) fn prepare(order: &RunOrder) -> Result<Prepared, PrepareError> {
    let context = Context::from(order);
    let at = |place: String| move |source| PrepareError::Placeholder { place, source };

    let mut secrets = BTreeSet::new();
    let mut args = Vec::new();
    for arg in &order.args {
        let value = if order.literal.contains(&arg.name) {
            arg.value.clone()
        } else {
            expand(&arg.value, context).map_err(at(format!("value of param {:?}", arg.name)))?
        };
        keep_secret(&arg.name, &value, &mut secrets);
        args.push(value);
    }
    let program = match &order.kind {
        JobKind::Shell if order.command.trim().is_empty() => return Err(PrepareError::Nothing),
        JobKind::Shell => {
            let text = expand(&order.command, context).map_err(at("command".into()))?;
            program(text, args)?
        }
        JobKind::Http(call) => Program::Work(Box::new(Task::Http(HttpTask {
            method: call.method.clone(),
            url: expand(&call.url, context).map_err(at("URL".into()))?,
            headers: headers(call, context, &mut secrets)?,
            body: expand(&call.body, context).map_err(at("body".into()))?,
            expect: call.expect.clone(),
        }))),
        JobKind::Sql(script) => {
            let source = script.data_source.clone();
            hide(source.password.reveal(), &mut secrets);
            Program::Work(Box::new(Task::Sql(Box::new(SqlTask {
                statement: fill(&script.statement, context, source.kind)?,
                source,
                transaction: script.transaction,
                timeout: order.timeout,
            }))))
        }
        JobKind::Kettle(run) => kettle(run, context, &mut secrets)?,
    };
    let workdir = expand(&order.workdir, context).map_err(at("working directory".into()))?;

    let mut env = BTreeMap::new();
    let is_work = matches!(program, Program::Work(_));
    for (name, value) in &order.values {
        let value = if order.literal.contains(name) {
            value.clone()
        } else {
            expand_value(value, context).map_err(at(format!("value of param {name:?}")))?
        };
        keep_secret(name, &value, &mut secrets);
        // They are in their places; and others of the host may read an environment.
        if is_work {
            continue;
        }
        env.insert(
            format!(
                "HCNDC_PARAM_{}",
                name.replace(['.', '-'], "_").to_ascii_uppercase()
            ),
            value,
        );
    }
    for (name, value) in &order.env {
        let value = expand(value, context).map_err(at(format!("variable {name:?}")))?;
        keep_secret(name, &value, &mut secrets);
        env.insert(name.clone(), value);
    }
    for (name, value) in [
        ("HCNDC_DATE", order.data_date.to_string()),
        ("HCNDC_FLOW_NAME", order.flow.clone()),
        ("HCNDC_JOB_NAME", order.job.clone()),
        ("HCNDC_EXEC_ID", order.execution.to_string()),
        ("HCNDC_JOB_RUN_ID", order.job_run.to_string()),
        ("HCNDC_ATTEMPT", order.number.to_string()),
        ("HCNDC_ATTEMPT_ID", order.attempt.to_string()),
    ] {
        env.insert(name.to_owned(), value);
    }
    Ok(Prepared {
        program,
        workdir: workdir.into(),
        env,
        secrets,
    })
}

/// Headers with placeholders replaced. Those that prove who asks are to be seen in no log.
fn headers(
    call: &HttpCall,
    context: Context<'_>,
    secrets: &mut BTreeSet<String>,
) -> Result<BTreeMap<String, String>, PrepareError> {
    let mut headers = BTreeMap::new();
    for (name, value) in &call.headers {
        let place = format!("header {name}");
        let value =
            expand(value, context).map_err(|source| PrepareError::Placeholder { place, source })?;
        let lower = name.to_ascii_lowercase();
        if ["authorization", "cookie", "auth"]
            .iter()
            .any(|it| lower.contains(it))
        {
            // With its scheme, as in `Bearer …`, and without.
            hide(&value, secrets);
            if let Some((_, proof)) = value.trim().split_once(' ') {
                hide(proof.trim(), secrets);
            }
        }
        keep_secret(name, &value, secrets);
        headers.insert(name.clone(), value);
    }
    Ok(headers)
}

/// Kettle's script and its arguments, as its manual says them.
fn kettle(
    run: &KettleRun,
    context: Context<'_>,
    secrets: &mut BTreeSet<String>,
) -> Result<Program, PrepareError> {
    let text = |field: &str, text: &str| {
        let place = format!("kettle.{field}");
        expand(text, context).map_err(|source| PrepareError::Placeholder { place, source })
    };
    let password = text("password", &run.password)?;
    hide(&password, secrets);
    let mut args = Vec::new();
    let object = match run.tool {
        KettleTool::Kitchen => "job",
        KettleTool::Pan => "trans",
    };
    for (option, value) in [
        ("file", text("file", &run.file)?),
        ("rep", text("repository", &run.repository)?),
        ("user", text("user", &run.user)?),
        ("pass", password),
        ("dir", text("directory", &run.directory)?),
        (object, text("name", &run.name)?),
        (
            "level",
            run.level
                .map_or_else(String::new, |it| it.as_str().to_owned()),
        ),
    ] {
        if !value.is_empty() {
            args.push(format!("-{option}={value}"));
        }
    }
    for (name, value) in &run.params {
        let value = text(&format!("params.{name}"), value)?;
        keep_secret(name, &value, secrets);
        args.push(format!("-param:{name}={value}"));
    }
    let home = PathBuf::from(text("home", &run.home)?);
    Ok(Program::Plain {
        program: home.join(format!("{}.{KETTLE_SUFFIX}", run.tool.as_str())),
        args,
    })
}

fn program(text: String, args: Vec<String>) -> Result<Program, PrepareError> {
    let first = text.trim_start();
    if let Some(line) = first.strip_prefix("#!") {
        let line = line.lines().next().unwrap_or_default().trim();
        let (interpreter, argument) = line
            .split_once(char::is_whitespace)
            .map_or((line, None), |(it, rest)| {
                (it, Some(rest.trim().to_owned()))
            });
        if !interpreter.is_empty() {
            return Ok(Program::Script {
                interpreter: interpreter.into(),
                argument,
                text: first.to_owned(),
                args,
            });
        }
    }
    // A block of text ends with a line break, after which args would be a command of their own.
    let mut line = text.trim_end().to_owned();
    for arg in args {
        line.push(' ');
        line.push_str(&quoted(&arg).ok_or(PrepareError::Unquotable)?);
    }
    Ok(Program::Shell(line))
}

/// Shorter values are in too much that is none.
const SHORTEST_SECRET: usize = 4;

fn keep_secret(name: &str, value: &str, secrets: &mut BTreeSet<String>) {
    if is_secret_name(name) {
        hide(value, secrets);
    }
}

fn hide(value: &str, secrets: &mut BTreeSet<String>) {
    if value.len() < SHORTEST_SECRET {
        return;
    }
    // A shell that shows what it does (`set -x`) shows it quoted.
    secrets.extend(quoted(value));
    secrets.insert(value.to_owned());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{executor::testing::order, wire};
    use hcndc_core::{
        contract::sample,
        engine::SourceAccess,
        model::{DataSourceKind, Param, Secret, SqlScript},
    };

    #[test]
    fn what_an_order_comes_to_is_told_without_its_secrets() {
        let mut order = order(1, "load --for ${date:%Y%m%d} --key ${param.api_token}");
        for (name, value) in [("api_token", "s3cret-key"), ("b", "two words")] {
            let (name, value) = (name.to_owned(), value.to_owned());
            order.values.insert(name.clone(), value.clone());
            order.args.push(Param { name, value });
        }
        let told = preview(&order).unwrap();
        assert_eq!(told.text, "load --for 20261121 --key *** *** 'two words'");
        assert_eq!(told.env["HCNDC_PARAM_API_TOKEN"], "***");
        assert_eq!(told.env["HCNDC_PARAM_B"], "two words");
        order.command = "#!/bin/bash\necho $1".to_owned();
        let told = preview(&order).unwrap();
        assert_eq!(told.text, "#!/bin/bash\necho $1");
        assert_eq!(told.args, ["***", "two words"]);
        order.command = "load ${param.none}".to_owned();
        let why = preview(&order).unwrap_err();
        assert!(why.contains("no param is named"), "{why}");
        order.kind = JobKind::Http(Box::new(HttpCall {
            url: "http://h/${date}".to_owned(),
            method: "POST".to_owned(),
            headers: [("Authorization".to_owned(), "Bearer abcdef".to_owned())].into(),
            body: "{}".to_owned(),
            expect: String::new(),
        }));
        let told = preview(&order).unwrap();
        assert_eq!(
            told.text,
            "POST http://h/2026-11-21\nAuthorization: ***\n\n{}"
        );
    }

    #[test]
    fn args_are_appended_each_as_one_word() {
        let mut order = order(1, "load\n");
        for (name, value) in [
            ("a", "plain-1.csv"),
            ("b", "two words"),
            ("c", "it's"),
            ("d", ""),
            ("e", "$HOME ${date}"),
        ] {
            order.args.push(Param {
                name: name.into(),
                value: value.into(),
            });
        }
        let line = r"load plain-1.csv 'two words' 'it'\''s' '' '$HOME 2026-11-21'";
        assert_eq!(
            prepare(&order).unwrap().program,
            Program::Shell(line.into())
        );
    }

    #[test]
    fn a_text_that_names_its_interpreter_is_a_script() {
        let scripts = [
            ("#!/bin/bash\necho ${date}\n", "/bin/bash", None),
            (
                "\n#! /usr/bin/env  python3 -u \nprint(1)",
                "/usr/bin/env",
                Some("python3 -u"),
            ),
        ];
        for (text, named, given) in scripts {
            let mut order = order(1, text);
            order.args.push(Param {
                name: "a".into(),
                value: "two words".into(),
            });
            let Program::Script {
                interpreter,
                argument,
                text,
                args,
            } = prepare(&order).unwrap().program
            else {
                panic!("{text} is a script")
            };
            assert_eq!(interpreter.to_str(), Some(named));
            assert_eq!(argument.as_deref(), given);
            assert!(text.starts_with("#!") && !text.contains("${date}"));
            assert_eq!(args, ["two words"]);
        }
        let shell = prepare(&order(1, "#!\ntrue")).unwrap().program;
        assert_eq!(shell, Program::Shell("#!\ntrue".into()));
    }

    #[test]
    fn values_whose_names_say_so_are_secret() {
        let mut order = order(1, "true");
        for (name, value) in [
            ("db.password", "it's hidden"),
            ("table", "orders"),
            ("Api-Key", "k3y5"),
            ("token", "abc"),
        ] {
            order.values.insert(name.into(), value.into());
        }
        order.env.insert("MY_SECRET".into(), "${date}".into());
        let secrets = prepare(&order).unwrap().secrets;
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        assert_eq!(
            secrets,
            [r"'it'\''s hidden'", "2026-11-21", "it's hidden", "k3y5"]
        );
    }

    #[test]
    fn values_arrive_in_the_environment() {
        let mut order = order(1, "true");
        order
            .values
            .insert("db.table-name".into(), "t_${date:%d}".into());
        order
            .env
            .insert("OUT".into(), "${param.db.table-name}.csv".into());
        let env = prepare(&order).unwrap().env;
        assert_eq!(env["HCNDC_PARAM_DB_TABLE_NAME"], "t_21");
        assert_eq!(env["OUT"], "t_21.csv");
        assert_eq!(env["HCNDC_ATTEMPT_ID"], "1");
    }

    /// Placeholders in all texts of an order come to the same on either side of the wire, whose words have neither a date format nor a
    /// calendar.
    #[test]
    fn dates_go_in_the_texts() {
        let text =
            |name: &str| format!("{name}-${{date-1d}}-${{param.day}}-${{date:%j}}-${{date-1b}}");
        let source = SourceAccess {
            name: "dwh".into(),
            kind: DataSourceKind::Mysql,
            host: "db".into(),
            port: None,
            database: "d".into(),
            user: "u".into(),
            password: Secret::new("${date}".to_owned()),
            options: BTreeMap::new(),
        };
        let kinds = [
            JobKind::Shell,
            JobKind::Http(Box::new(HttpCall {
                method: "POST".into(),
                url: text("http://h/"),
                headers: BTreeMap::from([("X-Day".into(), text("header"))]),
                body: text("body"),
                expect: String::new(),
            })),
            JobKind::Sql(SqlScript {
                data_source: source,
                statement: text("select '") + "'",
                transaction: true,
            }),
            JobKind::Kettle(Box::new(KettleRun {
                tool: KettleTool::Pan,
                home: text("home"),
                file: text("file"),
                repository: text("repository"),
                user: text("user"),
                password: text("password"),
                directory: text("directory"),
                name: text("name"),
                level: None,
                params: BTreeMap::from([("DAY".into(), text("param"))]),
            })),
        ];
        for kind in kinds {
            let mut order = order(1, &text("command"));
            order.kind = kind;
            order.date_format = Some("%d.%m.%Y".parse().unwrap());
            let mut calendar = sample::calendar();
            calendar.days.holidays.insert("2026-11-20".parse().unwrap());
            order.calendar = Some(Arc::new(calendar));
            order.workdir = text("workdir");
            order.env.insert("DAY".into(), text("env"));
            order.values.insert("day".into(), "of ${date}".into());
            order.values.insert("raw".into(), "${date}".into());
            order.literal.insert("raw".into());
            for name in ["arg", "raw"] {
                order.args.push(Param {
                    name: name.into(),
                    value: "${date}".into(),
                });
            }
            let sent = prepare(&order).unwrap();
            assert_eq!(
                sent.env["DAY"],
                "env-20.11.2026-of 21.11.2026-325-19.11.2026"
            );
            assert_eq!(sent.env["HCNDC_DATE"], "2026-11-21");
            let wire = wire::RunOrder::from(order);
            let received = RunOrder::try_from(wire).unwrap();
            assert_eq!(received.date_format, None);
            assert_eq!(received.calendar, None);
            assert_eq!(received.values["raw"], "${date}");
            assert_eq!(prepare(&received), Ok(sent));
        }
    }

    #[test]
    fn an_unknown_param_is_named() {
        let order = order(1, "load ${param.nobody}");
        let error = prepare(&order).unwrap_err().to_string();
        assert_eq!(error, "command: no param is named \"nobody\"");
    }
}
