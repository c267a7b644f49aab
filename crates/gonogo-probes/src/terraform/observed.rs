//! What is recorded of a plan or a state, as facts. No value of a resource is among them, and none of what is sensitive.

use std::time::Duration;

use gonogo_core::record::{Absence, Cut, Shown};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

use super::document::Document;
use super::plan::{Action, Condition, Found, Given, Resource, Variable, by_action, destroyed};
use crate::files::matches_path;
use crate::probe::Seen;

/// All that is known of one document.
pub(super) struct Look<'a> {
    pub(super) source: &'a str,
    pub(super) document: &'a Document,
    pub(super) found: &'a Found,
    /// Addresses that may be destroyed.
    pub(super) allowed: &'a [String],
    pub(super) age: Option<Duration>,
}

/// The facts of the probe.
pub(super) fn shape() -> Shape {
    let names = || Type::list(Type::String);
    let fields = [
        ("kind", Type::String, "`plan` or `state`"),
        (
            "format_version",
            Type::String,
            "the version of the document's format",
        ),
        (
            "terraform_version",
            Type::String,
            "the version of Terraform that made it",
        ),
        (
            "created",
            names(),
            "addresses of resources that are created; of a plan, like all up to `drift`",
        ),
        ("changed", names(), "addresses that are changed in place"),
        (
            "replaced",
            names(),
            "addresses that are destroyed and created anew",
        ),
        (
            "destroyed",
            names(),
            "addresses that are destroyed for good",
        ),
        (
            "destroyed_unnamed",
            names(),
            "addresses that are destroyed or replaced without `allow_destroy` naming them",
        ),
        (
            "forgotten",
            names(),
            "addresses that Terraform no longer looks after; they are not destroyed",
        ),
        (
            "moved",
            names(),
            "addresses that have moved, as `from -> to`",
        ),
        (
            "imported",
            names(),
            "addresses that are taken over from what exists",
        ),
        (
            "unchanged",
            Type::Int,
            "how many resources stay as they are",
        ),
        (
            "drift",
            Type::list(resource()),
            "resources that are not as Terraform left them",
        ),
        (
            "resources",
            Type::list(resource()),
            "the resources; of a plan each with its action",
        ),
        (
            "variables",
            Type::list(variable()),
            "the variables of each module, never their values",
        ),
        (
            "required",
            names(),
            "variables without a default, such as `module.web.size`",
        ),
        (
            "unset",
            names(),
            "variables that have neither a default nor a value",
        ),
        (
            "outputs",
            Type::map(output()),
            "the outputs by name; a sensitive one without its value",
        ),
        (
            "checks",
            Type::list(condition()),
            "check blocks and conditions, and how they ended",
        ),
        ("failed_checks", names(), "those that did not pass"),
        (
            "tainted",
            names(),
            "of a state: addresses that the next plan replaces",
        ),
        (
            "complete",
            Type::Bool,
            "whether applying it is all; absent before Terraform 1.8",
        ),
        (
            "errored",
            Type::Bool,
            "whether planning ended in an error; absent before Terraform 1.2",
        ),
        (
            "applyable",
            Type::Bool,
            "whether there is something to apply; absent before Terraform 1.8",
        ),
        (
            "age",
            Type::Duration,
            "how old a plan is by its own time; absent before Terraform 1.5",
        ),
        ("valid", Type::Bool, "whether it makes a claim on the whole"),
        ("problems", names(), "why it does not"),
    ];
    let field = |(name, ty, doc): (&str, Type, &str)| (name.to_owned(), Field::new(ty, doc));
    Shape {
        fields: fields.into_iter().map(field).collect(),
    }
}

fn resource() -> Type {
    Type::fields([
        ("address", Field::new(Type::String, "its address")),
        (
            "module",
            Field::optional(Type::String, "the module that it is in"),
        ),
        ("mode", Field::new(Type::String, "`managed` or `data`")),
        ("type", Field::new(Type::String, "its type")),
        (
            "action",
            Field::optional(
                Type::String,
                "`no-op`, `create`, `read`, `update`, `replace`, `destroy`, `forget` or `unknown`",
            ),
        ),
        (
            "reason",
            Field::optional(Type::String, "why, in Terraform's word"),
        ),
        (
            "moved_from",
            Field::optional(Type::String, "its address before"),
        ),
        (
            "attributes",
            Field::new(Type::list(Type::String), "the attributes that change"),
        ),
    ])
}

