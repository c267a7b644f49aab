#![expect(
    clippy::disallowed_methods,
    reason = "the tests make the files that are looked at"
)]

mod git;
mod layouts;
mod properties;
mod python;
mod rules;

use std::path::Path;
use std::time::Duration;

use gonogo_core::Value;
use serde_json::json;

use super::*;
use crate::bench::look_in;

async fn observe(folder: &Path, options: Json) -> Result<Seen, NotObserved> {
    look_in(folder, &super::Migrations, options, Duration::from_mins(2)).await
}

/// A folder with these files below `db`.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("db")).unwrap();
    for (path, text) in files {
        write(folder.path(), path, text);
    }
    folder
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join("db").join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// What a folder of these files comes to.
async fn seen(files: &[(&str, &str)]) -> Seen {
    let folder = folder(files);
    observe(folder.path(), json!({"migrations": "db"}))
        .await
        .unwrap()
}

fn list<'a>(seen: &'a Seen, fact: &str) -> &'a [Value] {
    seen.facts[fact].as_list().unwrap()
}

/// One field of each entry of a list.
fn column(seen: &Seen, fact: &str, field: &str) -> Vec<String> {
    let entries = list(seen, fact).iter();
    entries
        .map(|entry| match entry.get(field) {
            Some(Value::String(text)) => text.clone(),
            other => format!("{other:?}"),
        })
        .collect()
}

#[tokio::test]
async fn a_finding_names_rule_place_statement_reason_and_a_safer_form() {
    let seen = seen(&[(
        "1_a.sql",
        "-- why\nset lock_timeout = '2s';\n\nalter table orders\n  drop column total;\n",
    )])
    .await;
    let first = &list(&seen, "blocking")[0];
    insta::assert_debug_snapshot!(first);
    assert_eq!(
        column(&seen, "findings", "rule"),
        ["ban-drop-column", "no-way-down"]
    );
}

#[tokio::test]
async fn the_observation_of_a_small_history_is_as_published() {
    let seen = seen(&[
        (
            "20260101000000_a/migration.sql",
            "create table a (id bigint primary key);\n",
        ),
        (
            "20260102000000_b/migration.sql",
            "set lock_timeout = '2s'; alter table a add note text;",
        ),
        ("20260102000000_b/down.sql", "alter table a drop note;"),
        (
            "20260103000000_c/migration.sql",
            "alter table a rename note to notes;",
        ),
    ])
    .await;
    insta::assert_json_snapshot!(seen.facts);
    insta::assert_debug_snapshot!(seen.shown);
}

#[tokio::test]
async fn a_folder_without_migrations_is_an_absence_and_a_missing_one_is_not_observed() {
    let seen = seen(&[("readme.md", "none yet")]).await;
    assert_eq!(seen.absent.len(), 7);
    let folder = folder(&[]);
    for (path, cause) in [("nowhere", "Missing"), ("../..", "Forbidden")] {
        let gap = observe(folder.path(), json!({"migrations": path}))
            .await
            .unwrap_err();
        assert_eq!(format!("{:?}", gap.cause), cause);
    }
}

#[tokio::test]
async fn what_the_plan_allows_is_listed_apart() {
    let folder = folder(&[("1_a.sql", "drop table a;")]);
    let options = json!({"migrations": "db", "allow": ["ban-drop-table"]});
    let seen = observe(folder.path(), options).await.unwrap();
    assert_eq!(column(&seen, "allowed", "rule"), ["ban-drop-table"]);
    assert!(!column(&seen, "findings", "rule").contains(&"ban-drop-table".to_owned()));
}

#[tokio::test]
async fn a_rule_of_style_is_judged_where_the_plan_asks_for_it() {
    let folder = folder(&[("1_a.sql", "create table a (id int);")]);
    let options = json!({"migrations": "db", "also": ["prefer-bigint-over-int"]});
    let seen = observe(folder.path(), options).await.unwrap();
    assert!(column(&seen, "warnings", "rule").contains(&"prefer-bigint-over-int".to_owned()));
}

#[tokio::test]
async fn a_comment_in_the_file_does_not_wave_it_through() {
    let seen = seen(&[(
        "1_a.sql",
        "-- squawk-ignore ban-drop-table\ndrop table a;\n-- squawk-ignore-file\n",
    )])
    .await;
    assert!(column(&seen, "blocking", "rule").contains(&"ban-drop-table".to_owned()));
}

#[tokio::test]
async fn a_password_in_a_statement_is_not_shown() {
    let seen = seen(&[
        (
            "1_a.sql",
            "alter role app password 'hunter2x'; drop table a;",
        ),
        ("2_b.sql", "alter rolle app password 'hunter2x';"),
    ])
    .await;
    assert!(!format!("{seen:?}").contains("hunter2x"));
    assert!(format!("{seen:?}").contains("alter role app password"));
}

#[tokio::test]
async fn more_findings_than_are_kept_cut_the_fact() {
    let files: Vec<(String, String)> = (0..12)
        .map(|n| (format!("{n}_a.sql"), "drop table a;\n".repeat(199)))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let seen = seen(&files).await;
    assert!(
        seen.cut.iter().any(|cut| cut.fact == "findings"),
        "{:?}",
        seen.cut
    );
    assert_eq!(list(&seen, "findings").len(), 2_000);
}

#[tokio::test]
async fn what_is_too_large_or_no_text_or_python_is_a_finding_and_never_silence() {
    let large = format!("select '{}';", "x".repeat(5 << 20));
    let folder = folder(&[
        ("1_a.sql", &large),
        ("2_b.sql", ""),
        ("migrations/0001_x.py", "pass"),
    ]);
    std::fs::write(folder.path().join("db/3_c.sql"), [b'a', 0xff, 0xfe]).unwrap();
    let seen = observe(folder.path(), json!({"migrations": "db"}))
        .await
        .unwrap();
    let reasons = column(&seen, "findings", "reason").join("\n");
    for part in [
        "up to 4194304 are read",
        "not UTF-8",
        "no migration of Django's",
        "no statement",
    ] {
        assert!(reasons.contains(part), "{part}: {reasons}");
    }
}

#[test]
fn lint_knows_the_rules_and_what_is_no_revision() {
    let lint = |options: Json| {
        let problems = Migrations.lint(&options).into_iter();
        problems
            .map(|p| format!("{}: {} {}", p.key, p.message, p.help.unwrap_or_default()))
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!(lint(json!({
        "migrations": "../db",
        "from": "--upload-pack=x",
        "to": "a..b",
        "allow": ["ban-drop-colum", "prefer-text-field"],
        "also": ["prefer-text-fields"],
    })));
    let fine = json!({"migrations": "db", "from": "${inputs.from}", "to": "v2", "allow": ["no-way-down", "prefer-text-field"], "also": ["prefer-text-field"]});
    assert_eq!(lint(fine), "");
}
