//! The mesh file from outside: whole files in, all faults out, and writing undone by reading.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hcndc_web::interchange::{
    DependencyCondition, Fault, JobDependency, JobIndex, JobRetry, Lang, MeshExecutor, MeshFile,
    MeshFlow, MeshJob, Position, Problem, Span, TextMap, check_mesh, mesh_schema, parse_mesh,
    parse_wfcommons, read_mesh, to_yaml,
};
use proptest::collection::{hash_map, vec};
use proptest::option;
use proptest::prelude::*;

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// Compares with a file beside the test; `HCNDC_TEST_UPDATE=1` writes it instead.
fn assert_golden(path: &Path, text: &str) {
    if std::env::var_os("HCNDC_TEST_UPDATE").is_some() {
        std::fs::write(path, text).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        golden == text,
        "differs from {}; HCNDC_TEST_UPDATE=1 writes it:\n{text}",
        path.display()
    );
}

fn faults(text: &str) -> Vec<Fault> {
    parse_mesh("m.yaml", text.as_bytes(), &[]).unwrap_err()
}

/// Line, path and code of each fault.
fn summary(text: &str) -> Vec<(usize, String, &'static str)> {
    let line = |fault: &Fault| fault.position.map_or(0, |position| position.line);
    faults(text)
        .iter()
        .map(|fault| (line(fault), fault.path.clone(), fault.code()))
        .collect()
}

fn sound(text: &str) -> MeshFile {
    parse_mesh("m.yaml", text.as_bytes(), &[])
        .unwrap_or_else(|faults| panic!("{}", told(&faults, Lang::En)))
        .file
}

fn told(faults: &[Fault], lang: Lang) -> String {
    faults
        .iter()
        .map(|fault| match lang {
            Lang::En => format!("{fault}\n"),
            Lang::Zh => {
                let Position { line, column } = fault.position.unwrap();
                format!(
                    "{line}:{column}: {}：{}\n  {}\n",
                    fault.path,
                    fault.message(lang),
                    fault.remedy(lang)
                )
            }
        })
        .collect()
}

#[test]
fn one_reading_tells_every_fault() {
    let text = std::fs::read(data("faulty.yaml")).unwrap();
    let faults = parse_mesh("faulty.yaml", &text, &[]).unwrap_err();
    assert_golden(&data("faulty.en.txt"), &told(&faults, Lang::En));
    assert_golden(&data("faulty.zh.txt"), &told(&faults, Lang::Zh));
}

#[test]
fn one_reading_tells_every_fault_of_schedules_and_what_they_need() {
    let text = std::fs::read(data("faulty-schedules.yaml")).unwrap();
    let faults = parse_mesh("faulty.yaml", &text, &[]).unwrap_err();
    assert_golden(&data("faulty-schedules.en.txt"), &told(&faults, Lang::En));
    assert_golden(&data("faulty-schedules.zh.txt"), &told(&faults, Lang::Zh));
}

#[test]
fn whole_format_is_understood() {
    let source = read_mesh(&data("whole.yaml"), &["day"])
        .unwrap_or_else(|faults| panic!("{}", told(&faults, Lang::En)));
    let file = &source.file;
    assert_eq!(file.zone, "Asia/Shanghai");
    assert_eq!(
        file.params.iter().collect::<Vec<_>>(),
        [("zeta", "1.10"), ("alpha", "0755"), ("on", "true")]
    );
    let job = &file.flows[1].jobs[0];
    let on = |job: &str, on| JobDependency {
        on,
        ..JobDependency::on_success(job)
    };
    let yesterday = JobDependency {
        offset_days: -1,
        wait_limit: Span::from_millis(4 * 3_600_000),
        ..JobDependency::on_success("merge")
    };
    assert_eq!(
        job.depends_on,
        [
            on("customers", DependencyCondition::Success),
            on("extract/orders", DependencyCondition::Success),
            on("sub/job", DependencyCondition::Failure),
            yesterday,
        ]
    );
    assert_eq!(
        job.params.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        ["date", "region", "source", "n"]
    );
    let retry = file.retry_of(job).unwrap();
    assert_eq!(
        (retry.max, retry.delay.as_millis(), retry.backoff_permille()),
        (2, 10_000, 2_000)
    );
    assert_eq!(
        file.timeout_of(job).unwrap().duration(),
        Duration::from_secs(5_400)
    );
    assert_eq!(
        file.timeout_of(&file.flows[0].jobs[0]).unwrap().duration(),
        Duration::from_secs(600)
    );
    let index = JobIndex::new(file);
    assert_eq!(index.find_job(1, "sub/job"), Some((1, 2)));
    assert_eq!(index.find_job(1, "extract/orders"), Some((0, 0)));
    assert_eq!(index.find_job(0, "customers"), None);
    assert_eq!(
        source
            .position("flows[1].jobs[0].retry.max")
            .map(|position| position.line),
        Some(58)
    );
    assert_eq!(source.position("flows[1].jobs[0].priority"), None);
    let late = source.fault("flows[1].jobs[0].priority", Problem::EmptyCommand);
    assert_eq!(late.position, source.position("flows[1].jobs[0]"));
    assert_golden(&data("whole.written.yaml"), &to_yaml(file));
}

