//! `uses:` and `with:`: a template's check with its parameters put in, as a tree whose nodes still know their place.
//!
//! A parameter that is a whole text keeps its type; inside a longer text it is text; inside an expression it is the
//! literal, or the expression that its own `${ … }` holds. So a template is only a way of writing, gone once loaded.

use std::collections::{BTreeMap, BTreeSet};

use super::problems::Problems;
use super::source::{Sources, Span};
use super::tree::{Entry, Kind, Node, Resolved, Style, resolve};
use crate::diag::{Diagnostic, nearest};
use crate::expr::{TemplatePart, parse_template};

/// The keys of a check whose texts are expressions.
const EXPRESSIONS: [&str; 5] = ["expect", "warn", "when", "save", "for_each"];

/// One template of the plan.
pub(super) struct TemplateBody {
    /// Where its name stands.
    pub name_span: Span,
    /// Its check.
    pub node: Node,
    /// Whether a check used it.
    pub used: bool,
}

/// Puts a template in place of a check that uses one. Nothing where that failed, which has been said.
pub(super) fn expand(
    check: &Node,
    templates: &mut BTreeMap<String, TemplateBody>,
    sources: &Sources,
    problems: &mut Problems,
) -> Option<Node> {
    let uses = check.entry("uses")?;
    let name = uses.value.text().unwrap_or_default();
    let Some(template) = templates.get_mut(name) else {
        let mut problem = Diagnostic::error(
            "unknown-template",
            format!("no template is called `{name}`"),
        );
        let known: Vec<&str> = templates.keys().map(String::as_str).collect();
        if let Some(near) = nearest(name, known.iter().copied()) {
            problem = problem.help(format!("did you mean `{near}`?"));
        } else if !known.is_empty() {
            problem = problem.help(format!("there are: {}", known.join(", ")));
        }
        problems.at(sources, problem, uses.value.span);
        return None;
    };
    template.used = true;
    let body = &template.node;
    if let Some(inner) = body.entry("uses") {
        let problem =
            Diagnostic::error("template-in-template", "a template cannot use another one");
        problems.at(sources, problem, inner.key_span);
        return None;
    }
    let mut wanted = BTreeSet::new();
    for entry in body.entries().iter().filter(|e| &*e.key != "with") {
        parameters(&entry.key, &mut wanted);
        used_parameters(&entry.value, &mut wanted);
    }
    let mut given: BTreeMap<&str, &Node> = BTreeMap::new();
    for entry in body.get("with").into_iter().flat_map(Node::entries) {
        given.insert(&entry.key, &entry.value);
    }
    let before = problems.errors();
    for entry in check.get("with").into_iter().flat_map(Node::entries) {
        let known =
            given.insert(&entry.key, &entry.value).is_some() || wanted.contains(&*entry.key);
        if !known {
            let message = format!("the template `{name}` has no parameter `{}`", entry.key);
            let mut problem = Diagnostic::error("unknown-parameter", message);
            if let Some(near) = nearest(&entry.key, wanted.iter().map(String::as_str)) {
                problem = problem.help(format!("did you mean `{near}`?"));
            }
            problems.at(sources, problem, entry.key_span);
        }
    }
    for missing in wanted.iter().filter(|w| !given.contains_key(w.as_str())) {
        let message = format!("the template `{name}` wants the parameter `{missing}`");
        let problem = Diagnostic::error("missing-parameter", message)
            .help(format!("give it with `with: {{ {missing}: … }}`"));
        problems.at(sources, problem, uses.value.span);
    }
    if problems.errors() > before {
        return None;
    }
    let mut entries: Vec<Entry> = Vec::new();
    for entry in body.entries().iter().filter(|e| &*e.key != "with") {
        entries.push(filled_entry(
            entry,
            &given,
            EXPRESSIONS.contains(&&*entry.key),
        ));
    }
    for entry in check.entries() {
        if matches!(&*entry.key, "uses" | "with") {
            continue;
        }
        match entries.iter_mut().find(|e| e.key == entry.key) {
            Some(own) => *own = joined(own, entry),
            None => entries.push(entry.clone()),
        }
    }
    Some(Node {
        span: uses.key_span,
        style: Style::Indented,
        tag: None,
        kind: Kind::Map(entries),
    })
}

