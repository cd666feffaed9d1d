//! How an order says the date format of its execution to an executor: in each placeholder that it is for.
//!
//! Such placeholders mean the same to an executor of any version, so the protocol has no field for it.

use std::collections::BTreeMap;

use hcndc_core::{engine::RunOrder, model::JobKind, time::DateFormat};

use crate::executor::template::with_date_format;

/// Writes the date format of an order into its texts, after which it has none of its own. What other jobs have put out is
/// taken as it is.
pub(super) fn write_into_texts(order: &mut RunOrder) {
    let Some(format) = order.date_format.take() else {
        return;
    };
    let write = |text: &mut String| *text = with_date_format(text, &format);
    write(&mut order.command);
    write(&mut order.workdir);
    for arg in &mut order.args {
        if !order.literal.contains(&arg.name) {
            write(&mut arg.value);
        }
    }
    for (name, value) in &mut order.values {
        if !order.literal.contains(name) {
            write(value);
        }
    }
    write_into_values(&mut order.env, &format);
    match &mut order.kind {
        JobKind::Shell => {}
        JobKind::Http(call) => {
            write(&mut call.url);
            write(&mut call.body);
            write_into_values(&mut call.headers, &format);
        }
        JobKind::Sql(script) => write(&mut script.statement),
        JobKind::Kettle(run) => {
            for text in [
                &mut run.home,
                &mut run.file,
                &mut run.repository,
                &mut run.user,
                &mut run.password,
                &mut run.directory,
                &mut run.name,
            ] {
                write(text);
            }
            write_into_values(&mut run.params, &format);
        }
    }
}

fn write_into_values(texts: &mut BTreeMap<String, String>, format: &DateFormat) {
    for text in texts.values_mut() {
        *text = with_date_format(text, format);
    }
}
