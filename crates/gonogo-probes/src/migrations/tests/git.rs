//! Real repositories, read without a checkout.

use std::process::Command;

use super::*;

pub(super) fn git(folder: &Path, arguments: &[&str]) {
    let ended = Command::new("git")
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.invalid"])
        .args(arguments)
        .output()
        .expect("git is installed (apt-get install git)");
    assert!(ended.status.success(), "{ended:?}");
}

/// A repository whose first release has two migrations and is tagged `v1`.
fn released() -> tempfile::TempDir {
    let folder = folder(&[
        ("V1__a.sql", "create table a (id bigint);"),
        ("V2__b.sql", "drop table old;"),
        ("R__views.sql", "create or replace view v as select 1;"),
    ]);
    git(folder.path(), &["init", "-q"]);
    commit(folder.path(), "first");
    git(folder.path(), &["tag", "v1"]);
    folder
}

pub(super) fn commit(folder: &Path, message: &str) {
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-qm", message]);
}

fn since(from: &str) -> Json {
    json!({"migrations": "db", "from": from})
}

#[tokio::test]
async fn only_what_was_added_after_the_earlier_revision_is_judged() {
    let folder = released();
    write(
        folder.path(),
        "V3__c.sql",
        "set lock_timeout = '2s'; alter table a add b text;",
    );
    write(folder.path(), "U3__c.sql", "alter table a drop b;");
    commit(folder.path(), "second");
    // Not committed, so not part of the release.
    write(folder.path(), "V4__d.sql", "drop table a;");
    let seen = observe(folder.path(), since("v1")).await.unwrap();
    assert_eq!(column(&seen, "migrations", "name"), ["V3__c"]);
    assert!(
        list(&seen, "findings").is_empty(),
        "{:?}",
        seen.facts["findings"]
    );
    assert_eq!(seen.facts["known"], 4i64.into());
    assert!(seen.absent.is_empty());
    let whole = observe(folder.path(), json!({"migrations": "./db/", "to": "HEAD"}))
        .await
        .unwrap();
    assert_eq!(whole.facts["count"], 4i64.into());
    let as_it_is = observe(folder.path(), json!({"migrations": "db"}))
        .await
        .unwrap();
    assert_eq!(as_it_is.facts["count"], 5i64.into());
}

#[tokio::test]
async fn an_edited_and_a_removed_migration_are_findings_and_a_repeatable_one_is_judged_again() {
    let folder = released();
    write(
        folder.path(),
        "V1__a.sql",
        "create table a (id bigint, b text);",
    );
    write(folder.path(), "R__views.sql", "drop view v;");
    std::fs::remove_file(folder.path().join("db/V2__b.sql")).unwrap();
    commit(folder.path(), "second");
    let seen = observe(folder.path(), since("v1")).await.unwrap();
    let told: Vec<_> = column(&seen, "blocking", "file")
        .into_iter()
        .zip(column(&seen, "blocking", "rule"))
        .collect();
    let expected = [
        ("db/R__views.sql", "ban-drop-view"),
        ("db/R__views.sql", "no-way-down"),
        ("db/V1__a.sql", "edited-migration"),
        ("db/V2__b.sql", "removed-migration"),
    ];
    assert_eq!(told, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[tokio::test]
async fn a_release_without_a_new_migration_is_an_absence() {
    let folder = released();
    std::fs::write(folder.path().join("main.rs"), "").unwrap();
    commit(folder.path(), "second");
    let seen = observe(folder.path(), since("v1")).await.unwrap();
    assert!(
        seen.absent[0]
            .why
            .starts_with("none of the 3 migrations is newer than"),
        "{:?}",
        seen.absent
    );
}

#[tokio::test]
async fn a_revision_that_is_not_there_or_is_an_option_is_not_observed() {
    let folder = released();
    for (from, cause) in [
        ("v0", "Missing"),
        ("--help", "BadOptions"),
        ("v1:db", "BadOptions"),
        ("", "BadOptions"),
    ] {
        let gap = observe(folder.path(), since(from)).await.unwrap_err();
        assert_eq!(format!("{:?}", gap.cause), cause, "{from}: {}", gap.message);
    }
    let gap = observe(folder.path(), json!({"migrations": "nowhere", "to": "v1"}))
        .await
        .unwrap_err();
    assert_eq!(format!("{:?}", gap.cause), "Missing");
    let elsewhere = super::folder(&[("1_a.sql", "select 1;")]);
    let gap = observe(elsewhere.path(), since("v1")).await.unwrap_err();
    assert_eq!(format!("{:?}", gap.cause), "Missing");
}

#[tokio::test]
async fn nothing_that_a_repository_configures_is_run() {
    let folder = released();
    let mark = folder.path().join("ran");
    let touch = format!("touch {}", mark.display());
    for key in [
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "filter.x.smudge",
        "core.sshCommand",
        "core.alternateRefsCommand",
    ] {
        git(folder.path(), &["config", key, &touch]);
    }
    std::fs::write(
        folder.path().join(".gitattributes"),
        "*.sql filter=x diff=x\n",
    )
    .unwrap();
    write(folder.path(), "V3__c.sql", "drop table a;");
    git(folder.path(), &["-c", "core.fsmonitor=false", "add", "-A"]);
    git(
        folder.path(),
        &["-c", "core.fsmonitor=false", "commit", "-qm", "second"],
    );
    drop(std::fs::remove_file(&mark));
    let seen = observe(folder.path(), since("v1")).await.unwrap();
    assert!(!mark.exists());
    assert_eq!(column(&seen, "migrations", "name"), ["V3__c"]);
}

#[tokio::test]
async fn a_migration_that_is_a_link_is_refused() {
    let folder = released();
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("db/V3__c.sql")).unwrap();
    let gap = observe(folder.path(), json!({"migrations": "db"}))
        .await
        .unwrap_err();
    assert!(gap.message.contains("link"), "{}", gap.message);
    commit(folder.path(), "second");
    let gap = observe(folder.path(), since("v1")).await.unwrap_err();
    assert!(gap.message.contains("link"), "{}", gap.message);
}
