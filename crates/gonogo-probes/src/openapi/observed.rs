//! What is recorded, as facts.

use std::collections::BTreeMap;
use std::time::Duration;

use gonogo_core::Value;
use gonogo_core::record::{Absence, Cut};

use super::compare::{Change, Changes};
use super::model::{Api, Operation, Problem};
use super::shown;
use crate::probe::Seen;

/// An operation that was called.
pub(super) struct Called {
    pub(super) operation: String,
    /// Path and query, as they were asked for.
    pub(super) path: String,
    /// Nothing where no answer came.
    pub(super) status: Option<u16>,
    pub(super) is_documented: bool,
    pub(super) problems: Vec<String>,
    pub(super) latency: Option<Duration>,
}

/// A body that must be refused, and what came of it.
pub(super) struct Sent {
    pub(super) operation: String,
    /// `empty` or `wrong_type`.
    pub(super) body: &'static str,
    pub(super) status: Option<u16>,
    pub(super) is_documented: bool,
    /// The field that the answer names, else the first that it should.
    pub(super) field: String,
    pub(super) names_field: bool,
    pub(super) problems: Vec<String>,
}

/// An operation that was left out, and why.
pub(super) struct LeftOut {
    pub(super) operation: String,
    pub(super) why: String,
    /// The plan says so.
    pub(super) is_by_plan: bool,
}

/// All that was seen.
pub(super) struct Looked<'a> {
    pub(super) api: &'a Api<'a>,
    pub(super) documents: Vec<String>,
    pub(super) changes: Option<Changes>,
    pub(super) calls: Option<(Vec<Called>, Vec<LeftOut>)>,
    pub(super) bodies: Option<(Vec<Sent>, Vec<LeftOut>)>,
    /// More than are called or told.
    pub(super) cut: Vec<Cut>,
}

/// The facts.
pub(super) fn seen(looked: Looked<'_>) -> Seen {
    let mut seen = Seen {
        cut: looked.cut,
        ..Seen::default()
    };
    document_facts(&mut seen, looked.api, &looked.documents);
    if let Some(changes) = &looked.changes {
        put(&mut seen, "changes", change_facts(changes));
        seen.shown.extend(shown::changes(changes));
        seen.cut.extend(changes.partial.as_ref().map(|why| Cut {
            fact: "changes".to_owned(),
            why: why.clone(),
        }));
    }
    if let Some((calls, left)) = &looked.calls {
        all_calls(&mut seen, calls, left);
    }
    if let Some((sent, left)) = &looked.bodies {
        all_sent(&mut seen, sent, left);
    }
    if let Some(why) = &looked.api.is_partial {
        seen.cut.extend(OF_THE_WHOLE.map(|fact| Cut {
            fact: fact.to_owned(),
            why: why.clone(),
        }));
    }
    seen.cut.retain(|c| seen.facts.contains_key(&c.fact));
    seen
}

/// The facts that claim something of all operations.
const OF_THE_WHOLE: [&str; 12] = [
    "operations",
    "paths",
    "counts",
    "deprecated",
    "unsecured",
    "changes",
    "calls",
    "called",
    "not_called",
    "all_valid",
    "empty_bodies",
    "not_sent",
];

fn put(seen: &mut Seen, name: &str, value: Value) {
    seen.facts.insert(name.to_owned(), value);
}

/// Says that there was nothing to look at.
fn nothing(seen: &mut Seen, facts: &[&str], why: &str) {
    seen.absent.extend(facts.iter().map(|fact| Absence {
        fact: (*fact).to_owned(),
        why: why.to_owned(),
    }));
}

fn document_facts(seen: &mut Seen, api: &Api<'_>, documents: &[String]) {
    put(seen, "openapi", api.openapi.as_str().into());
    for (name, text) in [("title", api.title), ("version", api.release)] {
        if let Some(text) = text {
            put(seen, name, text.into());
        }
    }
    let such = |such: &dyn Fn(&Operation<'_>) -> bool| {
        let all = api.operations.iter().filter(|o| such(o));
        Value::List(all.map(|o| o.name().into()).collect())
    };
    let is_open =
        |o: &Operation<'_>| o.security.is_empty() || o.security.iter().any(BTreeMap::is_empty);
    put(seen, "documents", texts(documents.iter()));
    put(seen, "operations", such(&|_| true));
    put(seen, "paths", texts(api.paths.iter()));
    put(seen, "counts", count_facts(api));
    put(seen, "deprecated", such(&|o| o.is_deprecated));
    put(seen, "unsecured", such(&is_open));
    put(seen, "valid", api.problems.is_empty().into());
    put(seen, "problems", list(&api.problems, problem_facts));
    if api.operations.is_empty() {
        let facts = ["operations", "paths", "counts", "deprecated", "unsecured"];
        nothing(seen, &facts, "the document has no operation");
    }
    seen.shown.extend(shown::problems(&api.problems));
}

