//! What templates say of each column: help for those who fill it in, and an example.

use super::{SheetColumn, SheetKind, column::Spec};
use crate::interchange::Lang;

impl SheetKind {
    /// The name of its sheet in a workbook.
    pub(super) const fn title(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Flows, Lang::En) => "flows",
            (Self::Flows, Lang::Zh) => "任务流",
            (Self::Jobs, Lang::En) => "jobs",
            (Self::Jobs, Lang::Zh) => "任务",
        }
    }

    /// What stands in a column of the row that shows how.
    pub(super) const fn example(self, column: SheetColumn, lang: Lang) -> &'static str {
        let (en, zh) = match (column, self) {
            (SheetColumn::Number, _) => ("example", "示例"),
            (SheetColumn::Flow, _) | (SheetColumn::Name, Self::Flows) => ("load", "装载"),
            (SheetColumn::Name, Self::Jobs) => ("orders", "订单"),
            (SheetColumn::Description, Self::Flows) => ("Loads what arrived", "装载当日数据"),
            (SheetColumn::Description, Self::Jobs) => ("Loads the orders", "装载订单"),
            (SheetColumn::Executor, _) => ("etl-1", "etl-1"),
            (SheetColumn::Directory, _) => ("/retail/daily", "/零售/日报"),
            (SheetColumn::DataDate, _) => ("", ""),
            (SheetColumn::Retries, _) => ("3", "3"),
            (SheetColumn::Workdir, _) => ("/srv/etl", "/srv/etl"),
            (SheetColumn::Command, _) => ("sh orders.sh ${date}", "sh orders.sh ${date}"),
            (SheetColumn::DependsOnNumbers, _) => ("1,2", "1,2"),
            (SheetColumn::DependsOnIds, Self::Flows) => ("extract,12", "抽取,12"),
            (SheetColumn::DependsOnIds, Self::Jobs) => ("extract/orders,12", "抽取/订单,12"),
            (SheetColumn::Params, _) => ("day", "day"),
            (SheetColumn::SuccessCodes, _) => ("0", "0"),
        };
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}

impl Spec {
    /// How wide the column is, in characters.
    pub(super) const fn width(&self) -> f64 {
        match self.column {
            SheetColumn::Number | SheetColumn::Retries => 9.0,
            SheetColumn::DataDate | SheetColumn::SuccessCodes | SheetColumn::Executor => 14.0,
            SheetColumn::Command => 48.0,
            SheetColumn::Flow
            | SheetColumn::Name
            | SheetColumn::Description
            | SheetColumn::Directory
            | SheetColumn::Workdir
            | SheetColumn::DependsOnNumbers
            | SheetColumn::DependsOnIds
            | SheetColumn::Params => 24.0,
        }
    }

    /// What to fill in.
    pub(super) const fn help(&self, lang: Lang) -> &'static str {
        let (en, zh) = match self.column {
            SheetColumn::Number => (
                "A number of the row's own, by which other rows of this file name it. Rows numbered `example` are passed over.",
                "本行的序号，供本文件其他行引用。序号为“示例”的行不会导入。",
            ),
            SheetColumn::Flow => (
                "Required. The flow that the job belongs to, by id or by name; it must be there already.",
                "必填。所属任务流的 id 或名称，须已存在。",
            ),
            SheetColumn::Name => (
                "Required. One of this name that is there is changed, else it is made.",
                "必填。同名者已存在时修改，否则新建。",
            ),
            SheetColumn::Description => ("Text for people.", "供人阅读的说明。"),
            SheetColumn::Executor => (
                "The executor that runs it, by id or by name; empty: any.",
                "执行服务器的 id 或名称；留空表示任意一台。",
            ),
            SheetColumn::Directory => (
                "Slash path to file it under, such as /retail/daily; empty: the root. A job lies where its flow does, whatever stands here.",
                "目录，如 /零售/日报；留空为根目录。任务随其任务流归入目录，此列不起作用。",
            ),
            SheetColumn::DataDate => (
                "Only told: the last data date that the flow succeeded for. It is not taken over.",
                "仅供查看：任务流最近一次成功执行的数据日期，不会导入。",
            ),
            SheetColumn::Retries => (
                "How often a failed run is taken up again by itself: 0 to 100; empty: 0.",
                "失败后自动重试的次数：0 至 100；留空为 0。",
            ),
            SheetColumn::Workdir => (
                "Directory in which the command runs; empty: the flow's.",
                "运行命令的目录；留空则用任务流的目录。",
            ),
            SheetColumn::Command => (
                "Required for a new job. Command line for the shell; ${date} is the data date.",
                "新建任务时必填。由 shell 运行的命令行；${date} 为数据日期。",
            ),
            SheetColumn::DependsOnNumbers => (
                "What it waits for, by numbers of rows of this file, parted by commas.",
                "所依赖的本文件各行的序号，用逗号分隔。",
            ),
            SheetColumn::DependsOnIds => (
                "What it waits for, by ids or names of what there is, parted by commas; a job's name is flow/job.",
                "所依赖的已有对象的 id 或名称，用逗号分隔；任务的名称写作 任务流/任务。",
            ),
            SheetColumn::Params => (
                "Shared params, by ids or names, in the order in which they are appended to the command.",
                "共享参数的 id 或名称，按追加到命令之后的顺序，用逗号分隔。",
            ),
            SheetColumn::SuccessCodes => (
                "Exit codes that mean success, 0 to 255, parted by commas; empty: 0.",
                "表示成功的退出码，0 至 255，用逗号分隔；留空为 0。",
            ),
        };
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}
