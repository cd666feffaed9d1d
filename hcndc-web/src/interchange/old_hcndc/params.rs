//! Data sources, and the params that jobs get.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Builder, OldMatter,
    names::{Names, clean, description, directory, literal},
    secrets::password,
    tables::Row,
};
use crate::interchange::{
    MeshContext, MeshContextValue, MeshDataSource, MeshDataSourceKind, MeshParam, MeshQuery,
    MeshValueType, Span, TextMap, placeholder::is_param_name,
};

/// How long a query may take: the first HCNDC set no limit, and a query of ours has one.
const QUERY_MILLIS: u64 = 60_000;

/// A param, and what the shell made of it.
#[derive(Debug, Clone)]
pub(super) struct OldParam {
    /// Its name here.
    pub(super) name: String,
    /// What was put behind the command, where it is known.
    pub(super) text: ParamText,
}

/// What stood behind a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ParamText {
    /// A text.
    Static(String),
    FlowName,
    JobName,
    /// A date, or what a query gave.
    Other,
}

impl Builder<'_> {
    /// Data sources, then the params that ask them.
    pub(super) fn sources_and_params(&mut self) {
        let mut names = Names::default();
        let mut sources = BTreeMap::new();
        let mut encoded = (0, 0);
        for row in self.living("tb_datasource") {
            let name = self.source(&row, &mut names, &mut encoded);
            sources.insert(row.id(), name);
        }
        let (encoded, plain) = encoded;
        if encoded + plain > 0 {
            let table = "tb_datasource".to_owned();
            self.report.whole(OldMatter::Passwords {
                table,
                encoded,
                plain,
            });
        }
        let directories = self.param_directories();
        let mut param_names = Names::default();
        let mut missing = BTreeSet::new();
        let mut has_date = false;
        for row in self.living("tb_param_config") {
            let id = row.id();
            let wanted = row.text("param_name");
            // Names stand in commands and variables, where there are only letters of ASCII.
            let fits = is_param_name(wanted.trim()) && wanted.trim().len() <= 255;
            let stem = match fits {
                true => wanted.trim().to_owned(),
                false => format!("param_{id}"),
            };
            let name = match param_names.take(&stem, id) {
                name if name == stem => name,
                _ => param_names.take(&format!("param_{id}"), id),
            };
            self.renamed(&row, wanted, &name);
            let text = match name == wanted {
                true => row.text("param_desc").to_owned(),
                false => format!("{} {}", clean(wanted), row.text("param_desc")),
            };
            let mut param = MeshParam {
                name: name.clone(),
                description: Some(description(&text, "param_id", id)),
                directory: match row.has("param_index") {
                    true => directory(row.text("param_index")),
                    false => {
                        let index = row.number("p_index_id").unwrap_or(0);
                        directory(directories.get(&index).map_or("", |it| it))
                    }
                },
                value: None,
                sql: None,
                context: None,
            };
            let value = row.text("param_value");
            let text = match (row.number("param_type").unwrap_or(0), value.trim()) {
                (1, query) => {
                    let source = row.number("source_id").unwrap_or(0);
                    let data_source = match sources.get(&source) {
                        Some(name) => name.clone(),
                        None => {
                            let name = self.missing_source(source, &mut names, &mut missing);
                            sources.insert(source, name.clone());
                            name
                        }
                    };
                    if missing.contains(&source) {
                        self.note(&row, &name, OldMatter::NoSource { source });
                    }
                    let query = literal(query.trim_end_matches(';').trim_end());
                    if query.is_empty() {
                        self.left_out(&row, &name, OldMatter::EmptyQuery);
                        continue;
                    }
                    param.sql = Some(MeshQuery {
                        data_source,
                        query,
                        timeout: Span::from_millis(QUERY_MILLIS).unwrap_or_default(),
                        column: None,
                        value_type: MeshValueType::Text,
                    });
                    ParamText::Other
                }
                // A text `$date` was replaced, too: by its value, whatever it came from.
                (0 | 2, "$date") => {
                    has_date = true;
                    param.context = Some(context(
                        MeshContextValue::DataDate,
                        Some(self.options.date_format.clone()),
                    ));
                    ParamText::Other
                }
                (2, "$flow_name") => {
                    param.context = Some(context(MeshContextValue::FlowName, None));
                    ParamText::FlowName
                }
                (2, "$job_name") => {
                    param.context = Some(context(MeshContextValue::JobName, None));
                    ParamText::JobName
                }
                (0, _) => {
                    if value.contains(',') {
                        self.note(&row, &name, OldMatter::Comma);
                    }
                    param.value = Some(literal(value));
                    ParamText::Static(value.to_owned())
                }
                // It put nothing behind the command.
                (kind, _) => {
                    let value = value.to_owned();
                    self.left_out(&row, &name, OldMatter::UnknownParam { kind, value });
                    continue;
                }
            };
            self.mesh.shared_params.push(param);
            self.params.insert(id, OldParam { name, text });
            self.carried(&row);
        }
        if has_date {
            let format = self.options.date_format.clone();
            self.report.whole(OldMatter::DateFormat { format });
        }
    }

    fn source(&mut self, row: &Row<'_>, names: &mut Names, encoded: &mut (usize, usize)) -> String {
        let id = row.id();
        let wanted = row.text("source_name");
        let name = names.take(wanted, id);
        self.renamed(row, wanted, &name);
        let found = row.number("source_type").unwrap_or(0);
        let kind = match found {
            1 => MeshDataSourceKind::Mysql,
            2 => MeshDataSourceKind::Mongodb,
            3 => MeshDataSourceKind::SqlServer,
            4 => MeshDataSourceKind::Hive,
            // What was neither of the others was asked as Impala.
            _ => MeshDataSourceKind::Impala,
        };
        if kind != MeshDataSourceKind::Mysql {
            let kind = match kind {
                MeshDataSourceKind::Mongodb => "MongoDB",
                MeshDataSourceKind::SqlServer => "SQL Server",
                MeshDataSourceKind::Hive => "Hive",
                _ => "Impala",
            };
            let kind = kind.to_owned();
            self.note(row, &name, OldMatter::Unasked { kind });
        }
        let auth = match row.number("auth_type") {
            Some(1) => Some("NOSASL"),
            Some(2) => Some("PLAIN"),
            Some(3) => Some("GSSAPI"),
            Some(4) => Some("LDAP"),
            _ => None,
        };
        let is_hive = matches!(kind, MeshDataSourceKind::Hive | MeshDataSourceKind::Impala);
        let auth = auth.filter(|_| is_hive);
        let options = auth.map(|auth| ("auth".to_owned(), auth.to_owned()));
        let stored = row.text("source_password");
        let secret = (!stored.is_empty()).then(|| {
            let (text, is_encoded) = password(stored);
            match is_encoded {
                true => encoded.0 += 1,
                false => encoded.1 += 1,
            }
            text
        });
        self.mesh.data_sources.push(MeshDataSource {
            name: name.clone(),
            description: Some(description(row.text("source_desc"), "source_id", id)),
            directory: "/".to_owned(),
            kind,
            host: given(row.text("source_host")),
            port: port(row.number("source_port")),
            database: given(row.text("source_database")),
            user: given(row.text("source_user")),
            password: secret,
            options: options.into_iter().collect::<TextMap>(),
        });
        self.carried(row);
        name
    }

    /// Stands for a data source that is not there, so that a job which needs its value fails and says so, as it did.
    fn missing_source(
        &mut self,
        id: i64,
        names: &mut Names,
        missing: &mut BTreeSet<i64>,
    ) -> String {
        let name = names.take(&format!("missing data source {id}"), id);
        missing.insert(id);
        self.mesh.data_sources.push(MeshDataSource {
            name: name.clone(),
            description: Some(description("", "source_id", id)),
            directory: "/".to_owned(),
            kind: MeshDataSourceKind::Mysql,
            // Nothing ever is there (RFC 2606).
            host: Some("missing.invalid".to_owned()),
            port: None,
            database: None,
            user: None,
            password: None,
            options: TextMap::default(),
        });
        name
    }

    /// Directories of params, where a version kept them in a table of their own.
    fn param_directories(&mut self) -> BTreeMap<i64, String> {
        let rows = self.living("tb_param_index");
        let by_id: BTreeMap<i64, (&str, Option<i64>)> = rows
            .iter()
            .map(|row| (row.id(), (row.text("index_name"), row.number("parent_id"))))
            .collect();
        for row in &rows {
            self.carried(row);
        }
        let path = |id: i64| {
            let mut parts = Vec::new();
            let mut at = Some(id);
            while let Some((name, parent)) = at.and_then(|id| by_id.get(&id)) {
                parts.push(name.replace('/', "-"));
                // A circle of them is cut where it would be longer than all of them.
                at = parent.filter(|_| parts.len() < by_id.len());
            }
            parts.reverse();
            parts.join("/")
        };
        by_id.keys().map(|id| (*id, path(*id))).collect()
    }
}

fn context(of: MeshContextValue, format: Option<String>) -> MeshContext {
    MeshContext {
        of,
        offset_days: 0,
        format: format.filter(|format| format != "%Y-%m-%d"),
    }
}

/// A text, unless it is empty.
pub(super) fn given(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A port, unless it cannot be one.
pub(super) fn port(number: Option<i64>) -> Option<u16> {
    let number = number.and_then(|number| u16::try_from(number).ok());
    number.filter(|port| *port > 0)
}
