#![expect(
    clippy::disallowed_methods,
    reason = "the tests make the files that are looked at"
)]

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::bench::look_in;

fn tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("a.json", "{\"n\": 1}"),
        ("docs/one.md", "# One"),
        ("docs/deep/two.md", "# Two"),
        ("docs/three.txt", "3"),
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

async fn observe(folder: &tempfile::TempDir, options: Json) -> Result<Seen, NotObserved> {
    look_in(folder.path(), &Files, options, Duration::from_secs(20)).await
}

#[tokio::test]
async fn one_file_shows_its_size_text_and_value() {
    let folder = tree();
    let seen = observe(&folder, json!({"files": "a.json"})).await.unwrap();
    assert_eq!(seen.facts["exists"], true.into());
    assert_eq!(seen.facts["size"], 8i64.into());
    assert_eq!(seen.facts["json"].get("n"), Some(&1i64.into()));
}

#[tokio::test]
async fn a_file_that_is_not_there_does_not_exist_and_has_no_text() {
    let folder = tree();
    let seen = observe(&folder, json!({"files": "b.json"})).await.unwrap();
    assert_eq!(seen.facts["exists"], false.into());
    assert!(!seen.facts.contains_key("text"));
}

#[tokio::test]
async fn patterns_reach_one_level_or_all_and_nothing_found_is_an_absence() {
    let folder = tree();
    for (pattern, count) in [
        ("docs/*.md", 1i64),
        ("docs/**/*.md", 2),
        ("**", 4),
        ("*.xml", 0),
    ] {
        let seen = observe(&folder, json!({"files": pattern})).await.unwrap();
        assert_eq!(seen.facts["count"], count.into(), "{pattern}");
        assert_eq!(seen.absent.is_empty(), count > 0, "{pattern}");
    }
}

#[tokio::test]
async fn a_path_that_leaves_the_folder_is_refused_also_through_a_link() {
    let folder = tree();
    assert_eq!(Files.lint(&json!({"files": "../x"})).len(), 1);
    let gap = observe(&folder, json!({"files": "/etc/hostname"}))
        .await
        .unwrap_err();
    assert_eq!(gap.cause, gonogo_core::record::Cause::Forbidden);
    std::os::unix::fs::symlink("/etc", folder.path().join("link")).unwrap();
    let seen = observe(&folder, json!({"files": "link/*"})).await.unwrap();
    assert_eq!(seen.facts["exists"], false.into());
}

#[tokio::test]
async fn a_large_file_is_cut_and_said_to_be() {
    let folder = tree();
    let seen = observe(&folder, json!({"files": "docs/one.md", "max_size": 2}))
        .await
        .unwrap();
    assert_eq!(seen.facts["text"], "# ".into());
    assert_eq!(seen.cut.len(), 1);
}
