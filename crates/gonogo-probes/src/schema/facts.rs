//! A schema as facts that expressions can speak of.

use std::collections::BTreeMap;

use gonogo_core::schema_model::{Column, Function, Index, Model, Table, Trigger, View};
use gonogo_core::{Map, Value};
use sha2::Digest as _;

/// A map of named fields.
pub(super) fn named<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Map(
        fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

/// A list of texts.
pub(super) fn texts<'a>(texts: impl IntoIterator<Item = &'a String>) -> Value {
    Value::List(texts.into_iter().map(|t| t.as_str().into()).collect())
}

fn optional(text: Option<&String>) -> Value {
    text.map_or(Value::Null, |text| text.as_str().into())
}

/// A map from names to what they stand for.
pub(super) fn mapped<T>(of: &BTreeMap<String, T>, each: impl Fn(&T) -> Value) -> Value {
    let fields = of.iter().map(|(name, it)| (name.clone(), each(it)));
    Value::Map(fields.collect::<Map>())
}

/// A list whose items have their `name`.
fn listed<T>(of: &BTreeMap<String, T>, each: impl Fn(&T) -> Value) -> Value {
    let items = of.iter().map(|(name, it)| {
        let mut item = each(it);
        if let Value::Map(map) = &mut item {
            map.insert("name".to_owned(), name.as_str().into());
        }
        item
    });
    Value::List(items.collect())
}

fn column(column: &Column) -> Value {
    named([
        ("type", column.ty.as_str().into()),
        ("nullable", column.nullable.into()),
        ("default", optional(column.default.as_ref())),
        ("generated", optional(column.generated.as_ref())),
        ("position", i64::from(column.position).into()),
    ])
}

fn index(index: &Index) -> Value {
    named([
        ("columns", texts(&index.columns)),
        ("unique", index.unique.into()),
        ("partial", index.predicate.is_some().into()),
        ("predicate", optional(index.predicate.as_ref())),
        ("valid", index.valid.into()),
        ("method", index.method.as_str().into()),
        ("constraint", index.constraint.into()),
    ])
}

fn trigger(trigger: &Trigger) -> Value {
    named([
        ("timing", trigger.timing.as_str().into()),
        ("events", texts(&trigger.events)),
        ("function", trigger.function.as_str().into()),
        ("enabled", trigger.enabled.into()),
    ])
}

/// A table.
pub(super) fn table(table: &Table) -> Value {
    let primary = table.primary_key.as_ref();
    named([
        ("kind", table.kind.as_str().into()),
        ("columns", mapped(&table.columns, column)),
        (
            "primary_key",
            primary.map_or_else(|| Value::List(Vec::new()), |key| texts(&key.columns)),
        ),
        (
            "foreign_keys",
            listed(&table.foreign_keys, |key| {
                named([
                    ("columns", texts(&key.columns)),
                    ("table", key.table.as_str().into()),
                    ("references", texts(&key.references)),
                    ("on_delete", key.on_delete.as_str().into()),
                    ("on_update", key.on_update.as_str().into()),
                    ("validated", key.validated.into()),
                ])
            }),
        ),
        (
            "unique",
            listed(&table.unique, |key| {
                named([("columns", texts(&key.columns))])
            }),
        ),
        (
            "checks",
            listed(&table.checks, |check| {
                named([
                    ("expression", check.expression.as_str().into()),
                    ("validated", check.validated.into()),
                ])
            }),
        ),
        (
            "exclusions",
            listed(&table.exclusions, |definition| {
                named([("definition", definition.as_str().into())])
            }),
        ),
        ("indexes", listed(&table.indexes, index)),
        ("triggers", listed(&table.triggers, trigger)),
        ("rls", table.rls.into()),
        (
            "policies",
            listed(&table.policies, |definition| {
                named([("definition", definition.as_str().into())])
            }),
        ),
    ])
}

/// A view.
pub(super) fn view(view: &View) -> Value {
    named([
        ("kind", view.kind.as_str().into()),
        ("columns", mapped(&view.columns, column)),
        ("definition", view.definition.as_str().into()),
    ])
}

/// A function; of its text the hash.
pub(super) fn function(function: &Function) -> Value {
    let digest = sha2::Sha256::digest(function.definition.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    named([
        ("kind", function.kind.as_str().into()),
        ("returns", function.returns.as_str().into()),
        ("language", function.language.as_str().into()),
        ("sha256", hex.into()),
    ])
}

/// The enumerations; those that are no types of their own, as with MySQL, by their column.
pub(super) fn enums(model: &Model) -> BTreeMap<String, Vec<String>> {
    let mut enums = model.enums.clone();
    for (of, table) in &model.tables {
        for (name, column) in &table.columns {
            let inner = column
                .ty
                .strip_prefix("enum(")
                .and_then(|rest| rest.strip_suffix(')'));
            if let Some(inner) = inner.filter(|inner| inner.starts_with('\'')) {
                enums.insert(format!("{of}.{name}"), literals(inner));
            }
        }
    }
    enums
}

/// `'a','it''s'`.
fn literals(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut chars = text.chars().peekable();
    while chars.next().is_some_and(|c| c == '\'') {
        let mut value = String::new();
        while let Some(c) = chars.next() {
            // A quote in it is written twice.
            if c == '\'' && chars.next_if_eq(&'\'').is_none() {
                break;
            }
            value.push(c);
        }
        all.push(value);
        chars.next_if_eq(&',');
    }
    all
}