/// What a use says beside a template's own key: expectations and captures are added, so that a use never expects less;
/// everything else is replaced.
fn joined(own: &Entry, beside: &Entry) -> Entry {
    let both = match (&*own.key, &own.value.kind, &beside.value.kind) {
        ("expect" | "warn", Kind::Map(_), _) | ("expect" | "warn", _, Kind::Map(_)) => None,
        ("expect" | "warn", ..)
            if own.value.style != Style::Flow && beside.value.style != Style::Flow =>
        {
            let of = |node: &Node| match &node.kind {
                Kind::List(items) => items.clone(),
                _ => vec![node.clone()],
            };
            let mut items = of(&own.value);
            items.extend(of(&beside.value));
            Some(Kind::List(items))
        }
        ("save" | "limits", Kind::Map(own), Kind::Map(beside)) => {
            let mut entries: Vec<Entry> = own.clone();
            entries.retain(|e| beside.iter().all(|b| b.key != e.key));
            entries.extend(beside.iter().cloned());
            Some(Kind::Map(entries))
        }
        _ => None,
    };
    let Some(kind) = both else {
        return beside.clone();
    };
    Entry {
        value: Node {
            kind,
            style: Style::Indented,
            ..beside.value.clone()
        },
        ..beside.clone()
    }
}

fn filled_entry(entry: &Entry, given: &BTreeMap<&str, &Node>, expression: bool) -> Entry {
    let key = match text_filled(&entry.key, given) {
        Some(filled) => filled.into(),
        None => entry.key.clone(),
    };
    Entry {
        key,
        key_span: entry.key_span,
        value: filled(&entry.value, given, expression),
    }
}

fn filled(node: &Node, given: &BTreeMap<&str, &Node>, expression: bool) -> Node {
    let kind = match &node.kind {
        Kind::Scalar(text) if expression => match expression_filled(text, given) {
            Some(text) => Kind::Scalar(text.into()),
            None => return node.clone(),
        },
        Kind::Scalar(text) => {
            if let Some(argument) = whole_parameter(text).and_then(|name| given.get(name)) {
                return (*argument).clone();
            }
            match text_filled(text, given) {
                Some(text) => Kind::Scalar(text.into()),
                None => return node.clone(),
            }
        }
        Kind::List(items) => {
            Kind::List(items.iter().map(|i| filled(i, given, expression)).collect())
        }
        Kind::Map(entries) => Kind::Map(
            entries
                .iter()
                .map(|e| filled_entry(e, given, expression))
                .collect(),
        ),
    };
    // A number that became part of a text is text.
    let style = match kind {
        Kind::Scalar(_) => Style::Quoted,
        _ => node.style,
    };
    Node {
        kind,
        style,
        span: node.span,
        tag: node.tag.clone(),
    }
}

/// The parameter's name where a text is `${with.NAME}` and nothing else.
fn whole_parameter(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("${")?.strip_suffix('}')?.trim();
    let name = inner.strip_prefix("with.")?;
    name.bytes().all(is_name_byte).then_some(name)
}

/// A text with its `${with.NAME}` filled; nothing where none is in it.
fn text_filled(text: &str, given: &BTreeMap<&str, &Node>) -> Option<String> {
    if !super::decode::holds_parameter(text) {
        return None;
    }
    let template = parse_template(text).ok()?;
    let mut out = String::new();
    for part in template.parts() {
        match part {
            TemplatePart::Text(text) => out.push_str(&text.replace("${", "$${")),
            TemplatePart::Expr { expr, .. } => {
                let source = expr.source();
                let whole = source.trim().strip_prefix("with.");
                let argument = whole.and_then(|name| given.get(name));
                if let Some(text) = argument.and_then(|node| node.text()) {
                    out.push_str(text);
                } else {
                    let filled = expression_filled(source, given);
                    out.push_str("${");
                    out.push_str(filled.as_deref().unwrap_or(source));
                    out.push('}');
                }
            }
        }
    }
    Some(out)
}

