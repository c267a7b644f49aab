#![expect(
    clippy::disallowed_methods,
    reason = "a checklist is a file that must be written"
)]

use std::path::Path;
use std::time::Duration;

use gonogo_core::Value;
use gonogo_core::plan::PlanFile;
use gonogo_core::record::Cause;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::ctx::{Ctx, GateScope};
use crate::probe::ResolvedTarget;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

async fn observe_in(folder: &Path, own: Vec<PlanFile>, options: Json) -> Result<Seen, NotObserved> {
    let (keep, cancelled) = tokio::sync::watch::channel(false);
    // The run is never stopped here; a dropped sender says so too.
    drop(keep);
    let ctx = Ctx::new(
        Vec::new(),
        folder.to_owned(),
        Duration::from_secs(20),
        cancelled,
    )
    .with_files(own);
    let target = ResolvedTarget {
        name: "release".to_owned(),
        kind: "repository".to_owned(),
        options: json!({"repository": "."}),
    };
    let scope = GateScope::new(false);
    Checklist
        .observe(Call {
            options,
            target: Some(&target),
            limits: &[],
            statistics: &gonogo_core::plan::StatisticsOptions::default(),
            earlier_samplings: Some(0),
            reads: false,
            scope: &scope,
            ctx: &ctx,
        })
        .await
}

/// What a text under this name gives.
async fn of(name: &str, text: &str, more: Json) -> Result<Seen, NotObserved> {
    let folder = folder(&[
        (name, text),
        ("reports/smoke.xml", "<testsuite/>"),
        ("reports/empty.xml", ""),
    ]);
    let mut options = json!({"checklist": name});
    for (key, value) in more.as_object().unwrap() {
        options[key] = value.clone();
    }
    observe_in(folder.path(), Vec::new(), options).await
}

fn names<'s>(seen: &'s Seen, fact: &str) -> Vec<&'s str> {
    let all = seen.facts[fact].as_list().unwrap();
    all.iter().filter_map(Value::as_str).collect()
}

/// `what: key` of each entry of a list.
fn pairs(seen: &Seen, fact: &str, one: &str, other: &str) -> Vec<String> {
    let text = |v: &Value, key: &str| match v.get(key) {
        Some(Value::Int(n)) => n.to_string(),
        other => other.and_then(Value::as_str).unwrap_or("").to_owned(),
    };
    let all = seen.facts[fact].as_list().unwrap();
    all.iter()
        .map(|v| format!("{}: {}", text(v, one), text(v, other)))
        .collect()
}

/// The table of the case study, as its report has it.
const REPORT: &str = "
# Validation report

| Endpoint | Status |
|---|---|
| `/health` | ✅ Excellent |

## 7. Pre-Production Checklist

### Deployment Readiness

| Item | Status | Notes |
|------|--------|-------|
| Smoke tests passed | ✅ Complete | 12/12 tests passed |
| **Documentation** complete | ✅ Complete | Runbooks created |
| Backup strategy verified | ⚠️ Partial | Need backup restoration test |
| Disaster recovery plan | ❌ Missing | Need DR drill |

## 8. Sign-off

| Item | Status |
|---|---|
| Signed | Sure |
";

#[tokio::test]
async fn a_table_in_a_report_is_read_item_by_item_and_only_from_its_section() {
    let section = json!({"section": "Pre-Production Checklist"});
    let seen = of("report.md", REPORT, section).await.unwrap();
    assert_eq!(
        names(&seen, "complete"),
        ["Smoke tests passed", "Documentation complete"]
    );
    assert_eq!(names(&seen, "partial"), ["Backup strategy verified"]);
    assert_eq!(names(&seen, "missing"), ["Disaster recovery plan"]);
    assert_eq!(
        names(&seen, "left_to_do"),
        [
            "Backup strategy verified: Need backup restoration test",
            "Disaster recovery plan: Need DR drill"
        ]
    );
    assert_eq!(
        pairs(&seen, "items", "item", "line")[0],
        "Smoke tests passed: 14"
    );
    assert!(seen.cut.is_empty() && seen.absent.is_empty());
}

#[tokio::test]
async fn another_word_than_the_three_is_a_problem_with_its_line_and_makes_the_rest_unusable() {
    // Without its section, the other tables of the report are taken for checklists.
    let seen = of("report.md", REPORT, json!({})).await.unwrap();
    assert_eq!(
        pairs(&seen, "problems", "line", "message"),
        [
            "6: `✅ Excellent` is no state of `/health`",
            "23: `Sure` is no state of `Signed`"
        ]
    );
    for fact in ["items", "complete", "partial", "missing", "counts", "weak"] {
        let cut = seen.cut.iter().find(|cut| cut.fact == fact).unwrap();
        assert!(cut.why.starts_with("report.md:6: "), "{}", cut.why);
    }
}

