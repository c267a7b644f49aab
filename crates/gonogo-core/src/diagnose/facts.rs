//! What rules may speak of besides the facts of the observation.

use crate::judge::expectation;
use crate::judged::{CheckJudged, LimitJudged};
use crate::outcome::Outcome;
use crate::plan::{Check, Plan};
use crate::record::{NotObserved, Observed, Run, SkipReason};
use crate::stats::Claim;
use crate::value::{Map, Value};

/// So much of a body is looked through for words that tell the cause.
const SAID_CHARS: usize = 4096;

/// A status that fewer than one in so many requests met does not explain a load's failure.
const STRAY_ONE_IN: i64 = 200;

/// The names that every rule may use: `plan`, `env`, `run`, `try_it`, `probe`, `said`, `unmet`, `wrong_status`,
/// `wrong_latency`, `absent`, `cut`, `slowest`, `limits`, `field`, `curl`, `refusals`, and for what was not observed
/// `gap`, `message`, `host`, `name`, `port`.
pub(super) fn gather(
    plan: &Plan,
    run: &Run,
    gate: &str,
    written: &Check,
    check: &CheckJudged,
    gap: Option<&NotObserved>,
) -> Map {
    let mut facts = commands(plan, run, gate, &check.id);
    facts.insert("probe".to_owned(), check.probe.as_str().into());
    let unmet: Vec<&str> = check
        .expectations
        .iter()
        .filter(|e| !e.outcome.is_good())
        .map(|e| e.text.as_str())
        .collect();
    facts.insert("unmet".to_owned(), unmet.join("\n").into());
    let list = |texts: Vec<String>| Value::List(texts.into_iter().map(Value::String).collect());
    let evidence = check.evidence.as_ref();
    let observation =
        run.attempts_of(gate, &check.id)
            .rev()
            .find_map(|(_, attempt)| match &attempt.observed {
                Observed::Observation(seen) => Some(seen),
                Observed::NotObserved(_) => None,
            });
    let absent = observation.map(|o| o.absent.iter().map(|a| a.why.clone()).collect());
    let cut = observation.map(|o| o.cut.iter().map(|c| c.fact.clone()).collect());
    facts.insert("absent".to_owned(), list(absent.unwrap_or_default()));
    facts.insert("cut".to_owned(), list(cut.unwrap_or_default()));
    facts.insert("limits".to_owned(), limits(&check.limits, check));
    let empty = Map::new();
    let seen = evidence.map_or(&empty, |e| &e.facts);
    facts.insert("said".to_owned(), said(seen).into());
    facts.insert(
        "wrong_status".to_owned(),
        wrong(written, check, "status").into(),
    );
    facts.insert(
        "wrong_latency".to_owned(),
        wrong(written, check, "latency").into(),
    );
    facts.insert("slowest".to_owned(), slowest(seen).into());
    facts.insert(
        "field".to_owned(),
        field(seen.get("body")).unwrap_or_default().into(),
    );
    facts.insert("curl".to_owned(), curl(seen).into());
    facts.insert("refusals".to_owned(), list(refusals(seen)));
    if let Some(gap) = gap {
        of_gap(gap, &mut facts);
    }
    facts
}

/// What rules about a skipped check may speak of.
pub(super) fn of_skip(plan: &Plan, run: &Run, gate: &str, check: &str, reason: &SkipReason) -> Map {
    let mut facts = commands(plan, run, gate, check);
    let (kind, name) = match reason {
        SkipReason::Needs { gate } => ("needs", gate.as_str()),
        SkipReason::When { expression } => ("when", expression.as_str()),
        SkipReason::Filtered => ("filtered", ""),
        SkipReason::Power { power } => ("power", power.word()),
        SkipReason::Missing { name, .. } => ("missing", name.as_str()),
        SkipReason::Interrupted => ("interrupted", ""),
    };
    facts.insert("skip".to_owned(), kind.into());
    facts.insert("name".to_owned(), name.into());
    facts
}

