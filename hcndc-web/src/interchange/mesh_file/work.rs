//! What jobs do instead of running a command.

use hcndc_core::model::{
    DataSourceRef, GOOD_STATUSES, HttpCall, JobKindDraft, KettleLevel, KettleRun, KettleTool,
    SqlScript,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::interchange::text_map::TextMap;

/// A request that a job sends. It succeeds if the answer has an expected status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JobHttp)]
pub struct MeshHttp {
    /// One of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS. Default: GET.
    #[serde(default = "get", skip_serializing_if = "is_get")]
    pub method: String,
    /// Address, with `http://` or `https://`; placeholders are replaced.
    #[schemars(length(min = 1))]
    pub url: String,
    /// Headers; placeholders are replaced in their values. Default: none, but for the type of the body.
    #[serde(default, skip_serializing_if = "TextMap::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub headers: TextMap,
    /// What is sent; placeholders are replaced. Default: nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// Statuses that mean success: numbers and ranges, such as `200-299,304`. Default: `200-299`.
    #[serde(default = "good", skip_serializing_if = "is_good")]
    pub expect: String,
}

/// Statements that a job runs on a data source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JobSql)]
pub struct MeshSql {
    /// Name of the data source: a MySQL or MariaDB, PostgreSQL, SQLite or ClickHouse one.
    pub data_source: String,
    /// One statement, or several with semicolons between them. A placeholder becomes a word or a number; between quotes
    /// any text.
    #[schemars(length(min = 1))]
    pub statement: String,
    /// Whether all statements count or none; else each counts once it is done. Not on ClickHouse. Default: false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub transaction: bool,
}

/// A job or a transformation of Kettle (Pentaho Data Integration), in a file or in a repository. Placeholders are replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JobKettle)]
pub struct MeshKettle {
    /// `kitchen` for jobs, `pan` for transformations. Default: `kitchen`.
    #[serde(default, skip_serializing_if = "is_kitchen")]
    pub tool: MeshKettleTool,
    /// Directory of `kitchen.sh` and `pan.sh` on the executor's host. Default: where `PATH` finds them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub home: String,
    /// File of the job or the transformation; not together with `repository`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// Name of the repository that holds it; not together with `file`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repository: String,
    /// User of the repository. Default: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Password of the user, rather as the placeholder of a param that a query gives: it is stored as it is. Default: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub password: String,
    /// Directory in the repository. Default: its root.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub directory: String,
    /// Name of the job or the transformation in the repository.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How much Kettle says. Default: its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<MeshKettleLevel>,
    /// Named params. Default: none.
    #[serde(default, skip_serializing_if = "TextMap::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub params: TextMap,
}

/// What runs a job or a transformation of Kettle.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = KettleTool)]
#[expect(missing_docs, reason = "names are names")]
pub enum MeshKettleTool {
    #[default]
    Kitchen,
    Pan,
}

/// How much Kettle says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = KettleLevel)]
#[expect(missing_docs, reason = "names are names")]
pub enum MeshKettleLevel {
    Nothing,
    Error,
    Minimal,
    Basic,
    Detailed,
    Debug,
    Rowlevel,
}

/// What a job does, of which a file says one; none for a command.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MeshWork {
    /// A request.
    pub http: Option<MeshHttp>,
    /// Statements.
    pub sql: Option<MeshSql>,
    /// Kettle.
    pub kettle: Option<MeshKettle>,
}

