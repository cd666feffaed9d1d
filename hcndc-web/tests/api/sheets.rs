use serde_json::{Value, json};

use crate::bed::{Answer, Bed};

async fn send(bed: &Bed, path: &str, lang: &str, sheet: impl Into<bytes::Bytes>) -> Answer {
    let headers = [("content-type", "text/csv"), ("accept-language", lang)];
    let path = format!("/api/v1/sheets/{path}");
    bed.call("POST", &path, &headers, sheet).await
}

const FLOWS: &str =
    "序号,任务流名称,任务流目录,重试次数,依赖任务流序号\n1,extract,/零售,,\n2,load,/零售,1,1\n";

#[tokio::test]
async fn flows_of_a_sheet_are_previewed_and_put_at_once() {
    let bed = Bed::new().await;
    let tried = send(&bed, "flows?dry_run=true", "en", FLOWS)
        .await
        .expect(200);
    assert_eq!(tried["dry_run"], true);
    assert_eq!(
        (&tried["created"], &tried["changed"]),
        (&json!(2), &json!(0))
    );
    let row = json!({
        "row": 3, "name": "load", "outcome": "created", "changes": [
            {"column": "name", "before": "", "after": "load"},
            {"column": "directory", "before": "", "after": "/零售"},
            {"column": "retries", "before": "", "after": "1"},
            {"column": "depends_on", "before": "", "after": "extract"},
        ],
    });
    assert_eq!(tried["rows"][1], row);
    assert_eq!(bed.get("flows").await.expect(200)["items"], json!([]));

    let put = send(&bed, "flows", "en", FLOWS).await.expect(200);
    assert_eq!(put["created"], 2);
    let put = send(&bed, "flows", "en", FLOWS).await.expect(200);
    assert_eq!((&put["created"], &put["unchanged"]), (&json!(0), &json!(2)));
    let flows = bed.get("flows").await.expect(200);
    assert_eq!(flows["items"][1]["parents"], json!(["extract"]));
    assert_eq!(flows["items"][1]["version"], 1, "nothing new was said");
}

#[tokio::test]
async fn jobs_of_a_sheet_are_put_into_their_flows() {
    let bed = Bed::two_flows().await;
    let sheet = "flow id,job name,executor id,command,depends on ids\n\
        load,items,here,sh items.sh,\"extract/orders,load/orders\"\nload,orders,,sh orders.sh,extract/orders\n";
    let put = send(&bed, "jobs", "en", sheet).await.expect(200);
    assert_eq!((&put["created"], &put["changed"]), (&json!(1), &json!(1)));
    let jobs = bed.get("jobs?flow=load&sort=name").await.expect(200);
    let job = |at: usize| jobs["items"][at].clone();
    assert_eq!(job(0)["depends_on"], json!(["extract/orders", "orders"]));
    assert_eq!(job(0)["executor"], "here");
    assert_eq!(
        (&job(1)["command"], &job(1)["version"]),
        (&json!("sh orders.sh"), &json!(2))
    );
}

fn told(problem: &Value) -> Vec<(u64, u64, &str, &str)> {
    let faults = problem["faults"].as_array().unwrap().iter();
    let told = faults.map(|fault| {
        assert!(!fault["remedy"].as_str().unwrap().is_empty(), "{fault}");
        (
            fault["line"].as_u64().unwrap(),
            fault["column"].as_u64().unwrap(),
            fault["field"].as_str().unwrap(),
            fault["code"].as_str().unwrap(),
        )
    });
    told.collect()
}

