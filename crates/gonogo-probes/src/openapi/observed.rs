//! What is recorded, as facts.

use std::collections::BTreeMap;
use std::time::Duration;

use gonogo_core::record::{Absence, Cut, Shown};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};
use serde_json::Value as Json;

use super::compare::{Change, Changes};
use super::model::{Api, Operation, Problem};
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

/// The facts of the probe.
pub(super) fn shape(options: &Json) -> Shape {
    let names = || Type::list(Type::String);
    let mut fields = vec![
        (
            "openapi",
            Field::new(Type::String, "the version of OpenAPI, as written"),
        ),
        (
            "title",
            Field::optional(Type::String, "the title of the API"),
        ),
        (
            "version",
            Field::optional(Type::String, "the version of the API"),
        ),
        (
            "documents",
            Field::new(names(), "the paths of all documents that it consists of"),
        ),
        (
            "operations",
            Field::new(names(), "all operations, as `GET /users/{id}`"),
        ),
        ("paths", Field::new(names(), "all paths, as written")),
        ("counts", Field::new(counts(), "how many there are")),
        (
            "deprecated",
            Field::new(names(), "the operations that are deprecated"),
        ),
        (
            "unsecured",
            Field::new(
                names(),
                "the operations that ask nobody who they are, by the document",
            ),
        ),
        (
            "problems",
            Field::new(
                Type::list(problem()),
                "what is wrong with the document itself",
            ),
        ),
        (
            "valid",
            Field::new(Type::Bool, "whether nothing is wrong with it"),
        ),
    ];
    if let Some(expected) = options.get("expected") {
        let is_whole = expected.is_string();
        fields.push((
            "changes",
            Field::new(changes(is_whole), "how it differs from what is expected"),
        ));
    }
    if options["calls"] != false {
        fields.extend([
            ("called", Field::new(Type::Int, "how many operations were called")),
            ("calls", Field::new(Type::list(call()), "the operations that were called")),
            (
                "not_called",
                Field::new(Type::list(left_out()), "the `GET` and `HEAD` operations that were not called, and why"),
            ),
            (
                "all_valid",
                Field::new(
                    Type::Bool,
                    "whether every `GET` and `HEAD` operation, but those of `skip`, was called and its answer valid",
                ),
            ),
        ]);
    }
    if options["bodies"] == true {
        fields.extend([
            (
                "empty_bodies",
                Field::new(
                    Type::list(sent()),
                    "the bodies that had to be refused, and the answers",
                ),
            ),
            (
                "not_sent",
                Field::new(
                    Type::list(left_out()),
                    "the operations that require a body and were sent none, and why",
                ),
            ),
        ]);
    }
    Shape {
        fields: fields.into_iter().map(|(n, f)| (n.to_owned(), f)).collect(),
    }
}

fn counts() -> Type {
    Type::fields([
        (
            "operations",
            Field::new(Type::Int, "operations: a method on a path"),
        ),
        ("paths", Field::new(Type::Int, "paths")),
        (
            "by_method",
            Field::new(Type::map(Type::Int), "operations by method, such as `GET`"),
        ),
    ])
}

fn problem() -> Type {
    Type::fields([
        (
            "place",
            Field::new(Type::String, "the operation, path or reference"),
        ),
        ("message", Field::new(Type::String, "what is wrong")),
    ])
}

fn changes(is_whole: bool) -> Type {
    let names = || Type::list(Type::String);
    let mut fields = vec![
        (
            "added",
            Field::new(names(), "operations that were not expected"),
        ),
        (
            "removed",
            Field::new(names(), "expected operations that are not there"),
        ),
        (
            "breaking",
            Field::new(
                names(),
                "all on which a client that keeps to what was expected may fail",
            ),
        ),
    ];
    if is_whole {
        let change = Type::fields([
            ("operation", Field::new(Type::String, "the operation")),
            ("place", Field::new(Type::String, "where in it")),
            ("what", Field::new(Type::String, "what changed")),
            (
                "breaking",
                Field::new(Type::Bool, "whether a client may fail on it"),
            ),
        ]);
        let doc = "what changed in operations that are in both";
        fields.push(("changed", Field::new(Type::list(change), doc)));
    }
    Type::fields(fields)
}

