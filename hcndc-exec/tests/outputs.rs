//! Values that real jobs put out.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod desk;

use std::collections::BTreeMap;

use desk::{Desk, order};
use hcndc_core::{engine::EndCause, id::AttemptId, model::Param, port::Stream};
use hcndc_exec::link::{Down, Up};

fn pairs(values: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = values.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn lines_that_put_out_values_are_told_with_the_end_and_stay_in_the_log() {
    let mut desk = Desk::new().await;
    let text = "printf '::set-out'; sleep 0.05; printf 'put rows=12\\n'
echo '::set-output no=1' >&2
echo ' ::set-output no=1'
printf '10%%\\r20%%\\r30%%\\r100%%\\n::set-output date=2026-11-21\\r\\n'
echo '::set-output rows=13 a b'
printf '::set-output last='; exit 3";
    let end = desk.run(order(1, text)).await;
    assert_eq!(end.cause, EndCause::Exited(3));
    assert_eq!(
        end.outputs,
        pairs(&[("date", "2026-11-21"), ("last", ""), ("rows", "13 a b")])
    );
    let output = desk.output(1, Stream::Stdout).await;
    for line in [
        "::set-output rows=12\n",
        "::set-output date=2026-11-21\r\n",
        "::set-output rows=13 a b\n",
    ] {
        assert!(output.contains(line), "{line:?} is not in {output:?}");
    }
    let said = desk.output(1, Stream::Executor).await;
    assert!(!said.contains("put out"), "{said}");
    assert_eq!(desk.run(order(2, "echo hello")).await.outputs, pairs(&[]));
}

#[tokio::test]
async fn what_cannot_be_put_out_is_said_in_the_log() {
    let mut desk = Desk::new().await;
    let text = "i=0; while [ $i -lt 70 ]; do echo \"::set-output n$i=$i\"; i=$((i+1)); done
echo '::set-output 1st=x'
echo '::set-output db_password=hunter2'
echo \"::set-output n1=$(head -c 5000 /dev/zero | tr '\\0' v)\"";
    let end = desk.run(order(1, text)).await;
    assert_eq!(end.outputs.len(), 64);
    assert_eq!(end.outputs["n1"], "1");
    let said = desk.output(1, Stream::Executor).await;
    let said: Vec<&str> = said.lines().collect();
    assert_eq!(said.len(), 9, "{said:?}");
    for (line, part) in said.iter().zip(["one too many"; 6].iter().chain(&[
        "no name",
        "secret",
        "more than 4096 bytes",
    ])) {
        assert!(line.contains(part), "{line:?} does not say {part:?}");
    }
    // The line itself is a line like any other.
    let output = desk.output(1, Stream::Stdout).await;
    assert!(output.contains("::set-output 1st=x\n"));
}

#[tokio::test]
async fn a_secret_leaves_by_no_output() {
    let mut desk = Desk::new().await;
    let text = "echo \"::set-output url=db://ann:$DB_PASSWORD@h/\"; echo '::set-output ok=1'";
    let mut order = order(1, text);
    order.env.insert("DB_PASSWORD".into(), "hunter2".into());
    let end = desk.run(order).await;
    assert_eq!(end.outputs, pairs(&[("ok", "1")]));
    assert!(!desk.output(1, Stream::Stdout).await.contains("hunter2"));
    let said = desk.output(1, Stream::Executor).await;
    assert!(said.contains("\"url\" holds a secret"), "{said}");
}

#[tokio::test]
async fn what_another_job_has_put_out_is_taken_as_it_is() {
    let mut desk = Desk::new().await;
    let mut order = order(1, "echo \"${param.from} $HCNDC_PARAM_FROM\";printf '%s|'");
    let value = "${date} ${param.other}".to_owned();
    order.values.insert("from".into(), "$x".into());
    order.values.insert("raw".into(), value.clone());
    order.args.push(Param {
        name: "raw".into(),
        value: value.clone(),
    });
    order.literal = ["raw".to_owned(), "from".to_owned()].into();
    desk.run(order).await;
    assert_eq!(
        desk.output(1, Stream::Stdout).await,
        format!(" $x\n{value}|")
    );
}

#[tokio::test]
async fn outputs_are_kept_until_the_end_is_acknowledged_also_over_a_crash() {
    let mut desk = Desk::new().await;
    desk.run(order(1, "echo '::set-output rows=7'")).await;
    let mut desk = desk.crashed().await;
    let held = desk.held.pop().unwrap();
    assert_eq!(held.end.unwrap().outputs, pairs(&[("rows", "7")]));
    desk.give(Down::Run(Box::new(order(1, "echo '::set-output rows=7'"))))
        .await;
    assert_eq!(desk.end().await.outputs, pairs(&[("rows", "7")]));
    // Then whoever asked for the end has them, and what is remembered of many is small.
    let attempt = AttemptId(1);
    desk.give(Down::Ack { attempt }).await;
    desk.give(Down::Run(Box::new(order(1, "echo '::set-output rows=7'"))))
        .await;
    match desk.next().await {
        Up::Started { .. } => {}
        other => panic!("what is known is expected, not {other:?}"),
    }
    assert_eq!(desk.end().await.outputs, pairs(&[]));
}