#[test]
fn json_and_yaml_say_the_same() {
    let file = sound(&std::fs::read_to_string(data("plain.yaml")).unwrap());
    let json = serde_json::to_string_pretty(&file).unwrap();
    assert_eq!(sound(&json), file);
    assert_eq!(serde_json::from_str::<MeshFile>(&json).unwrap(), file);
}

#[test]
fn names_that_could_not_be_read_still_exist() {
    // `a` has no command and `b` is no map: one fault each, none about references to `a`.
    let text = "hcndc: 1\nflows:\n- name: f\n  jobs:\n  - name: a\n  - 5\n  - {name: c, command: x, depends_on: [a]}\n";
    assert_eq!(
        summary(text),
        [
            (5, "flows[0].jobs[0]".to_owned(), "missing-field"),
            (6, "flows[0].jobs[1]".to_owned(), "wrong-type")
        ]
    );
}

#[test]
fn faults_after_a_faulty_item_keep_their_index() {
    let text = "hcndc: 1\nflows:\n- 7\n- name: f\n  jobs:\n  - x\n  - name: a\n    command: c\n    depends_on: [[], b]\n";
    assert_eq!(
        summary(text),
        [
            (3, "flows[0]".to_owned(), "wrong-type"),
            (6, "flows[1].jobs[0]".to_owned(), "wrong-type"),
            (9, "flows[1].jobs[1].depends_on[0]".to_owned(), "wrong-type"),
            (
                9,
                "flows[1].jobs[1].depends_on[1]".to_owned(),
                "unknown-dependency"
            ),
        ]
    );
}

#[test]
fn cycles_are_named_whole_across_flows_and_jobs() {
    // a/x waits for b/y, b for its parent a, and a for a/x.
    let text = "hcndc: 1\nflows:\n- name: a\n  jobs:\n  - {name: x, command: c, depends_on: [b/y]}\n- name: b\n  \
                parents: [a]\n  jobs:\n  - {name: y, command: c}\n- name: p\n  parents: [q]\n- name: q\n  parents: [p]\n";
    let faults = faults(text);
    let messages: Vec<String> = faults.iter().map(|fault| fault.message(Lang::En)).collect();
    assert_eq!(
        messages,
        [
            "dependency cycle: a/x → b/y → b → a → a/x (each waits for the next)",
            "dependency cycle: p → q → p (each waits for the next)"
        ]
    );
    assert_eq!(faults[0].path, "flows[0].jobs[0].depends_on[0]");
    assert_eq!(faults[1].path, "flows[2].parents[0]");
}

#[test]
fn a_circle_over_dates_is_named_with_its_days() {
    // a/x waits for tomorrow's b/y, which waits for today's a/x.
    let text = |days: i32| {
        format!(
            "hcndc: 1\nflows:\n- name: a\n  jobs:\n  - {{name: w, command: c}}\n  - {{name: x, command: c, depends_on: \
             [w, {{job: b/y, offset_days: {days}}}]}}\n- name: b\n  parents: [a]\n  jobs:\n  - {{name: y, command: c}}\n"
        )
    };
    let found = faults(&text(1));
    let messages: Vec<String> = found.iter().map(|fault| fault.message(Lang::En)).collect();
    let circle = "dependency cycle: a/x → b/y@+1 → b → a → a/x (each waits for the next)";
    assert_eq!(messages, [circle]);
    assert_eq!(found[0].path, "flows[0].jobs[1].depends_on[1]");
    // What goes back in time ends at the first date.
    assert!(parse_mesh("m.yaml", text(-1).as_bytes(), &[]).is_ok());
}

