//! Import and export: the mesh file that people write, and traced workflows of the WfCommons
//! project.
//!
//! [`read_mesh`] takes a file in YAML or JSON to a checked [`MeshFile`], or to **all** of its
//! faults, each with its place, its path, what is wrong and what to do, in English and Chinese.
//! [`to_yaml`] writes such a file back, [`export`] makes one of an engine's definitions, [`mesh_schema`] describes it for editors, and
//! [`import_wfcommons`] makes one of a WfFormat trace, [`import_azkaban`] of an Azkaban project, [`import_crontab`] of a crontab, [`import_old_hcndc`] of the
//! database of a first HCNDC. [`plan_sheet`] says what a sheet of flows or jobs does to what an engine has.
//! Nothing in here knows the store or the API.

mod accounts;
mod azkaban;
mod check;
mod crontab;
mod de;
mod definitions;
mod export;
mod fault;
mod fault_text;
mod json_reader;
mod mesh_file;
mod near;
mod node;
mod old_hcndc;
mod placeholder;
mod plan;
mod runnable;
mod schema;
mod sheet;
mod single;
mod source;
mod span;
mod text;
mod text_map;
mod wfcommons;
mod yaml_reader;
mod yaml_writer;

pub use self::accounts::{accounts_of, add_accounts};
pub(crate) use self::accounts::{all_roles, all_users};
pub use self::azkaban::{AzkabanMesh, AzkabanNote, import_azkaban};
pub(crate) use self::check::is_address;
pub use self::crontab::{CrontabMatter, CrontabMesh, CrontabNote, import_crontab, parse_crontab};
pub(crate) use self::de::REFERENCE;
pub use self::definitions::{Existing, edits};
pub(crate) use self::definitions::{job_params, nouns::day_filter};
pub(crate) use self::export::work;
pub use self::export::{ExportError, export};
pub use self::fault::{Expected, Fault, Found, Lang, NameRule, Noun, Problem, Station};
pub use self::mesh_file::{
    DependencyCondition, FORMAT_VERSION, JobDefaults, JobDependency, JobIndex, JobRetry,
    MeshAlertChannel, MeshAlertEvent, MeshAlertKind, MeshAlertRule, MeshCalendar, MeshContext,
    MeshContextValue, MeshDataSource, MeshDataSourceKind, MeshDate, MeshDayFilter, MeshDayRule,
    MeshDeadline, MeshDialect, MeshEscalation, MeshExecutor, MeshFile, MeshFileEvent, MeshFilePer,
    MeshFileServer, MeshFileServerKind, MeshFlow, MeshHookCondition, MeshHookScheme, MeshHookTest,
    MeshHttp, MeshJob, MeshKettle, MeshKettleLevel, MeshKettleTool, MeshMissed, MeshOrigin,
    MeshOutput, MeshOverlap, MeshParam, MeshParamValue, MeshParams, MeshPermission, MeshPool,
    MeshQuery, MeshRole, MeshSchedule, MeshSql, MeshTrigger, MeshUser, MeshValueType, MeshWebhook,
    MeshWeekday, MeshWindow, MeshWork, Moment, OutputJob, TimeOfDay,
};
pub(crate) use self::near::nearest;
pub use self::node::Position;
pub use self::old_hcndc::{
    OldHcndc, OldMatter, OldNote, OldOptions, OldReadError, OldReport, OldTableCount, OldTables,
    import_old_hcndc,
};
pub use self::plan::{
    MeshPlan, PlanError, PlannedAction, PlannedChange, PlannedField, Prune, plan_edits, prune_edits,
};
pub use self::runnable::check_runnable;
pub use self::schema::mesh_schema;
pub(crate) use self::sheet::MOST_BYTES as MOST_SHEET_BYTES;
pub use self::sheet::{
    CellChange, MOST_ROWS as MOST_SHEET_ROWS, RowOutcome, SheetColumn, SheetFormat, SheetKind,
    SheetNote, SheetPlan, SheetProblem, SheetRow, SheetWriteError, export_sheet, plan_sheet,
    sheet_kind, sheet_template,
};
pub(crate) use self::single::{Single, body_schemas, read_single, secret_field, tell_single};
pub use self::source::{
    MeshSource, check_mesh, parse_exported, parse_mesh, read_json_object, read_mesh,
};
pub use self::span::Span;
pub use self::text_map::TextMap;
pub use self::wfcommons::{import_wfcommons, parse_wfcommons};
pub use self::yaml_writer::{to_json, to_yaml};
