#![expect(
    clippy::disallowed_methods,
    reason = "the tests make the repositories that are looked at"
)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use gonogo_core::Value;
use serde_json::json;

use super::*;
use crate::bench::look_in;

pub(crate) fn run(folder: &Path, arguments: &[&str]) {
    let ended = Command::new("git")
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
        .args([
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.invalid",
        ])
        .args(arguments)
        .output()
        .expect("git is installed (apt-get install git)");
    assert!(ended.status.success(), "{ended:?}");
}

pub(crate) fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

pub(crate) fn commit_all(folder: &Path, message: &str) {
    run(folder, &["add", "-A"]);
    run(folder, &["commit", "-qm", message, "--allow-empty"]);
}

/// Two releases; the second is tagged twice and changes, adds and removes a file.
fn releases() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    run(at, &["init", "-q", "-b", "main"]);
    write(at, "main.rs", "fn main() {}\n");
    write(at, "old.rs", "// old\n");
    write(at, "docs/changes.md", "# Changes\n## 1.0.0\n");
    commit_all(at, "First release");
    run(at, &["tag", "v1.0.0"]);
    write(at, "main.rs", "fn main() { new() }\n");
    write(at, "docs/changes.md", "# Changes\n## 1.1.0\nNew things.\n");
    write(at, "new.rs", "// new\n");
    std::fs::remove_file(at.join("old.rs")).unwrap();
    commit_all(at, "Second release");
    run(at, &["tag", "v1.1.0"]);
    run(at, &["tag", "-a", "stable", "-m", "it is"]);
    folder
}

async fn observe(folder: &Path, options: Json) -> Result<Seen, NotObserved> {
    look_in(folder, &super::Git, options, Duration::from_mins(1)).await
}

fn texts(seen: &Seen, fact: &str) -> Vec<String> {
    let list = seen.facts[fact].as_list().unwrap().iter();
    list.map(|one| one.as_str().unwrap().to_owned()).collect()
}

fn pairs(seen: &Seen, fact: &str, one: &str, other: &str) -> Vec<String> {
    let list = seen.facts[fact].as_list().unwrap().iter();
    let text = |value: &Value, key: &str| value.get(key).unwrap().as_str().unwrap().to_owned();
    list.map(|entry| format!("{} {}", text(entry, one), text(entry, other)))
        .collect()
}

#[tokio::test]
async fn a_revision_is_told_with_its_tags_branch_and_time() {
    let folder = releases();
    let seen = observe(folder.path(), json!({"git": "v1.1.0"}))
        .await
        .unwrap();
    let facts = &seen.facts;
    assert_eq!(facts["subject"], "Second release".into());
    assert_eq!(facts["author"], "Ada".into());
    assert_eq!(facts["time"].to_string(), "2026-01-02T03:04:05Z");
    assert_eq!(texts(&seen, "tags"), ["stable", "v1.1.0"]);
    assert_eq!(texts(&seen, "branches"), ["main"]);
    assert_eq!(facts["branch"], "main".into());
    assert_eq!(facts["checked_out"], true.into());
    assert_eq!(facts["shallow"], false.into());
    assert_eq!(facts["commit"].as_str().unwrap().len(), 40);
    let short = facts["short"].as_str().unwrap();
    assert!(facts["commit"].as_str().unwrap().starts_with(short) && short.len() >= 7);
    assert!(!facts.contains_key("changed"));
    let earlier = observe(folder.path(), json!({"git": "v1.0.0"}))
        .await
        .unwrap();
    assert_eq!(earlier.facts["checked_out"], false.into());
    assert_eq!(texts(&earlier, "tags"), ["v1.0.0"]);
}