#[test]
fn two_cycles_through_one_job_are_both_told() {
    let job =
        |name: &str, on: &str| format!("  - {{name: {name}, command: c, depends_on: [{on}]}}\n");
    let text = format!(
        "hcndc: 1\nflows:\n- name: f\n  jobs:\n{}{}{}",
        job("a", "b, c"),
        job("b", "a"),
        job("c", "a")
    );
    assert_eq!(summary(&text).len(), 2);
}

#[test]
fn settings_are_told_once_and_in_both_languages() {
    let text = "hcndc: 1
file_servers:
- {name: a, kind: s3, options: {bucket: [1]}}
- {name: b, kind: s3, options: 5}
- {name: c, kind: s3, options: {bucket: x/y}}
- {name: d, kind: sftp, options: {host_key: nonsense}}
alert_channels:
- {name: h, kind: email, settings: {host: m, from: a@b, to: nobody}}
flows:
- {name: f, jobs: [{name: j, command: c}]}
";
    let at = |path: &str, code| (path.to_owned(), code);
    let found = summary(text).into_iter();
    let found: Vec<_> = found.map(|(_, path, code)| (path, code)).collect();
    let expected = [
        at("file_servers[0].options.bucket", "wrong-type"),
        at("file_servers[1].options", "wrong-type"),
        at("file_servers[2].options.bucket", "bad-setting"),
        at("file_servers[3].options.host_key", "bad-setting"),
        at("alert_channels[0].settings.to", "bad-setting"),
    ];
    assert_eq!(found, expected);
    let told = faults(text)
        .iter()
        .map(|it| it.message(Lang::Zh))
        .collect::<Vec<_>>();
    for message in told {
        let zh = message
            .chars()
            .filter(|c| ('一'..='鿿').contains(c))
            .count();
        assert!(zh > 5, "{message}");
    }
}

#[test]
fn params_are_looked_for_where_they_are_seen() {
    let text = "hcndc: 1\nenv: {A: '${param.job}', B: '${param.none}'}\nflows:\n- name: f\n  workdir: '${param.flow}'\n  \
                params: {flow: x}\n  jobs:\n  - {name: a, command: 'x ${param.given} ${param.flow}', params: {job: 1}}\n";
    let faults = parse_mesh("m", text.as_bytes(), &["given"]).unwrap_err();
    let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["env.B"]);
}

#[test]
fn outputs_are_taken_of_jobs_upstream_alone() {
    let text = "
hcndc: 1
name: m
flows:
  - name: a
    jobs:
      - {name: x, command: 'true'}
      - {name: y, command: 'true', depends_on: [x]}
      - name: z
        command: 'true'
        depends_on: [y, {job: other, offset_days: -1}]
        params:
          rows: {output: x}
          far: {output: a/x, name: max-id, default: 0}
          typo: {output: xx}
          second: {output: x, name: 2nd}
          pw: {output: x, name: db_password}
          yesterday: {output: other}
          itself: {output: z}
          both: {output: x, shared: true}
          no: {shared: false}
      - {name: other, command: 'true'}
  - name: b
    parents: [a]
    jobs:
      - {name: w, command: 'true', params: {rows: {output: a/other}}}
";
    let found = summary(text);
    for (name, code) in [
        ("typo.output", "unknown-dependency"),
        ("second", "bad-output-name"),
        ("pw", "bad-output-name"),
        ("yesterday", "not-upstream"),
        ("itself", "not-upstream"),
    ] {
        let path = format!("flows[0].jobs[2].params.{name}");
        let is_told = |it: &(usize, String, &str)| it.1 == path && it.2 == code;
        assert!(found.iter().any(is_told), "{path}: {found:?}");
    }
    // Two that are of no form, and stop the reading of their job's params no more than others.
    assert_eq!(found.len(), 7, "{found:?}");
    let sound = text.lines().filter(|line| {
        ["typo", "second", "pw", "yesterday", "itself", "both", "no"]
            .iter()
            .all(|name| !line.trim().starts_with(&format!("{name}:")))
    });
    let sound = sound.collect::<Vec<_>>().join("\n");
    let file = self::sound(&sound);
    let written = to_yaml(&file);
    assert_eq!(self::sound(&written), file, "{written}");
    assert!(written.contains("max-id"), "{written}");
}

