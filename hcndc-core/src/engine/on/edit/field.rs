//! What a single field may hold.

use alloc::{
    collections::BTreeMap, collections::BTreeSet, format, string::String, string::ToString,
    vec::Vec,
};
use core::time::Duration;

use super::Plan;
use crate::{
    model::{DefinitionError, LONGEST_TEXT, Param},
    time::DateFormat,
};

impl Plan<'_> {
    pub(super) fn check_name(&mut self, at: usize, name: &str, is_flow: bool) {
        let fits = (1..=255).contains(&name.chars().count())
            && !name.chars().any(char::is_control)
            && name.trim() == name
            && !(is_flow && name.contains('/'));
        if !fits {
            self.fault(at, "name", DefinitionError::BadName);
        }
    }

    pub(super) fn check_directory(&mut self, at: usize, directory: &str) {
        let fits = directory.starts_with('/')
            && !directory.contains("//")
            && !directory.chars().any(char::is_control)
            && directory.len() <= 1024;
        if !fits {
            self.fault(at, "directory", DefinitionError::BadDirectory);
        }
    }

    pub(super) fn check_range(&mut self, at: usize, field: &str, value: i64, min: i64, max: i64) {
        if !(min..=max).contains(&value) {
            self.fault(at, field, DefinitionError::OutOfRange { value, min, max });
        }
    }

    pub(super) fn check_not_zero(&mut self, at: usize, field: &str, value: Option<Duration>) {
        if value.is_some_and(|value| value.is_zero()) {
            let (min, max) = (1, i64::MAX);
            self.fault(
                at,
                field,
                DefinitionError::OutOfRange { value: 0, min, max },
            );
        }
    }

    pub(super) fn check_text(&mut self, at: usize, field: &str, text: &str) {
        if text.contains('\0') {
            self.fault(at, field, DefinitionError::Nul);
        }
        if text.len() > LONGEST_TEXT {
            let (length, max) = (text.len(), LONGEST_TEXT);
            self.fault(at, field, DefinitionError::TooLong { length, max });
        }
    }

    pub(super) fn check_params(&mut self, at: usize, params: &[Param]) {
        let mut seen = BTreeSet::new();
        for param in params {
            let field = format!("params.{}", param.name);
            if !is_key(&param.name, &['.', '-']) {
                self.fault(
                    at,
                    "params",
                    DefinitionError::BadKey {
                        value: param.name.clone(),
                    },
                );
            }
            if !seen.insert(&param.name) {
                let error = DefinitionError::Duplicate {
                    value: param.name.clone(),
                };
                self.fault(at, "params", error);
            }
            self.check_text(at, &field, &param.value);
        }
    }

    /// Settings that an adapter knows the meaning of.
    pub(super) fn check_options(
        &mut self,
        at: usize,
        field: &str,
        options: &BTreeMap<String, String>,
    ) {
        for (name, value) in options {
            if name.trim().is_empty() {
                self.fault(at, field, DefinitionError::Empty);
            }
            self.check_text(at, field, name);
            self.check_text(at, &format!("{field}.{name}"), value);
        }
    }

    pub(super) fn check_date_format(&mut self, at: usize, field: &str, format: &str) {
        if format.parse::<DateFormat>().is_err() {
            let format = format.into();
            self.fault(at, field, DefinitionError::BadFormat { format });
        }
    }

    pub(super) fn check_env(&mut self, at: usize, env: &BTreeMap<String, String>) {
        for (name, value) in env {
            if !is_key(name, &[]) {
                self.fault(
                    at,
                    "env",
                    DefinitionError::BadKey {
                        value: name.clone(),
                    },
                );
            }
            self.check_text(at, &format!("env.{name}"), value);
        }
    }

    pub(super) fn sort_unique<Id: Ord + Copy + ToString>(
        &mut self,
        at: usize,
        field: &str,
        ids: &mut Vec<Id>,
    ) {
        ids.sort_unstable();
        let twice = ids
            .windows(2)
            .filter(|pair| pair[0] == pair[1])
            .map(|pair| pair[0]);
        for id in twice.collect::<BTreeSet<_>>() {
            self.fault(
                at,
                field,
                DefinitionError::Duplicate {
                    value: id.to_string(),
                },
            );
        }
        ids.dedup();
    }
}

pub(super) fn is_key(name: &str, also: &[char]) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|it| it.is_ascii_alphanumeric() || it == '_' || also.contains(&it))
        && name.len() <= 255
}