impl MeshWork {
    /// As the engine takes it: the first that there is.
    pub(crate) fn kind(self) -> JobKindDraft {
        match (self.http, self.sql, self.kettle) {
            (Some(it), _, _) => JobKindDraft::Http(Box::new(HttpCall {
                method: it.method,
                url: it.url,
                headers: to_map(&it.headers),
                body: it.body,
                expect: it.expect,
            })),
            (None, Some(it), _) => JobKindDraft::Sql(SqlScript {
                data_source: DataSourceRef::Name(it.data_source),
                statement: it.statement,
                transaction: it.transaction,
            }),
            (None, None, Some(it)) => JobKindDraft::Kettle(Box::new(KettleRun {
                tool: match it.tool {
                    MeshKettleTool::Kitchen => KettleTool::Kitchen,
                    MeshKettleTool::Pan => KettleTool::Pan,
                },
                home: it.home,
                file: it.file,
                repository: it.repository,
                user: it.user,
                password: it.password,
                directory: it.directory,
                name: it.name,
                level: it.level.map(MeshKettleLevel::level),
                params: to_map(&it.params),
            })),
            (None, None, None) => JobKindDraft::Shell,
        }
    }

    /// The one that says this.
    pub(crate) fn of(kind: &JobKindDraft) -> Self {
        let mut work = Self::default();
        match kind {
            JobKindDraft::Shell => {}
            JobKindDraft::Http(it) => {
                work.http = Some(MeshHttp {
                    method: it.method.clone(),
                    url: it.url.clone(),
                    headers: to_text_map(&it.headers),
                    body: it.body.clone(),
                    expect: it.expect.clone(),
                });
            }
            JobKindDraft::Sql(it) => {
                work.sql = Some(MeshSql {
                    data_source: it.data_source.to_string(),
                    statement: it.statement.clone(),
                    transaction: it.transaction,
                });
            }
            JobKindDraft::Kettle(it) => {
                work.kettle = Some(MeshKettle {
                    tool: match it.tool {
                        KettleTool::Kitchen => MeshKettleTool::Kitchen,
                        KettleTool::Pan => MeshKettleTool::Pan,
                    },
                    home: it.home.clone(),
                    file: it.file.clone(),
                    repository: it.repository.clone(),
                    user: it.user.clone(),
                    password: it.password.clone(),
                    directory: it.directory.clone(),
                    name: it.name.clone(),
                    level: it.level.map(MeshKettleLevel::of),
                    params: to_text_map(&it.params),
                });
            }
        }
        work
    }

    /// How many of them there are.
    pub(crate) fn count(&self) -> usize {
        usize::from(self.http.is_some())
            + usize::from(self.sql.is_some())
            + usize::from(self.kettle.is_some())
    }
}

impl MeshKettleLevel {
    const fn level(self) -> KettleLevel {
        match self {
            Self::Nothing => KettleLevel::Nothing,
            Self::Error => KettleLevel::Error,
            Self::Minimal => KettleLevel::Minimal,
            Self::Basic => KettleLevel::Basic,
            Self::Detailed => KettleLevel::Detailed,
            Self::Debug => KettleLevel::Debug,
            Self::Rowlevel => KettleLevel::Rowlevel,
        }
    }

    const fn of(level: KettleLevel) -> Self {
        match level {
            KettleLevel::Nothing => Self::Nothing,
            KettleLevel::Error => Self::Error,
            KettleLevel::Minimal => Self::Minimal,
            KettleLevel::Basic => Self::Basic,
            KettleLevel::Detailed => Self::Detailed,
            KettleLevel::Debug => Self::Debug,
            KettleLevel::Rowlevel => Self::Rowlevel,
        }
    }
}

fn to_map(texts: &TextMap) -> std::collections::BTreeMap<String, String> {
    let texts = texts.iter();
    texts.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

fn to_text_map(texts: &std::collections::BTreeMap<String, String>) -> TextMap {
    let texts = texts.iter();
    texts.map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn get() -> String {
    "GET".to_owned()
}

fn is_get(method: &String) -> bool {
    method == "GET"
}

fn good() -> String {
    GOOD_STATUSES.to_owned()
}

fn is_good(expect: &String) -> bool {
    expect == GOOD_STATUSES
}

const fn is_false(value: &bool) -> bool {
    !*value
}

fn is_kitchen(tool: &MeshKettleTool) -> bool {
    *tool == MeshKettleTool::Kitchen
}
