//! Azkaban's `${property}` in a text → the placeholders of commands.

use std::collections::BTreeMap;

use super::super::placeholder::is_param_name;
use super::project::Setting;

/// Properties in one another, at most (`PropsUtils.resolveProps` refuses circles; here they end).
const MAX_DEPTH: usize = 32;

/// What a job's texts may name.
pub(super) struct Properties<'a> {
    /// Those of the flow, which a start may set anew: they stay params.
    pub(super) of_flow: &'a BTreeMap<&'a str, &'a Setting>,
    /// All others: their values are put in.
    pub(super) of_job: &'a BTreeMap<&'a str, &'a Setting>,
}

/// What resolving found besides.
#[derive(Default)]
pub(super) struct Findings {
    /// Properties that nothing sets.
    pub(super) unknown: Vec<String>,
    /// `$(…)`, which Azkaban computes.
    pub(super) expressions: Vec<String>,
}

/// `text` with our placeholders.
pub(super) fn resolve(text: &str, properties: &Properties<'_>, findings: &mut Findings) -> String {
    resolve_at(text, properties, findings, 0)
}

fn resolve_at(
    text: &str,
    properties: &Properties<'_>,
    findings: &mut Findings,
    depth: usize,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('$') {
        out.push_str(&rest[..start]);
        let from = &rest[start..];
        let named = from
            .strip_prefix("${")
            .and_then(|inner| inner.split_once('}'));
        if let Some((name, after)) = named {
            out.push_str(&property(name.trim(), properties, findings, depth));
            rest = after;
            continue;
        }
        if let Some((inner, _)) = from.strip_prefix("$(").and_then(|it| it.split_once(')')) {
            findings.expressions.push(format!("$({inner})"));
        }
        out.push('$');
        rest = &from[1..];
    }
    out.push_str(rest);
    out
}

fn property(
    name: &str,
    properties: &Properties<'_>,
    findings: &mut Findings,
    depth: usize,
) -> String {
    if let Some(own) = built_in(name) {
        return own.to_owned();
    }
    let of_flow = properties.of_flow.get(name);
    let value = properties
        .of_job
        .get(name)
        .or_else(|| of_flow.filter(|_| !is_param_name(name)));
    match value {
        Some(setting) if depth < MAX_DEPTH => {
            resolve_at(&setting.value, properties, findings, depth + 1)
        }
        None if of_flow.is_some() => format!("${{param.{name}}}"),
        Some(_) | None => {
            findings.unknown.push(name.to_owned());
            match is_param_name(name) {
                true => format!("${{param.{name}}}"),
                // Twice the dollar is one that begins nothing.
                false => format!("$${{{name}}}"),
            }
        }
    }
}

/// What Azkaban sets for each run (`JobProperties`, `CommonJobProperties`).
fn built_in(name: &str) -> Option<&'static str> {
    Some(match name {
        "azkaban.flow.flowid" => "${flow_name}",
        "azkaban.flow.execid" => "${exec_id}",
        "azkaban.job.id" | "azkaban.job.name" => "${job_name}",
        "azkaban.job.attempt" => "${attempt}",
        _ => return None,
    })
}
