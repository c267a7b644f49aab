//! What is recorded of a search for secrets. Never a secret: its place, its rule and a fingerprint.

use gonogo_core::record::{Absence, Cut, Shown, TargetSeen};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::shapes::Finding;
use gonogo_core::{Map, Value};

use super::tree::Scanned;
use crate::probe::Seen;

/// The facts of a search.
pub(super) fn shape() -> Shape {
    let field = |ty: Type, doc: &str| Field {
        ty,
        doc: doc.to_owned(),
        optional: false,
    };
    let list = || Type::List(Box::new(Type::Dyn));
    let fields = [
        (
            "findings",
            list(),
            "what has the shape of a secret: rule, path, line, column, fingerprint, excerpt (masked), decoded_via, where",
        ),
        (
            "allowed",
            list(),
            "findings that the plan allows, each with its reason",
        ),
        (
            "scanned",
            Type::Int,
            "how many files and objects were looked at",
        ),
        ("bytes", Type::Int, "how many bytes that were"),
        (
            "commits",
            Type::Int,
            "how many commits were looked at; 0 without `history`",
        ),
    ];
    Shape {
        fields: fields
            .into_iter()
            .map(|(n, t, d)| (n.to_owned(), field(t, d)))
            .collect(),
    }
}

/// Facts and a table of what was found.
pub(super) fn seen(scanned: &Scanned, target: Option<TargetSeen>) -> Seen {
    let (allowed, findings): (Vec<_>, Vec<_>) = scanned
        .findings
        .iter()
        .partition(|(finding, _)| finding.allowed.is_some());
    let listed = |found: &[&(Finding, &'static str)]| -> Value {
        Value::List(found.iter().map(|(f, place)| value(f, place)).collect())
    };
    let facts = Map::from([
        ("findings".to_owned(), listed(&findings)),
        ("allowed".to_owned(), listed(&allowed)),
        ("scanned".to_owned(), scanned.count.into()),
        ("bytes".to_owned(), scanned.bytes.into()),
        ("commits".to_owned(), scanned.commits.into()),
    ]);
    let absent = if scanned.count == 0 {
        ["scanned", "findings"]
            .map(|fact| Absence {
                fact: fact.to_owned(),
                why: "there was no file to look at".to_owned(),
            })
            .to_vec()
    } else {
        Vec::new()
    };
    let cut = scanned
        .left_out
        .iter()
        .map(|why| Cut {
            fact: "findings".to_owned(),
            why: why.clone(),
        })
        .collect();
    let shown = if findings.is_empty() {
        Vec::new()
    } else {
        vec![table(&findings)]
    };
    Seen {
        facts,
        target,
        absent,
        cut,
        shown,
        ..Seen::default()
    }
}

fn value(finding: &Finding, place: &str) -> Value {
    let layers = finding
        .decoded_via
        .iter()
        .map(|layer| Value::String(format!("{layer:?}").to_lowercase()));
    let mut map = Map::from([
        ("rule".to_owned(), finding.rule.as_str().into()),
        ("line".to_owned(), finding.line.into()),
        ("column".to_owned(), finding.column.into()),
        (
            "fingerprint".to_owned(),
            finding.fingerprint.as_str().into(),
        ),
        ("excerpt".to_owned(), finding.excerpt.as_str().into()),
        ("decoded_via".to_owned(), Value::List(layers.collect())),
        ("where".to_owned(), place.into()),
    ]);
    if let Some(path) = &finding.path {
        map.insert("path".to_owned(), path.as_str().into());
    }
    if let Some(reason) = &finding.allowed {
        map.insert("reason".to_owned(), reason.as_str().into());
    }
    Value::Map(map)
}

fn table(findings: &[&(Finding, &'static str)]) -> Shown {
    const MOST: usize = 100;
    Shown::Table {
        title: "What has the shape of a secret".to_owned(),
        head: ["rule", "place", "looks like", "in"]
            .map(str::to_owned)
            .to_vec(),
        rows: findings
            .iter()
            .take(MOST)
            .map(|(f, place)| {
                let path = f.path.as_deref().unwrap_or("");
                vec![
                    f.rule.clone(),
                    format!("{path}:{}", f.line),
                    f.excerpt.clone(),
                    (*place).to_owned(),
                ]
            })
            .collect(),
    }
}
