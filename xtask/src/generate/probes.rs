//! `docs/reference/probes/KEY.md`: what a plan may write of a probe, and what it observes.

use gonogo_core::plan::Syntax;
use gonogo_core::shape::{Field, Shape, Type};
use serde_json::{Value as Json, json};

use super::schema::{constants, table};
use super::{HEAD, cell};

pub(super) fn page(probe: &dyn Syntax, plan: &Json) -> String {
    let key = probe.key();
    let own = probe.schema().to_value();
    let mut text = format!("{HEAD}# `{key}`\n\n{}\n\n", probe.about());
    let targets: Vec<String> = probe.targets().iter().map(|t| format!("`{t}`")).collect();
    match (targets.is_empty(), probe.needs_target()) {
        (true, _) => text.push_str("It needs no target.\n\n"),
        (false, true) => text.push_str(&format!(
            "It observes a target: {}.\n\n",
            targets.join(" or ")
        )),
        (false, false) => text.push_str(&format!(
            "It may observe a target: {}.\n\n",
            targets.join(" or ")
        )),
    }
    if probe.takes_samples() {
        text.push_str("It takes samples, so `limits:` may stand beside it.\n\n");
    }
    // The plan's schema says which places take templates; the probe's own, which keys are its own.
    let whole = plan["$defs"]["Check"]["oneOf"]
        .as_array()
        .into_iter()
        .flatten();
    let whole = whole
        .clone()
        .find(|one| one["title"] == key)
        .unwrap_or(&Json::Null);
    let mut object = json!({ "required": own["required"], "properties": {} });
    for name in own["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
    {
        object["properties"][name] = whole["properties"][name].clone();
    }
    text.push_str("## What a plan may write\n\nBeside the [keys of every check](../plan.md).\n\n");
    text.push_str(&table(plan, &object));
    text.push_str("\n## What it observes\n\n");
    text.push_str(&observed(probe, plan, &own));
    text
}

/// The facts: in one table, or one for each thing that can be asked where they differ.
fn observed(probe: &dyn Syntax, plan: &Json, own: &Json) -> String {
    let key = probe.key();
    let property = &own["properties"][key];
    let mut asked: Vec<String> = texts(&property["examples"]);
    if asked.is_empty() {
        asked = constants(own, property);
    }
    if asked.is_empty() {
        asked = constants(plan, property);
    }
    if asked.is_empty() {
        asked.push(String::new());
    }
    let tables: Vec<String> = asked
        .iter()
        .map(|a| facts(&probe.shape(&json!({ key: a }))))
        .collect();
    if tables.iter().all(|table| *table == tables[0]) {
        return tables[0].clone();
    }
    let parts = asked
        .iter()
        .zip(&tables)
        .map(|(a, table)| format!("### `{key}: {a}`\n\n{table}"));
    parts.collect::<Vec<String>>().join("\n")
}

fn texts(list: &Json) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .map(str::to_owned)
        .collect()
}

fn facts(shape: &Shape) -> String {
    let mut text = "| name | type | meaning |\n|---|---|---|\n".to_owned();
    for (name, field) in &shape.fields {
        rows(&mut text, name, field);
    }
    text
}

fn rows(text: &mut String, name: &str, field: &Field) {
    let absent = if field.optional {
        ", may be absent"
    } else {
        ""
    };
    let row = format!(
        "| `{name}` | {}{absent} | {} |\n",
        cell(&type_in_words(&field.ty)),
        cell(&field.doc)
    );
    text.push_str(&row);
    let (inner, dot) = match &field.ty {
        Type::List(inner) => (&**inner, "[]."),
        other => (other, "."),
    };
    if let Type::Struct(fields) = inner {
        for (key, field) in fields {
            rows(text, &format!("{name}{dot}{key}"), field);
        }
    }
}

fn type_in_words(ty: &Type) -> String {
    match ty {
        Type::Dyn => "any value".to_owned(),
        Type::Null => "null".to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::Int => "int".to_owned(),
        Type::Double => "double".to_owned(),
        Type::Number => "int or double".to_owned(),
        Type::String => "string".to_owned(),
        Type::Bytes => "bytes".to_owned(),
        Type::Duration => "duration".to_owned(),
        Type::Timestamp => "timestamp".to_owned(),
        Type::List(inner) => format!("list of {}", type_in_words(inner)),
        Type::Map(inner) => format!("map to {}", type_in_words(inner)),
        Type::Headers => "map to string, names ignore case".to_owned(),
        Type::Struct(_) => "map".to_owned(),
    }
}