#[test]
fn statements_are_for_data_sources_that_run_them() {
    let text = "hcndc: 1\ndata_sources:\n- {name: ch, kind: clickhouse}\n- {name: docs, kind: mongodb}\nflows:\n- name: f\n  jobs:\n  \
                - {name: a, sql: {data_source: ch, statement: select 1}}\n  - {name: b, sql: {data_source: ch, statement: select 1, transaction: true}}\n  \
                - {name: c, sql: {data_source: docs, statement: select 1, transaction: true}}\n";
    assert_eq!(
        summary(text),
        [
            (9, "flows[0].jobs[1].sql.transaction".to_owned(), "bad-work"),
            (
                10,
                "flows[0].jobs[2].sql.data_source".to_owned(),
                "bad-work"
            ),
        ]
    );
}

#[test]
fn a_job_does_one_thing_of_four() {
    let text = "hcndc: 1\ndata_sources:\n- {name: dw, kind: sqlite}\nflows:\n- name: f\n  jobs:\n  \
                - {name: a, http: {url: 'http://h/'}}\n  - {name: b, sql: {data_source: dw, statement: select 1}}\n  \
                - {name: c, kettle: {file: a.ktr, tool: pan, level: basic}}\n  - {name: d, command: c}\n";
    let file = sound(text);
    let again = to_yaml(&file);
    assert_eq!(sound(&again), file, "{again}");

    let text = "hcndc: 1\nflows:\n- name: f\n  jobs:\n  - {name: none}\n  \
                - {name: two, http: {url: 'http://h/'}, kettle: {file: a}}\n  - {name: both, command: c, http: {url: 'http://h/'}}\n  \
                - {name: bad, http: {url: 'h', method: get, expect: ok}}\n  - {name: gone, sql: {data_source: dw, statement: x}}\n  \
                - {name: empty, kettle: {}}\n  - {name: lost, http: {metod: GET}}\n";
    let found: Vec<_> = summary(text)
        .into_iter()
        .map(|(_, path, code)| (path, code))
        .collect();
    let expected = [
        ("flows[0].jobs[0]", "missing-field"),
        ("flows[0].jobs[1]", "several-kinds"),
        ("flows[0].jobs[2].command", "bad-work"),
        ("flows[0].jobs[3].http.url", "bad-work"),
        ("flows[0].jobs[3].http.method", "bad-work"),
        ("flows[0].jobs[3].http.expect", "bad-work"),
        ("flows[0].jobs[4].sql.data_source", "unknown-name"),
        ("flows[0].jobs[5].kettle.file", "bad-work"),
        ("flows[0].jobs[6].http.metod", "unknown-field"),
        ("flows[0].jobs[6].http", "missing-field"),
    ];
    for fault in expected {
        assert!(
            found
                .iter()
                .any(|(path, code)| (path.as_str(), *code) == fault),
            "{fault:?} is not in {found:?}"
        );
    }
    assert_eq!(found.len(), expected.len(), "{found:?}");
}

#[test]
fn what_is_no_mesh_is_told_in_one_fault() {
    for (text, code) in [
        ("", "empty-file"),
        ("# only a remark\n", "empty-file"),
        ("- a\n", "wrong-type"),
        ("hello", "wrong-type"),
        ("hcndc: 1\n", "missing-field"),
        ("hcndc: 1\nflows: []\n", "empty-mesh"),
        ("hcndc: 1\nflows:\n", "empty-mesh"),
        ("hcndc: 1\nflows: 5\n", "wrong-type"),
        ("hcndc: 2\nflows: [{name: a}]\n", "unknown-version"),
        ("hcndc: 1\nflows: [{name: a}\n", "syntax"),
        ("hcndc: 1\nflows:\n\t- name: a\n", "syntax"),
        ("hcndc: 1\nflows: *nowhere\n", "syntax"),
        ("{\"hcndc\": 1, \"flows\": [{\"name\": \"a\"}]", "syntax"),
    ] {
        let codes: Vec<&str> = faults(text).iter().map(Fault::code).collect();
        assert_eq!(codes, [code], "{text:?}");
    }
    let missing = read_mesh(Path::new("no/such/file.yaml"), &[]).unwrap_err();
    assert_eq!(
        (missing[0].code(), missing[0].position),
        ("unreadable", None)
    );
    let directory = read_mesh(Path::new(env!("CARGO_MANIFEST_DIR")), &[]).unwrap_err();
    assert_eq!(directory[0].code(), "unreadable");
}

