//! Migrations of a release, read before they run: a plan and a git history in, verdict and reports out.

use crate::rig::{Ended, folder, git, gonogo, run_plan};

/// What a team would write first.
const PLAN: &str = "gonogo: 1
name: Migrations
inputs:
  running: {}
environments:
  local:
    targets:
      sources: { repository: sources }
gates:
  migrations:
    title: The release's migrations are safe to run
    checks:
      - id: safe
        migrations: db
        from: ${inputs.running}
        expect:
          - size(blocking) == 0
          - migrations.all(m, m.backward_compatible)
";

/// A folder whose `sources` has a release `v1`, and these files of SQL after it.
fn history(after: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = folder();
    let sources = folder.path().join("sources");
    std::fs::create_dir_all(sources.join("db")).unwrap();
    git(&sources, &["init", "-q"]);
    let commit = |files: &[(&str, &str)]| {
        for (path, text) in files {
            std::fs::write(sources.join("db").join(path), text).unwrap();
        }
        git(&sources, &["add", "-A"]);
        git(&sources, &["commit", "-qm", "x", "--allow-empty"]);
    };
    // As it runs today, with what nobody would let through now.
    commit(&[(
        "V1__orders.sql",
        "create table orders (id bigint primary key, total int);\ndrop table old;\n",
    )]);
    git(&sources, &["tag", "v1"]);
    commit(after);
    folder
}

fn run(folder: &tempfile::TempDir) -> Ended {
    run_plan(folder.path(), PLAN, &["-i", "running=v1"])
}

#[test]
fn a_release_whose_migrations_only_add_is_go() {
    let folder = history(&[
        (
            "V2__note.sql",
            "set lock_timeout = '2s';\nalter table orders add column note text;\n",
        ),
        ("U2__note.sql", "alter table orders drop column note;\n"),
        (
            "V3__note_index.sql",
            "create index concurrently orders_note on orders (note);\n",
        ),
        (
            "U3__note_index.sql",
            "drop index concurrently orders_note;\n",
        ),
    ]);
    let ended = run(&folder);
    assert_eq!(ended.outcome("migrations/safe"), "pass", "{}", ended.stdout);
    assert_eq!(
        (ended.json()["verdict"].as_str(), ended.code),
        (Some("GO"), 0)
    );
}

#[test]
fn a_release_that_drops_and_locks_is_no_go_and_every_report_says_why_and_what_to_write() {
    let folder = history(&[
        ("V2__total.sql", "alter table orders drop column total;\n"),
        (
            "V3__index.sql",
            "-- looks harmless\n\ncreate index orders_id on orders (id);\n",
        ),
    ]);
    let ended = run(&folder);
    assert_eq!(
        (ended.json()["verdict"].as_str(), ended.code),
        (Some("NO-GO"), 1),
        "{}",
        ended.stdout
    );
    // The first screen names the worst of them.
    let finding = &ended.json()["findings"][0];
    assert_eq!(
        finding["next"],
        "Stop using it in one release, and drop it in a later one, when nothing runs that knows it."
    );
    let cause = finding["cause"].as_str().unwrap();
    assert!(
        cause.starts_with("db/V2__total.sql:1 meets ban-drop-column, the first of "),
        "{cause}"
    );
    let run = folder.path().join(ended.run());
    let shown = gonogo(
        folder.path(),
        &["report", run.to_str().unwrap(), "--format", "md"],
    );
    for page in [
        std::fs::read_to_string(run.join("report.md")).unwrap(),
        std::fs::read_to_string(run.join("report.html")).unwrap(),
        shown.stdout,
    ] {
        for part in [
            "ban-drop-column",
            "require-concurrent-index-creation",
            "squawkhq.com/docs/ban-drop-column",
            "index.sql",
            "nobody can write to the table",
            "CREATE INDEX CONCURRENTLY",
            "no-way-down",
        ] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
        // What ran long ago is not held against this release.
        assert!(!page.contains("ban-drop-table"), "{page}");
    }
    let page = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains("db/V3__index.sql:3"), "{page}");
    // The verdict can be recomputed from what was recorded, without the repository.
    std::fs::remove_dir_all(folder.path().join("sources")).unwrap();
    let verified = gonogo(folder.path(), &["verify", run.to_str().unwrap()]);
    assert_eq!(verified.code, 1, "{}", verified.stdout);
}

#[test]
fn an_edited_migration_is_no_go() {
    let folder = history(&[(
        "V1__orders.sql",
        "create table orders (id bigint primary key);\n",
    )]);
    let ended = run(&folder);
    assert_eq!(
        (ended.json()["verdict"].as_str(), ended.code),
        (Some("NO-GO"), 1),
        "{}",
        ended.stdout
    );
    assert!(
        std::fs::read_to_string(folder.path().join(ended.run()).join("report.md"))
            .unwrap()
            .contains("edited-migration")
    );
}

#[test]
fn a_release_without_a_migration_proves_nothing_unless_the_plan_says_that_it_may() {
    let folder = history(&[]);
    let ended = run(&folder);
    assert_eq!(
        (ended.json()["verdict"].as_str(), ended.code),
        (Some("HOLD"), 2),
        "{}",
        ended.stdout
    );
    assert_eq!(ended.outcome("migrations/safe"), "inconclusive");
    let plan = PLAN.replace(
        "        expect:",
        "        if_absent: warn\n        expect:",
    );
    let ended = run_plan(folder.path(), &plan, &["-i", "running=v1"]);
    assert_eq!(ended.outcome("migrations/safe"), "warn");
    assert_eq!(ended.code, 0);
}

#[test]
fn a_rule_that_there_is_not_is_refused_before_anything_is_read() {
    let folder = history(&[]);
    let plan = PLAN.replace(
        "        expect:",
        "        allow: [ban-drop-colum]\n        expect:",
    );
    let ended = run_plan(folder.path(), &plan, &["-i", "running=v1"]);
    assert_eq!(ended.code, 64);
    assert!(
        ended.stdout.contains("did you mean `ban-drop-column`?"),
        "{}",
        ended.stdout
    );
}
