//! What is wrong with a database, and what to do about it, in both languages. `docs/OPERATIONS.md` says more of each.

use hcndc_store_mysql::Finding;

use crate::interchange::Lang;

/// What is so.
pub(super) fn message(finding: &Finding, lang: Lang) -> String {
    match lang {
        Lang::En => english(finding),
        Lang::Zh => chinese(finding),
    }
}

fn english(finding: &Finding) -> String {
    match finding {
        Finding::OldServer { product, version } => {
            format!(
                "{} {version} is older than what hcndc is tested with",
                product.name()
            )
        }
        Finding::NewerSchema { migration } => {
            format!("a newer version of hcndc has changed the tables ({migration})")
        }
        Finding::ForeignTable { table } => {
            format!("the database has a table {table} of some other program")
        }
        Finding::Pending { steps } => {
            format!(
                "the tables are older than this version: {steps} migrations are to come; the rest was not checked"
            )
        }
        Finding::Denied { privilege, reason } => {
            format!("the user lacks the privilege {privilege} ({reason})")
        }
        Finding::Unwritable { reason } => format!("the database takes no writes ({reason})"),
        Finding::Session {
            variable,
            value,
            wants,
        } => {
            format!("{variable} of the session is {value:?}, although {wants} was asked for")
        }
        Finding::Durability {
            variable,
            value,
            wants,
        } => format!(
            "{variable} is {value}, not {wants}: a power cut may take commits that were confirmed"
        ),
        Finding::Packet { bytes } => {
            format!("max_allowed_packet is {bytes} bytes: a large edit may not fit")
        }
        Finding::Connections { most } => {
            format!("max_connections is {most}: a server and its standby may not get theirs")
        }
        Finding::Clock { ahead_micros } => {
            let ms = ahead_micros.abs() / 1_000;
            match *ahead_micros > 0 {
                true => format!("the clock of the database's host is {ms} ms ahead of this one's"),
                false => format!("the clock of the database's host is {ms} ms behind this one's"),
            }
        }
        Finding::TableKind {
            table,
            found,
            wants,
        } => {
            format!("table {table} is of {found}, not of {wants}")
        }
        Finding::Missing { what } => format!("{what} is missing"),
        Finding::Orphans { reference, rows } => format!(
            "{rows} rows of {} refer by {} to rows of {} that are not there",
            reference.table,
            reference.columns.join(", "),
            reference.to
        ),
        Finding::Damaged { reason } => format!("the file is damaged ({reason})"),
        Finding::Unreadable { reason } => format!("what is stored cannot be read ({reason})"),
        Finding::Inconsistent { reason } => format!("what is stored makes no whole ({reason})"),
        _ => finding.code().to_owned(),
    }
}

fn chinese(finding: &Finding) -> String {
    match finding {
        Finding::OldServer { product, version } => {
            format!("{} {version} 过旧，hcndc 未在该版本上测试", product.name())
        }
        Finding::NewerSchema { migration } => {
            format!("表结构已被更新版本的 hcndc 修改（{migration}）")
        }
        Finding::ForeignTable { table } => format!("数据库中的表 {table} 属于其他程序"),
        Finding::Pending { steps } => {
            format!("表结构比本版本旧：还有 {steps} 个迁移待执行；其余未检查")
        }
        Finding::Denied { privilege, reason } => format!("用户没有 {privilege} 权限（{reason}）"),
        Finding::Unwritable { reason } => format!("数据库不可写（{reason}）"),
        Finding::Session {
            variable,
            value,
            wants,
        } => {
            format!("会话变量 {variable} 为 {value:?}，而不是所要求的 {wants}")
        }
        Finding::Durability {
            variable,
            value,
            wants,
        } => {
            format!("{variable} 为 {value}，而不是 {wants}：断电可能丢失已确认的提交")
        }
        Finding::Packet { bytes } => {
            format!("max_allowed_packet 为 {bytes} 字节：较大的修改可能放不下")
        }
        Finding::Connections { most } => {
            format!("max_connections 为 {most}：服务及其备机可能得不到所需的连接")
        }
        Finding::Clock { ahead_micros } => {
            let ms = ahead_micros.abs() / 1_000;
            match *ahead_micros > 0 {
                true => format!("数据库主机的时钟比本机快 {ms} 毫秒"),
                false => format!("数据库主机的时钟比本机慢 {ms} 毫秒"),
            }
        }
        Finding::TableKind {
            table,
            found,
            wants,
        } => format!("表 {table} 为 {found}，应为 {wants}"),
        Finding::Missing { what } => format!("缺少 {what}"),
        Finding::Orphans { reference, rows } => format!(
            "{} 有 {rows} 行的 {} 指向 {} 中不存在的行",
            reference.table,
            reference.columns.join("、"),
            reference.to
        ),
        Finding::Damaged { reason } => format!("文件已损坏（{reason}）"),
        Finding::Unreadable { reason } => format!("无法读取所存内容（{reason}）"),
        Finding::Inconsistent { reason } => format!("所存内容互相矛盾（{reason}）"),
        _ => finding.code().to_owned(),
    }
}

