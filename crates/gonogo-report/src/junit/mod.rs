//! `junit.xml` for CI pages, which show everything that is neither failure nor error as green. So a verdict that is
//! not GO has a testcase of its own that fails, and a required check that is undecided is an error, never "skipped".

use gonogo_core::judged::{CheckJudged, GateJudged, GateOutcome, Judged};
use gonogo_core::outcome::{Outcome, Severity, Verdict};

use crate::first_screen;
use crate::markup::Markup;

/// Renders JUnit XML: a testsuite per gate, one for the subject, and one for the verdict.
pub fn render(judged: &Judged) -> String {
    let mut suites = vec![verdict_suite(judged)];
    suites.extend(subject_suite(judged));
    suites.extend(judged.gates.iter().map(gate_suite));
    let (tests, failures, errors, skipped) = totals(suites.iter().flat_map(|s| &s.cases));
    let mut xml = Markup::xml();
    xml.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml.put(
        "<testsuites name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n",
        &[&judged.about.plan, &tests, &failures, &errors, &skipped],
    );
    let timestamp = judged
        .about
        .started_at
        .format("%Y-%m-%dT%H:%M:%S")
        .to_string();
    for suite in &suites {
        suite_xml(&mut xml, suite, &timestamp);
    }
    xml.raw("</testsuites>\n");
    xml.into_text()
}

struct Suite<'a> {
    name: &'a str,
    properties: Vec<(&'static str, String)>,
    cases: Vec<Case<'a>>,
}

struct Case<'a> {
    name: &'a str,
    seconds: f64,
    end: End,
    message: String,
    /// What else a person may want to read.
    details: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Passed,
    Failed(&'static str),
    Errored(&'static str),
    Skipped,
}

fn totals<'a>(cases: impl Iterator<Item = &'a Case<'a>>) -> (String, String, String, String) {
    let (mut tests, mut failures, mut errors, mut skipped) = (0u64, 0u64, 0u64, 0u64);
    for case in cases {
        tests += 1;
        match case.end {
            End::Passed => {}
            End::Failed(_) => failures += 1,
            End::Errored(_) => errors += 1,
            End::Skipped => skipped += 1,
        }
    }
    (
        tests.to_string(),
        failures.to_string(),
        errors.to_string(),
        skipped.to_string(),
    )
}

fn verdict_suite(judged: &Judged) -> Suite<'_> {
    let end = match judged.verdict {
        Verdict::Go => End::Passed,
        Verdict::Hold => End::Errored("HOLD"),
        Verdict::NoGo => End::Failed("NO-GO"),
    };
    let mut details = judged.reasons.join("\n");
    for condition in &judged.conditions {
        details.push_str("\ncondition (");
        details.push_str(&condition.kind);
        details.push_str("): ");
        details.push_str(&condition.text);
    }
    for gap in first_screen::gaps(judged) {
        details.push_str("\nnot evaluated, ");
        details.push_str(&gap.count());
        details.push_str(": ");
        details.push_str(gap.why);
    }
    Suite {
        name: "verdict",
        properties: vec![
            ("verdict", judged.verdict.word().to_owned()),
            ("rehearsal", judged.rehearsal.to_string()),
            ("finished", judged.about.finished.to_string()),
            ("action", judged.action.clone()),
            ("run", judged.run.clone()),
            ("environment", judged.about.environment.clone()),
            ("plan_sha256", judged.about.plan_sha256.clone()),
            ("counts", judged.counts.sentence()),
            ("gate_counts", judged.gate_counts.sentence()),
        ],
        cases: vec![Case {
            name: "verdict",
            seconds: 0.0,
            end,
            message: if judged.because.starts_with(judged.verdict.word()) {
                judged.because.clone()
            } else {
                format!("{}: {}", judged.verdict.word(), judged.because)
            },
            details: details.trim_start().to_owned(),
        }],
    }
}

/// The subject belongs to no gate, and another one than the expected may be all that is wrong.
fn subject_suite(judged: &Judged) -> Option<Suite<'_>> {
    let looks = [&judged.subject.start, &judged.subject.end];
    let cases: Vec<Case<'_>> = looks
        .into_iter()
        .flatten()
        .map(|check| case(check, Severity::Critical))
        .collect();
    (!cases.is_empty()).then(|| Suite {
        name: "subject",
        properties: vec![("message", judged.subject.message.clone())],
        cases,
    })
}

