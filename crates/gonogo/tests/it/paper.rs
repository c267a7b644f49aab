//! What people state beside what is measured: a plan with statements in, verdict and reports out.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::rig::{Ended, Scripted, folder, gonogo, run_plan};

/// A service that is healthy, and a release that people have something to say about.
fn plan(url: &str, more: &str) -> String {
    format!(
        "gonogo: 1
name: Statements
environments:
  local:
    targets:
      api: {{ http: '{url}' }}
subject:
  http: GET /health
  expect: body.commit == 'abc123'
  identity: body.commit
gates:
  health:
    title: The service is healthy
    checks:
      - id: status
        http: GET /health
        expect: body.status == 'ok'
      - id: workers
        http: GET /health
        expect: body.workers >= 2
  extras:
    title: Nice to have
    severity: advisory
    checks:
      - id: docs
        http: GET /docs
        expect: status == 200
{more}"
    )
}

struct Release {
    folder: tempfile::TempDir,
    service: Scripted,
}

impl Release {
    fn of(body: &Json) -> Self {
        Self {
            folder: folder(),
            service: Scripted::json(200, &body.to_string()),
        }
    }

    fn healthy() -> Self {
        Self::of(&json!({"status": "ok", "workers": 2, "commit": "abc123"}))
    }

    /// A worker is gone.
    fn broken() -> Self {
        Self::of(&json!({"status": "ok", "workers": 1, "commit": "abc123"}))
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("a file");
    }

    fn run(&self, more: &str) -> Ended {
        run_plan(self.path(), &plan(&self.service.url(), more), &[])
    }

    /// Every rendering of a run, and the verdict recomputed from its folder alone.
    fn pages(&self, ended: &Ended) -> Vec<String> {
        let run = self.path().join(ended.run());
        let verified = gonogo(self.path(), &["verify", run.to_str().unwrap()]);
        assert_eq!(
            verified.code, ended.code,
            "{}{}",
            verified.stdout, verified.stderr
        );
        let read = |name: &str| std::fs::read_to_string(run.join(name)).expect("a report");
        vec![read("report.md"), read("report.html"), ended.stderr.clone()]
    }
}

fn verdict(ended: &Ended) -> (String, i32) {
    let verdict = ended.json()["verdict"]
        .as_str()
        .expect("a verdict")
        .to_owned();
    (verdict, ended.code)
}

fn conditions(ended: &Ended) -> Vec<String> {
    let all = ended.json();
    let all = all["conditions"].as_array().expect("conditions");
    all.iter()
        .map(|c| {
            format!(
                "{}: {}",
                c["kind"].as_str().unwrap(),
                c["text"].as_str().unwrap()
            )
        })
        .collect()
}

fn has(ended: &Ended, part: &str) -> bool {
    conditions(ended).iter().any(|c| c.contains(part))
}

const LIMITATIONS: &str = "limitations:
  no-dns:
    text: No DNS alias yet
    owner: platform
    accepted_by: Dana Reyes
    until: 2099-12-31
    ticket: OPS-7
  small:
    text: Two processors instead of four
    accepted_by: Dana Reyes
    until: 2099-12-31
";

#[test]
fn a_go_lists_each_known_limitation_as_a_condition_in_every_report() {
    let release = Release::healthy();
    let ended = release.run(LIMITATIONS);
    assert_eq!(verdict(&ended), ("GO".to_owned(), 0), "{}", ended.stdout);
    assert!(has(
        &ended,
        "limitation: `no-dns`: No DNS alias yet (accepted by Dana Reyes until 2099-12-31; owner: platform; OPS-7)"
    ));
    assert!(has(&ended, "limitation: `small`"));
    let stated = &ended.json()["statements"]["limitations"];
    assert_eq!(stated[0]["state"], "accepted");
    for page in release.pages(&ended).iter().take(2) {
        assert!(
            page.contains("Known limitations") && page.contains("No DNS alias yet"),
            "{page}"
        );
    }
}

