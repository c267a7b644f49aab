//! Scalars: what a place wants, and what stands there.

use serde_json::{Map, Value as Json};

use super::{Decoder, format};
use crate::diag::{Diagnostic, nearest};
use crate::plan::repair;
use crate::plan::tree::{Kind, Node, Resolved, Style, resolve};

impl<'a> Decoder<'a> {
    /// A place that wants one scalar of a type.
    pub(super) fn scalar(&mut self, node: &Node, schema: &'a Json, name: &str) -> Option<Json> {
        if schema["format"] == "cel" {
            return self.expression(node, name);
        }
        let Some(meaning) = resolve(node) else {
            self.wrong(node, schema, name);
            return None;
        };
        if let Some(values) = schema["enum"].as_array() {
            return self.constant_of(node, values, name);
        }
        if let Some(value) = schema.get("const") {
            return self.constant_of(node, std::slice::from_ref(value), name);
        }
        match schema["type"].as_str() {
            Some("boolean") => self.truth(node, &meaning, name),
            Some("integer" | "number") => self.number(node, &meaning, schema, name),
            _ => self.text(node, &meaning, schema, name),
        }
    }

    fn truth(&mut self, node: &Node, meaning: &Resolved, name: &str) -> Option<Json> {
        if let Resolved::Bool(truth) = meaning {
            return Some((*truth).into());
        }
        let meant = old_truth(node.text().unwrap_or_default());
        let message = format!(
            "`{name}` wants `true` or `false`, and here stands {}",
            node.called()
        );
        let mut problem = Diagnostic::error("wrong-type", message);
        if let Some(meant) = meant {
            problem = problem.help(format!("write {meant}"));
        }
        self.say(problem, node.span);
        None
    }

    fn number(
        &mut self,
        node: &Node,
        meaning: &Resolved,
        schema: &'a Json,
        name: &str,
    ) -> Option<Json> {
        let whole = schema["type"] == "integer";
        let number: Json = match meaning {
            Resolved::Int(n) => (*n).into(),
            Resolved::Uint(n) => (*n).into(),
            Resolved::Float(n) if !whole => (*n).into(),
            Resolved::NotFinite | Resolved::LeadingZero | Resolved::Huge => {
                self.odd_number(node, meaning);
                return None;
            }
            _ => {
                self.wrong(node, schema, name);
                return None;
            }
        };
        let value = number.as_f64().unwrap_or(f64::NAN);
        let beyond = |keyword: &str| schema[keyword].as_f64();
        let bad = match (
            beyond("minimum"),
            beyond("maximum"),
            beyond("exclusiveMinimum"),
        ) {
            (Some(least), _, _) if value < least => Some(format!("at least {least}")),
            (_, Some(most), _) if value > most => Some(format!("at most {most}")),
            (_, _, Some(least)) if value <= least => Some(format!("more than {least}")),
            _ => None,
        };
        if let Some(bad) = bad {
            let message = format!("`{name}` is {bad}, and here stands {value}");
            self.say(Diagnostic::error("out-of-range", message), node.span);
            return None;
        }
        Some(number)
    }

    fn odd_number(&mut self, node: &Node, meaning: &Resolved) {
        let text = node.text().unwrap_or_default();
        let (message, help) = match meaning {
            Resolved::NotFinite => (
                format!("`{text}` is no number that anything can be compared with"),
                "write a finite number, or quotes for the text".to_owned(),
            ),
            Resolved::LeadingZero => (
                format!("`{text}` is octal to some and decimal to others"),
                format!(
                    "write {} for the number, or '{text}' for the text",
                    text.trim_start_matches(['0', '+'])
                ),
            ),
            _ => (
                "the number does not fit 64 bits".to_owned(),
                "put it in quotes if it is a text".to_owned(),
            ),
        };
        self.say(
            Diagnostic::error("bad-number", message).help(help),
            node.span,
        );
    }

    /// Text: every scalar as it is written.
    fn text(
        &mut self,
        node: &Node,
        meaning: &Resolved,
        schema: &'a Json,
        name: &str,
    ) -> Option<Json> {
        let text = node.text().unwrap_or_default();
        if *meaning == Resolved::Null {
            self.wrong(node, schema, name);
            return None;
        }
        if let Some(format) = schema["format"].as_str()
            && let Some(message) = format::problem(format, text)
        {
            self.say(Diagnostic::error("bad-value", message), node.span);
            return None;
        }
        let length = text.chars().count() as u64;
        if schema["minLength"]
            .as_u64()
            .is_some_and(|least| length < least)
        {
            let message = match length {
                0 => format!("`{name}` is an empty text"),
                _ => format!("`{name}` is too short"),
            };
            self.say(Diagnostic::error("bad-value", message), node.span);
            return None;
        }
        if schema["maxLength"]
            .as_u64()
            .is_some_and(|most| length > most)
        {
            let message = format!("`{name}` is too long");
            self.say(Diagnostic::error("bad-value", message), node.span);
            return None;
        }
        if let Some(pattern) = schema["pattern"].as_str()
            && regex::Regex::new(pattern).is_ok_and(|re| !re.is_match(text))
        {
            let wanted = self.described(schema);
            self.wrong_for(node, &wanted, name);
            return None;
        }
        Some(text.into())
    }