/// Times are compared only with `HCNDC_TEST_SLOW=1`.
#[test]
fn ten_thousand_faulty_jobs_are_told_in_linear_time() {
    let jobs = |count: usize| {
        let mut text = String::from("hcndc: 1\nflows:\n- name: f\n  jobs:\n");
        for job in 0..count {
            text.push_str(&format!(
                "  - {{name: j{job}, comand: x, slots: many, depends_on: [k{job}], timeout: 0s}}\n"
            ));
        }
        text
    };
    let time = |count| {
        let text = jobs(count);
        let start = Instant::now();
        assert_eq!(faults(&text).len(), 5 * count);
        start.elapsed()
    };
    let (small, large) = (time(1_000), time(10_000));
    if std::env::var_os("HCNDC_TEST_SLOW").is_none() {
        return;
    }
    // Quadratic work would take a hundred times as long; the bound leaves room for a busy machine.
    assert!(
        large < 40 * small.max(Duration::from_millis(20)),
        "{small:?} → {large:?}"
    );
}

/// Slow in debug builds; `HCNDC_TEST_SLOW=1` runs it.
#[test]
fn hundred_thousand_jobs_are_read_and_their_longest_cycle_found() {
    if std::env::var_os("HCNDC_TEST_SLOW").is_none() {
        return;
    }
    const JOBS: usize = 100_000;
    let mut flow = MeshFlow::named("f");
    flow.jobs = (0..JOBS)
        .map(|job| MeshJob::new(format!("job-{job}"), format!("sh step.sh {job}")))
        .collect();
    for job in 1..JOBS {
        flow.jobs[job].depends_on = vec![JobDependency::on_success(format!("job-{}", job - 1))];
    }
    let mut mesh = MeshFile::of_flows(vec![flow]);
    let start = Instant::now();
    let yaml = to_yaml(&mesh);
    println!("{} bytes written in {:?}", yaml.len(), start.elapsed());
    let start = Instant::now();
    assert_eq!(sound(&yaml), mesh);
    println!("read in {:?}", start.elapsed());
    mesh.flows[0].jobs[0].depends_on = vec![JobDependency::on_success(format!("job-{}", JOBS - 1))];
    let start = Instant::now();
    let found = faults(&to_yaml(&mesh));
    println!("cycle found in {:?}", start.elapsed());
    assert!(
        matches!(&found[..], [Fault { problem: Problem::Cycle { stations }, .. }] if stations.len() == JOBS)
    );
}

#[test]
fn one_item_full_of_faults_ends() {
    let list = vec!["[]"; 20_000].join(", ");
    let text = format!(
        "hcndc: 1\nflows:\n- name: f\n  jobs:\n  - {{name: a, command: x, depends_on: [{list}]}}\n"
    );
    let codes: Vec<&str> = faults(&text).iter().map(Fault::code).collect();
    assert_eq!(codes.len(), 51);
    assert!(codes.contains(&"too-many-faults"));
}

#[test]
fn bombs_do_not_go_off() {
    let nest = |open: &str| format!("hcndc: 1\nflows: {}", open.repeat(100_000));
    let mut laughs = String::from("hcndc: 1\nparams:\n  a0: &a0 {x: y}\n");
    for level in 1..60 {
        let below = level - 1;
        laughs.push_str(&format!(
            "  a{level}: &a{level} {{x: *a{below}, y: *a{below}}}\n"
        ));
    }
    for text in [nest("["), nest("{a: "), nest("- "), nest("\n-"), laughs] {
        assert!(!faults(&text).is_empty());
    }
}

#[test]
fn schema_is_published_as_generated() {
    let mut text = serde_json::to_string_pretty(&mesh_schema()).unwrap();
    text.push('\n');
    assert_golden(&repository("docs/mesh.schema.json"), &text);
}