/// What to do about it.
pub(super) fn remedy(finding: &Finding, lang: Lang) -> String {
    let (en, zh) = match finding {
        Finding::OldServer { product, .. } => {
            let (major, minor) = product.oldest();
            return match lang {
                Lang::En => format!("upgrade to {} {major}.{minor} or later", product.name()),
                Lang::Zh => format!("升级到 {} {major}.{minor} 或更高版本", product.name()),
            };
        }
        Finding::NewerSchema { .. } => (
            "start the newer hcndc; or restore the dump from before the upgrade",
            "使用更新版本的 hcndc；或恢复升级之前的备份",
        ),
        Finding::ForeignTable { .. } => (
            "give hcndc a database of its own with --database",
            "用 --database 为 hcndc 指定单独的数据库",
        ),
        Finding::Pending { .. } => (
            "take a backup, then start the server or run `hcndc db migrate`, and check again",
            "先备份，再启动服务或运行 `hcndc db migrate`，然后重新检查",
        ),
        Finding::Denied { .. } => (
            "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP ON name.* TO the user",
            "向该用户授权：GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP ON 库名.* TO 用户",
        ),
        Finding::Unwritable { .. } => (
            "look for a full disk, a read-only server or file, or another program that holds a lock",
            "检查磁盘是否已满、服务器或文件是否只读、是否有其他程序持有锁",
        ),
        Finding::Session { .. } => (
            "connect to the database itself, or have the proxy in between keep what sessions set",
            "直接连接数据库，或让中间的代理保留会话设置",
        ),
        Finding::Durability {
            wants, variable, ..
        } => {
            return match lang {
                Lang::En => format!("set {variable} = {wants} in the server's configuration"),
                Lang::Zh => format!("在服务器配置中设置 {variable} = {wants}"),
            };
        }
        Finding::Packet { .. } => (
            "set max_allowed_packet = 16M or more",
            "设置 max_allowed_packet = 16M 或更大",
        ),
        Finding::Connections { .. } => (
            "set max_connections = 100 or more",
            "设置 max_connections = 100 或更大",
        ),
        Finding::Clock { .. } => (
            "let NTP or chrony set the clocks of both hosts",
            "用 NTP 或 chrony 同步两台主机的时钟",
        ),
        Finding::TableKind { table, wants, .. } => {
            let (engine, collation) = wants.split_once(' ').unwrap_or((wants, ""));
            return match lang {
                Lang::En => format!(
                    "with the servers stopped: ALTER TABLE {table} ENGINE={engine}, CONVERT TO CHARACTER SET utf8mb4 COLLATE {collation}"
                ),
                Lang::Zh => format!(
                    "停止服务后执行：ALTER TABLE {table} ENGINE={engine}, CONVERT TO CHARACTER SET utf8mb4 COLLATE {collation}"
                ),
            };
        }
        Finding::Missing { .. } => (
            "restore a backup; an index alone can be made again as hcndc-store-mysql/tests/schema has it",
            "恢复备份；若仅缺少索引，可按 hcndc-store-mysql/tests/schema 重新建立",
        ),
        Finding::Orphans { .. } => (
            "a server starts all the same; somebody has deleted rows by hand, or a dump was not of one moment: keep a copy, and compare with a backup",
            "服务仍可启动；可能有人手工删除了行，或备份不是同一时刻的：请保留一份副本并与备份比较",
        ),
        Finding::Damaged { .. } => (
            "keep a copy of the file, look at the disk, and restore a backup",
            "保留文件副本，检查磁盘，然后恢复备份",
        ),
        Finding::Unreadable { .. } | Finding::Inconsistent { .. } => (
            "somebody has changed rows by hand: keep a copy, and restore a backup",
            "可能有人手工修改了数据：请保留一份副本，然后恢复备份",
        ),
        _ => ("see docs/OPERATIONS.md", "参见 docs/OPERATIONS.zh-CN.md"),
    };
    match lang {
        Lang::En => en.to_owned(),
        Lang::Zh => zh.to_owned(),
    }
}