#[tokio::test]
async fn what_came_after_an_earlier_revision_is_listed() {
    let folder = releases();
    write(folder.path(), "main.rs", "fn main() { newer() }\n");
    commit_all(folder.path(), "Third");
    let options = json!({"git": "HEAD", "since": "v1.0.0"});
    let seen = observe(folder.path(), options).await.unwrap();
    let commits = pairs(&seen, "commits", "author", "subject");
    assert_eq!(commits, ["Ada Third", "Ada Second release"]);
    assert_eq!(seen.facts["ahead"], 2i64.into());
    assert_eq!(seen.facts["behind"], 0i64.into());
    assert_eq!(
        pairs(&seen, "changed", "status", "path"),
        [
            "changed docs/changes.md",
            "changed main.rs",
            "added new.rs",
            "removed old.rs"
        ]
    );
    // The other way round the earlier one lacks what the later one has.
    let options = json!({"git": "v1.0.0", "since": "HEAD"});
    let seen = observe(folder.path(), options).await.unwrap();
    assert_eq!(seen.facts["behind"], 2i64.into());
    assert_eq!(seen.facts["ahead"], 0i64.into());
}

#[tokio::test]
async fn a_file_is_looked_at_as_it_is_at_the_revision_and_not_as_it_lies_there() {
    let folder = releases();
    write(folder.path(), "docs/changes.md", "## 2.0.0, not committed");
    let files = json!([
        {"path": "./docs//changes.md", "contains": ["## 1.1.0", "New"], "matches": ["^## 1\\.\\d+\\.0$"]},
        {"path": "main.rs", "contains": ["gone"]},
        {"path": "old.rs", "contains": ["old"]},
        {"path": "docs"},
    ]);
    let seen = observe(folder.path(), json!({"git": "v1.1.0", "files": files}))
        .await
        .unwrap();
    let file = |path: &str, key: &str| seen.facts["files"].get(path).unwrap().get(key).cloned();
    assert_eq!(file("./docs//changes.md", "contains"), Some(true.into()));
    assert_eq!(file("./docs//changes.md", "matches"), Some(true.into()));
    assert_eq!(file("./docs//changes.md", "size"), Some(31i64.into()));
    assert_eq!(file("main.rs", "contains"), Some(false.into()));
    assert_eq!(
        file("main.rs", "lacks"),
        Some(vec![Value::from("gone")].into())
    );
    assert_eq!(file("old.rs", "exists"), Some(false.into()));
    assert_eq!(file("old.rs", "contains"), None);
    assert_eq!(file("docs", "exists"), Some(true.into()));
    assert_eq!(file("docs", "size"), None);
}

#[tokio::test]
async fn what_is_not_committed_is_dirty_and_what_git_does_not_know_is_untracked() {
    let folder = releases();
    let at = folder.path();
    write(at, ".gitignore", "target/\n");
    commit_all(at, "Ignore");
    let clean = observe(at, json!({"git": "HEAD"})).await.unwrap();
    assert!(texts(&clean, "dirty").is_empty() && texts(&clean, "untracked").is_empty());
    write(at, "main.rs", "fn main() { changed() }\n");
    write(at, "target/made", "x");
    write(at, "left over.txt", "x");
    write(at, "staged.rs", "x");
    run(at, &["add", "staged.rs"]);
    let seen = observe(at, json!({"git": "HEAD"})).await.unwrap();
    assert_eq!(texts(&seen, "dirty"), ["main.rs", "staged.rs"]);
    assert_eq!(texts(&seen, "untracked"), ["left over.txt"]);
}

#[tokio::test]
async fn below_a_folder_of_a_larger_repository_paths_are_the_folders() {
    let folder = releases();
    let docs = folder.path().join("docs");
    write(&docs, "more.md", "x");
    write(folder.path(), "elsewhere", "x");
    let files = json!([{"path": "changes.md", "contains": ["1.1.0"]}]);
    let options = json!({"git": "HEAD", "since": "v1.0.0", "files": files});
    let seen = observe(&docs, options).await.unwrap();
    assert_eq!(
        pairs(&seen, "changed", "status", "path"),
        ["changed changes.md"]
    );
    assert_eq!(texts(&seen, "untracked"), ["more.md"]);
    let file = seen.facts["files"].get("changes.md").unwrap();
    assert_eq!(file.get("contains"), Some(&true.into()));
}

