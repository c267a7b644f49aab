#![expect(
    clippy::disallowed_methods,
    reason = "the tests make the files that are looked at"
)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use gonogo_core::record::Cause;
use serde_json::json;

use super::*;
use crate::bench::look_in;

/// Shaped like a vendor's token; put together here, so that no scanner finds it in this file.
fn token() -> String {
    format!("gh{}_{}", "p", "a8F3kQ9zLm2Xw7Rt5Vb1Nc6Yd4Hs0JgPq8Zu")
}

async fn observe(folder: &Path, options: Json) -> Result<Seen, NotObserved> {
    look_in(folder, &super::Secrets, options, Duration::from_secs(30)).await
}

fn findings(seen: &Seen) -> &[gonogo_core::Value] {
    seen.facts["findings"].as_list().unwrap()
}

fn git(folder: &Path, arguments: &[&str]) {
    let ended = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.invalid"])
        .args(arguments)
        .output()
        .expect("git is installed (apt-get install git)");
    assert!(ended.status.success(), "{ended:?}");
}

#[tokio::test]
async fn a_token_in_a_file_is_found_by_its_place_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("docs")).unwrap();
    let text = format!("# Runbook\n\nexport TOKEN={}\n", token());
    std::fs::write(folder.path().join("docs/run.md"), text).unwrap();
    let seen = observe(folder.path(), json!({"secrets": "."}))
        .await
        .unwrap();
    let first = &findings(&seen)[0];
    assert_eq!(first.get("path"), Some(&"docs/run.md".into()));
    assert_eq!(first.get("line"), Some(&3i64.into()));
    assert!(!format!("{seen:?}").contains(&token()));
}

#[tokio::test]
async fn a_tree_without_secrets_has_no_findings_and_says_what_it_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "password = ${PASSWORD}\n").unwrap();
    let seen = observe(folder.path(), json!({"secrets": "."}))
        .await
        .unwrap();
    assert!(findings(&seen).is_empty());
    assert_eq!(seen.facts["scanned"], 1i64.into());
}

#[tokio::test]
async fn an_empty_tree_is_an_absence_and_a_missing_one_is_not_observed() {
    let folder = tempfile::tempdir().unwrap();
    let seen = observe(folder.path(), json!({"secrets": "."}))
        .await
        .unwrap();
    assert_eq!(seen.absent.len(), 2);
    let gap = observe(folder.path(), json!({"secrets": "nowhere"}))
        .await
        .unwrap_err();
    assert_eq!(gap.cause, Cause::Missing);
    let gap = observe(folder.path(), json!({"secrets": "../.."}))
        .await
        .unwrap_err();
    assert_eq!(gap.cause, Cause::Forbidden);
}

#[tokio::test]
async fn a_secret_that_was_deleted_is_still_in_the_history() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    git(path, &["init", "-q"]);
    std::fs::write(path.join("config.yml"), format!("token: {}\n", token())).unwrap();
    git(path, &["add", "."]);
    git(path, &["commit", "-qm", "first"]);
    std::fs::write(path.join("config.yml"), "token: ${TOKEN}\n").unwrap();
    git(path, &["commit", "-qam", "second"]);
    let tree = observe(path, json!({"secrets": "."})).await.unwrap();
    assert!(findings(&tree).is_empty());
    let all = observe(path, json!({"secrets": ".", "history": true}))
        .await
        .unwrap();
    assert_eq!(all.facts["commits"], 2i64.into());
    let first = &findings(&all)[0];
    assert_eq!(first.get("path"), Some(&"config.yml".into()));
    assert_eq!(first.get("where"), Some(&"history".into()));
}

#[tokio::test]
async fn history_of_a_folder_without_one_is_not_observed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "x").unwrap();
    let options = json!({"secrets": ".", "history": true});
    let gap = observe(folder.path(), options).await.unwrap_err();
    assert_eq!(gap.cause, Cause::Missing);
}

#[tokio::test]
async fn an_allowed_finding_is_listed_with_its_reason_and_one_without_a_reason_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("test.env"), format!("T={}\n", token())).unwrap();
    let allow =
        |reason: &str| json!({"secrets": ".", "allow": [{"path": "test.env", "reason": reason}]});
    let seen = observe(folder.path(), allow("a revoked token for tests"))
        .await
        .unwrap();
    assert!(findings(&seen).is_empty());
    assert_eq!(seen.facts["allowed"].as_list().unwrap().len(), 1);
    assert_eq!(Secrets.lint(&allow(" ")).len(), 1);
}
