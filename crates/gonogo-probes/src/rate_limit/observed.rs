//! What was seen of a rate limit, as facts, and where what it says does not fit what it does.

use std::collections::BTreeMap;
use std::time::Duration;

use gonogo_core::record::Shown;
use gonogo_core::{Map, Value};

use super::fields::Quota;
use crate::probe::Seen;

/// A window may have ended a moment before it says so: both clocks count whole seconds.
const SLACK: Duration = Duration::from_secs(1);
/// More disagreements are not told one by one.
const MAX_TOLD: usize = 10;

/// One answer.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    /// Since the first request was sent.
    pub(super) at: Duration,
    pub(super) status: u16,
    pub(super) quota: Option<Quota>,
    pub(super) retry_after: Option<Result<i64, String>>,
}

/// Whether nothing more is sent after such an answer: the limiter has spoken, or the service is in trouble.
pub(super) fn ends(status: u16) -> bool {
    status == 429 || status >= 500
}

/// The facts.
pub(super) fn seen(answers: &[Answered], bound: u64) -> Seen {
    let mut statuses: BTreeMap<u16, u32> = BTreeMap::new();
    for answer in answers {
        *statuses.entry(answer.status).or_default() += 1;
    }
    let limited = answers.iter().position(|a| a.status == 429);
    let first = answers.first().and_then(|a| a.quota.as_ref());
    let mut facts = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            facts.insert(name.to_owned(), value);
        }
    };
    put("requests", Some(answers.len().into()));
    let counted = statuses.iter().map(|(s, n)| (s.to_string(), (*n).into()));
    put("statuses", Some(Value::Map(counted.collect())));
    put("announced", Some(first.is_some().into()));
    if let Some(quota) = first {
        put("field", Some(quota.field.into()));
        put("limit", quota.limit.map(Value::Int));
        put("remaining", quota.remaining.map(Value::Int));
        put("reset", quota.reset.map(seconds));
        put("policies", policies(quota));
    }
    if answers.iter().any(|a| a.quota.is_some()) {
        let found = disagreements(answers);
        put("consistent", Some(found.is_empty().into()));
        let told = found.into_iter().map(Value::from).collect();
        put("disagreements", Some(Value::List(told)));
    }
    put("limited_at", limited.map(|at| (at + 1).into()));
    let wait = limited.and_then(|at| answers[at].retry_after.as_ref());
    put(
        "retry_after",
        wait.and_then(|w| w.as_ref().ok()).map(|s| seconds(*s)),
    );
    let last = answers.last();
    put("stopped", Some(stopped(last, answers.len(), bound).into()));
    put(
        "elapsed",
        Some(last.map_or(Duration::ZERO, |a| a.at).into()),
    );
    Seen {
        facts,
        shown: vec![table(answers)],
        ..Seen::default()
    }
}

fn stopped(last: Option<&Answered>, count: usize, bound: u64) -> &'static str {
    match last.map(|a| a.status) {
        Some(429) => "limited",
        Some(status) if status >= 500 => "server error",
        _ if count as u64 >= bound => "all sent",
        _ => "nothing sent",
    }
}

fn policies(quota: &Quota) -> Option<Value> {
    let facts = quota.policies.iter().map(|policy| {
        let mut facts = Map::new();
        if let Some(name) = &policy.name {
            facts.insert("name".to_owned(), name.as_str().into());
        }
        facts.insert("quota".to_owned(), policy.quota.into());
        if let Some(unit) = &policy.unit {
            facts.insert("unit".to_owned(), unit.as_str().into());
        }
        if let Some(window) = policy.window {
            facts.insert("window".to_owned(), seconds(window));
        }
        Value::Map(facts)
    });
    let all: Vec<Value> = facts.collect();
    (!all.is_empty()).then_some(Value::List(all))
}

fn seconds(seconds: i64) -> Value {
    Value::Duration(seconds.saturating_mul(1_000_000_000))
}

/// Where what the answers say does not fit together, or not what the service did.
pub(super) fn disagreements(answers: &[Answered]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |why: String| {
        if !found.contains(&why) && found.len() < MAX_TOLD {
            found.push(why);
        }
    };
    for (index, answer) in answers.iter().enumerate() {
        alone(index + 1, answer).into_iter().for_each(&mut add);
        if let Some(before) = index.checked_sub(1).map(|i| &answers[i]) {
            neighbours(index + 1, before, answer)
                .into_iter()
                .for_each(&mut add);
        }
    }
    never_counts_down(answers).into_iter().for_each(&mut add);
    more_than_allowed(answers).into_iter().for_each(&mut add);
    found
}

