//! SARIF 2.1.0 (OASIS, with Errata 01 of August 2023): what scanners found. Findings are no tests, so they are counted
//! apart; a scan without findings is a good one where its results are an empty list, and none where they are absent.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::suites::tally::{Reading, Scan};

#[derive(Deserialize)]
struct Log {
    version: String,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    tool: Tool,
    /// 3.14.23: absent or null where the tool did not get as far as scanning.
    results: Option<Vec<Finding>>,
    #[serde(default)]
    invocations: Vec<Invocation>,
}

#[derive(Deserialize)]
struct Tool {
    driver: Driver,
}

#[derive(Deserialize)]
struct Driver {
    name: String,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    default_configuration: Option<Configuration>,
}

#[derive(Deserialize)]
struct Configuration {
    level: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: Option<bool>,
    end_time_utc: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    rule_id: Option<String>,
    rule_index: Option<i64>,
    rule: Option<RuleReference>,
    level: Option<String>,
    kind: Option<String>,
    baseline_state: Option<String>,
    #[serde(default)]
    suppressions: Option<Vec<Suppression>>,
    #[serde(default)]
    locations: Vec<Location>,
}

#[derive(Deserialize)]
struct RuleReference {
    id: Option<String>,
    index: Option<i64>,
}

#[derive(Deserialize)]
struct Suppression {
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Option<Physical>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Option<Artifact>,
    region: Option<Region>,
}

#[derive(Deserialize)]
struct Artifact {
    uri: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: Option<u64>,
}

/// Reads the document.
pub(super) fn read(text: &str, reading: &mut Reading) {
    let log: Log = match serde_json::from_str(text) {
        Ok(log) => log,
        Err(error) => return super::not_json(&error, reading),
    };
    if log.version != "2.1.0" {
        let message = format!("SARIF {}; 2.1.0 is read here", log.version);
        return reading.wrong("version", 0, message);
    }
    if log.runs.is_empty() {
        return reading.wrong("no-count", 0, "no scanner has run: `runs` is empty");
    }
    for run in &log.runs {
        of_run(run, reading);
    }
}

fn of_run(run: &Run, reading: &mut Reading) {
    let tool = &run.tool.driver.name;
    for invocation in &run.invocations {
        if let Some(at) = invocation.end_time_utc {
            reading.seen_at(at);
        }
        if invocation.execution_successful == Some(false) {
            reading.wrong(
                "interrupted",
                0,
                format!("`{tool}` says that it did not succeed"),
            );
        }
    }
    let Some(results) = &run.results else {
        let message = format!("`{tool}` has no `results`: it did not get as far as scanning");
        return reading.wrong("no-count", 0, message);
    };
    let mut scan = Scan {
        tool: crate::suites::tally::shortened(tool),
        ..Scan::default()
    };
    for finding in results {
        of_finding(finding, &run.tool.driver.rules, &mut scan, reading);
    }
    reading.scans.push(scan);
}

fn of_finding(finding: &Finding, rules: &[Rule], scan: &mut Scan, reading: &mut Reading) {
    // 3.27.24: one that an earlier scan had and this one has not.
    if finding.baseline_state.as_deref() == Some("absent") {
        return;
    }
    let name = name(finding, rules);
    if is_suppressed(finding) {
        return scan.suppressed.push(&name);
    }
    match level(finding, rules) {
        "error" => scan.error += 1,
        "warning" => scan.warning += 1,
        "note" => return scan.note += 1,
        "none" => return scan.none += 1,
        other => {
            // What cannot be ranked is taken for the worst.
            reading.wrong(
                "garbled",
                0,
                format!("`{name}` has the level `{other}`, which is not known"),
            );
            scan.error += 1;
        }
    }
    scan.found.push(&name);
}

fn rule<'a>(finding: &Finding, rules: &'a [Rule]) -> Option<&'a Rule> {
    let index = finding
        .rule_index
        .or(finding.rule.as_ref().and_then(|r| r.index));
    let by_index = index.and_then(|i| rules.get(usize::try_from(i).ok()?));
    by_index.or_else(|| {
        let id = id(finding)?;
        rules.iter().find(|r| r.id == id)
    })
}

fn id(finding: &Finding) -> Option<&str> {
    let of_rule = || finding.rule.as_ref().and_then(|r| r.id.as_deref());
    finding.rule_id.as_deref().or_else(of_rule)
}

/// 3.27.10: its own, else that of its rule, else `warning`; `none` where it is of a kind that is no failure.
fn level<'a>(finding: &'a Finding, rules: &'a [Rule]) -> &'a str {
    if let Some(level) = &finding.level {
        return level;
    }
    if finding.kind.as_deref().is_some_and(|kind| kind != "fail") {
        return "none";
    }
    let configured = rule(finding, rules).and_then(|r| r.default_configuration.as_ref());
    configured
        .and_then(|c| c.level.as_deref())
        .unwrap_or("warning")
}

/// 3.27.23: where there is one that is accepted, and none under review or rejected.
fn is_suppressed(finding: &Finding) -> bool {
    let all = finding.suppressions.as_deref().unwrap_or_default();
    let accepted = |s: &Suppression| {
        s.status
            .as_deref()
            .is_none_or(|status| status == "accepted")
    };
    !all.is_empty() && all.iter().all(accepted)
}

fn name(finding: &Finding, rules: &[Rule]) -> String {
    let id = id(finding).or_else(|| rule(finding, rules).map(|r| r.id.as_str()));
    let id = id.unwrap_or("no rule");
    let place = finding
        .locations
        .first()
        .and_then(|l| l.physical_location.as_ref());
    let Some(uri) = place.and_then(|p| p.artifact_location.as_ref()?.uri.as_deref()) else {
        return id.to_owned();
    };
    match place.and_then(|p| p.region.as_ref()?.start_line) {
        Some(line) => format!("{id} {uri}:{line}"),
        None => format!("{id} {uri}"),
    }
}