#[test]
fn a_limitation_that_ended_or_that_nobody_accepts_is_hold_and_hides_no_failure() {
    for (from, to, part) in [
        (
            "until: 2099-12-31\n    ticket",
            "until: 2026-01-31\n    ticket",
            "was accepted until 2026-01-31 only: No DNS",
        ),
        (
            "    accepted_by: Dana Reyes\n    until: 2099-12-31\n    ticket",
            "    until: 2099-12-31\n    ticket",
            "is accepted by nobody: No DNS",
        ),
    ] {
        let text = LIMITATIONS.replacen(from, to, 1);
        let ended = Release::healthy().run(&text);
        assert_eq!(verdict(&ended), ("HOLD".to_owned(), 2), "{}", ended.stdout);
        let because = ended.json()["because"].as_str().unwrap().to_owned();
        assert!(because.contains(part), "{because}");
        let ended = Release::broken().run(&text);
        assert_eq!(verdict(&ended), ("NO-GO".to_owned(), 1));
        assert_eq!(ended.outcome("health/workers"), "fail");
    }
}

const FINDINGS: &str = "findings:
  slow-import:
    title: The import of a large file takes minutes
    severity: SEVERITY
    impact: Users wait
    root_cause: Each row is its own transaction
    recommendation: Import in batches
    workaround: Split the file
    owner: backend
";

#[test]
fn an_open_finding_lowers_the_verdict_by_its_severity_and_is_told_whole() {
    for (severity, word, code) in [
        ("critical", "NO-GO", 1),
        ("high", "HOLD", 2),
        ("medium", "GO", 0),
        ("low", "GO", 0),
    ] {
        let release = Release::healthy();
        let ended = release.run(&FINDINGS.replace("SEVERITY", severity));
        assert_eq!(verdict(&ended), (word.to_owned(), code), "{}", ended.stdout);
        let document = ended.json();
        let finding = &document["findings"][0];
        assert_eq!(finding["check"], "findings/slow-import");
        assert_eq!(finding["stated"]["severity"], severity);
        assert_eq!(has(&ended, "finding: `slow-import`"), code == 0);
        for page in release.pages(&ended).iter().take(2) {
            for part in [
                "Users wait",
                "own transaction",
                "in batches",
                "Split the file",
                "backend",
            ] {
                assert!(page.contains(part), "{part} is not in\n{page}");
            }
        }
    }
}

#[test]
fn a_finding_that_somebody_accepts_is_a_condition_until_its_day() {
    let accepted = |severity: &str, until: &str| {
        let text = FINDINGS.replace("SEVERITY", severity);
        format!("{text}    accepted_by: Dana Reyes\n    until: {until}\n")
    };
    let ended = Release::healthy().run(&accepted("high", "2099-01-31"));
    assert_eq!(verdict(&ended), ("GO".to_owned(), 0), "{}", ended.stdout);
    assert!(has(
        &ended,
        "finding: `slow-import` (high), accepted by Dana Reyes until 2099-01-31"
    ));
    let ended = Release::healthy().run(&accepted("high", "2026-01-31"));
    assert_eq!(verdict(&ended), ("HOLD".to_owned(), 2));
    // A critical one nobody can accept: the plan does not load.
    let ended = Release::healthy().run(&accepted("critical", "2099-01-31"));
    assert_eq!(ended.code, 64);
    assert!(
        ended
            .stdout
            .contains("nobody can accept a critical finding"),
        "{}",
        ended.stdout
    );
}

#[test]
fn the_plans_rules_may_speak_of_findings_and_cannot_make_an_open_one_go() {
    let medium = FINDINGS.replace("SEVERITY", "medium");
    let ended = Release::healthy().run(&format!(
        "{medium}decide:\n  hold: findings.medium + findings.low > 0\n"
    ));
    assert_eq!(verdict(&ended), ("HOLD".to_owned(), 2), "{}", ended.stdout);
    let critical = FINDINGS.replace("SEVERITY", "critical");
    let ended = Release::healthy().run(&format!(
        "{critical}decide:\n  no_go: critical.fail > 5\n  hold: critical.fail > 5\n"
    ));
    assert_eq!(verdict(&ended), ("HOLD".to_owned(), 2), "{}", ended.stdout);
}

