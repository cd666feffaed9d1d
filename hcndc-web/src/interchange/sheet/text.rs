//! The sentences of sheets' faults and notes, in English and Chinese.

use hcndc_core::model::DefinitionError;

use super::{SheetColumn, SheetKind, SheetNote, SheetProblem};
use crate::{
    definition_text,
    interchange::{Lang, Noun},
};

/// One of two texts.
fn either(lang: Lang, en: impl Into<String>, zh: impl Into<String>) -> String {
    match lang {
        Lang::En => en.into(),
        Lang::Zh => zh.into(),
    }
}

/// What is wrong.
pub(super) fn message(problem: &SheetProblem, lang: Lang) -> String {
    match problem {
        SheetProblem::Unopenable { detail } => either(
            lang,
            format!("cannot be read as a workbook or a csv file: {detail}"),
            format!("不能作为工作簿或 csv 文件读取：{detail}"),
        ),
        SheetProblem::Undecodable => either(
            lang,
            "the text is neither UTF-8 nor UTF-16 nor GB18030 (GBK)",
            "文本既不是 UTF-8、UTF-16，也不是 GB18030（GBK）编码",
        ),
        SheetProblem::TooManyRows { limit } => either(
            lang,
            format!("more than {limit} rows"),
            format!("超过 {limit} 行"),
        ),
        SheetProblem::TooManyColumns { limit } => either(
            lang,
            format!("something stands to the right of column {limit}"),
            format!("第 {limit} 列的右侧还有内容"),
        ),
        SheetProblem::TooSpread { limit } => either(
            lang,
            format!("its cells lie too far apart: they span more than {limit}"),
            format!("单元格过于分散，所跨范围超过 {limit} 格"),
        ),
        SheetProblem::NoHeader => either(lang, "the file is empty", "文件为空"),
        SheetProblem::NoRows => either(
            lang,
            "there is a header row and nothing below it",
            "只有表头，没有数据行",
        ),
        SheetProblem::UnknownColumn { header, kind, .. } => match kind {
            SheetKind::Flows => either(
                lang,
                format!("{header:?} is no column of a sheet of flows"),
                format!("任务流表没有“{header}”列"),
            ),
            SheetKind::Jobs => either(
                lang,
                format!("{header:?} is no column of a sheet of jobs"),
                format!("任务表没有“{header}”列"),
            ),
        },
        SheetProblem::ColumnTwice { first } => either(
            lang,
            format!("this column stands in {first} already"),
            format!("与 {first} 列重复"),
        ),
        SheetProblem::MissingColumn { column, kind } => either(
            lang,
            format!("there is no column {:?}", kind.header(*column, Lang::En)),
            format!("缺少“{}”列", kind.header(*column, Lang::Zh)),
        ),
        SheetProblem::FailedFormula { error } => either(
            lang,
            format!("a formula that failed: {error}"),
            format!("公式出错：{error}"),
        ),
        SheetProblem::EmptyCell => either(lang, "must not be empty", "不能为空"),
        SheetProblem::NotANumber { text } => either(
            lang,
            format!("{text:?} is no whole number"),
            format!("“{text}”不是整数"),
        ),
        SheetProblem::NotADate { text } => either(
            lang,
            format!("{text:?} is no date"),
            format!("“{text}”不是日期"),
        ),
        SheetProblem::NumberTwice { number, first } => either(
            lang,
            format!("row {first} has the number {number} too"),
            format!("序号 {number} 与第 {first} 行重复"),
        ),
        SheetProblem::NameTwice { name, first } => either(
            lang,
            format!("row {first} is about {name:?} too"),
            format!("“{name}”与第 {first} 行重复"),
        ),
        SheetProblem::UnknownNumber { number } => either(
            lang,
            format!("no row of this file has the number {number}"),
            format!("本文件中没有序号为 {number} 的行"),
        ),
        SheetProblem::Unknown { noun, name, .. } => either(
            lang,
            format!("no {} has the id or name {name:?}", noun_en(*noun)),
            format!("没有 id 或名称为“{name}”的{}", noun_zh(*noun)),
        ),
        SheetProblem::OwnDependency => either(lang, "depends on itself", "依赖自己"),
        SheetProblem::Definition(error) => match lang {
            Lang::En => error.to_string(),
            Lang::Zh => definition_text::definition_zh(error),
        },
        SheetProblem::TooManyFaults { limit } => either(
            lang,
            format!("more than {limit} faults; the rest is not told"),
            format!("错误超过 {limit} 处，其余未列出"),
        ),
    }
}