/// What one answer says by itself.
fn alone(number: usize, answer: &Answered) -> Vec<String> {
    let mut why = Vec::new();
    if let Some(Err(problem)) = &answer.retry_after {
        why.push(problem.clone());
    }
    let Some(quota) = &answer.quota else {
        return why;
    };
    why.extend(quota.problems.iter().cloned());
    if let (Some(remaining), Some(limit)) = (quota.remaining, quota.limit)
        && remaining > limit
    {
        why.push(format!(
            "answer {number} says that {remaining} of {limit} are left"
        ));
    }
    if let (Some(reset), Some(window)) = (quota.reset, quota.window())
        && reset > window
    {
        why.push(format!(
            "answer {number} resets in {reset}s, later than its window of {window}s"
        ));
    }
    if answer.status == 429
        && quota.counts_requests()
        && let Some(remaining) = quota.remaining.filter(|n| *n > 0)
    {
        why.push(format!(
            "the 429 at request {number} says that {remaining} are left"
        ));
    }
    why
}

/// What two answers, one after the other, say.
fn neighbours(number: usize, before: &Answered, answer: &Answered) -> Vec<String> {
    let (Some(old), Some(new)) = (&before.quota, &answer.quota) else {
        // A limiter in front may answer 429 by itself, without the fields; all else must go on saying it.
        return match (&before.quota, &answer.quota) {
            (Some(old), None) if answer.status != 429 => {
                vec![format!("answer {number} no longer has {}", old.field)]
            }
            _ => Vec::new(),
        };
    };
    let mut why = Vec::new();
    if let (Some(a), Some(b)) = (old.limit, new.limit)
        && a != b
    {
        why.push(format!("the limit is {a}, then {b} at answer {number}"));
    }
    if may_be_renewed(before, answer) {
        return why;
    }
    if let (Some(a), Some(b)) = (old.remaining, new.remaining)
        && b > a
    {
        why.push(format!(
            "{a} are left, then {b} at answer {number}, in the same window"
        ));
    }
    if !old.counts_requests() {
        return why;
    }
    match old.remaining {
        Some(left) if left > 0 && answer.status == 429 => why.push(format!(
            "request {number} got the 429 although {left} were left"
        )),
        Some(0) if answer.status < 400 => why.push(format!(
            "request {number} was answered {} although nothing was left",
            answer.status
        )),
        _ => {}
    }
    why
}

/// Whether a new window may have begun between the two.
fn may_be_renewed(before: &Answered, answer: &Answered) -> bool {
    let (Some(old), Some(new)) = (&before.quota, &answer.quota) else {
        return true;
    };
    let Some(reset) = old.reset else {
        // Nothing said when: only what happens at once is held against it.
        return answer.at.saturating_sub(before.at) > SLACK;
    };
    let until = Duration::from_secs(reset.try_into().unwrap_or(0));
    let passed = answer.at.saturating_sub(before.at) + SLACK >= until;
    passed || new.reset.is_some_and(|new| new > reset)
}

/// The number that is left stays the same over all answers: it counts nothing.
fn never_counts_down(answers: &[Answered]) -> Option<String> {
    let quotas: Vec<&Quota> = answers.iter().filter_map(|a| a.quota.as_ref()).collect();
    let first = quotas.first()?;
    let left = first.remaining.filter(|left| *left > 0)?;
    let same = quotas
        .iter()
        .all(|q| q.remaining == Some(left) && q.counts_requests());
    let in_one_window = answers
        .windows(2)
        .all(|two| !may_be_renewed(&two[0], &two[1]));
    (quotas.len() > 1 && same && in_one_window)
        .then(|| format!("{left} are left after each of {} requests", quotas.len()))
}

/// More requests were answered in one window than the limit allows.
fn more_than_allowed(answers: &[Answered]) -> Option<String> {
    let first = answers.first()?;
    let quota = first.quota.as_ref().filter(|q| q.counts_requests())?;
    let (limit, reset) = (quota.limit?, quota.reset?);
    let window = Duration::from_secs(reset.try_into().ok()?);
    let in_window = answers
        .iter()
        .filter(|a| a.status < 400 && a.at.saturating_sub(first.at) + SLACK < window);
    let count = in_window.count() as i64;
    (count > limit).then(|| format!("{count} requests were answered in one window of {limit}"))
}

/// The first answers and the last: what is between says nothing more.
fn table(answers: &[Answered]) -> Shown {
    let cell = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    let row = |(index, answer): (usize, &Answered)| {
        let quota = answer.quota.clone().unwrap_or_default();
        vec![
            (index + 1).to_string(),
            answer.status.to_string(),
            cell(quota.limit),
            cell(quota.remaining),
            cell(quota.reset),
        ]
    };
    let told = |index: usize| index < 5 || index + 5 >= answers.len();
    Shown::Table {
        title: "Answers, the first and the last".to_owned(),
        head: ["request", "status", "limit", "remaining", "reset"]
            .map(str::to_owned)
            .to_vec(),
        rows: answers
            .iter()
            .enumerate()
            .filter(|(index, _)| told(*index))
            .map(row)
            .collect(),
    }
}
