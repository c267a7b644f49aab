//! SARIF 2.1.0 (OASIS, 2020) for code scanning pages: what did not pass, at the line of the plan that asks for it.
//!
//! Such pages show no result as clean. So a verdict that is not GO is a result of its own, and a required check that is undecided
//! is an error, as a failed one is. What passed is left out: pages would show it as an alert.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use gonogo_core::judged::{GateJudged, Judged};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::escape::{self, shorten};
use crate::places::Places;
use crate::told::{self, Told, VERDICT, Weight};

/// Code scanning on GitHub shows no more results of one run.
const MOST_RESULTS: usize = 5_000;
/// Characters of one line of a message, before escaping.
const MOST_TEXT: usize = 600;

/// Renders a SARIF log with one run.
pub fn render(judged: &Judged, places: &Places) -> String {
    let told = told::all(judged);
    let mut rules = Vec::new();
    let mut index = BTreeMap::new();
    let mut results = Vec::new();
    for one in told.iter().take(MOST_RESULTS) {
        let rule = *index.entry(one.check.as_str()).or_insert_with(|| {
            rules.push(rule(judged, one));
            rules.len() - 1
        });
        results.push(result(one, rule, places));
    }
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "gonogo",
                "semanticVersion": judged.about.gonogo,
                "rules": rules,
            }},
            "automationDetails": { "id": format!("gonogo/{}/{}/", judged.about.plan, judged.about.environment) },
            "columnKind": "unicodeCodePoints",
            "invocations": [invocation(judged)],
            "results": results,
            "properties": {
                "verdict": judged.verdict.word(),
                "rehearsal": judged.rehearsal,
                "action": judged.action,
                "run": judged.run,
                "counts": judged.counts.sentence(),
                "planSha256": judged.about.plan_sha256,
                "resultsLeftOut": told.len().saturating_sub(MOST_RESULTS),
            },
        }],
    });
    crate::json::text(&log)
}

fn invocation(judged: &Judged) -> Json {
    let about = &judged.about;
    let mut invocation = json!({
        "executionSuccessful": about.finished,
        "exitCode": judged.verdict.exit_code(),
        "exitCodeDescription": judged.verdict.word(),
        "startTimeUtc": about.started_at.to_rfc3339_opts(SecondsFormat::Millis, true),
    });
    if let Some(ended) = about.ended_at {
        invocation["endTimeUtc"] = ended.to_rfc3339_opts(SecondsFormat::Millis, true).into();
    }
    if !about.finished {
        invocation["toolExecutionNotifications"] = json!([{
            "level": "error",
            "message": { "text": "the run did not come to its end: not every check of the plan was evaluated" },
        }]);
    }
    invocation
}

fn rule(judged: &Judged, told: &Told<'_>) -> Json {
    let (gate, check) = told
        .check
        .split_once('/')
        .unwrap_or((told.check.as_str(), ""));
    let found: Option<&GateJudged> = judged.gates.iter().find(|g| g.id == gate);
    let asked = found
        .and_then(|g| g.checks.iter().find(|c| c.id == check))
        .map(|c| format!("{} ({}): {}", c.id, c.probe, c.ask));
    let title = match found {
        Some(gate) => gate.title.clone(),
        None if gate == VERDICT => "The release may go to production".to_owned(),
        None if gate == gonogo_core::judge::SUBJECT => {
            "What runs there is what was to be released".to_owned()
        }
        None => told.title.clone(),
    };
    let mut rule = json!({
        "id": told.check,
        "shortDescription": { "text": text(&title) },
        "fullDescription": { "text": text(asked.as_deref().unwrap_or(&title)) },
        "defaultConfiguration": { "level": level(told.weight) },
    });
    if let Some(gate) = found {
        rule["properties"] = json!({ "tags": [gate.severity.word()] });
    }
    rule
}

fn result(told: &Told<'_>, rule: usize, places: &Places) -> Json {
    let place = if told.check == VERDICT {
        places.plan()
    } else {
        places.of(&told.check)
    };
    let message: Vec<String> = told::lines(told).iter().map(|line| text(line)).collect();
    let mut result = json!({
        "ruleId": told.check,
        "ruleIndex": rule,
        "kind": "fail",
        "level": level(told.weight),
        "message": { "text": message.join("\n") },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&place.file), "uriBaseId": "%SRCROOT%" },
            "region": { "startLine": place.line },
        }}],
        "partialFingerprints": {
            "primaryLocationLineHash": fingerprint(&told.check),
            "gonogoCheck/v1": told.check,
        },
        "properties": { "outcome": told.outcome },
    });
    if let Some(by) = told.waived_by {
        result["suppressions"] = json!([{
            "kind": "external", "status": "accepted", "justification": text(&format!("waived by {by}")),
        }]);
    }
    result
}

fn level(weight: Weight) -> &'static str {
    match weight {
        Weight::Blocks => "error",
        Weight::Advises => "warning",
        Weight::Waived => "note",
    }
}

/// The same check is the same alert, wherever it moves in the plan. Of the form that GitHub's own action makes: 16 digits and a count.
fn fingerprint(check: &str) -> String {
    let digest = Sha256::digest(check.as_bytes());
    let hex: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
    format!("{hex}:1")
}

/// Text of a message. Brackets would be links (3.11.6) and braces places to fill (3.11.5).
fn text(line: &str) -> String {
    let line = shorten(line, MOST_TEXT);
    let mut out = String::with_capacity(line.len());
    for c in escape::visible(&line).chars() {
        match c {
            '{' => out.push_str("{{"),
            '}' => out.push_str("}}"),
            '[' | ']' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// A relative reference (RFC 3986, 4.2).
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format_args!("%{other:02X}").to_string()),
        }
    }
    out
}

#[cfg(test)]
mod tests;