    /// A place that wants an expression: what YAML did to it is undone in the help.
    fn expression(&mut self, node: &Node, name: &str) -> Option<Json> {
        let why = match &node.kind {
            Kind::Scalar(text) if !node.is_null() => return Some((**text).into()),
            Kind::Scalar(_) => {
                let message = format!("`{name}` has no expression");
                let problem = Diagnostic::error("yaml-expression", message)
                    .help("write one, such as `status == 200`, or leave the key out");
                self.say(problem, node.span);
                return None;
            }
            Kind::Map(_) => "YAML reads a mapping here, because of the `:` in the expression",
            Kind::List(_) => "YAML reads a list here, where one expression is due",
        };
        let repaired = repair::of_expression(self.sources, node);
        let problem = Diagnostic::error("yaml-expression", why);
        self.say(problem.help(format!("write it so:\n{repaired}")), node.span);
        None
    }

    /// One of several constants, each with its own schema.
    pub(super) fn constant(&mut self, node: &Node, of: &[&'a Json], name: &str) -> Option<Json> {
        let values: Vec<Json> = of.iter().map(|one| one["const"].clone()).collect();
        self.constant_of(node, &values, name)
    }

    fn constant_of(&mut self, node: &Node, values: &[Json], name: &str) -> Option<Json> {
        let text = node.text().unwrap_or_default();
        let meaning = resolve(node);
        let found = values.iter().find(|value| match (value, &meaning) {
            (Json::String(known), Some(_)) => known == text,
            (Json::Number(known), Some(Resolved::Int(n))) => known.as_i64() == Some(*n),
            (Json::Bool(known), Some(Resolved::Bool(b))) => known == b,
            _ => false,
        });
        if let Some(found) = found {
            return Some(found.clone());
        }
        let known: Vec<String> = values
            .iter()
            .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
            .collect();
        let list: Vec<String> = known.iter().map(|k| format!("`{k}`")).collect();
        let wanted = match list.as_slice() {
            [only] => only.clone(),
            list => format!("one of {}", list.join(", ")),
        };
        let message = if node.is_null() {
            format!("`{name}` has no value; it wants {wanted}")
        } else {
            format!("`{name}` wants {wanted}, and here stands {}", node.called())
        };
        let mut problem = Diagnostic::error("unknown-value", message);
        let lower = text.to_lowercase();
        if let Some(near) = nearest(&lower, known.iter().map(String::as_str)) {
            problem = problem.help(format!("did you mean `{near}`?"));
        }
        self.say(problem, node.span);
        None
    }

    /// A place that takes whatever JSON has.
    pub(super) fn any(&mut self, node: &Node) -> Option<Json> {
        if let Some(tag) = &node.tag
            && !tag.starts_with("!!")
        {
            let problem =
                Diagnostic::error("unknown-tag", format!("plans have no tags such as `{tag}`"))
                    .help("put a text that begins with `!` in quotes");
            self.say(problem, node.span);
            return None;
        }
        match &node.kind {
            Kind::Scalar(text) => self.any_scalar(node, text),
            Kind::List(items) => {
                let all: Vec<Option<Json>> = items.iter().map(|item| self.any(item)).collect();
                all.into_iter().collect::<Option<Vec<_>>>().map(Json::Array)
            }
            Kind::Map(entries) => {
                let mut all = Map::new();
                let mut whole = true;
                for entry in entries {
                    match self.any(&entry.value) {
                        Some(value) => {
                            all.insert(entry.key.to_string(), value);
                        }
                        None => whole = false,
                    }
                }
                whole.then_some(Json::Object(all))
            }
        }
    }

    fn any_scalar(&mut self, node: &Node, text: &str) -> Option<Json> {
        let meaning = resolve(node)?;
        Some(match meaning {
            Resolved::Null => Json::Null,
            Resolved::Bool(truth) => truth.into(),
            Resolved::Int(n) => n.into(),
            Resolved::Uint(n) => n.into(),
            Resolved::Float(n) => n.into(),
            Resolved::Text => {
                if node.style == Style::Plain
                    && let Some(meant) = old_truth(text)
                {
                    let problem = Diagnostic::warning(
                        "old-truth-value",
                        format!("`{text}` is a text here, not a truth value"),
                    );
                    let help = format!("write {meant}, or '{text}' for the text");
                    self.say(problem.help(help), node.span);
                }
                text.into()
            }
            Resolved::NotFinite | Resolved::LeadingZero | Resolved::Huge => {
                self.odd_number(node, &meaning);
                return None;
            }
        })
    }

    /// What a schema wants, for a person.
    pub(in crate::plan) fn described(&self, schema: &Json) -> String {
        let schema = match schema["$ref"].as_str() {
            Some(target) => self
                .root
                .pointer(target.trim_start_matches('#'))
                .unwrap_or(&Json::Null),
            None => schema,
        };
        if let Some(known) = schema["format"].as_str().and_then(format::described) {
            return known.to_owned();
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(of) = schema[keyword].as_array() {
                let all: Vec<String> = of
                    .iter()
                    .filter(|one| one["format"] != "template")
                    .map(|one| self.described(one))
                    .collect();
                return all.join(" or ");
            }
        }
        if let Some(value) = schema.get("const") {
            let shown = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            return format!("`{shown}`");
        }
        let example = schema["examples"][0]
            .as_str()
            .map(|e| format!(" such as `{e}`"))
            .unwrap_or_default();
        let kind = match schema["type"].as_str() {
            Some("object") => "a mapping",
            Some("array") => "a list",
            Some("boolean") => "`true` or `false`",
            Some("integer") => "a whole number",
            Some("number") => "a number",
            Some("string") => "a text",
            _ => "a value",
        };
        format!("{kind}{example}")
    }
}

/// What YAML 1.1 took for a truth value, and 1.2 does not.
fn old_truth(text: &str) -> Option<&'static str> {
    match text {
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => Some("true"),
        "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => Some("false"),
        _ => None,
    }
}
