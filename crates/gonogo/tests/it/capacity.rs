//! Sizes of a database and their growth, as a user sees them.

use std::path::Path;

use gonogo_core::capacity::Snapshot;
use gonogo_probes::testing::PostgresServer;

use crate::rig::{Ended, folder, gonogo, run_plan};

fn plan(folder: &Path, url: &str, checks: &str) -> String {
    std::fs::write(folder.join("dsn"), url).unwrap();
    format!(
        "gonogo: 1\nname: sizes\ninputs:\n  dsn: {{ secret: true, file: dsn }}\nenvironments:\n  local:\n    targets:\n      db: {{ postgres: '${{inputs.dsn}}' }}\ngates:\n  size:\n    title: The database does not grow too fast\n    checks:{checks}"
    )
}

const SIZES: &str = "
      - id: sizes
        capacity: database
        expect: database.bytes < 1000000000
";

const GROWTH: &str = "
      - id: growth
        capacity: database
        baseline: base.json
        expect:
          - levels.red == []
          - levels.yellow == []
";

/// Makes statements that stay.
fn make(server: &PostgresServer, statements: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls)
            .await
            .unwrap();
        let driven = tokio::spawn(connection);
        client.batch_execute(statements).await.unwrap();
        drop(client);
        driven.await.unwrap().unwrap();
    });
}

fn take(folder: &Path, out: &str) {
    let arguments = [
        "snapshot",
        "capacity",
        "plan.yaml",
        "--env",
        "local",
        "--out",
        out,
    ];
    let taken = gonogo(folder, &arguments);
    assert_eq!(
        (taken.code, taken.stdout.as_str()),
        (0, ""),
        "{}",
        taken.stderr
    );
}

/// The same snapshot as a machine would have taken it so long ago: read and written by the program's own library.
fn taken_earlier(folder: &Path, name: &str, hours: i64) {
    let path = folder.join(name);
    let mut snapshot = Snapshot::read(&std::fs::read(&path).unwrap()).unwrap();
    snapshot.taken_at -= chrono::TimeDelta::hours(hours);
    std::fs::write(path, snapshot.text()).unwrap();
}

fn diff(folder: &Path, a: &str, b: &str, more: &[&str]) -> Ended {
    let mut arguments = vec!["diff", a, b];
    arguments.extend(more);
    gonogo(folder, &arguments)
}

#[test]
fn growth_of_a_real_table_turns_the_diff_yellow_then_red() {
    let server = PostgresServer::start();
    make(
        &server,
        "create table events (id int, note text); \
         insert into events select i, md5(i::text) from generate_series(1, 50000) i; \
         create table orders (id int primary key); insert into orders select generate_series(1, 100000)",
    );
    let folder = folder();
    std::fs::write(
        folder.path().join("plan.yaml"),
        plan(folder.path(), &server.url(), SIZES),
    )
    .unwrap();
    take(folder.path(), "a.json");
    make(
        &server,
        "insert into events select i, md5(i::text) from generate_series(1, 50000) i",
    );
    take(folder.path(), "b.json");

    // Seconds apart: growth is shown and not judged, which is no green.
    let soon = diff(folder.path(), "a.json", "b.json", &[]);
    assert_eq!(soon.code, 2, "{}", soon.stdout);
    assert!(soon.stdout.starts_with("NOT JUDGED"), "{}", soon.stdout);
    assert!(
        soon.stdout.contains("growth was not judged"),
        "{}",
        soon.stdout
    );
    assert!(
        soon.stdout.contains("table public.events"),
        "{}",
        soon.stdout
    );

    taken_earlier(folder.path(), "a.json", 24);
    let yellow = diff(folder.path(), "a.json", "b.json", &[]);
    assert_eq!(yellow.code, 2, "{}", yellow.stdout);
    assert!(yellow.stdout.starts_with("YELLOW"), "{}", yellow.stdout);
    let said = "table public.events grows by +";
    assert!(yellow.stdout.contains(said), "{}", yellow.stdout);

    make(
        &server,
        "insert into orders select generate_series(100001, 200000)",
    );
    take(folder.path(), "c.json");
    let red = diff(folder.path(), "a.json", "c.json", &[]);
    assert_eq!(red.code, 1, "{}", red.stdout);
    assert!(red.stdout.starts_with("RED"), "{}", red.stdout);
    assert!(
        red.stdout.contains("index public.orders_pkey grows by +"),
        "{}",
        red.stdout
    );

    let json = diff(folder.path(), "a.json", "c.json", &["--json"]);
    assert_eq!((json.code, json.json()["level"].as_str()), (1, Some("red")));
    let markdown = diff(folder.path(), "a.json", "c.json", &["--markdown"]).stdout;
    assert!(markdown.contains("# RED: growth of postgres"), "{markdown}");
    assert!(
        markdown.contains("| index public.orders_pkey | grown |"),
        "{markdown}"
    );

    // Other thresholds, another level; the sizes of the real table are above small ones.
    let wide = [
        "--threshold",
        "growth_per_day_yellow=500%",
        "--threshold",
        "index_growth_per_week_red=5000%",
    ];
    let green = diff(folder.path(), "a.json", "c.json", &wide);
    assert_eq!(green.code, 0, "{}", green.stdout);
    assert!(green.stdout.starts_with("GREEN"), "{}", green.stdout);
    let mut small = wide.to_vec();
    small.extend([
        "--threshold",
        "table_yellow=1MB",
        "--threshold",
        "table_red=6MB",
    ]);
    let red = diff(folder.path(), "a.json", "c.json", &small);
    assert_eq!(red.code, 1, "{}", red.stdout);
    assert!(
        red.stdout.contains("table public.events has"),
        "{}",
        red.stdout
    );
}