fn call() -> Type {
    Type::fields([
        ("operation", Field::new(Type::String, "the operation")),
        (
            "path",
            Field::new(Type::String, "path and query that were asked for"),
        ),
        (
            "status",
            Field::optional(Type::Int, "the status; absent where no answer came"),
        ),
        (
            "documented",
            Field::new(Type::Bool, "whether the status is documented"),
        ),
        (
            "valid",
            Field::new(
                Type::Bool,
                "whether the answer is a success (2xx, 3xx) and as documented: status, content type, body",
            ),
        ),
        (
            "problems",
            Field::new(Type::list(Type::String), "what is not as documented"),
        ),
        (
            "latency",
            Field::optional(Type::Duration, "from the name lookup to the last byte"),
        ),
    ])
}

fn sent() -> Type {
    Type::fields([
        ("operation", Field::new(Type::String, "the operation")),
        (
            "body",
            Field::new(
                Type::String,
                "`empty`: `{}`; `wrong_type`: a required field of another type",
            ),
        ),
        (
            "status",
            Field::optional(Type::Int, "the status; absent where no answer came"),
        ),
        (
            "documented",
            Field::new(Type::Bool, "whether the status is documented"),
        ),
        (
            "names_field",
            Field::new(
                Type::Bool,
                "whether the answer is a 4xx that names a field at fault",
            ),
        ),
        (
            "field",
            Field::new(
                Type::String,
                "the field that it names, else the first that it should",
            ),
        ),
        (
            "problems",
            Field::new(
                Type::list(Type::String),
                "what of the answer is not as documented",
            ),
        ),
    ])
}

fn left_out() -> Type {
    Type::fields([
        ("operation", Field::new(Type::String, "the operation")),
        ("why", Field::new(Type::String, "the reason")),
    ])
}