/// An expression with its `with.NAME` replaced by literals; nothing where none is in it.
fn expression_filled(source: &str, given: &BTreeMap<&str, &Node>) -> Option<String> {
    let mut out = String::new();
    let mut at = 0;
    for (range, name) in parameter_places(source) {
        let Some(argument) = given.get(name) else {
            continue;
        };
        out.push_str(&source[at..range.start]);
        out.push_str(&literal(argument));
        at = range.end;
    }
    if at == 0 {
        return None;
    }
    out.push_str(&source[at..]);
    Some(out)
}

/// A parameter's value as an expression.
fn literal(node: &Node) -> String {
    match &node.kind {
        Kind::List(items) => {
            let items: Vec<String> = items.iter().map(literal).collect();
            format!("[{}]", items.join(", "))
        }
        Kind::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|e| format!("{}: {}", text_literal(&e.key), literal(&e.value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Kind::Scalar(text) => match resolve(node) {
            Some(Resolved::Null) => "null".to_owned(),
            Some(Resolved::Bool(truth)) => truth.to_string(),
            Some(Resolved::Int(n)) => n.to_string(),
            Some(Resolved::Float(n)) => format!("{n:?}"),
            _ => templated_literal(text),
        },
    }
}

fn templated_literal(text: &str) -> String {
    let Ok(template) = parse_template(text) else {
        return text_literal(text);
    };
    let parts: Vec<String> = template
        .parts()
        .iter()
        .map(|part| match part {
            TemplatePart::Text(text) => text_literal(text),
            TemplatePart::Expr { expr, .. } if template.is_whole() => {
                format!("({})", expr.source().trim())
            }
            TemplatePart::Expr { expr, .. } => format!("string({})", expr.source().trim()),
        })
        .collect();
    match parts.as_slice() {
        [] => "''".to_owned(),
        [only] => only.clone(),
        parts => format!("({})", parts.join(" + ")),
    }
}

fn text_literal(text: &str) -> String {
    if text.contains(['\'', '\\']) || text.chars().any(char::is_control) {
        return serde_json::Value::from(text).to_string();
    }
    format!("'{text}'")
}

/// The places of `with.NAME` in an expression, outside of its quoted texts.
fn parameter_places(source: &str) -> Vec<(std::ops::Range<usize>, &str)> {
    let bytes = source.as_bytes();
    let mut places = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'\'' | b'"') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            byte if is_name_byte(byte) => {
                let start = at;
                while at < bytes.len() && is_name_byte(bytes[at]) {
                    at += 1;
                }
                let selected = start > 0 && bytes[start - 1] == b'.';
                if &source[start..at] == "with" && !selected && bytes.get(at) == Some(&b'.') {
                    let name = at + 1;
                    at = name;
                    while at < bytes.len() && is_name_byte(bytes[at]) {
                        at += 1;
                    }
                    if at > name {
                        places.push((start..at, &source[name..at]));
                    }
                }
            }
            _ => at += 1,
        }
    }
    places
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn parameters(text: &str, out: &mut BTreeSet<String>) {
    if text.contains("with.") {
        out.extend(
            parameter_places(&unescaped(text))
                .iter()
                .map(|(_, name)| (*name).to_owned()),
        );
    }
}

/// A text in which quotes outside of `${ … }` do not hide what stands between them.
fn unescaped(text: &str) -> String {
    match parse_template(text) {
        Ok(template) if template.exprs().next().is_some() => {
            let sources: Vec<&str> = template.exprs().map(crate::expr::Expr::source).collect();
            sources.join(" , ")
        }
        _ => text.to_owned(),
    }
}

fn used_parameters(node: &Node, out: &mut BTreeSet<String>) {
    match &node.kind {
        Kind::Scalar(text) => parameters(text, out),
        Kind::List(items) => items.iter().for_each(|i| used_parameters(i, out)),
        Kind::Map(entries) => {
            for entry in entries {
                parameters(&entry.key, out);
                used_parameters(&entry.value, out);
            }
        }
    }
}