#[tokio::test]
async fn tasks_are_read_with_owner_and_evidence() {
    let text = "
- [x] Smoke tests ([report](reports/smoke.xml)) @qa
- [ ] Restore drill (@ops)
  - [X] plan written
  - a plain line
- just a remark
- [see this](https://example.invalid) first

```
- [ ] not a task
```
";
    let seen = of("list.md", text, json!({})).await.unwrap();
    assert_eq!(
        names(&seen, "complete"),
        ["Smoke tests (report) @qa", "plan written"]
    );
    assert_eq!(names(&seen, "missing"), ["Restore drill (@ops)"]);
    assert_eq!(
        pairs(&seen, "items", "owner", "evidence")[0],
        "qa: reports/smoke.xml"
    );
    assert_eq!(pairs(&seen, "items", "owner", "line")[1], "ops: 3");
    assert!(seen.cut.is_empty(), "{:?}", seen.cut);
}

#[tokio::test]
async fn what_was_meant_as_a_task_and_is_none_is_a_problem() {
    let text = "- [x] one\n- [~] two\n- [] three\n";
    let seen = of("list.md", text, json!({})).await.unwrap();
    assert_eq!(
        pairs(&seen, "problems", "line", "message"),
        [
            "2: `[~] two` is no task: write `[ ]` or `[x]`",
            "3: `[] three` is no task: write `[ ]` or `[x]`"
        ]
    );
    assert!(!seen.cut.is_empty());
}

const YAML: &str = "
- item: Smoke tests
  state: complete
  owner: qa
  evidence: reports/smoke.xml
- item: Load test
  state: complete
  evidence: https://grafana.example/d/1
- { item: Secrets, state: complete, evidence: reports/absent.xml }
- { item: Backup, state: complete, evidence: reports/empty.xml }
- { item: Folder, state: complete, evidence: reports }
- { item: Outside, state: complete, evidence: ../../etc/passwd }
- { item: By word, state: complete }
- { item: Drill, state: partial, left_to_do: simulate a failure }
";

#[tokio::test]
async fn what_is_complete_and_cannot_show_its_evidence_is_not_complete() {
    let seen = of("list.yaml", YAML, json!({})).await.unwrap();
    assert_eq!(
        names(&seen, "complete"),
        ["Smoke tests", "Load test", "By word"]
    );
    assert_eq!(
        names(&seen, "partial"),
        ["Secrets", "Backup", "Folder", "Outside", "Drill"]
    );
    assert_eq!(
        pairs(&seen, "weak", "item", "why"),
        [
            "Secrets: its evidence `reports/absent.xml` is not there",
            "Backup: its evidence `reports/empty.xml` is empty",
            "Folder: its evidence `reports` is not a file",
            "Outside: its evidence `../../etc/passwd` leaves the folder",
        ]
    );
    let kinds = pairs(&seen, "items", "evidence_kind", "state");
    assert_eq!(
        kinds[..3],
        ["file: complete", "link: complete", "broken: partial"]
    );
    assert_eq!(
        pairs(&seen, "items", "item", "stated")[2],
        "Secrets: complete"
    );
    let strict = of("list.yaml", YAML, json!({"evidence": "required"}))
        .await
        .unwrap();
    assert_eq!(names(&strict, "complete"), ["Smoke tests", "Load test"]);
    assert!(names(&strict, "partial").contains(&"By word"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_out_of_the_folder_is_no_evidence() {
    let folder = folder(&[("list.yaml", "- { item: a, state: complete, evidence: out }")]);
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("out")).unwrap();
    let options = json!({"checklist": "list.yaml"});
    let seen = observe_in(folder.path(), Vec::new(), options)
        .await
        .unwrap();
    assert_eq!(names(&seen, "partial"), ["a"]);
}

#[tokio::test]
async fn an_item_that_must_be_there_and_is_not_is_missing() {
    let rows = json!({"rows": ["smoke  TESTS", "Disaster recovery"]});
    let seen = of("list.yaml", YAML, rows).await.unwrap();
    assert_eq!(names(&seen, "missing"), ["Disaster recovery"]);
    assert!(
        names(&seen, "left_to_do")
            .contains(&"Disaster recovery: `Disaster recovery` is not in list.yaml")
    );
}

#[tokio::test]
async fn a_list_without_items_is_absent() {
    for (name, text) in [
        ("list.yaml", ""),
        ("list.yaml", "items: []"),
        ("list.yaml", "items:"),
        ("list.md", ""),
        ("list.md", "# Nothing\n\n- a plain list\n"),
        ("list.md", "| Item | Status |\n|---|---|\n"),
    ] {
        for more in [json!({}), json!({"rows": ["a"]})] {
            let seen = of(name, text, more).await.unwrap();
            assert_eq!(seen.absent.len(), 1, "{text}");
            assert_eq!(seen.absent[0].fact, "items", "{text}");
        }
    }
    let columns = json!({"columns": ["Item", "Status"], "rows": ["a"]});
    let seen = of("list.md", "| Item | Status |\n|---|---|\n", columns)
        .await
        .unwrap();
    assert_eq!(seen.absent[0].fact, "rows");
}

const MATRIX: &str = "
| Scenario | Severity | Approval | Response Time | Rollback Type |
|---|---|---|---|---|
| API down | P0 - Critical | On-call engineer | 0-5 min | Emergency Full |
| Feature bug | P1 - High |  | 15 min | Feature Flag |
| Performance | P2 - Medium | Team consensus | TBD | – |
";

fn matrix_columns() -> Json {
    json!([
        "Scenario",
        "Severity",
        "Approval",
        "Response Time",
        "Rollback Type"
    ])
}

#[tokio::test]
async fn a_table_names_each_cell_that_is_not_filled_and_each_row_that_is_not_there() {
    let more = json!({"columns": matrix_columns(), "rows": ["api down", "Data loss"]});
    let seen = of("matrix.md", MATRIX, more).await.unwrap();
    assert_eq!(
        pairs(&seen, "incomplete", "row", "column"),
        [
            "Feature bug: Approval",
            "Performance: Response Time",
            "Performance: Rollback Type",
            "Data loss: Scenario",
            "Data loss: Severity",
            "Data loss: Approval",
            "Data loss: Response Time",
            "Data loss: Rollback Type",
        ]
    );
    assert_eq!(seen.facts["rows"].as_list().unwrap().len(), 3);
    assert_eq!(
        seen.facts["incomplete_text"].as_str().unwrap(),
        "- Feature bug: Approval (line 5)\n- Performance: Response Time, Rollback Type (line 6)\n- Data loss: the row is not there"
    );
    let whole = MATRIX
        .replace("|  |", "| Lead |")
        .replace("TBD | –", "1 hour | Code");
    let seen = of("matrix.md", &whole, json!({"columns": matrix_columns()}))
        .await
        .unwrap();
    assert_eq!(names(&seen, "incomplete").len(), 0);
    assert!(seen.cut.is_empty() && seen.absent.is_empty());
    let yaml = "- { Scenario: API down, Severity: P0 }\n";
    let more = json!({"columns": ["Scenario", "Severity", "Approval"]});
    let seen = of("matrix.yaml", yaml, more).await.unwrap();
    assert_eq!(
        pairs(&seen, "incomplete", "row", "column"),
        ["API down: Approval"]
    );
}

#[tokio::test]
async fn a_table_without_one_of_the_columns_is_a_problem() {
    let more = json!({"columns": ["Scenario", "Owner"]});
    let seen = of("matrix.md", MATRIX, more).await.unwrap();
    assert_eq!(
        pairs(&seen, "problems", "line", "message"),
        ["2: the table has no column `Owner`"]
    );
    assert!(seen.cut.iter().any(|cut| cut.fact == "incomplete"));
    let seen = of("matrix.md", MATRIX, json!({"columns": ["Who", "What"]}))
        .await
        .unwrap();
    assert_eq!(seen.absent[0].fact, "rows");
}

#[tokio::test]
async fn bad_input_says_what_is_wrong_and_where() {
    for (name, text, line, part) in [
        (
            "l.yaml",
            "- { item: a, state: done }",
            1,
            "`done` is no state of `a`",
        ),
        ("l.yaml", "- { item: a }", 1, "`a` has no state"),
        ("l.yaml", "- { state: complete }", 1, "no name"),
        (
            "l.yaml",
            "- { item: a, state: complete, owned: b }",
            1,
            "`owned` is none of",
        ),
        (
            "l.yaml",
            "- { item: a, state: [complete] }",
            1,
            "`state` is a list",
        ),
        ("l.yaml", "- a\n", 1, "not a mapping"),
        ("l.yaml", "todo: []\nitems: []", 1, "`todo` is unknown here"),
        (
            "l.yaml",
            "- { item: a, state: complete }\n- { item: A, state: missing }",
            2,
            "on line 1 already",
        ),
        (
            "l.md",
            "| Item | Status |\n|---|---|\n| a | |\n",
            3,
            "`a` has no state",
        ),
        (
            "l.md",
            "| Item | Status |\n|---|---|\n| | Complete |\n",
            3,
            "no name",
        ),
    ] {
        let seen = of(name, text, json!({})).await.unwrap();
        let told = pairs(&seen, "problems", "line", "message");
        assert!(
            told.iter()
                .any(|t| t.starts_with(&format!("{line}: ")) && t.contains(part)),
            "{text}: {told:?}"
        );
        assert!(seen.cut.iter().any(|cut| cut.fact == "partial"), "{text}");
        let found = syntax::lint_file(&json!({"checklist": name}), text.as_bytes());
        assert!(
            found
                .iter()
                .any(|p| p.line == line && p.message.contains(part)),
            "{text}"
        );
    }
    for (name, text) in [
        ("l.yaml", "just text"),
        ("l.yaml", "- [unclosed"),
        ("l.yaml", "items: yes please"),
    ] {
        let gap = of(name, text, json!({})).await.unwrap_err();
        assert_eq!(gap.cause, Cause::Protocol, "{text}");
        assert!(gap.message.starts_with("l.yaml:1: "), "{}", gap.message);
        assert_eq!(
            syntax::lint_file(&json!({"checklist": name}), text.as_bytes()).len(),
            1
        );
    }
    let gap = of("l.md", "# One\n## Two\n", json!({"section": "Three"}))
        .await
        .unwrap_err();
    assert!(
        gap.message.contains("its headings are: One · Two"),
        "{}",
        gap.message
    );
    let gap = observe_in(folder(&[]).path(), Vec::new(), json!({"checklist": "l.md"}))
        .await
        .unwrap_err();
    assert_eq!(gap.cause, Cause::Missing);
}

#[tokio::test]
async fn a_file_of_the_plan_is_read_as_it_was_when_the_plan_was_loaded() {
    let folder = folder(&[("list.yaml", "- { item: now, state: complete }")]);
    let own = PlanFile {
        path: "list.yaml".to_owned(),
        bytes: b"- { item: then, state: complete }".to_vec(),
    };
    let options = json!({"checklist": "./list.yaml"});
    let seen = observe_in(folder.path(), vec![own], options).await.unwrap();
    assert_eq!(names(&seen, "complete"), ["then"]);
    assert_eq!(seen.target, None);
}

#[test]
fn options_that_cannot_mean_anything_are_told_before_anything_runs() {
    for (options, key, part) in [
        (
            json!({"checklist": "../list.md"}),
            "checklist",
            "leaves the repository",
        ),
        (
            json!({"checklist": "list.txt"}),
            "checklist",
            "does not follow from its name",
        ),
        (
            json!({"checklist": "list.yaml", "section": "x"}),
            "section",
            "no headings",
        ),
        (
            json!({"checklist": "l.md", "columns": ["a"], "evidence": "required"}),
            "evidence",
            "no state",
        ),
        (
            json!({"checklist": "l.md", "columns": ["a", "A "]}),
            "columns",
            "twice",
        ),
        (
            json!({"checklist": "l.md", "rows": [" "]}),
            "rows",
            "empty name",
        ),
    ] {
        let found = Checklist.lint(&options);
        assert_eq!(found.len(), 1, "{options}: {found:?}");
        assert_eq!(found[0].key, key);
        assert!(found[0].message.contains(part), "{}", found[0].message);
    }
    assert_eq!(Checklist.lint(&json!({"checklist": "${inputs.list}"})), []);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_no_item_is_lost_in_silence(text in "[-*# \\[\\]xX~|a\n`:]{0,60}", yaml: bool) {
        let name = if yaml { "l.yaml" } else { "l.md" };
        let options: ChecklistOptions = serde_json::from_value(json!({"checklist": name})).unwrap();
        if let Ok(found) = read::read(&options, text.as_bytes()) {
            // Each item has a name of its own, so that a count of them says something.
            for (at, item) in found.items.iter().enumerate() {
                prop_assert!(!item.name.trim().is_empty());
                prop_assert!(found.items[..at].iter().all(|other| !read::same(&other.name, &item.name)));
            }
        }
    }

    #[test]
    fn each_row_of_a_table_is_an_item_or_a_problem(states in proptest::collection::vec("(complete|Partial|❌ missing|done|)", 0..20)) {
        let mut text = "| Item | Status |\n|---|---|\n".to_owned();
        for (at, state) in states.iter().enumerate() {
            text.push_str(&["| i", &at.to_string(), " | ", state, " |\n"].concat());
        }
        let options: ChecklistOptions = serde_json::from_value(json!({"checklist": "l.md"})).unwrap();
        let found = read::read(&options, text.as_bytes()).unwrap();
        prop_assert_eq!(found.items.len() + found.problems.len(), states.len());
        let known = states.iter().filter(|s| read::State::of(s).is_some()).count();
        prop_assert_eq!(found.items.len(), known);
    }
}