/// The facts.
pub(super) fn seen(looked: Looked<'_>) -> Seen {
    let api = looked.api;
    let mut facts = Map::new();
    let mut absent = Vec::new();
    let mut cut = looked.cut;
    let mut put = |name: &str, value: Value| facts.insert(name.to_owned(), value);
    put("openapi", api.openapi.as_str().into());
    for (name, text) in [("title", api.title), ("version", api.release)] {
        if let Some(text) = text {
            put(name, text.into());
        }
    }
    put("documents", texts(looked.documents.iter()));
    let such = |such: &dyn Fn(&Operation<'_>) -> bool| {
        let all = api.operations.iter().filter(|o| such(o));
        Value::List(all.map(|o| o.name().into()).collect())
    };
    put("operations", such(&|_| true));
    put("paths", texts(api.paths.iter()));
    put("counts", count_facts(api));
    put("deprecated", such(&|o| o.is_deprecated));
    put(
        "unsecured",
        such(&|o| o.security.is_empty() || o.security.iter().any(BTreeMap::is_empty)),
    );
    put("valid", api.problems.is_empty().into());
    put(
        "problems",
        Value::List(api.problems.iter().map(problem_facts).collect()),
    );
    let mut nothing = |facts: &[&str], why: &str| {
        absent.extend(facts.iter().map(|fact| Absence {
            fact: (*fact).to_owned(),
            why: why.to_owned(),
        }));
    };
    if api.operations.is_empty() {
        let facts = ["operations", "paths", "counts", "deprecated", "unsecured"];
        nothing(&facts, "the document has no operation");
    }
    let mut shown = problem_table(&api.problems).into_iter().collect::<Vec<_>>();
    if let Some(changes) = &looked.changes {
        put("changes", change_facts(changes));
        shown.extend(change_table(changes));
        cut.extend(changes.partial.as_ref().map(|why| Cut {
            fact: "changes".to_owned(),
            why: why.clone(),
        }));
    }
    if let Some((calls, left)) = &looked.calls {
        let all_valid = calls.iter().all(Called::is_valid) && left.iter().all(|l| l.is_by_plan);
        put("called", calls.len().into());
        put("calls", Value::List(calls.iter().map(call_facts).collect()));
        put(
            "not_called",
            Value::List(left.iter().map(left_facts).collect()),
        );
        put("all_valid", (all_valid && !calls.is_empty()).into());
        if calls.is_empty() {
            nothing(&["calls", "called", "all_valid"], "no operation was called");
            // Where some were left out, `not_called` says which, and so does not stand for nothing.
            if left.is_empty() {
                nothing(&["not_called"], "there is no operation to call");
            }
        }
        shown.extend(call_table(calls, left));
    }
    if let Some((sent, left)) = &looked.bodies {
        put(
            "empty_bodies",
            Value::List(sent.iter().map(sent_facts).collect()),
        );
        put(
            "not_sent",
            Value::List(left.iter().map(left_facts).collect()),
        );
        if sent.is_empty() {
            nothing(&["empty_bodies"], "no operation was sent a body");
            if left.is_empty() {
                nothing(&["not_sent"], "no operation requires a body");
            }
        }
        shown.extend(sent_table(sent, left));
    }
    if let Some(why) = &api.is_partial {
        let whole = [
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
        cut.extend(whole.map(|fact| Cut {
            fact: fact.to_owned(),
            why: why.clone(),
        }));
    }
    cut.retain(|c| facts.contains_key(&c.fact));
    Seen {
        facts,
        absent,
        cut,
        shown,
        ..Seen::default()
    }
}

impl Called {
    fn is_valid(&self) -> bool {
        self.status.is_some() && self.is_documented && self.problems.is_empty()
    }
}

fn texts(all: impl Iterator<Item = impl AsRef<str>>) -> Value {
    Value::List(all.map(|t| t.as_ref().into()).collect())
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

fn table<const N: usize>(
    title: &str,
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Option<Shown> {
    let rows: Vec<Vec<String>> = rows.map(|row| row.to_vec()).collect();
    (!rows.is_empty()).then(|| Shown::Table {
        title: title.to_owned(),
        head: head.map(str::to_owned).to_vec(),
        rows,
    })
}

fn problem_table(problems: &[Problem]) -> Option<Shown> {
    let rows = problems
        .iter()
        .map(|p| [p.place.clone(), p.message.clone()]);
    table("Problems of the document", ["where", "what"], rows)
}

fn change_table(changes: &Changes) -> Option<Shown> {
    let of_one = |what: &'static str, breaking: &'static str| {
        move |o: &String| {
            [
                o.clone(),
                String::new(),
                what.to_owned(),
                breaking.to_owned(),
            ]
        }
    };
    let removed = changes.removed.iter().map(of_one("removed", "yes"));
    let added = changes.added.iter().map(of_one("added", "no"));
    let changed = changes.changed.iter().flatten().map(|c| {
        let breaking = if c.is_breaking { "yes" } else { "no" };
        [
            c.operation.clone(),
            c.place.clone(),
            c.what.clone(),
            breaking.to_owned(),
        ]
    });
    let rows = removed.chain(changed).chain(added);
    table("Changes", ["operation", "where", "what", "breaking"], rows)
}

fn status(status: Option<u16>) -> String {
    status.map_or_else(|| "no answer".to_owned(), |s| s.to_string())
}

fn call_table(calls: &[Called], left: &[LeftOut]) -> Option<Shown> {
    // What is wrong stands first.
    let bad = calls.iter().filter(|c| !c.is_valid());
    let good = calls.iter().filter(|c| c.is_valid());
    let called = bad.chain(good).map(|c| {
        let told = if c.is_valid() {
            "as documented".to_owned()
        } else {
            c.problems.join("; ")
        };
        [c.operation.clone(), status(c.status), told]
    });
    let left = left
        .iter()
        .map(|l| [l.operation.clone(), "not called".to_owned(), l.why.clone()]);
    table(
        "Calls",
        ["operation", "status", "answer"],
        called.chain(left),
    )
}

fn sent_table(sent: &[Sent], left: &[LeftOut]) -> Option<Shown> {
    let rows = sent.iter().map(|s| {
        let named = if s.names_field {
            "names"
        } else {
            "does not name"
        };
        let mut told = vec![format!("{named} `{}`", s.field)];
        told.extend(s.problems.iter().cloned());
        [
            s.operation.clone(),
            s.body.to_owned(),
            status(s.status),
            told.join("; "),
        ]
    });
    let left = left.iter().map(|l| {
        [
            l.operation.clone(),
            "not sent".to_owned(),
            String::new(),
            l.why.clone(),
        ]
    });
    table(
        "Bodies that must be refused",
        ["operation", "body", "status", "answer"],
        rows.chain(left),
    )
}