#[test]
fn statements_may_stand_in_an_included_file() {
    let release = Release::healthy();
    release.write(
        "known.yaml",
        &format!("{LIMITATIONS}{}", FINDINGS.replace("SEVERITY", "high")),
    );
    let ended = release.run("include: known.yaml\n");
    assert_eq!(verdict(&ended), ("HOLD".to_owned(), 2), "{}", ended.stdout);
    assert!(has(&ended, "`no-dns`"));
    release.pages(&ended);
    let ended = release.run(&format!("include: known.yaml\n{LIMITATIONS}"));
    assert_eq!(ended.code, 64);
    assert!(
        ended
            .stdout
            .contains("a limitation `no-dns` is there already"),
        "{}",
        ended.stdout
    );
}

#[test]
fn what_its_author_says_of_a_finding_stands_in_it() {
    let release = Release::broken();
    let written = plan(&release.service.url(), "")
        .replace(
            "        expect: body.workers >= 2\n",
            "        expect: body.workers >= 2
        finding:
          severity: high
          impact: Imports pile up
          root_cause: The worker's health check asks a port that is closed
          recommendation: Ask the queue instead
",
        )
        .replace(
            "    title: The service is healthy\n",
            "    title: The service is healthy
    owner: platform
    finding: { impact: Nobody can work, workaround: Start it by hand, owner: On call }
",
        );
    let ended = run_plan(release.path(), &written, &[]);
    assert_eq!(verdict(&ended), ("NO-GO".to_owned(), 1), "{}", ended.stdout);
    let document = ended.json();
    let finding = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["check"] == "health/workers")
        .unwrap();
    assert_eq!(finding["owner"], "On call");
    assert_eq!(
        finding["stated"],
        json!({
            "severity": "high",
            "impact": "Imports pile up",
            "root_cause": "The worker's health check asks a port that is closed",
            "recommendation": "Ask the queue instead",
            "workaround": "Start it by hand",
        })
    );
    for page in release.pages(&ended).iter().take(2) {
        for part in [
            "Imports pile up",
            "asks a port",
            "Ask the queue instead",
            "Start it by hand",
        ] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
    }
}

