use hcndc_core::{
    engine::{EditBatch, Engine, Input},
    model::{Condition, DefinitionError, Placement},
    time::Timestamp,
};

use super::*;
use crate::interchange::{Existing, Fault, Lang, Problem, edits, parse_mesh};

const MESH: &str = "
hcndc: 1
executors:
  - {name: etl-1, address: '127.0.0.1:7890', labels: {disk: ssd}}
  - {name: etl-2, address: '127.0.0.1:7891'}
shared_params:
  - {name: day, value: '1'}
  - {name: zone, value: cn}
flows:
  - name: extract
    description: 抽取
    directory: /零售
    owner: li
    jobs:
      - {name: orders, command: sh orders.sh}
      - {name: items, command: sh items.sh, depends_on: [orders]}
  - name: load
    parents: [extract]
    restart_retries: 2
    jobs:
      - name: orders
        command: sh load.sh
        labels: {disk: ssd}
        params: {day: {shared: true}, own: x, zone: {shared: true}}
        depends_on: [{job: extract/orders, on: done}, {job: orders, offset_days: -1}]
";

fn put(engine: &mut Engine, edits: Vec<hcndc_core::model::Edit>) {
    let by = "test".into();
    let batch = Input::Edit(EditBatch { by, edits });
    engine.apply(Timestamp::from_micros(0), batch).unwrap();
}

fn engine() -> Engine {
    let mut engine = Engine::default();
    let mesh = parse_mesh("mesh.yaml", MESH.as_bytes(), &[]).unwrap();
    let edits = edits(&mesh.file, None, &Existing::of(&engine));
    put(&mut engine, edits);
    engine
}

fn plan(engine: &Engine, sheet: &str) -> Result<SheetPlan, Vec<Fault>> {
    plan_sheet("a.csv", sheet.as_bytes(), None, engine, Lang::En)
}

/// Puts a sheet, and tells what became of its rows.
fn applied(engine: &mut Engine, sheet: &str) -> Vec<RowOutcome> {
    let plan = plan(engine, sheet).unwrap();
    put(engine, plan.edits);
    plan.rows.iter().map(|row| row.outcome).collect()
}

/// Row, place and code of each fault.
fn faults(engine: &Engine, sheet: &str) -> Vec<(usize, String, &'static str)> {
    let faults = plan(engine, sheet).unwrap_err();
    let told = faults.into_iter().map(|fault| {
        for lang in [Lang::En, Lang::Zh] {
            assert!(!fault.message(lang).is_empty() && !fault.remedy(lang).is_empty());
        }
        let row = fault.position.map_or(0, |it| it.line);
        (row, fault.path.clone(), fault.code())
    });
    told.collect()
}

use RowOutcome::{Changed, Created, Unchanged};

