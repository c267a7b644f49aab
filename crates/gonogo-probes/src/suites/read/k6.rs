//! k6's summary: the file of `--summary-export`, where `true` means that a threshold was crossed (grafana/k6 issue
//! 1498), and the data of `handleSummary`, where each threshold says whether it is `ok`. A check of the script counts
//! as one test, which failed where it failed once; a threshold counts as one more.

use serde_json::Value as Json;

use crate::suites::tally::{End, Reading, Suite};

/// Nobody nests groups deeper.
const DEEPEST: usize = 64;

/// Reads the document.
pub(super) fn read(text: &str, reading: &mut Reading) {
    let summary: Json = match serde_json::from_str(text) {
        Ok(summary) => summary,
        Err(error) => return super::not_json(&error, reading),
    };
    let (Some(metrics), Some(group)) = (
        summary["metrics"].as_object(),
        summary["root_group"].as_object(),
    ) else {
        return reading.wrong("garbled", 0, "`metrics` or `root_group` is missing");
    };
    let mut checks = Suite::named("checks");
    of_group(&Json::Object(group.clone()), "", 0, &mut checks, reading);
    let mut thresholds = Suite::named("thresholds");
    for (metric, of) in metrics {
        let Some(all) = of.get("thresholds") else {
            continue;
        };
        let Some(all) = all.as_object() else {
            reading.wrong(
                "garbled",
                0,
                format!("the thresholds of `{metric}` are no mapping"),
            );
            continue;
        };
        for (threshold, state) in all {
            let name = format!("{metric}: {threshold}");
            let ok = match state {
                Json::Bool(crossed) => Some(!crossed),
                state => state["ok"].as_bool(),
            };
            match ok {
                Some(true) => thresholds.add(&name, End::Passed),
                Some(false) => thresholds.add(&name, End::Failed),
                None => {
                    thresholds.add(&name, End::Error);
                    reading.wrong("garbled", 0, format!("`{name}` says neither yes nor no"));
                }
            }
        }
    }
    // A script may have only one of the two.
    let both = [checks, thresholds];
    reading
        .suites
        .extend(both.into_iter().filter(|s| s.counts.total() > 0));
}

/// Members of a list, or of a mapping by names.
fn members<'a>(of: &'a Json, key: &str) -> Vec<&'a Json> {
    match &of[key] {
        Json::Array(items) => items.iter().collect(),
        Json::Object(map) => map.values().collect(),
        _ => Vec::new(),
    }
}

fn of_group(group: &Json, path: &str, depth: usize, suite: &mut Suite, reading: &mut Reading) {
    if depth > DEEPEST {
        return reading.wrong("garbled", 0, "groups are nested too deep");
    }
    for check in members(group, "checks") {
        let name = check["name"].as_str().unwrap_or("?");
        let name = format!("{path}{name}");
        let (passes, fails) = (check["passes"].as_u64(), check["fails"].as_u64());
        match (passes, fails) {
            (Some(0), Some(0)) => suite.add(&name, End::Skipped),
            (Some(_), Some(0)) => suite.add(&name, End::Passed),
            (Some(_), Some(_)) => suite.add(&name, End::Failed),
            _ => {
                suite.add(&name, End::Error);
                reading.wrong("garbled", 0, format!("the check `{name}` has no counts"));
            }
        }
    }
    for below in members(group, "groups") {
        let name = below["name"].as_str().unwrap_or("?");
        of_group(
            below,
            &format!("{path}{name} / "),
            depth + 1,
            suite,
            reading,
        );
    }
}