#[test]
fn a_row_of_owasp_is_what_its_checks_came_to_and_a_statement_alone_never_passes() {
    let release = Release::broken();
    release.write("review.md", "# Threat model\n\nReviewed.\n");
    let ended = release.run("owasp:
  A01:2025: health/status
  A02:2025: [health/status, health/workers]
  A03:2025:
    statement: Dependencies are pinned and reviewed
    person: Dana Reyes
    on: 2026-01-05
    evidence: review.md
  A06:2025: { statement: Reviewed in the workshop, person: Dana Reyes, on: 2026-01-05 }
  A07:2025: { shown_by: [health/workers], statement: By hand it worked, person: Dana Reyes, on: 2026-01-05, evidence: review.md }
");
    assert_eq!(verdict(&ended), ("NO-GO".to_owned(), 1), "{}", ended.stdout);
    let document = ended.json();
    let rows = document["statements"]["owasp"]["rows"].as_array().unwrap();
    let states: Vec<&str> = rows.iter().map(|r| r["state"].as_str().unwrap()).collect();
    assert_eq!(
        states,
        [
            "pass",
            "fail",
            "stated",
            "not_evaluated",
            "not_evaluated",
            "not_evaluated",
            "fail",
            "not_evaluated",
            "not_evaluated",
            "not_evaluated"
        ]
    );
    assert_eq!(
        rows[2]["statement"]["evidence_sha256"]
            .as_str()
            .unwrap()
            .len(),
        64
    );
    assert_eq!(
        rows[5]["why"],
        "stated by Dana Reyes on 2026-01-05, without evidence"
    );
    let pages = release.pages(&ended);
    for page in pages.iter().take(2) {
        for part in [
            "OWASP Top 10:2025",
            "Mishandling of Exceptional Conditions",
            "1 pass, 2 fail, 1 stated, 6 not evaluated",
        ] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
    }
    // The evidence is in the bundle.
    let run = release.path().join(ended.run());
    let held = gonogo(release.path(), &["verify", run.to_str().unwrap()]);
    assert_eq!(held.code, 1);
    std::fs::remove_file(release.path().join("review.md")).unwrap();
    let ended = release.run(
        "owasp:\n  A03:2025: { statement: s, person: p, on: 2026-01-05, evidence: review.md }\n",
    );
    assert_eq!(ended.code, 64);
    assert!(
        ended
            .stdout
            .contains("the evidence `review.md` cannot be read"),
        "{}",
        ended.stdout
    );
}

fn sign_off(approvals: &str) -> String {
    format!(
        "sign_off:
  decides: [Dana Reyes, Release board]
  criteria:
    - text: The service is healthy
      shown_by: health
    - text: The documentation is there
      shown_by: [extras/docs]
  environment:
    - Docker Compose, 11 containers
{approvals}"
    )
}

fn approved(entries: &[(&str, &str, &str)]) -> String {
    let mut text = "approvals:\n".to_owned();
    for (person, state, subject) in entries {
        text.push_str(
            &[
                "  - { person: ",
                person,
                ", state: ",
                state,
                ", on: 2026-01-05, subject: ",
                subject,
                " }\n",
            ]
            .concat(),
        );
    }
    text
}

#[test]
fn a_sign_off_shows_criteria_environment_and_approval_and_lifts_nothing() {
    let release = Release::healthy();
    let ended = release.run(&sign_off(""));
    assert_eq!(verdict(&ended), ("GO".to_owned(), 0), "{}", ended.stdout);
    let document = ended.json();
    let sign_off_seen = &document["statements"]["sign_off"];
    assert_eq!(sign_off_seen["state"], "pending");
    assert_eq!(sign_off_seen["criteria"][0]["state"], "pass");
    assert!(has(
        &ended,
        "sign-off: Dana Reyes has not decided about this subject"
    ));
    for page in release.pages(&ended).iter().take(2) {
        assert!(
            page.contains("2 of 2 criteria met; approval: pending (Dana Reyes, Release board)"),
            "{page}"
        );
        assert!(
            page.contains("Docker Compose, 11 containers") && page.contains("api at"),
            "{page}"
        );
    }
    release.write(
        "approvals.yaml",
        &approved(&[
            ("Dana Reyes", "approved", "abc123"),
            ("Release board", "approved", "abc123"),
        ]),
    );
    let ended = release.run(&sign_off("  approvals: approvals.yaml\n"));
    assert_eq!(verdict(&ended), ("GO".to_owned(), 0), "{}", ended.stdout);
    assert_eq!(ended.json()["statements"]["sign_off"]["state"], "approved");
    assert!(!has(&ended, "sign-off"));
    release.pages(&ended);
}

#[test]
fn an_approval_of_what_is_no_go_is_shown_as_a_contradiction() {
    let release = Release::broken();
    release.write(
        "approvals.yaml",
        &approved(&[("Dana Reyes", "approved", "abc123")]),
    );
    let ended = release.run(&sign_off("  approvals: approvals.yaml\n"));
    assert_eq!(verdict(&ended), ("NO-GO".to_owned(), 1), "{}", ended.stdout);
    let document = ended.json();
    let sign_off_seen = &document["statements"]["sign_off"];
    assert_eq!(
        sign_off_seen["state"], "pending",
        "the board has not decided"
    );
    assert_eq!(
        sign_off_seen["contradiction"],
        "contradiction: Dana Reyes (approved on 2026-01-05), and the verdict is NO-GO; an approval lifts no verdict"
    );
    assert_eq!(sign_off_seen["criteria"][0]["state"], "fail");
    for page in release.pages(&ended).iter().take(2) {
        assert!(page.contains("contradiction: Dana Reyes"), "{page}");
    }
}

#[test]
fn an_approval_of_another_subject_does_not_count_and_a_rejection_is_hold() {
    let release = Release::healthy();
    release.write(
        "approvals.yaml",
        &approved(&[
            ("Dana Reyes", "approved", "old999"),
            ("Release board", "rejected", "abc123"),
        ]),
    );
    let ended = release.run(&sign_off("  approvals: approvals.yaml\n"));
    assert_eq!(verdict(&ended), ("HOLD".to_owned(), 2), "{}", ended.stdout);
    let because = ended.json()["because"].as_str().unwrap().to_owned();
    assert!(
        because.contains("Release board rejected this subject on 2026-01-05"),
        "{because}"
    );
    assert!(has(
        &ended,
        "what Dana Reyes stated on 2026-01-05 (approved) does not count: it is about `old999`, and `abc123` runs there"
    ));
}

#[test]
fn a_plan_without_statements_says_nothing_of_them() {
    let release = Release::healthy();
    let ended = release.run("");
    assert_eq!(verdict(&ended), ("GO".to_owned(), 0));
    assert!(ended.json().get("statements").is_none());
    assert!(ended.json()["findings"].as_array().unwrap().is_empty());
    for page in release.pages(&ended).iter().take(2) {
        assert!(
            !page.contains("OWASP") && !page.contains("Sign-off"),
            "{page}"
        );
    }
}

#[test]
fn a_statement_that_means_nothing_is_refused_at_its_place() {
    let release = Release::healthy();
    release.write("empty.md", " \n");
    release.write(
        "unknown.yaml",
        "approvals:\n  - { person: Dana Reyse, state: fine, on: 2026-01-05, subject: abc123 }\n",
    );
    release.write("conditional.yaml", "approvals:\n  - { person: Dana Reyes, state: conditional, on: 2026-01-05, subject: abc123 }\n  - { person: Dana Reyse, state: approved, on: 2026-01-05, subject: abc123, environment: nowhere }\n");
    for (more, parts) in [
        (
            "owasp:\n  A01:2025: helth\n",
            &["no gate is called `helth`", "did you mean `health`?"][..],
        ),
        (
            "owasp:\n  A01:2025: [health/stats]\n",
            &["has no check `stats`", "did you mean `health/status`?"],
        ),
        (
            "owasp:\n  A01:2021: health\n",
            &["unknown key `A01:2021`", "did you mean `A01:2025`?"],
        ),
        (
            "owasp:\n  A01:2025: { statement: s, evidence: empty.md }\n",
            &[
                "the key `person` is missing",
                "the key `on` is missing",
                "the evidence `empty.md` is empty",
            ],
        ),
        (
            "owasp:\n  A01:2025: { person: p }\n",
            &["the key `statement` is missing", "nothing shows `A01:2025`"],
        ),
        (
            "limitations:\n  a: { text: x }\n",
            &["the key `until` is missing"],
        ),
        (
            "limitations:\n  a: { text: x, until: 31.12.2026 }\n",
            &["is not a day"],
        ),
        ("limitations: {}\n", &["`limitations` is empty"]),
        (
            "limitations:\n  a: { text: x, until: 2026-12-31 }\n  a: { text: y, until: 2026-12-31 }\n",
            &["stands"],
        ),
        (
            "findings:\n  a: { title: x, severity: urgent }\n",
            &["`severity` wants one of `critical`, `high`, `medium`, `low`"],
        ),
        (
            "findings:\n  a: { title: x, severity: high, accepted_by: Dana }\n",
            &["the key `until` is missing"],
        ),
        (
            "findings:\n  a: { title: '${inputs.x}', severity: high }\n",
            &["nothing is filled in here"],
        ),
        (
            "sign_off: { decides: [], criteria: [{ text: x, shown_by: health }] }\n",
            &["`decides` names nobody"],
        ),
        (
            "sign_off: { decides: Dana, criteria: [] }\n",
            &["`criteria` is empty"],
        ),
        (
            "sign_off: { decides: Dana, criteria: [{ text: x, shown_by: [] }] }\n",
            &["nothing shows whether this is met"],
        ),
        (
            "sign_off: { decides: Dana Reyes, criteria: [{ text: x, shown_by: health }], approvals: absent.yaml }\n",
            &[
                "the approvals file `absent.yaml` cannot be read",
                "write `approvals: []`",
            ],
        ),
        (
            "sign_off: { decides: Dana Reyes, criteria: [{ text: x, shown_by: health }], approvals: unknown.yaml }\n",
            &["`state` wants one of"],
        ),
        (
            "sign_off: { decides: Dana Reyes, criteria: [{ text: x, shown_by: health }], approvals: conditional.yaml }\n",
            &[
                "names no conditions",
                "`Dana Reyse` is none of those who decide",
                "no environment is called `nowhere`",
            ],
        ),
    ] {
        let ended = release.run(more);
        assert_eq!(ended.code, 64, "{more}{}", ended.stdout);
        for part in parts {
            let diagnostics = ended.json()["diagnostics"].clone();
            let told = diagnostics.to_string();
            assert!(told.contains(part), "{more}: {part} is not in {told}");
            assert!(
                diagnostics[0]["line"].as_u64().is_some_and(|line| line > 0),
                "{told}"
            );
        }
    }
}
