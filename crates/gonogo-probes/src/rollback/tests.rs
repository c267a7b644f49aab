#![expect(
    clippy::disallowed_methods,
    reason = "the tests make the repositories that are looked at"
)]

mod live;

use std::path::Path;
use std::time::Duration;

use gonogo_core::Value;
use serde_json::json;

use super::*;
use crate::ctx::{Ctx, GateScope};
use crate::git::tests::{commit_all, run as git, write};
use crate::probe::ResolvedTarget;

fn ctx(folder: &Path, targets: Vec<ResolvedTarget>) -> (tokio::sync::watch::Sender<bool>, Ctx) {
    let (stop, cancelled) = tokio::sync::watch::channel(false);
    let hosts = targets.iter().filter_map(|target| {
        let address = target.options["http"].as_str()?.strip_prefix("http://")?;
        let (host, port) = address.split_once(':')?;
        Some((host.to_owned(), port.parse().ok()?))
    });
    let hosts = hosts.collect();
    let ctx = Ctx::new(hosts, folder.to_owned(), Duration::from_mins(1), cancelled);
    (stop, ctx.with_targets(targets))
}

async fn look(ctx: &Ctx, options: Json) -> Result<Seen, NotObserved> {
    let scope = GateScope::new(false);
    run::observe(Call {
        options,
        target: None,
        limits: &[],
        statistics: &StatisticsOptions::default(),
        earlier_samplings: Some(0),
        reads: false,
        scope: &scope,
        ctx,
    })
    .await
}

async fn observe(folder: &Path, options: Json) -> Result<Seen, NotObserved> {
    let (_keep, ctx) = ctx(folder, Vec::new());
    look(&ctx, options).await
}

/// A release `v1` with these files, and these after it.
fn history(before: &[(&str, &str)], after: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    git(at, &["init", "-q", "-b", "main"]);
    write(at, "main.rs", "one");
    for (path, text) in before {
        write(at, path, text);
    }
    commit_all(at, "One");
    git(at, &["tag", "v1"]);
    write(at, "main.rs", "two");
    for (path, text) in after {
        write(at, path, text);
    }
    commit_all(at, "Two");
    folder
}

fn texts(seen: &Seen, fact: &str) -> Vec<String> {
    let list = seen.facts[fact].as_list().unwrap().iter();
    list.map(|one| one.as_str().unwrap().to_owned()).collect()
}

