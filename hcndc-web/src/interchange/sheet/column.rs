//! The columns: what they are called, in both languages and by those who write them otherwise, and what stands in them.

use crate::interchange::Lang;

/// What the rows of a sheet are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetKind {
    /// A flow each.
    Flows,
    /// A job each.
    Jobs,
}

/// A column of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SheetColumn {
    /// The number by which other rows of the file name this one.
    Number,
    /// The flow that a job belongs to.
    Flow,
    /// Its name.
    Name,
    /// Text for people.
    Description,
    /// The executor that runs it.
    Executor,
    /// Where it is filed; a job where its flow is.
    Directory,
    /// The last data date that the flow succeeded for; only told.
    DataDate,
    /// How often a failed run of a flow is taken up again.
    Retries,
    /// Where its command runs.
    Workdir,
    /// What it runs.
    Command,
    /// What it waits for, by numbers of the file.
    DependsOnNumbers,
    /// What it waits for, by ids or names of what there is.
    DependsOnIds,
    /// Shared params that are appended to its command.
    Params,
    /// Exit codes that mean success.
    SuccessCodes,
}

/// What is known of a column of a kind of sheet.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) column: SheetColumn,
    /// Whether no sheet can do without.
    pub(super) required: bool,
    en: &'static str,
    zh: &'static str,
    /// Other names that are taken.
    also: &'static [&'static str],
}

const fn spec(
    column: SheetColumn,
    en: &'static str,
    zh: &'static str,
    also: &'static [&'static str],
) -> Spec {
    let required = matches!(column, SheetColumn::Name | SheetColumn::Flow);
    Spec {
        column,
        required,
        en,
        zh,
        also,
    }
}

/// In the order in which they are written.
const FLOWS: &[Spec] = &[
    spec(SheetColumn::Number, "number", "序号", &["no", "编号"]),
    spec(
        SheetColumn::Name,
        "flow name",
        "任务流名称",
        &["name", "flow", "名称", "任务流"],
    ),
    spec(
        SheetColumn::Description,
        "flow description",
        "任务流描述",
        &["description", "描述"],
    ),
    spec(
        SheetColumn::Directory,
        "flow directory",
        "任务流目录",
        &["directory", "目录"],
    ),
    spec(SheetColumn::DataDate, "data date", "数据日期", &["date"]),
    spec(
        SheetColumn::Retries,
        "retries",
        "重试次数",
        &["retry", "restarts", "重试"],
    ),
    spec(
        SheetColumn::DependsOnNumbers,
        "depends on numbers (of this file)",
        "依赖任务流序号(本次新建任务流)",
        &[
            "depends on numbers",
            "依赖任务流序号",
            "依赖任务流序号(本次导入)",
            "依赖序号",
        ],
    ),
    spec(
        SheetColumn::DependsOnIds,
        "depends on ids (existing flows)",
        "依赖任务流id(已有任务流)",
        &["depends on ids", "depends on", "依赖任务流id", "依赖任务流"],
    ),
];

const JOBS: &[Spec] = &[
    spec(SheetColumn::Number, "number", "序号", &["no", "编号"]),
    spec(
        SheetColumn::Flow,
        "flow id",
        "所属任务流id",
        &[
            "flow",
            "flow name",
            "任务流id",
            "所属任务流",
            "任务流",
            "任务流名称",
        ],
    ),
    spec(
        SheetColumn::Name,
        "job name",
        "任务名称",
        &["name", "job", "名称", "任务"],
    ),
    spec(
        SheetColumn::Description,
        "job description",
        "任务描述",
        &["description", "描述"],
    ),
    spec(
        SheetColumn::Executor,
        "executor id",
        "执行服务器id",
        &["executor", "服务器id", "执行服务器", "服务器"],
    ),
    spec(
        SheetColumn::Directory,
        "job directory",
        "任务目录",
        &["directory", "目录"],
    ),
    spec(
        SheetColumn::Workdir,
        "working directory",
        "脚本目录",
        &["workdir", "工作目录", "服务器目录"],
    ),
    spec(
        SheetColumn::Command,
        "command",
        "脚本命令",
        &["script", "命令", "运行命令"],
    ),
    spec(
        SheetColumn::DependsOnNumbers,
        "depends on numbers (of this file)",
        "依赖任务序号(本次新建任务)",
        &[
            "depends on numbers",
            "依赖任务序号",
            "依赖任务序号(本次导入)",
            "依赖序号",
        ],
    ),
    spec(
        SheetColumn::DependsOnIds,
        "depends on ids (existing jobs)",
        "依赖任务id(已有任务)",
        &["depends on ids", "depends on", "依赖任务id", "依赖任务"],
    ),
    spec(
        SheetColumn::Params,
        "param ids",
        "任务参数",
        &["params", "param", "参数id", "任务参数id", "参数"],
    ),
    spec(
        SheetColumn::SuccessCodes,
        "success code",
        "返回值",
        &["success codes", "成功返回值", "成功返回码", "返回码"],
    ),
];