fn variable() -> Type {
    Type::fields([
        (
            "module",
            Field::new(
                Type::String,
                "the module, such as `module.web`; empty for the root",
            ),
        ),
        ("name", Field::new(Type::String, "its name")),
        (
            "has_default",
            Field::new(Type::Bool, "whether it has a default, `null` included"),
        ),
        (
            "is_set",
            Field::new(
                Type::Bool,
                "whether it is given; of the root also by its default",
            ),
        ),
        (
            "sensitive",
            Field::new(Type::Bool, "whether it is declared sensitive"),
        ),
    ])
}

fn output() -> Type {
    Type::fields([
        (
            "sensitive",
            Field::new(Type::Bool, "whether its value is kept back"),
        ),
        (
            "value",
            Field::optional(Type::Dyn, "its value, where it is known"),
        ),
    ])
}

fn condition() -> Type {
    Type::fields([
        ("address", Field::new(Type::String, "where it stands")),
        (
            "status",
            Field::new(Type::String, "`pass`, `fail`, `error` or `unknown`"),
        ),
        (
            "problems",
            Field::new(Type::list(Type::String), "its messages"),
        ),
    ])
}

/// What a better document could say otherwise.
const CLAIMS: [&str; 16] = [
    "created",
    "changed",
    "replaced",
    "destroyed",
    "destroyed_unnamed",
    "forgotten",
    "moved",
    "imported",
    "unchanged",
    "drift",
    "resources",
    "variables",
    "required",
    "unset",
    "outputs",
    "tainted",
];

/// The facts.
pub(super) fn seen(look: &Look<'_>) -> Seen {
    let (document, found) = (look.document, look.found);
    let mut facts = Map::new();
    let mut put = |name: &str, value: Value| drop(facts.insert(name.to_owned(), value));
    put("kind", if found.is_plan { "plan" } else { "state" }.into());
    put("format_version", document.format_version.as_str().into());
    if let Some(version) = &document.terraform_version {
        put("terraform_version", version.as_str().into());
    }
    put(
        "resources",
        list(found.resources.iter().map(resource_facts)),
    );
    if found.is_plan {
        for (name, value) in of_plan(look) {
            put(name, value);
        }
    } else {
        let tainted = found.resources.iter().filter(|r| r.is_tainted);
        put("tainted", list(tainted.map(|r| r.address.as_str().into())));
    }
    let outputs = found
        .outputs
        .iter()
        .map(|o| (o.name.clone(), output_facts(o)));
    put("outputs", Value::Map(outputs.collect()));
    for (name, said) in [
        ("complete", document.complete),
        ("errored", document.errored),
        ("applyable", document.applyable),
    ] {
        if let Some(said) = said {
            put(name, said.into());
        }
    }
    if let Some(age) = look.age {
        put("age", age.into());
    }
    put("valid", found.doubts.is_empty().into());
    put(
        "problems",
        list(found.doubts.iter().map(|why| why.as_str().into())),
    );
    let doubt = found.doubts.first();
    let cut = doubt.into_iter().flat_map(|why| {
        CLAIMS.map(|fact| Cut {
            fact: fact.to_owned(),
            why: format!("{}: {why}", look.source),
        })
    });
    Seen {
        cut: cut.collect(),
        absent: absences(look),
        shown: table(found).into_iter().collect(),
        facts,
        ..Seen::default()
    }
}

fn list(values: impl Iterator<Item = Value>) -> Value {
    Value::List(values.collect())
}

fn of_plan(look: &Look<'_>) -> Vec<(&'static str, Value)> {
    let found = look.found;
    let with = |action: Action| {
        let such = found
            .resources
            .iter()
            .filter(move |r| r.action == Some(action));
        list(such.map(|r| r.address.as_str().into()))
    };
    let unnamed = destroyed(&found.resources).filter(|r| !is_allowed(&r.address, look.allowed));
    let moved = found.resources.iter().filter_map(|r| {
        let from = r.moved_from.as_ref()?;
        Some(Value::from(format!("{from} -> {}", r.address)))
    });
    let imported = found.resources.iter().filter(|r| r.is_imported);
    let unchanged = found
        .resources
        .iter()
        .filter(|r| r.action == Some(Action::NoOp));
    let variables = found.variables.as_deref().unwrap_or_default();
    let required = variables.iter().filter(|v| !v.has_default);
    let unset = variables.iter().filter(|v| !v.has_default && !v.is_set);
    let failed = found.conditions.iter().filter(|c| c.status != "pass");
    vec![
        ("created", with(Action::Create)),
        ("changed", with(Action::Update)),
        ("replaced", with(Action::Replace)),
        ("destroyed", with(Action::Destroy)),
        (
            "destroyed_unnamed",
            list(unnamed.map(|r| r.address.as_str().into())),
        ),
        ("forgotten", with(Action::Forget)),
        ("moved", list(moved)),
        (
            "imported",
            list(imported.map(|r| r.address.as_str().into())),
        ),
        ("unchanged", unchanged.count().into()),
        ("drift", list(found.drift.iter().map(resource_facts))),
        ("variables", list(variables.iter().map(variable_facts))),
        ("required", list(required.map(|v| full_name(v).into()))),
        ("unset", list(unset.map(|v| full_name(v).into()))),
        ("checks", list(found.conditions.iter().map(condition_facts))),
        (
            "failed_checks",
            list(failed.map(|c| c.address.as_str().into())),
        ),
    ]
}

