//! How an order says the date format of its execution and the business days of its flow to an executor: in each placeholder that they are for.
//!
//! Such placeholders mean the same to an executor of any version, so the protocol has no field for it.

use std::collections::BTreeMap;

use hcndc_core::{engine::RunOrder, model::JobKind};

use crate::executor::template::{Dates, settle_dates};

/// Writes the date format and the business days of an order into its texts, after which it has none of its own. What other jobs have
/// put out is taken as it is.
pub(super) fn write_into_texts(order: &mut RunOrder) {
    let (format, calendar) = (order.date_format.take(), order.calendar.take());
    let dates = Dates {
        data_date: order.data_date,
        format: format.as_ref(),
        business: calendar.as_deref().map(|it| &it.days),
    };
    let write = |text: &mut String| *text = settle_dates(text, dates);
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
    write_into_values(&mut order.env, dates);
    match &mut order.kind {
        JobKind::Shell => {}
        JobKind::Http(call) => {
            write(&mut call.url);
            write(&mut call.body);
            write_into_values(&mut call.headers, dates);
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
            write_into_values(&mut run.params, dates);
        }
    }
}

fn write_into_values(texts: &mut BTreeMap<String, String>, dates: Dates<'_>) {
    for text in texts.values_mut() {
        *text = settle_dates(text, dates);
    }
}