impl SheetKind {
    /// Its word in addresses and arguments.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Flows => "flows",
            Self::Jobs => "jobs",
        }
    }

    /// Its columns, in the order in which they are written.
    pub(super) const fn specs(self) -> &'static [Spec] {
        match self {
            Self::Flows => FLOWS,
            Self::Jobs => JOBS,
        }
    }

    /// What a column is called in a sheet of this kind; empty if it has none such.
    #[must_use]
    pub fn header(self, column: SheetColumn, lang: Lang) -> &'static str {
        let mut specs = self.specs().iter();
        let found = specs.find(|spec| spec.column == column);
        found.map_or("", |spec| spec.header(lang))
    }

    /// The column that a header names, however it is written.
    pub(super) fn find(self, header: &str) -> Option<&'static Spec> {
        let header = plain(header);
        let mut specs = self.specs().iter();
        specs.find(|spec| spec.names().any(|name| plain(name) == header))
    }
}

impl Spec {
    pub(super) const fn header(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Zh => self.zh,
        }
    }

    /// All that it may be called.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        let also = self.also.iter().copied();
        [self.en, self.zh].into_iter().chain(also)
    }
}

impl SheetColumn {
    /// Its stable name, for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Flow => "flow",
            Self::Name => "name",
            Self::Description => "description",
            Self::Executor => "executor",
            Self::Directory => "directory",
            Self::DataDate => "data_date",
            Self::Retries => "retries",
            Self::Workdir => "workdir",
            Self::Command => "command",
            Self::DependsOnNumbers => "depends_on_numbers",
            Self::DependsOnIds => "depends_on",
            Self::Params => "params",
            Self::SuccessCodes => "success_codes",
        }
    }
}

/// A header without what people write differently: case, spaces, the width of brackets, marks of what must be filled in.
pub(super) fn plain(header: &str) -> String {
    let letters = header.chars().filter_map(|letter| match letter {
        '（' => Some('('),
        '）' => Some(')'),
        '*' | '_' | '-' | '：' | ':' | '\u{feff}' => None,
        letter if letter.is_whitespace() => None,
        letter => Some(letter),
    });
    letters.flat_map(char::to_lowercase).collect()
}

/// The letters that a spreadsheet gives a column, counted from 0: `A`, `B`, …, `Z`, `AA`.
pub(super) fn letters(index: u16) -> String {
    let mut letters = Vec::new();
    let mut rest = u32::from(index) + 1;
    while rest > 0 {
        let letter = (rest - 1) % 26;
        letters.push(char::from(b'A' + letter as u8));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_found_by_all_of_its_names() {
        for kind in [SheetKind::Flows, SheetKind::Jobs] {
            let mut seen = std::collections::BTreeSet::new();
            for spec in kind.specs() {
                for name in spec.names() {
                    let found = kind.find(name).map(|it| it.column);
                    assert_eq!(found, Some(spec.column), "{name}");
                    assert!(seen.insert(plain(name)), "{name} twice");
                }
            }
        }
        let found = |kind: SheetKind, header| kind.find(header).map(|it| it.column);
        let wide = "依赖任务流ID（已有任务流）";
        let depends = Some(SheetColumn::DependsOnIds);
        assert_eq!(found(SheetKind::Flows, wide), depends);
        assert_eq!(
            found(SheetKind::Jobs, " Success_Codes* "),
            Some(SheetColumn::SuccessCodes)
        );
        assert_eq!(found(SheetKind::Flows, "command"), None);
    }

    #[test]
    fn columns_have_the_letters_of_spreadsheets() {
        let names = [0, 25, 26, 51, 52, 701, 702].map(letters);
        assert_eq!(names, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