/// Whether an address is named; `*` stands for anything within it.
fn is_allowed(address: &str, allowed: &[String]) -> bool {
    // An address has no folders, whatever stands in its keys.
    let plain = |text: &str| text.replace('/', "\u{1}");
    allowed
        .iter()
        .any(|pattern| matches_path(&plain(pattern), &plain(address)))
}

fn full_name(variable: &Variable) -> String {
    match variable.module.as_str() {
        "" => variable.name.clone(),
        module => format!("{module}.{}", variable.name),
    }
}

/// An empty document proves nothing, and neither does one with doubts, unless the check speaks of that.
fn absences(look: &Look<'_>) -> Vec<Absence> {
    let found = look.found;
    let mut absent = Vec::new();
    if found.resources.is_empty() {
        absent.push(Absence {
            fact: "resources".to_owned(),
            why: format!("{} has no resource", look.source),
        });
    }
    if let Some(why) = found.doubts.first() {
        absent.push(Absence {
            fact: "problems".to_owned(),
            why: format!("{}: {why}", look.source),
        });
    }
    absent
}

fn map<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let there = fields.into_iter();
    Value::Map(
        there
            .filter_map(|(n, v)| Some((n.to_owned(), v?)))
            .collect(),
    )
}

fn resource_facts(resource: &Resource) -> Value {
    let text = |text: &Option<String>| text.as_deref().map(Value::from);
    map([
        ("address", Some(resource.address.as_str().into())),
        ("module", text(&resource.module)),
        ("mode", Some(resource.mode.as_str().into())),
        ("type", Some(resource.kind.as_str().into())),
        ("action", resource.action.map(|a| a.name().into())),
        ("reason", text(&resource.reason)),
        ("moved_from", text(&resource.moved_from)),
        (
            "attributes",
            Some(list(resource.attributes.iter().map(|a| a.as_str().into()))),
        ),
    ])
}

fn variable_facts(variable: &Variable) -> Value {
    map([
        ("module", Some(variable.module.as_str().into())),
        ("name", Some(variable.name.as_str().into())),
        ("has_default", Some(variable.has_default.into())),
        ("is_set", Some(variable.is_set.into())),
        ("sensitive", Some(variable.is_sensitive.into())),
    ])
}

fn output_facts(output: &Given) -> Value {
    map([
        ("sensitive", Some(output.is_sensitive.into())),
        ("value", output.value.as_ref().map(Value::from_json)),
    ])
}

fn condition_facts(condition: &Condition) -> Value {
    map([
        ("address", Some(condition.address.as_str().into())),
        ("status", Some(condition.status.as_str().into())),
        (
            "problems",
            Some(list(condition.problems.iter().map(|p| p.as_str().into()))),
        ),
    ])
}

/// The most rows of a table.
const MOST_ROWS: usize = 100;

fn table(found: &Found) -> Option<Shown> {
    let told = found
        .resources
        .iter()
        .filter(|r| !matches!(r.action, None | Some(Action::NoOp)));
    let rows: Vec<Vec<String>> = told
        .take(MOST_ROWS)
        .map(|r| {
            let action = r.action.map_or("", Action::name).to_owned();
            let why = r.reason.clone().unwrap_or_else(|| r.attributes.join(", "));
            vec![action, r.address.clone(), why]
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let counts = by_action(&found.resources);
    let counts: Vec<String> = counts
        .iter()
        .map(|(action, n)| format!("{n} {action}"))
        .collect();
    Some(Shown::Table {
        title: format!("Resources: {}", counts.join(", ")),
        head: ["action", "address", "why"].map(str::to_owned).to_vec(),
        rows,
    })
}