#[tokio::test]
async fn all_faults_of_a_sheet_are_told_and_nothing_is_put() {
    let bed = Bed::two_flows().await;
    let sheet = "flow id,job name,command,depends on numbers,depends on ids\n\
        laod,a,true,7,\nload,b,,,load/ordres\nload,c,true,,\n";
    let problem = send(&bed, "jobs", "en", sheet).await;
    let problem = problem.problem(422, "bad_sheet");
    let expected = [
        (2, 1, "A2 flow id", "unknown"),
        (2, 4, "D2 depends on numbers", "unknown_number"),
        (3, 3, "C3 command", "empty_cell"),
        (3, 5, "E3 depends on ids", "unknown"),
    ];
    assert_eq!(told(&problem), expected);
    let zh = send(&bed, "jobs", "zh-CN", sheet).await;
    let zh = zh.problem(422, "bad_sheet");
    assert_eq!(zh["faults"][2]["message"], "不能为空");
    assert_eq!(
        zh["faults"][3]["remedy"],
        "是否为“load/orders”？也可以填写 id"
    );
    let jobs = bed.get("jobs").await.expect(200);
    assert_eq!(jobs["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_no_sheet_is_refused() {
    let bed = Bed::new().await;
    let json = [("content-type", "application/json")];
    let path = "/api/v1/sheets/flows";
    bed.call("POST", path, &json, FLOWS)
        .await
        .problem(415, "unsupported_media_type");
    for query in ["flows?dry_run=maybe", "flows?kind=jobs"] {
        send(&bed, query, "en", FLOWS)
            .await
            .problem(400, "bad_query");
    }
    for (sheet, code) in [
        (&b""[..], "no_header"),
        (b"PK\x03\x04 not a workbook", "unopenable"),
        (b"\xD0\xCF\x11\xE0 not one either", "unopenable"),
        (b"name\n\xFF\xFF", "undecodable"),
        (b"name\n", "no_rows"),
    ] {
        let problem = send(&bed, "flows", "en", sheet).await;
        let problem = problem.problem(422, "bad_sheet");
        assert_eq!(problem["faults"][0]["code"], code, "{problem}");
    }
    let large = vec![b'a'; (32 << 20) + 1];
    send(&bed, "flows", "en", large)
        .await
        .problem(413, "body_too_large");
}

#[tokio::test]
async fn sheets_come_out_and_go_in_again_and_change_nothing() {
    let bed = Bed::two_flows().await;
    send(&bed, "flows", "en", FLOWS).await.expect(200);
    for kind in ["flows", "jobs"] {
        for query in [
            "",
            "?format=csv&lang=zh",
            "?format=xlsx&lang=en",
            "?format=xlsx&lang=zh",
        ] {
            let out = bed.get(&format!("sheets/{kind}{query}")).await;
            assert_eq!(out.status, 200, "{}", out.text());
            let extension = if query.contains("xlsx") {
                "xlsx"
            } else {
                "csv"
            };
            let name = format!("attachment; filename=\"hcndc-{kind}.{extension}\"");
            assert_eq!(out.header("content-disposition"), name);
            let put = send(&bed, kind, "en", out.bytes).await.expect(200);
            assert_eq!(put["unchanged"], 2, "{put}");
            assert_eq!((&put["created"], &put["changed"]), (&json!(0), &json!(0)));
        }
    }
    let zh = [("accept-language", "zh-CN")];
    let csv = bed.call("GET", "/api/v1/sheets/flows", &zh, "").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let mut lines = csv.text().lines();
    assert_eq!(
        lines.next(),
        Some(
            "\u{feff}序号,任务流名称,任务流描述,任务流目录,数据日期,重试次数,依赖任务流序号(本次新建任务流),依赖任务流id(已有任务流)"
        )
    );
    assert_eq!(lines.next(), Some("1,extract,,/零售,,0,,"));
    assert_eq!(lines.next(), Some("2,load,,/零售,,1,1,"));
    bed.get("sheets/flows?format=pdf")
        .await
        .problem(400, "bad_query");
}

#[tokio::test]
async fn templates_are_sheets_of_their_kind() {
    let bed = Bed::new().await;
    for kind in ["flows", "jobs"] {
        for query in ["", "?format=xlsx&lang=zh"] {
            let out = bed.get(&format!("sheets/{kind}/template{query}")).await;
            assert_eq!(out.status, 200);
            let problem = send(&bed, kind, "en", out.bytes).await;
            let problem = problem.problem(422, "bad_sheet");
            assert_eq!(problem["faults"][0]["code"], "no_rows", "{problem}");
        }
    }
    bed.get("sheets/flows/template?format=xls")
        .await
        .problem(400, "bad_query");
}

#[tokio::test]
async fn a_text_that_no_workbook_holds_comes_out_as_csv_only() {
    let bed = Bed::new().await;
    let flow = json!({"name": "long", "description": "x".repeat(40_000)});
    bed.post("flows", &flow).await.expect(201);
    let refused = bed.get("sheets/flows?format=xlsx").await;
    refused.problem(409, "not_exportable");
    assert_eq!(bed.get("sheets/flows").await.status, 200);
}
