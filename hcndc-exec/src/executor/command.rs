//! From an order to what the operating system needs: command line, directory, environment.

use std::{collections::BTreeMap, path::PathBuf};

use hcndc_core::engine::RunOrder;

use super::template::{Context, TemplateError, expand, expand_value};

/// What to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prepared {
    /// For `sh -c`.
    pub(crate) command: String,
    /// Working directory; relative ones are below the executor's own.
    pub(crate) workdir: PathBuf,
    /// Environment of the job, without what the executor passes on.
    pub(crate) env: BTreeMap<String, String>,
}

/// An order that cannot be carried out as it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {source}")]
pub(crate) struct PrepareError {
    place: String,
    source: TemplateError,
}

/// Variables of the executor's own environment that jobs get too.
pub(crate) const PASSED_ON: [&str; 5] = ["PATH", "HOME", "LANG", "USER", "TZ"];

/// Replaces placeholders, appends the args, and collects the environment.
pub(crate) fn prepare(order: &RunOrder) -> Result<Prepared, PrepareError> {
    let context = Context::from(order);
    let at = |place: String| move |source| PrepareError { place, source };

    // A block of text ends with a line break, after which args would be a command of their own.
    let mut command = expand(order.command.trim_end(), context).map_err(at("command".into()))?;
    for arg in &order.args {
        let value =
            expand(&arg.value, context).map_err(at(format!("value of param {:?}", arg.name)))?;
        command.push(' ');
        push_quoted(&mut command, &value);
    }
    let workdir = expand(&order.workdir, context).map_err(at("working directory".into()))?;

    let mut env = BTreeMap::new();
    for (name, value) in &order.values {
        let value = expand_value(value, context).map_err(at(format!("value of param {name:?}")))?;
        env.insert(
            format!("HCNDC_PARAM_{}", name.replace(['.', '-'], "_")),
            value,
        );
    }
    for (name, value) in &order.env {
        let value = expand(value, context).map_err(at(format!("variable {name:?}")))?;
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
        command,
        workdir: workdir.into(),
        env,
    })
}

/// Appends `value` as one word of the shell (POSIX Shell Command Language, 2.2.2).
fn push_quoted(line: &mut String, value: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:,@%+=".contains(&byte);
    if !value.is_empty() && value.bytes().all(plain) {
        line.push_str(value);
        return;
    }
    line.push('\'');
    line.push_str(&value.replace('\'', r"'\''"));
    line.push('\'');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::testing::order;
    use hcndc_core::model::Param;

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
        assert_eq!(
            prepare(&order).unwrap().command,
            r"load plain-1.csv 'two words' 'it'\''s' '' '$HOME 2026-11-21'"
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
        assert_eq!(env["HCNDC_PARAM_db_table_name"], "t_21");
        assert_eq!(env["OUT"], "t_21.csv");
        assert_eq!(env["HCNDC_ATTEMPT_ID"], "1");
    }

    #[test]
    fn an_unknown_param_is_named() {
        let order = order(1, "load ${param.nobody}");
        let error = prepare(&order).unwrap_err().to_string();
        assert_eq!(error, "command: no param is named \"nobody\"");
    }
}