/// Texts that YAML could take for something else, and any others.
fn any_text() -> impl Strategy<Value = String> {
    let awkward = prop::sample::select(vec![
        "",
        " ",
        "null",
        "~",
        "true",
        "No",
        "on",
        "1",
        "1.0",
        "0x1f",
        "1e3",
        ".5",
        ".inf",
        "1_000",
        "12:30",
        "2026-11-21",
        "- a",
        "a: b",
        "a #b",
        "#",
        "'q'",
        "\"",
        "\\",
        "a\nb",
        "a\nb\n",
        "a\nb\n\n",
        "\n",
        " a\n b",
        "a\n\n b\n",
        "a \nb",
        "\ta",
        "a\t\nb",
        "{a}",
        "[",
        "*a",
        "&a",
        "!t",
        "%d",
        "@",
        "`",
        "---",
        "...",
        "? a",
        "a:",
        "\u{85}",
        "\u{feff}x",
        "\r\n",
        "x\u{2028}y",
        "\u{7f}",
        "\u{1}",
        "<<",
        "=",
        "é😀",
        "echo \"$(date)\" | sed 's/a/b/' # x\nexit 0\n",
        "--- x\nb",
        "a\n---\nb\n",
        "a\n...\n",
        "a,b",
        "-",
        "+",
        "-x",
    ]);
    prop_oneof![
        awkward.prop_map(str::to_owned),
        "[ -~]{0,12}",
        "[ \\t\\na-c:#'\"\\[{|>-]{0,10}",
        any::<String>()
    ]
}

/// Texts in which nothing is a placeholder and nothing is refused.
fn free_text() -> impl Strategy<Value = String> {
    any_text().prop_map(|text| text.replace(['\0', '$'], "_"))
}

fn text_map(names: &'static str) -> impl Strategy<Value = TextMap> {
    vec((names, free_text()), 0..4).prop_map(|pairs| pairs.into_iter().collect())
}

fn span() -> impl Strategy<Value = Span> {
    (1_u64..4_000_000_000).prop_map(|millis| Span::from_millis(millis).unwrap())
}

prop_compose! {
    fn retry()(
        max in 0_u32..=100,
        delay in option::of(span()),
        backoff in 1_000_u32..=100_000,
        cap in option::of(span()),
    ) -> JobRetry {
        JobRetry { max, delay: delay.unwrap_or_default(), backoff: f64::from(backoff) / 1_000.0, cap }
    }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        "[a-z0-9.:é/ #'\"-]{1,12}".prop_map(|name| format!("j{}", name.trim_end()))
    ]
}

prop_compose! {
    fn job(name: String)(
        texts in (option::of(free_text()), free_text(), option::of(free_text())),
        params in text_map("[A-Za-z_][A-Za-z0-9_.-]{0,5}"),
        env in text_map("[A-Za-z_][A-Za-z0-9_]{0,5}"),
        labels in text_map("[a-z]{1,4}"),
        success_codes in vec(any::<u8>(), 1..4),
        retry in option::of(retry()),
        timeout in option::of(span()),
        priority in any::<i32>(),
        slots in 1_u32..=1_000,
        enabled in any::<bool>(),
    ) -> MeshJob {
        let (description, command, workdir) = texts;
        let mut job = MeshJob::new(name.clone(), format!("x{command}"));
        job.description = description;
        job.workdir = workdir;
        (job.params, job.env, job.labels) = (params.into(), env, labels);
        job.success_codes = success_codes;
        (job.retry, job.timeout) = (retry, timeout);
        (job.priority, job.slots, job.enabled) = (priority, slots, enabled);
        job
    }
}

fn flow(name: String) -> impl Strategy<Value = MeshFlow> {
    let jobs = hash_map(self::name(), Just(()), 0..5).prop_flat_map(|names| {
        let mut names: Vec<String> = names.into_keys().collect();
        names.sort();
        names.into_iter().map(job).collect::<Vec<_>>()
    });
    (
        jobs,
        vec(any::<prop::sample::Index>(), 0..6),
        option::of(free_text()),
        text_map("[a-z]{1,3}"),
    )
        .prop_map(move |(mut jobs, picks, description, params)| {
            for (place, pick) in picks.iter().enumerate().filter(|(place, _)| *place > 0) {
                if place < jobs.len() {
                    let on = [
                        DependencyCondition::Success,
                        DependencyCondition::Failure,
                        DependencyCondition::Done,
                    ];
                    let dependency = JobDependency {
                        on: on[pick.index(3)],
                        ..JobDependency::on_success(jobs[pick.index(place)].name.clone())
                    };
                    jobs[place].depends_on.push(dependency);
                }
            }
            let mut flow = MeshFlow::named(name.clone());
            (flow.jobs, flow.description, flow.params) = (jobs, description, params);
            flow
        })
}