#[test]
fn flows_are_made_and_changed_and_keep_what_the_sheet_does_not_say() {
    let mut engine = engine();
    let sheet = "序号,任务流名称,任务流描述,任务流目录,数据日期,重试次数,依赖任务流序号(本次新建任务流),依赖任务流id(已有任务流)\n\
        1,extract,抽取订单,零售,,3.0,,\n\
        2,report,报表,/零售/报表,2026/1/2,,1,load\n\
        3,publish,,,,1,\"1，2\",\n";
    assert_eq!(applied(&mut engine, sheet), [Changed, Created, Created]);
    let extract = engine.find_flow("extract").unwrap();
    assert_eq!((&*extract.description, &*extract.owner), ("抽取订单", "li"));
    assert_eq!((extract.restart_retries, &*extract.directory), (3, "/零售"));
    let names = |flow: &str| {
        let parents = engine.find_flow(flow).unwrap().parents.clone();
        let names = parents.iter().map(|id| engine.flow(*id).unwrap());
        names.map(|flow| flow.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names("report"), ["extract", "load"]);
    assert_eq!(names("publish"), ["extract", "report"]);
    assert_eq!(applied(&mut engine, sheet), [Unchanged; 3]);
    // Columns that are not there stay as they are; a cell that is empty is emptied.
    let less = "name;depends on\nreport;\nload;extract\n";
    assert_eq!(applied(&mut engine, less), [Changed, Unchanged]);
    let report = engine.find_flow("report").unwrap();
    assert_eq!((&*report.description, report.parents.len()), ("报表", 0));
}

#[test]
fn a_preview_tells_what_changes_in_each_row() {
    let engine = engine();
    let sheet = "number,flow name,flow description,data date,retries\n1,extract,new,2026-01-01,1\n";
    let plan = plan(&engine, sheet).unwrap();
    let change = |column, before: &str, after: &str| CellChange {
        column,
        before: before.into(),
        after: after.into(),
    };
    let expected = SheetRow {
        row: 2,
        name: "extract".into(),
        outcome: Changed,
        changes: vec![
            change(SheetColumn::Description, "抽取", "new"),
            change(SheetColumn::Retries, "0", "1"),
        ],
    };
    assert_eq!(plan.rows, [expected]);
    assert_eq!(plan.notes, [SheetNote::DataDates { rows: 1 }]);
    assert_eq!((plan.kind, plan.count(Changed)), (SheetKind::Flows, 1));
}

#[test]
fn jobs_are_made_and_changed_and_keep_what_no_cell_can_say() {
    let mut engine = engine();
    let load = engine.find_flow("load").unwrap().id;
    let extract = engine.find_flow("extract").unwrap().id;
    let sheet = format!(
        "序号,所属任务流id,任务名称,任务描述,服务器id,任务目录,脚本目录,脚本命令,依赖任务序号(本次新建任务),依赖任务id(已有任务),任务参数,返回值\n\
        1,{extract},customers,客户,etl-2,,/srv,sh customers.sh,,,zone,\"0,4\"\n\
        2,load,orders,,,/,,sh load.sh --all,2,\"extract/orders 1\",\"day,zone\",0\n\
        3,load,customers,,EXECUTOR,/elsewhere,,sh c.sh,\"1 2\",extract/items,,\n",
        extract = extract.0,
    );
    let executor = engine.executors().next().unwrap().id;
    let sheet = sheet.replace("EXECUTOR", &executor.to_string());
    // The second row's `1` is no job's id.
    let told = faults(&engine, &sheet);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0].0, told[0].2), (3, "unknown"));
    let sheet = sheet.replace(" 1\"", "\"");
    assert_eq!(applied(&mut engine, &sheet), [Created, Changed, Created]);
    let job = |flow, name| engine.find_job(flow, name).unwrap().clone();
    let orders = job(load, "orders");
    assert_eq!(orders.command, "sh load.sh --all");
    assert!(matches!(orders.placement, Placement::Labels(_)));
    assert_eq!(orders.params.len(), 3, "its own param is still there");
    let ties: Vec<_> = orders
        .dependencies
        .iter()
        .map(|tie| (tie.job, tie.condition, tie.offset_days))
        .collect();
    let before = job(extract, "orders").id;
    assert_eq!(
        ties,
        [
            (before, Condition::Done, 0),
            (orders.id, Condition::Success, -1)
        ]
    );
    let customers = job(extract, "customers");
    assert_eq!(customers.success_codes, [0, 4]);
    let new = job(load, "customers");
    assert_eq!(new.placement, Placement::Executor(executor));
    assert_eq!(new.dependencies.len(), 3);
    assert_eq!(applied(&mut engine, &sheet), [Unchanged; 3]);
}

#[test]
fn all_faults_of_all_rows_are_told_with_their_cells() {
    let engine = engine();
    let told = faults(
        &engine,
        "number,flow name,flow directory,data date,retries,depends on numbers,depends on\n\
        1,a,x//y,soon,many,9,\n\
        1,a,,,,,extrakt\n\
        x,,,,101,,\n\
        3,b/c,,,101,3,nothing at all\n",
    );
    let expected = [
        (2, "C2 flow directory", "bad-definition"),
        (2, "D2 data date", "not-a-date"),
        (2, "E2 retries", "not-a-number"),
        (2, "F2 depends on numbers", "unknown-number"),
        (3, "A3 number", "number-twice"),
        (3, "B3 flow name", "name-twice"),
        (4, "A4 number", "not-a-number"),
        (4, "B4 flow name", "empty-cell"),
        (5, "B5 flow name", "bad-definition"),
        (5, "E5 retries", "bad-definition"),
        (5, "F5 depends on numbers", "own-dependency"),
        (5, "G5 depends on", "unknown"),
    ];
    let expected = expected.map(|(row, path, code)| (row, path.to_owned(), code));
    assert_eq!(told, expected);
}