#[tokio::test]
async fn a_revision_that_is_not_there_or_an_option_or_no_repository_is_not_observed() {
    let folder = releases();
    for (revision, cause) in [
        ("v9", "Missing"),
        ("--all", "BadOptions"),
        ("v1.0.0:main.rs", "BadOptions"),
        ("v1.0.0..v1.1.0", "BadOptions"),
        ("", "BadOptions"),
    ] {
        let gap = observe(folder.path(), json!({"git": revision}))
            .await
            .unwrap_err();
        assert_eq!(
            format!("{:?}", gap.cause),
            cause,
            "{revision}: {}",
            gap.message
        );
    }
    let gap = observe(folder.path(), json!({"git": "v9"}))
        .await
        .unwrap_err();
    assert!(gap.help.unwrap().contains("--tags"));
    let gap = observe(folder.path(), json!({"git": "HEAD", "since": "v0"}))
        .await
        .unwrap_err();
    assert_eq!(format!("{:?}", gap.cause), "Missing");
    let nowhere = tempfile::tempdir().unwrap();
    let gap = observe(nowhere.path(), json!({"git": "HEAD"}))
        .await
        .unwrap_err();
    assert_eq!(format!("{:?}", gap.cause), "Missing");
    run(nowhere.path(), &["init", "-q"]);
    let gap = observe(nowhere.path(), json!({"git": "HEAD"}))
        .await
        .unwrap_err();
    assert_eq!(format!("{:?}", gap.cause), "Missing");
}

#[tokio::test]
async fn a_shallow_clone_says_so_and_tells_nothing_of_what_came_before() {
    let folder = releases();
    let whole = folder.path().display().to_string();
    let clone = tempfile::tempdir().unwrap();
    let from = format!("file://{whole}");
    run(clone.path(), &["clone", "-q", "--depth", "1", &from, "."]);
    run(clone.path(), &["tag", "v1.0.0"]);
    let seen = observe(clone.path(), json!({"git": "HEAD"})).await.unwrap();
    assert_eq!(seen.facts["shallow"], true.into());
    let options = json!({"git": "HEAD", "since": "v1.0.0"});
    let gap = observe(clone.path(), options).await.unwrap_err();
    assert!(gap.message.contains("shallow"), "{}", gap.message);
}

#[tokio::test]
async fn a_commit_by_itself_and_a_bare_repository_are_looked_at() {
    let folder = releases();
    run(folder.path(), &["checkout", "-q", "v1.0.0"]);
    let seen = observe(folder.path(), json!({"git": "HEAD"}))
        .await
        .unwrap();
    assert!(!seen.facts.contains_key("branch"));
    assert_eq!(texts(&seen, "branches"), ["main"]);
    assert!(seen.absent.is_empty());
    let bare = tempfile::tempdir().unwrap();
    let from = folder.path().display().to_string();
    run(bare.path(), &["clone", "-q", "--bare", &from, "."]);
    let files = json!([{"path": "main.rs", "contains": ["new()"]}]);
    let options = json!({"git": "v1.1.0", "since": "v1.0.0", "files": files});
    let seen = observe(bare.path(), options).await.unwrap();
    assert!(!seen.facts.contains_key("dirty"));
    let file = seen.facts["files"].get("main.rs").unwrap();
    assert_eq!(file.get("contains"), Some(&true.into()));
}