fn gate_suite(gate: &GateJudged) -> Suite<'_> {
    let mut properties = vec![
        ("title", gate.title.clone()),
        ("severity", gate.severity.word().to_owned()),
        ("outcome", gate.outcome.word().to_owned()),
        ("target", first_screen::target(gate)),
        ("result", first_screen::result(gate)),
    ];
    if let Some(by) = &gate.waived_by {
        properties.push(("waived_by", by.clone()));
    }
    let mut cases: Vec<Case<'_>> = if gate.outcome == GateOutcome::OutOfScope {
        Vec::new()
    } else {
        gate.checks
            .iter()
            .map(|check| {
                let mut case = case(check, gate.severity);
                let whole = gate
                    .waived_by
                    .as_ref()
                    .filter(|_| check.waived_by.is_none());
                if let (Some(by), true) = (whole, case.end != End::Passed) {
                    waive(&mut case, check.outcome, by);
                }
                case
            })
            .collect()
    };
    if cases.is_empty() {
        cases.push(Case {
            name: "gate",
            seconds: 0.0,
            end: match gate.outcome {
                GateOutcome::OutOfScope => End::Skipped,
                // A gate in scope without a check says nothing, which is never good.
                other => End::Errored(other.word()),
            },
            message: format!("{}: {}", gate.outcome.word(), first_screen::result(gate)),
            details: String::new(),
        });
    }
    Suite {
        name: &gate.id,
        properties,
        cases,
    }
}

fn waive(case: &mut Case<'_>, outcome: Outcome, by: &str) {
    case.end = End::Skipped;
    case.message = format!("{}, waived by {by}: {}", outcome.word(), case.message);
}

fn case(check: &CheckJudged, severity: Severity) -> Case<'_> {
    let required = severity != Severity::Advisory;
    let end = match check.outcome {
        Outcome::Pass | Outcome::Warn => End::Passed,
        Outcome::Fail if required => End::Failed("fail"),
        Outcome::Error | Outcome::Inconclusive | Outcome::Skipped | Outcome::Pending
            if required =>
        {
            End::Errored(check.outcome.word())
        }
        Outcome::Fail
        | Outcome::Error
        | Outcome::Inconclusive
        | Outcome::Skipped
        | Outcome::Pending => End::Skipped,
    };
    let message = match check.outcome {
        Outcome::Pass => String::new(),
        Outcome::Warn => format!("warn: {}", check.message),
        _ if required => check.message.clone(),
        outcome => format!("advisory, {}: {}", outcome.word(), check.message),
    };
    let mut case = Case {
        name: &check.id,
        seconds: check.elapsed_ns.map_or(0.0, |ns| ns as f64 / 1e9),
        end,
        message,
        details: details(check),
    };
    if let (Some(by), true) = (&check.waived_by, end != End::Passed) {
        waive(&mut case, check.outcome, by);
    }
    case
}

fn details(check: &CheckJudged) -> String {
    if check.outcome == Outcome::Pass {
        return String::new();
    }
    let mut lines = vec![check.ask.clone()];
    for expectation in &check.expectations {
        if expectation.outcome != Outcome::Pass {
            lines.push(format!("{}: {}", expectation.text, expectation.message));
        }
    }
    for limit in &check.limits {
        let word = limit.outcome.word();
        lines.push(format!(
            "{}: {word}: {}",
            limit.text, limit.judgement.reason
        ));
    }
    if let Some(cause) = &check.cause {
        lines.push(format!("likely cause: {cause}"));
    }
    if let Some(next) = &check.next {
        lines.push(format!("next: {next}"));
    }
    lines.join("\n")
}

fn suite_xml(xml: &mut Markup, suite: &Suite<'_>, timestamp: &str) {
    let (tests, failures, errors, skipped) = totals(suite.cases.iter());
    let seconds: f64 = suite.cases.iter().map(|case| case.seconds).sum();
    xml.put(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\" timestamp=\"{}\">\n",
        &[
            suite.name,
            &tests,
            &failures,
            &errors,
            &skipped,
            &format!("{seconds:.6}"),
            timestamp,
        ],
    );
    xml.raw("    <properties>\n");
    for (name, value) in &suite.properties {
        xml.put(
            "      <property name=\"{}\" value=\"{}\"/>\n",
            &[name, value],
        );
    }
    xml.raw("    </properties>\n");
    for case in &suite.cases {
        case_xml(xml, suite.name, case);
    }
    xml.raw("  </testsuite>\n");
}

fn case_xml(xml: &mut Markup, suite: &str, case: &Case<'_>) {
    xml.put(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\">\n",
        &[suite, case.name, &format!("{:.6}", case.seconds)],
    );
    match case.end {
        End::Passed => {
            let said = format!("{}\n{}", case.message, case.details);
            if !said.trim().is_empty() {
                xml.put("      <system-out>{}</system-out>\n", &[said.trim()]);
            }
        }
        End::Failed(kind) => {
            xml.put(
                "      <failure type=\"{}\" message=\"{}\">{}</failure>\n",
                &[kind, &case.message, &case.details],
            );
        }
        End::Errored(kind) => {
            xml.put(
                "      <error type=\"{}\" message=\"{}\">{}</error>\n",
                &[kind, &case.message, &case.details],
            );
        }
        End::Skipped => {
            xml.put("      <skipped message=\"{}\"/>\n", &[&case.message]);
            if !case.details.is_empty() {
                xml.put("      <system-out>{}</system-out>\n", &[&case.details]);
            }
        }
    }
    xml.raw("    </testcase>\n");
}

#[cfg(test)]
mod tests;