/// The command that shows what a check observes.
pub(super) fn try_it(plan: &Plan, run: &Run, gate: &str, check: &str) -> String {
    let path = plan.files.first().map_or("PLAN", |f| f.path.as_str());
    let env = run.started.environment.as_str();
    let at = if gate == crate::judge::SUBJECT {
        gate.to_owned()
    } else {
        format!("{gate}/{check}")
    };
    format!("gonogo try {} {at} --env {}", quoted(path), quoted(env))
}

/// What commands are made of: nothing of it came from a target.
fn commands(plan: &Plan, run: &Run, gate: &str, check: &str) -> Map {
    let path = plan.files.first().map_or("PLAN", |f| f.path.as_str());
    [
        ("plan", quoted(path)),
        ("env", quoted(&run.started.environment)),
        ("run", run.started.run.clone()),
        ("try_it", try_it(plan, run, gate, check)),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), Value::String(text)))
    .collect()
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Whether the fact is what went wrong: an expectation about it does not hold; or, for a status of refusal, none
/// that speaks of it holds.
fn wrong(written: &Check, check: &CheckJudged, fact: &str) -> bool {
    let speaks = |text: &str| {
        let mut all = written.expect.iter();
        all.any(|e| e.source() == text && expectation::roots(e).iter().any(|r| r == fact))
    };
    let of_fact = || check.expectations.iter().filter(|e| speaks(&e.text));
    let refused = check
        .evidence
        .as_ref()
        .and_then(|e| e.facts.get(fact)?.as_int())
        .is_some_and(|status| status >= 300);
    of_fact().any(|e| !e.outcome.is_good())
        || (fact == "status" && refused && of_fact().all(|e| e.outcome != Outcome::Pass))
}

/// The words of an answer that may tell the cause, in lower case: its challenge and its body.
fn said(facts: &Map) -> String {
    let challenge = facts
        .get("headers")
        .and_then(|h| h.get("www-authenticate")?.as_str())
        .unwrap_or_default();
    let body = match (facts.get("text"), facts.get("body")) {
        (Some(Value::String(text)), _) | (_, Some(Value::String(text))) => text.clone(),
        (_, Some(body)) => body.to_string(),
        (_, None) => String::new(),
    };
    let error = facts
        .get("error")
        .map(ToString::to_string)
        .unwrap_or_default();
    format!("{challenge}\n{error}\n{body}")
        .chars()
        .take(SAID_CHARS)
        .collect::<String>()
        .to_lowercase()
}

/// The phase in which most of the time went.
fn slowest(facts: &Map) -> &'static str {
    let phase = |name: &str| match facts.get("phases").and_then(|p| p.get(name)) {
        Some(Value::Duration(ns)) => *ns,
        _ => 0,
    };
    let named = ["dns", "connect", "tls", "first_byte"];
    let rest = phase("total") - named.iter().map(|n| phase(n)).sum::<i64>();
    named
        .into_iter()
        .map(|name| (phase(name), name))
        .chain([(rest, "body")])
        .max_by_key(|(ns, _)| *ns)
        .filter(|(ns, _)| *ns > 0)
        .map_or("", |(_, name)| name)
}

/// The field that a refusal names, in the forms that common frameworks use.
fn field(body: Option<&Value>) -> Option<String> {
    let body = body?;
    let direct = |value: &Value| {
        ["field", "param", "path", "property", "pointer", "loc"]
            .iter()
            .find_map(|key| path_of(value.get(key)?))
    };
    let listed = ["errors", "detail", "details", "violations", "message"]
        .iter()
        .find_map(|key| match body.get(key)? {
            Value::List(items) => items.first().and_then(direct),
            Value::Map(fields) => fields.keys().next().cloned(),
            _ => None,
        });
    let name = listed
        .or_else(|| direct(body))
        .or_else(|| body.get("error").and_then(direct))?;
    let tame = |c: char| c.is_alphanumeric() || "._-[]".contains(c);
    (name.len() <= 80 && !name.is_empty() && name.chars().all(tame)).then_some(name)
}

/// A field as text, or as the list of keys that lead to it (`["body", "name"]`).
fn path_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim_start_matches('/').replace('/', ".")),
        Value::List(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .map(|p| p.as_str().map_or_else(|| p.to_string(), str::to_owned))
                .collect();
            Some(parts.join("."))
        }
        _ => None,
    }
}