fn all_calls(seen: &mut Seen, calls: &[Called], left: &[LeftOut]) {
    let all_valid = calls.iter().all(Called::is_valid) && left.iter().all(|l| l.is_by_plan);
    put(seen, "called", calls.len().into());
    put(seen, "calls", list(calls, call_facts));
    put(seen, "not_called", list(left, left_facts));
    put(seen, "all_valid", (all_valid && !calls.is_empty()).into());
    if calls.is_empty() {
        let facts = ["calls", "called", "all_valid"];
        nothing(seen, &facts, "no operation was called");
    }
    // Where some were left out, `not_called` says which, and so does not stand for nothing.
    if calls.is_empty() && left.is_empty() {
        nothing(seen, &["not_called"], "there is no operation to call");
    }
    seen.shown.extend(shown::calls(calls, left));
}

fn all_sent(seen: &mut Seen, sent: &[Sent], left: &[LeftOut]) {
    put(seen, "empty_bodies", list(sent, sent_facts));
    put(seen, "not_sent", list(left, left_facts));
    if sent.is_empty() {
        nothing(seen, &["empty_bodies"], "no operation was sent a body");
    }
    if sent.is_empty() && left.is_empty() {
        nothing(seen, &["not_sent"], "no operation requires a body");
    }
    seen.shown.extend(shown::sent(sent, left));
}

impl Called {
    /// A success, as documented.
    pub(super) fn is_valid(&self) -> bool {
        self.status.is_some() && self.is_documented && self.problems.is_empty()
    }
}

fn texts(all: impl Iterator<Item = impl AsRef<str>>) -> Value {
    Value::List(all.map(|t| t.as_ref().into()).collect())
}

fn list<T>(all: &[T], facts: impl Fn(&T) -> Value) -> Value {
    Value::List(all.iter().map(facts).collect())
}

fn map<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let there = fields
        .into_iter()
        .filter_map(|(n, v)| Some((n.to_owned(), v?)));
    Value::Map(there.collect())
}

fn count_facts(api: &Api<'_>) -> Value {
    let mut by_method: BTreeMap<String, usize> = BTreeMap::new();
    for operation in &api.operations {
        *by_method.entry(operation.method.clone()).or_default() += 1;
    }
    let by_method = by_method.into_iter().map(|(m, n)| (m, n.into()));
    map([
        ("operations", Some(api.operations.len().into())),
        ("paths", Some(api.paths.len().into())),
        ("by_method", Some(Value::Map(by_method.collect()))),
    ])
}

fn problem_facts(problem: &Problem) -> Value {
    map([
        ("place", Some(problem.place.as_str().into())),
        ("message", Some(problem.message.as_str().into())),
    ])
}

fn change_facts(changes: &Changes) -> Value {
    let change = |c: &Change| {
        map([
            ("operation", Some(c.operation.as_str().into())),
            ("place", Some(c.place.as_str().into())),
            ("what", Some(c.what.as_str().into())),
            ("breaking", Some(c.is_breaking.into())),
        ])
    };
    let changed = changes.changed.as_ref();
    let changed = changed.map(|all| Value::List(all.iter().map(change).collect()));
    map([
        ("added", Some(texts(changes.added.iter()))),
        ("removed", Some(texts(changes.removed.iter()))),
        ("breaking", Some(texts(changes.breaking().iter()))),
        ("changed", changed),
    ])
}

fn call_facts(call: &Called) -> Value {
    map([
        ("operation", Some(call.operation.as_str().into())),
        ("path", Some(call.path.as_str().into())),
        ("status", call.status.map(Value::from)),
        ("documented", Some(call.is_documented.into())),
        ("valid", Some(call.is_valid().into())),
        ("problems", Some(texts(call.problems.iter()))),
        ("latency", call.latency.map(Value::from)),
    ])
}

fn sent_facts(sent: &Sent) -> Value {
    map([
        ("operation", Some(sent.operation.as_str().into())),
        ("body", Some(sent.body.into())),
        ("status", sent.status.map(Value::from)),
        ("documented", Some(sent.is_documented.into())),
        ("names_field", Some(sent.names_field.into())),
        ("field", Some(sent.field.as_str().into())),
        ("problems", Some(texts(sent.problems.iter()))),
    ])
}

fn left_facts(left: &LeftOut) -> Value {
    map([
        ("operation", Some(left.operation.as_str().into())),
        ("why", Some(left.why.as_str().into())),
    ])
}