/// What to do about it.
pub(super) fn remedy(problem: &SheetProblem, lang: Lang) -> String {
    match problem {
        SheetProblem::Unopenable { .. } => either(
            lang,
            "save it as xlsx, xls or csv with a spreadsheet program",
            "请用电子表格软件另存为 xlsx、xls 或 csv",
        ),
        SheetProblem::Undecodable => either(
            lang,
            "save it as csv in UTF-8, or as xlsx",
            "请另存为 UTF-8 编码的 csv，或 xlsx",
        ),
        SheetProblem::TooManyRows { .. } => {
            either(lang, "split it into several files", "请拆分为多个文件")
        }
        SheetProblem::TooManyColumns { .. } | SheetProblem::TooSpread { .. } => either(
            lang,
            "delete what does not belong to the table",
            "请删除不属于表格的内容",
        ),
        SheetProblem::NoHeader | SheetProblem::NoRows => either(
            lang,
            "fill in the template, a row for each definition below the header row",
            "请填写模板：表头之下，每行一个定义",
        ),
        SheetProblem::UnknownColumn { near, kind, .. } => match near {
            Some(near) => either(
                lang,
                format!("did you mean {near:?}? Otherwise delete the column"),
                format!("是否为“{near}”？否则请删除该列"),
            ),
            None => {
                let known: Vec<_> = kind.specs().iter().map(|it| it.header(lang)).collect();
                either(
                    lang,
                    format!("delete the column; the columns are: {}", known.join(", ")),
                    format!("请删除该列；可用的列：{}", known.join("、")),
                )
            }
        },
        SheetProblem::ColumnTwice { .. } => either(lang, "delete one of the two", "请删除其中一列"),
        SheetProblem::MissingColumn { .. } => either(
            lang,
            "add it to the header row; the template has all columns",
            "请在表头中添加该列；模板中有全部列",
        ),
        SheetProblem::FailedFormula { .. } => either(
            lang,
            "mend the formula, or write the value itself",
            "请修正公式，或直接填写值",
        ),
        SheetProblem::EmptyCell => either(lang, "fill it in", "请填写"),
        SheetProblem::NotANumber { .. } => either(
            lang,
            "write digits only, several numbers parted by commas",
            "请只填数字，多个数字用逗号分隔",
        ),
        SheetProblem::NotADate { .. } => either(
            lang,
            "write it as YYYY-MM-DD, or leave the cell empty",
            "请写成 YYYY-MM-DD，或留空",
        ),
        SheetProblem::NumberTwice { .. } => either(
            lang,
            "give each row a number of its own",
            "请使每行的序号互不相同",
        ),
        SheetProblem::NameTwice { .. } => either(
            lang,
            "delete one of the two rows, or rename it",
            "请删除其中一行，或改名",
        ),
        SheetProblem::UnknownNumber { .. } => either(
            lang,
            "name a row by its number; what is not in this file goes into the column of ids",
            "请填写本文件中的序号；不在本文件中的，请填入已有 id 一列",
        ),
        SheetProblem::Unknown { noun, near, .. } => match (near, noun) {
            (Some(near), _) => either(
                lang,
                format!("did you mean {near:?}? An id will do, too"),
                format!("是否为“{near}”？也可以填写 id"),
            ),
            (None, Noun::Job) => either(
                lang,
                "write the id of a job that is there, or its name as flow/job",
                "请填写已有任务的 id，或写成 任务流/任务",
            ),
            (None, _) => either(
                lang,
                "write the id or the name of one that is there; what this file makes is named by its number",
                "请填写已有的 id 或名称；本文件新建的请用序号",
            ),
        },
        SheetProblem::OwnDependency => either(
            lang,
            "take it out of what the row depends on",
            "请从该行的依赖中去掉它自己",
        ),
        SheetProblem::Definition(error) => match error {
            DefinitionError::Cycle { .. } => either(
                lang,
                "take one of these dependencies away",
                "请去掉其中一个依赖",
            ),
            DefinitionError::BadName => either(lang, "choose another name", "请换一个名称"),
            DefinitionError::Empty => either(lang, "fill it in", "请填写"),
            DefinitionError::OutOfRange { min, max, .. } => either(
                lang,
                format!("take a number from {min} to {max}"),
                format!("请填写 {min} 至 {max} 之间的数"),
            ),
            DefinitionError::TooLong { .. } => either(
                lang,
                "shorten it; long scripts belong into a file on the executor",
                "请缩短；长脚本请放在执行服务器上的文件中",
            ),
            DefinitionError::TooMany { max, .. } => either(
                lang,
                format!(
                    "depend on at most {max}, for instance on one job that waits for the others"
                ),
                format!("至多依赖 {max} 个，例如改为依赖一个汇总任务"),
            ),
            _ => either(lang, "correct the cell", "请更正该单元格"),
        },
        SheetProblem::TooManyFaults { .. } => {
            either(lang, "mend those first", "请先修正已列出的错误")
        }
    }
}

const fn noun_en(noun: Noun) -> &'static str {
    match noun {
        Noun::Flow => "flow",
        Noun::Job => "job",
        Noun::Executor => "executor",
        _ => "shared param",
    }
}

const fn noun_zh(noun: Noun) -> &'static str {
    match noun {
        Noun::Flow => "任务流",
        Noun::Job => "任务",
        Noun::Executor => "执行服务器",
        _ => "共享参数",
    }
}

/// What was passed over.
pub(super) fn note(note: SheetNote, lang: Lang) -> String {
    let (column, kind, rows) = match note {
        SheetNote::DataDates { rows } => (SheetColumn::DataDate, SheetKind::Flows, rows),
        SheetNote::Directories { rows } => (SheetColumn::Directory, SheetKind::Jobs, rows),
    };
    let header = kind.header(column, lang);
    match note {
        SheetNote::DataDates { .. } => either(
            lang,
            format!(
                "{header:?} of {rows} rows is not taken over: a flow's data date is the last one that it succeeded for"
            ),
            format!("{rows} 行的“{header}”未导入：任务流的数据日期由其最近一次成功执行决定"),
        ),
        SheetNote::Directories { .. } => either(
            lang,
            format!("{header:?} of {rows} rows is not taken over: a job lies where its flow does"),
            format!("{rows} 行的“{header}”未导入：任务随其任务流归入目录"),
        ),
    }
}