/// The request again, without its secrets.
fn curl(facts: &Map) -> String {
    let Some(request) = facts.get("request") else {
        return String::new();
    };
    let text = |key: &str| request.get(key).and_then(Value::as_str);
    let (Some(method), Some(url)) = (text("method"), text("url")) else {
        return String::new();
    };
    let authorization = match (
        request.get("has_authorization"),
        text("authorization_scheme"),
    ) {
        (Some(Value::Bool(true)), Some("Basic")) => " -u \"$USER_AND_PASSWORD\"",
        (Some(Value::Bool(true)), _) => " -H \"Authorization: Bearer $TOKEN\"",
        _ => "",
    };
    let method = match method {
        "GET" => String::new(),
        other => format!(" -X {}", quoted(other)),
    };
    format!("curl -i{method}{authorization} {}", quoted(url))
}

/// The status codes of refusal that a load met in more than a stray request.
fn refusals(facts: &Map) -> Vec<String> {
    let Some(Value::Map(statuses)) = facts.get("statuses") else {
        return Vec::new();
    };
    let count = |value: &Value| value.as_int().unwrap_or(0);
    let all: i64 = statuses.values().map(count).sum();
    let refused = |(code, n): &(&String, &Value)| {
        code.starts_with(['4', '5']) && count(n).saturating_mul(STRAY_ONE_IN) >= all
    };
    let found = statuses.iter().filter(refused);
    found.map(|(code, _)| code.clone()).collect()
}

fn limits(limits: &[LimitJudged], check: &CheckJudged) -> Value {
    let median = check
        .distribution
        .as_ref()
        .and_then(|d| d.points.iter().find(|(name, _)| name == "p50")?.1);
    let one = |limit: &LimitJudged| {
        let (kind, p, far_above_median) = match limit.judgement.claim {
            Claim::Percentile { p, max_ns } => {
                let half = i64::try_from(max_ns / 2).unwrap_or(i64::MAX);
                ("percentile", p, median.is_some_and(|ns| ns < half))
            }
            Claim::ErrorRate { .. } => ("errors", 0.0, false),
            Claim::Rate { .. } => ("rate", 0.0, false),
        };
        Value::Map(Map::from([
            ("kind".to_owned(), kind.into()),
            ("p".to_owned(), p.into()),
            ("tail".to_owned(), far_above_median.into()),
            ("outcome".to_owned(), limit.outcome.word().into()),
            ("reason".to_owned(), limit.judgement.reason.as_str().into()),
            ("n".to_owned(), limit.judgement.n.into()),
        ]))
    };
    Value::List(limits.iter().map(one).collect())
}

/// What is known where nothing was observed.
fn of_gap(gap: &NotObserved, facts: &mut Map) {
    let kind = serde_json::to_value(gap.cause)
        .ok()
        .and_then(|json| json.as_str().map(str::to_owned))
        .unwrap_or_default();
    let (host, name, port) = host_of(&gap.tried);
    let texts = [
        ("gap", kind),
        ("message", gap.message.to_lowercase()),
        ("host", quoted(&host)),
        ("name", quoted(&name)),
        ("port", quoted(&port)),
    ];
    facts.extend(texts.map(|(key, text)| (key.to_owned(), Value::String(text))));
}

/// `host:port`, name and port out of what was tried: `GET https://api.example/x`, `127.0.0.1:9`.
fn host_of(tried: &str) -> (String, String, String) {
    let word = tried.split_whitespace().last().unwrap_or_default();
    let (scheme, rest) = word.split_once("://").unwrap_or(("", word));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let default_port = match scheme {
        "https" => "443",
        "http" => "80",
        "postgres" | "postgresql" => "5432",
        _ => "",
    };
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()) => {
            (name, port)
        }
        _ => (authority, default_port),
    };
    let host = if port.is_empty() {
        name.to_owned()
    } else {
        format!("{name}:{port}")
    };
    (host, name.to_owned(), port.to_owned())
}