#[test]
fn faults_of_jobs_are_told_with_their_cells() {
    let engine = engine();
    let told = faults(
        &engine,
        "flow id,job name,executor id,command,depends on numbers,depends on ids,params,success code\n\
        extrakt,x,etl,,,,,256\n\
        load,,,,,,,\n\
        load,new,,,,load/order,dya,ok\n",
    );
    let expected = [
        (2, "A2 flow id", "unknown"),
        (2, "C2 executor id", "unknown"),
        (2, "D2 command", "empty-cell"),
        (2, "H2 success code", "bad-definition"),
        (3, "B3 job name", "empty-cell"),
        (3, "D3 command", "empty-cell"),
        (4, "D4 command", "empty-cell"),
        (4, "F4 depends on ids", "unknown"),
        (4, "G4 params", "unknown"),
        (4, "H4 success code", "not-a-number"),
    ];
    let expected = expected.map(|(row, path, code)| (row, path.to_owned(), code));
    assert_eq!(told, expected);
    let near = |fault: &Fault| match &fault.problem {
        Problem::Sheet(SheetProblem::Unknown { near, .. }) => near.clone(),
        _ => None,
    };
    let faults = plan(
        &engine,
        "flow id,job name,command,depends on\nload,n,c,load/order\nlaod,n,c,\n",
    );
    let near: Vec<_> = faults.unwrap_err().iter().map(near).collect();
    assert_eq!(
        near,
        [Some("load/orders".to_owned()), Some("load".to_owned())]
    );
}

#[test]
fn headers_that_are_none_are_told_with_the_near_one() {
    let engine = engine();
    let told = plan(&engine, "任务流名字,任务流描述,colour\na,b,c\n").unwrap_err();
    let codes: Vec<_> = told.iter().map(Fault::code).collect();
    assert_eq!(
        codes,
        ["unknown-column", "unknown-column", "missing-column"]
    );
    assert_eq!(told[0].path, "A1 任务流名字");
    assert!(told[0].remedy(Lang::Zh).contains("任务流名称"), "{told:?}");
    assert!(told[1].remedy(Lang::En).contains("data date"), "{told:?}");
    let twice = faults(&engine, "name,重试次数,名称\na,,b\n");
    assert_eq!(twice, [(1, "C1 名称".to_owned(), "column-twice")]);
}

#[test]
fn what_waits_in_a_circle_is_told_at_one_of_its_rows() {
    let engine = engine();
    let told = plan(&engine, "number,name,depends on numbers\n1,a,2\n2,b,1\n").unwrap_err();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].path, "C2 depends on numbers");
    let Problem::Sheet(SheetProblem::Definition(DefinitionError::Cycle { path })) =
        &told[0].problem
    else {
        panic!("{told:?}");
    };
    assert_eq!(path.len(), 3);
    let own = faults(&engine, "number,name,depends on numbers\n1,a,1\n");
    assert_eq!(own[0].2, "own-dependency");
    let own = faults(
        &engine,
        "flow,job,command,depends on\nload,orders,c,load/orders\nextract,orders,c,extract/orders\n",
    );
    let own: Vec<_> = own.iter().map(|it| (it.0, it.2)).collect();
    assert_eq!(own, [(3, "own-dependency")], "one of another date is none");
}

#[test]
fn rows_that_only_show_how_are_passed_over() {
    let mut engine = engine();
    let sheet = "序号,任务流名称\n示例,样例\n1,a\n\n";
    assert_eq!(applied(&mut engine, sheet), [Created]);
    assert!(engine.find_flow("样例").is_none());
    assert_eq!(
        faults(&engine, "序号,任务流名称\n例,样例\n")[0].2,
        "no-rows"
    );
    assert_eq!(faults(&engine, "\n\n")[0].2, "no-header");
}

#[test]
fn names_that_hold_spaces_or_look_like_ids_are_found() {
    let mut engine = engine();
    let flows = "name\na b\n7777\n";
    assert_eq!(applied(&mut engine, flows), [Created; 2]);
    let children = "name,depends on\nc,\"a b, 7777\"\nd,extract load\n";
    assert_eq!(applied(&mut engine, children), [Created; 2]);
    for child in ["c", "d"] {
        assert_eq!(engine.find_flow(child).unwrap().parents.len(), 2);
    }
}

#[test]
fn a_new_tie_waits_for_success() {
    let mut engine = engine();
    let sheet = "flow,job,depends on\nextract,orders,load/orders\n";
    // In itself a circle would be: extract runs before load.
    assert_eq!(faults(&engine, sheet)[0].2, "cycle");
    let sheet = "flow,job,depends on\nload,orders,\"extract/orders,extract/items\"\n";
    assert_eq!(applied(&mut engine, sheet), [Changed]);
    let load = engine.find_flow("load").unwrap().id;
    let orders = engine.find_job(load, "orders").unwrap();
    let conditions: Vec<_> = orders.dependencies.iter().map(|it| it.condition).collect();
    assert_eq!(conditions, [Condition::Done, Condition::Success]);
}
