//! Flows or jobs as a sheet.

use std::io::Write as _;

use hcndc_store_mysql::Upkeep;

use super::{
    super::{Exit, pick, runtime, warn, warn_error},
    ExportArgs, Failed, Format, engine, save,
};
use crate::interchange::{Lang, SheetFormat, SheetKind, export_sheet};

pub(super) fn run(args: &ExportArgs, kind: SheetKind, lang: Lang) -> Exit {
    let extension = args.output.as_ref().and_then(|path| path.extension());
    let format = match args.format {
        Some(Format::Csv) => SheetFormat::Csv,
        Some(Format::Xlsx) => SheetFormat::Xlsx,
        None if extension.is_some_and(|it| it.eq_ignore_ascii_case("xlsx")) => SheetFormat::Xlsx,
        None => SheetFormat::Csv,
        Some(Format::Yaml | Format::Json) => {
            warn(pick(
                lang,
                "a sheet is csv or xlsx; yaml and json are for --all",
                "表格只能是 csv 或 xlsx；yaml 和 json 用于 --all",
            ));
            return Exit::Wrong;
        }
    };
    let runtime = runtime().map_err(Failed::Runtime);
    let bytes = runtime.and_then(|it| it.block_on(bytes(args, kind, format, lang)));
    let written = match (bytes, &args.output) {
        (Err(error), _) => return error.tell(lang),
        (Ok(bytes), Some(output)) => return save(output, &bytes, lang),
        // As it is: a workbook is no text.
        (Ok(bytes), None) => std::io::stdout().lock().write_all(&bytes),
    };
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            let doing = pick(lang, "cannot write the output", "无法写出结果");
            warn_error(lang, doing, &error);
            Exit::Failed
        }
        Ok(()) | Err(_) => Exit::Success,
    }
}

async fn bytes(
    args: &ExportArgs,
    kind: SheetKind,
    format: SheetFormat,
    lang: Lang,
) -> Result<Vec<u8>, Failed> {
    if let Some(server) = args.server.named(lang)? {
        let format = match format {
            SheetFormat::Csv => "csv",
            SheetFormat::Xlsx => "xlsx",
        };
        let path = format!("/api/v1/sheets/{}?format={format}", kind.word());
        return Ok(server.get_bytes(&path).await?);
    }
    let upkeep = Upkeep::open(&args.database.options()).await?;
    let engine = engine(upkeep.store().await?).await?;
    upkeep.close().await?;
    Ok(export_sheet(kind, format, lang, &engine)?)
}