#[tokio::test]
async fn no_program_that_the_repository_names_is_run() {
    let folder = releases();
    let at = folder.path();
    let elsewhere = tempfile::tempdir().unwrap();
    let mark = elsewhere.path().join("ran");
    let program = format!("touch {}; cat", mark.display());
    write(
        at,
        ".gitattributes",
        "*.rs filter=x diff=x merge=x\n*.md filter=a.b\n",
    );
    commit_all(at, "Attributes");
    for key in [
        "filter.x.clean",
        "filter.x.process",
        "filter.x.smudge",
        "filter.a.b.clean",
        "diff.x.textconv",
        "diff.x.command",
        "diff.external",
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "gpg.program",
        "log.showSignature",
        "core.alternateRefsCommand",
    ] {
        let value = if key == "log.showSignature" {
            "true"
        } else {
            &program
        };
        run(at, &["-c", "core.fsmonitor=false", "config", key, value]);
    }
    run(
        at,
        &[
            "-c",
            "core.fsmonitor=false",
            "config",
            "filter.x.required",
            "true",
        ],
    );
    // Written anew and as long as before, so that git has to look into it.
    write(at, "main.rs", "fn main() { odd() }\n");
    write(at, "docs/changes.md", "# Changes\n## 1.1.0\nOld things.\n");
    let options = json!({"git": "HEAD", "since": "v1.0.0", "files": [{"path": "main.rs"}]});
    let seen = observe(at, options).await.unwrap();
    assert!(!mark.exists(), "a program of the repository ran");
    assert_eq!(texts(&seen, "dirty"), ["docs/changes.md", "main.rs"]);
    // The net has no hole: with its filters, git would have run it.
    let bare = ["-c", "core.fsmonitor=false"];
    run(
        at,
        &[&bare[..], &["config", "--unset", "filter.x.process"]].concat(),
    );
    run(at, &[&bare[..], &["status", "--porcelain"]].concat());
    assert!(mark.exists());
    run(
        at,
        &[
            "-c",
            "core.fsmonitor=false",
            "config",
            "filter.y=z.clean",
            &program,
        ],
    );
    let gap = observe(at, json!({"git": "HEAD"})).await.unwrap_err();
    assert_eq!(format!("{:?}", gap.cause), "Forbidden");
}

#[tokio::test]
async fn more_commits_than_are_kept_cut_the_fact_and_are_counted() {
    let folder = releases();
    let at = folder.path();
    let mut stream = String::from("reset refs/heads/main\nfrom refs/tags/v1.0.0\n\n");
    for n in 0..1_100 {
        let message = format!("number {n}");
        let more = format!(
            "commit refs/heads/main\ncommitter A <a@example.invalid> {} +0000\ndata {}\n{message}\n",
            1_800_000_000 + n,
            message.len()
        );
        stream.push_str(&more);
    }
    let list = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(list.path(), stream).unwrap();
    let input = std::fs::File::open(list.path()).unwrap();
    let ended = Command::new("git")
        .current_dir(at)
        .args(["fast-import", "--quiet", "--force"])
        .stdin(input)
        .status()
        .unwrap();
    assert!(ended.success());
    let options = json!({"git": "main", "since": "v1.0.0"});
    let seen = observe(at, options).await.unwrap();
    assert_eq!(seen.facts["ahead"], 1_100i64.into());
    assert!(seen.cut.iter().any(|cut| cut.fact == "commits"));
    assert_eq!(seen.facts["commits"].as_list().unwrap().len(), 1_000);
}

#[test]
fn lint_knows_what_is_no_revision_path_or_expression() {
    let lint = |options: Json| {
        let problems = Git.lint(&options).into_iter();
        problems
            .map(|p| format!("{}: {}", p.key, p.message))
            .collect::<Vec<_>>()
    };
    let told = lint(json!({
        "git": "--exec=x",
        "since": "a..b",
        "files": [{"path": "../x"}, {"path": "a", "matches": ["("], "contains": [""]}],
    }));
    assert_eq!(told.len(), 5, "{told:?}");
    let fine = json!({"git": "${inputs.release}", "since": "v1", "files": [{"path": "a", "matches": ["^a$"]}]});
    assert!(lint(fine).is_empty());
}