fn column(seen: &Seen, fact: &str, keys: &[&str]) -> Vec<String> {
    let text = |value: &Value, key: &str| match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        other => format!("{other:?}"),
    };
    let entries = seen.facts[fact].as_list().unwrap().iter();
    entries
        .map(|entry| {
            keys.iter()
                .map(|key| text(entry, key))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

#[tokio::test]
async fn the_way_back_is_told_with_its_files_commits_and_commands() {
    let folder = history(&[("old.txt", "x")], &[("new.txt", "x")]);
    let options = json!({
        "rollback": "v1",
        "commands": [["git", "checkout", "v1"], {"run": ["deploy", "--to", "a b"], "timeout": "2m"}],
        "estimate": "4m",
        "objective": "10m",
    });
    let seen = observe(folder.path(), options).await.unwrap();
    assert_eq!(
        column(&seen, "files", &["status", "path"]),
        ["changed main.rs", "removed new.txt"]
    );
    assert_eq!(column(&seen, "commits", &["subject"]), ["Two"]);
    assert_eq!(seen.facts["taken_back"], 1i64.into());
    assert_eq!(seen.facts["is_ancestor"], true.into());
    assert_eq!(
        texts(&seen, "commands"),
        ["git checkout v1", "deploy --to 'a b'"]
    );
    assert_eq!(seen.facts["estimated"], Duration::from_mins(4).into());
    assert_eq!(seen.facts["estimated_by"], "plan".into());
    assert_eq!(seen.facts["objective"], Duration::from_mins(10).into());
    assert_eq!(seen.facts["target"], "v1".into());
    for absent in ["took", "within_objective", "ran", "migrations"] {
        assert!(!seen.facts.contains_key(absent), "{absent}");
    }
    assert!(seen.absent.is_empty());
}

#[tokio::test]
async fn each_migration_in_between_is_told_with_its_way_back_whatever_the_tool() {
    let drops = "alter table a drop column b;";
    let adds = "alter table a add column c text;";
    let down = "alter table a drop column c;";
    let folder = history(
        &[
            (
                "prisma/20260101000000_a/migration.sql",
                "create table a (id bigint);",
            ),
            (
                "sqlx/20260101000000_a.up.sql",
                "create table a (id bigint);",
            ),
            ("sqlx/20260101000000_a.down.sql", "drop table a;"),
            ("flyway/V1__a.sql", "create table a (id bigint);"),
        ],
        &[
            ("prisma/20260102000000_b/migration.sql", adds),
            ("prisma/20260103000000_c/migration.sql", drops),
            ("sqlx/20260102000000_b.up.sql", drops),
            (
                "sqlx/20260102000000_b.down.sql",
                "alter table a add column b text;",
            ),
            ("flyway/V2__b.sql", adds),
            ("flyway/U2__b.sql", down),
            ("flyway/V3__c.sql", "alter table a ad column d text;"),
        ],
    );
    let folders = ["prisma", "sqlx", "flyway"];
    let options = json!({"rollback": "v1", "migrations": folders});
    let seen = observe(folder.path(), options).await.unwrap();
    assert_eq!(
        column(&seen, "migrations", &["tool", "name", "way_back"]),
        [
            "prisma 20260102000000_b compatible",
            "prisma 20260103000000_c none",
            "sqlx 20260102000000_b down",
            "flyway V2__b down",
            "flyway V3__c not-understood",
        ]
    );
    assert_eq!(
        texts(&seen, "without_way_down"),
        ["20260102000000_b", "20260103000000_c", "V3__c"]
    );
    assert_eq!(texts(&seen, "one_way"), ["20260103000000_c", "V3__c"]);
    let rules = column(&seen, "findings", &["rule", "level"]);
    assert!(
        rules.contains(&"no-way-down blocking".to_owned()),
        "{rules:?}"
    );
    assert!(
        rules.contains(&"not-understood blocking".to_owned()),
        "{rules:?}"
    );
}

#[tokio::test]
async fn a_release_without_migrations_has_none_in_between_and_that_is_no_gap() {
    let folder = history(&[("db/1_a.sql", "create table a (id bigint);")], &[]);
    let options = json!({"rollback": "v1", "migrations": ["db"]});
    let seen = observe(folder.path(), options).await.unwrap();
    assert!(texts(&seen, "without_way_down").is_empty());
    assert!(seen.facts["migrations"].as_list().unwrap().is_empty());
    assert!(seen.absent.is_empty());
}

#[tokio::test]
async fn an_edited_and_a_removed_migration_stand_in_the_way() {
    let folder = history(
        &[
            ("db/V1__a.sql", "create table a (id bigint);"),
            ("db/V2__b.sql", "select 1;"),
        ],
        &[("db/V1__a.sql", "create table a (id int);")],
    );
    std::fs::remove_file(folder.path().join("db/V2__b.sql")).unwrap();
    commit_all(folder.path(), "Gone");
    let options = json!({"rollback": "v1", "migrations": ["db"]});
    let seen = observe(folder.path(), options).await.unwrap();
    assert_eq!(
        column(&seen, "findings", &["rule", "file"]),
        [
            "edited-migration db/V1__a.sql",
            "removed-migration db/V2__b.sql"
        ]
    );
}

#[tokio::test]
async fn where_there_is_nothing_to_go_back_from_nothing_is_proven() {
    let folder = history(&[], &[]);
    let seen = observe(folder.path(), json!({"rollback": "main"}))
        .await
        .unwrap();
    assert!(
        seen.absent[0].why.contains("is the revision that is left"),
        "{:?}",
        seen.absent
    );
}

#[tokio::test]
async fn a_revision_that_went_elsewhere_is_no_ancestor() {
    let folder = history(&[], &[]);
    git(folder.path(), &["checkout", "-q", "-b", "other", "v1"]);
    commit_all(folder.path(), "Elsewhere");
    let options = json!({"rollback": "other", "from": "main"});
    let seen = observe(folder.path(), options).await.unwrap();
    assert_eq!(seen.facts["is_ancestor"], false.into());
    assert_eq!(seen.facts["taken_back"], 1i64.into());
}

#[tokio::test]
async fn what_cannot_be_told_is_not_observed() {
    let folder = history(&[], &[]);
    for (options, cause) in [
        (json!({"rollback": "v9"}), "Missing"),
        (json!({"rollback": "v1", "from": "v9"}), "Missing"),
        (json!({"rollback": "--help"}), "BadOptions"),
        (
            json!({"rollback": "v1", "migrations": ["nowhere"]}),
            "Missing",
        ),
        (
            json!({"rollback": "v1", "migrations": ["../db"]}),
            "Forbidden",
        ),
    ] {
        let gap = observe(folder.path(), options.clone()).await.unwrap_err();
        assert_eq!(
            format!("{:?}", gap.cause),
            cause,
            "{options}: {}",
            gap.message
        );
    }
}

#[test]
fn lint_says_what_a_live_drill_lacks() {
    let lint = |options: Json| {
        let problems = Rollback.lint(&options).into_iter();
        problems.map(|p| p.message).collect::<Vec<_>>().join("\n")
    };
    let told = lint(json!({"rollback": "v1", "mode": "live"}));
    for lacking in ["commands", "objective", "health"] {
        assert!(told.contains(&format!("without `{lacking}`")), "{told}");
    }
    for (bad, part) in [
        (json!({"rollback": "a..b"}), "no revision"),
        (
            json!({"rollback": "v1", "migrations": ["../db"]}),
            "leaves the repository",
        ),
        (json!({"rollback": "v1", "tool": "flyway"}), "no folder"),
        (
            json!({"rollback": "v1", "health": "POST /back"}),
            "only look",
        ),
        (
            json!({"rollback": "v1", "health_target": "api"}),
            "belongs to `health`",
        ),
    ] {
        assert!(lint(bad.clone()).contains(part), "{bad}");
    }
    let fine = json!({"rollback": "${inputs.running}", "mode": "live", "commands": [["true"]], "objective": "1m", "health": "GET /health"});
    assert_eq!(lint(fine.clone()), "");
    assert_eq!(Rollback.power(&fine, false, false), Some(Power::Exec));
    assert_eq!(
        Rollback.power(&json!({"rollback": "v1"}), false, false),
        None
    );
    let limits = Rollback.longest(&fine, &[], &StatisticsOptions::default());
    assert!(limits.unwrap() >= Duration::from_mins(6));
}