#[test]
fn snapshots_that_cannot_be_compared_and_wrong_thresholds_are_64() {
    let server = PostgresServer::start();
    make(&server, "create table t (a int)");
    make(&server, "create database other");
    let folder = folder();
    let at = folder.path();
    std::fs::write(
        at.join("plan.yaml"),
        plan(folder.path(), &server.url(), SIZES),
    )
    .unwrap();
    take(at, "a.json");
    let other = server.url().replace("/postgres", "/other");
    std::fs::write(at.join("plan.yaml"), plan(folder.path(), &other, SIZES)).unwrap();
    take(at, "other.json");
    let text = std::fs::read_to_string(at.join("a.json")).unwrap();
    std::fs::write(
        at.join("bad.json"),
        text.replacen("\"tables\"", "\"tabels\"", 1),
    )
    .unwrap();
    let line = text.lines().position(|l| l.contains("\"tables\"")).unwrap() + 1;
    for (b, more, words) in [
        (
            "other.json",
            &[][..],
            "`postgres`, the other of `other`".to_owned(),
        ),
        ("bad.json", &[], format!("bad.json:{line}:")),
        ("none.json", &[], "cannot be read".to_owned()),
        (
            "a.json",
            &["--threshold", "table_yelow=1MB"],
            "did you mean `table_yellow`".to_owned(),
        ),
        (
            "a.json",
            &["--threshold", "floor=lots"],
            "is not a size".to_owned(),
        ),
        (
            "a.json",
            &["--threshold", "table_red=1MB"],
            "lies below".to_owned(),
        ),
    ] {
        let refused = diff(at, "a.json", b, more);
        assert_eq!(refused.code, 64, "{b}: {}", refused.stdout);
        assert!(
            refused.stderr.contains(&words),
            "{words} in {}",
            refused.stderr
        );
    }
    let markdown = gonogo(
        at,
        &[
            "snapshot",
            "capacity",
            "plan.yaml",
            "--env",
            "local",
            "--format",
            "md",
        ],
    );
    assert!(
        markdown.stdout.starts_with("# Capacity of other"),
        "{}",
        markdown.stdout
    );
}

#[test]
fn a_plan_holds_growth_against_its_baseline_and_hour_old_evidence_is_no_go_ahead() {
    let server = PostgresServer::start();
    make(
        &server,
        "create table events (id int); insert into events select generate_series(1, 50000)",
    );
    let folder = folder();
    let at = folder.path();
    std::fs::write(
        at.join("plan.yaml"),
        plan(folder.path(), &server.url(), SIZES),
    )
    .unwrap();
    take(at, "base.json");
    let plan = plan(folder.path(), &server.url(), GROWTH);

    let soon = run_plan(at, &plan, &[]);
    assert_eq!(
        (soon.code, soon.outcome("size/growth").as_str()),
        (2, "inconclusive"),
        "{}",
        soon.stderr
    );

    taken_earlier(at, "base.json", 48);
    let clean = run_plan(at, &plan, &[]);
    assert_eq!(
        (clean.code, clean.outcome("size/growth").as_str()),
        (0, "pass"),
        "{}",
        clean.stderr
    );
    assert!(at.join(clean.run()).join("files/base.json").is_file());

    make(
        &server,
        "insert into events select generate_series(1, 50000)",
    );
    let grown = run_plan(at, &plan, &[]);
    assert_eq!(
        (grown.code, grown.outcome("size/growth").as_str()),
        (1, "fail"),
        "{}",
        grown.stderr
    );
    let run = at.join(grown.run());
    let report = std::fs::read_to_string(run.join("report.md")).unwrap();
    assert!(report.contains("table public.events grows by"), "{report}");
    let page = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(
        page.contains("growth above 15 % a day"),
        "the rule is printed"
    );
    let verified = gonogo(at, &["verify", run.to_str().unwrap()]);
    assert_eq!(verified.code, 1, "{}", verified.stderr);
}