prop_compose! {
    fn mesh()(
        flows in hash_map("[a-z]{1,6}", Just(()), 1..4).prop_flat_map(|names| {
            let mut names: Vec<String> = names.into_keys().collect();
            names.sort();
            names.into_iter().map(flow).collect::<Vec<_>>()
        }),
        zone in prop::sample::select(vec!["UTC", "Asia/Shanghai"]),
        params in text_map("[a-z]{1,3}"),
        timeout in option::of(span()),
        labels in option::of(text_map("[a-z]{1,2}")),
    ) -> MeshFile {
        let mut flows = flows;
        let names: Vec<String> = flows.iter().map(|flow| flow.name.clone()).collect();
        for (index, flow) in flows.iter_mut().enumerate() {
            flow.parents = names[..index].to_vec();
        }
        let mut mesh = MeshFile::of_flows(flows);
        mesh.zone = zone.to_owned();
        mesh.params = params;
        mesh.defaults.timeout = timeout;
        if let Some(labels) = labels {
            let executor = |name: String, labels| MeshExecutor {
                name, address: "[::1]:7890".to_owned(), labels, slots: Some(3), enabled: true, description: None,
            };
            let asked: Vec<TextMap> =
                mesh.flows.iter().flat_map(|flow| &flow.jobs).map(|job| job.labels.clone()).collect();
            mesh.executors.push(executor("etl".to_owned(), labels));
            let hosts = asked.into_iter().enumerate().map(|(host, labels)| executor(format!("host-{host}"), labels));
            mesh.executors.extend(hosts);
        }
        mesh
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(mesh in mesh()) {
        let yaml = to_yaml(&mesh);
        match parse_mesh("m.yaml", yaml.as_bytes(), &[]) {
            Ok(source) => prop_assert_eq!(source.file, mesh, "{}", yaml),
            Err(faults) => prop_assert!(false, "{}\n{}", told(&faults, Lang::En), yaml),
        }
    }

    #[test]
    fn json_reads_the_same(mesh in mesh()) {
        let json = serde_json::to_string(&mesh).unwrap();
        let source = parse_mesh("m.json", json.as_bytes(), &[]);
        prop_assert_eq!(source.map(|source| source.file), Ok(mesh));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        let _ = parse_mesh("m", &bytes, &[]);
        let _ = parse_wfcommons("m", "m", &bytes, 1.0);
    }

    #[test]
    fn any_yaml_like_text_is_read_or_refused(text in "[-?:,\\[\\]{}&*!|>'\"%@` \\n\\ta-c0-2~<#]{0,60}") {
        let _ = parse_mesh("m", text.as_bytes(), &[]);
    }

    #[test]
    fn any_change_of_a_file_is_read_or_refused(at in any::<prop::sample::Index>(), with in "[-\\[\\]{}:,a0 \\n\"~*&]{0,3}") {
        let whole = std::fs::read_to_string(data("whole.yaml")).unwrap();
        let mut chars: Vec<char> = whole.chars().collect();
        let at = at.index(chars.len());
        chars.splice(at..(at + 1), with.chars());
        let text: String = chars.into_iter().collect();
        if let Ok(source) = parse_mesh("m", text.as_bytes(), &["day"]) {
            let again = parse_mesh("m", to_yaml(&source.file).as_bytes(), &["day"]);
            prop_assert_eq!(again.map(|source| source.file), Ok(source.file));
        }
    }
}

#[test]
fn what_lacks_its_kind_is_told_and_not_lost() {
    for kind in ["", ", kind: ", ", kind: &email"] {
        let flow = "{name: f, jobs: [{name: a, command: a}]}";
        let channel = format!("{{name: chat{kind}}}");
        let text = format!("hcndc: 1\nflows: [{flow}]\nalert_channels: [{channel}]\n");
        let faults = parse_mesh("m", text.as_bytes(), &[]).unwrap_err();
        let told: Vec<_> = faults.iter().map(|it| (&*it.path, &it.problem)).collect();
        let field = "kind".to_owned();
        let missing = Problem::MissingField { field };
        assert_eq!(told, [("alert_channels[0]", &missing)], "{kind}");
    }
}

#[test]
fn meshes_made_by_programs_are_checked_too() {
    let mut flow = MeshFlow::named("f");
    flow.jobs.push(MeshJob::new("a", " "));
    let faults = check_mesh("made", &MeshFile::of_flows(vec![flow]), &[]).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!(
        (faults[0].path.as_str(), faults[0].position),
        ("flows[0].jobs[0].command", None)
    );
}
