//! From a tree to JSON that fits the schema, or every reason why not.
//!
//! The schema decides what a scalar means: in a place that wants text, every scalar is the text as written (so `1.10`
//! stays a version and `no` a country), and a truth value is `true` or `false` and nothing else.

mod format;
pub(super) use format::{percent, rate};
mod one;

use serde_json::{Map, Value as Json};

use super::problems::Problems;
use super::repair;
use super::schema::{KEY, ONE_OR_MANY, SHORTHAND, TEMPLATE_FORMAT};
use super::source::{Sources, Span};
use super::tree::{Entry, Kind, Node, Style};
use crate::diag::{Diagnostic, nearest};

/// Decodes nodes by one schema.
pub(super) struct Decoder<'a> {
    /// The whole schema, for references.
    pub root: &'a Json,
    /// The texts, for excerpts.
    pub sources: &'a Sources,
    /// Where problems go.
    pub problems: &'a mut Problems,
    /// Inside a template that nothing uses: whatever holds a parameter may be anything.
    pub lenient: bool,
    /// Every `${ … }` has been filled: what looks like one is a text.
    pub filled: bool,
}

/// References are followed this often: a schema that refers in a circle decodes nothing.
const MOST_REFS: usize = 16;

impl<'a> Decoder<'a> {
    /// A named definition of the schema.
    pub(super) fn definition(&self, name: &str) -> &'a Json {
        &self.root["$defs"][name]
    }

    /// Decodes a node; nothing where something was wrong, which has been said. `name` is the key it stands under.
    pub(super) fn value(&mut self, node: &Node, schema: &'a Json, name: &str) -> Option<Json> {
        let schema = self.resolved(schema);
        if let Some(tag) = &node.tag
            && !tag.starts_with("!!")
        {
            self.tag(node, tag, schema);
            return None;
        }
        if self.lenient && node.text().is_some_and(holds_parameter) {
            return node.text().map(Json::from);
        }
        if let Some(key) = schema[SHORTHAND].as_str()
            && !matches!(node.kind, Kind::Map(_))
            && !node.is_null()
        {
            let inner = self.value(node, &schema["properties"][key], name)?;
            let whole: Map<String, Json> = std::iter::once((key.to_owned(), inner)).collect();
            return Some(Json::Object(whole));
        }
        if schema[ONE_OR_MANY] == Json::Bool(true) {
            return self.one_or_many(node, schema, name);
        }
        for keyword in ["oneOf", "anyOf"] {
            let Some(of) = schema[keyword].as_array() else {
                continue;
            };
            if of.iter().any(|one| one.get(KEY).is_some()) {
                return self.by_key(node, of);
            }
            return self.one_of(node, of, name);
        }
        match schema["type"].as_str() {
            Some("object") => self.object(node, schema, name, &[]),
            Some("array") => self.array(node, schema, name),
            Some(_) => self.scalar(node, schema, name),
            None if schema.get("enum").is_some() || schema.get("const").is_some() => {
                self.scalar(node, schema, name)
            }
            None => self.any(node),
        }
    }

    /// Reports at a node.
    pub(super) fn say(&mut self, diagnostic: Diagnostic, at: Span) {
        self.problems.at(self.sources, diagnostic, at);
    }

    fn resolved(&self, mut schema: &'a Json) -> &'a Json {
        for _ in 0..MOST_REFS {
            let Some(target) = schema["$ref"].as_str() else {
                return schema;
            };
            let pointer = target.strip_prefix('#').unwrap_or(target);
            schema = self.root.pointer(pointer).unwrap_or(&Json::Null);
        }
        schema
    }

    /// A mapping with known keys. The keys of `slots` are left to the caller: they are given as they stand there.
    pub(super) fn object(
        &mut self,
        node: &Node,
        schema: &'a Json,
        name: &str,
        slots: &[(&str, Json)],
    ) -> Option<Json> {
        let schema = self.resolved(schema);
        let Kind::Map(entries) = &node.kind else {
            self.wrong(node, schema, name);
            return None;
        };
        let before = self.problems.errors();
        let mut out = Map::new();
        for entry in entries {
            if let Some((_, slot)) = slots.iter().find(|(key, _)| *key == &*entry.key) {
                out.insert(entry.key.to_string(), slot.clone());
                continue;
            }
            let Some(inner) = property(schema, &entry.key) else {
                self.unknown_key(&entry.key, entry.key_span, schema, &[]);
                continue;
            };
            if let Some(value) = self.value(&entry.value, inner, &entry.key) {
                out.insert(entry.key.to_string(), value);
            }
        }
        for key in schema["required"].as_array().into_iter().flatten() {
            let key = key.as_str().unwrap_or_default();
            if node.get(key).is_none() {
                let inner = &schema["properties"][key];
                let mut problem =
                    Diagnostic::error("missing-key", format!("the key `{key}` is missing"));
                if let Some(about) = inner["description"].as_str() {
                    problem = problem.help(format!("`{key}`: {}", first_sentence(about)));
                }
                self.say(problem, head(node));
            }
        }
        let least = schema["minProperties"].as_u64().unwrap_or(0);
        if (entries.len() as u64) < least {
            let problem = Diagnostic::error("empty", format!("`{name}` is empty"));
            self.say(problem, node.span);
        }
        (self.problems.errors() == before).then_some(Json::Object(out))
    }

    fn unknown_key(&mut self, key: &str, at: Span, schema: &Json, siblings: &[Json]) {
        if self.problems.is_full() {
            self.say(Diagnostic::error("unknown-key", ""), at);
            return;
        }
        let known: Vec<&str> = keys(&schema["properties"]).collect();
        let help = if let Some(near) =
            nearest(key, known.iter().copied()).or_else(|| elsewhere_called(key, &known))
        {
            format!("did you mean `{near}`?")
        } else {
            let owner = siblings
                .iter()
                .find(|s| s[KEY] != schema[KEY] && s["properties"].get(key).is_some());
            match owner.and_then(|o| o[KEY].as_str()) {
                Some(owner) => format!("`{key}` is a key of `{owner}:`"),
                None => format!("known keys: {}", known.join(", ")),
            }
        };
        let of = schema[KEY]
            .as_str()
            .map(|k| format!(" beside `{k}:`"))
            .unwrap_or_default();
        let problem = Diagnostic::error("unknown-key", format!("unknown key `{key}`{of}"));
        self.say(problem.help(help), at);
    }

    /// A mapping whose kind one of its keys tells: a check by its probe, a target by its kind.
    fn by_key(&mut self, node: &Node, of: &'a [Json]) -> Option<Json> {
        let names: Vec<&str> = of.iter().filter_map(|one| one[KEY].as_str()).collect();
        let Kind::Map(_) = &node.kind else {
            let problem = Diagnostic::error(
                "wrong-type",
                format!("here stands {}, where a mapping is due", node.called()),
            );
            let help = format!("its key is one of: {}", names.join(", "));
            self.say(problem.help(help), node.span);
            return None;
        };
        let has = |one: &&Json| one[KEY].as_str().is_some_and(|k| node.get(k).is_some());
        let present: Vec<&'a Json> = of.iter().filter(has).collect();
        // One probe's option may be called like another probe: `files:` beside `exec:`, say.
        let fits = |one: &&&Json| {
            let others = present.iter().filter(|p| p[KEY] != one[KEY]);
            let mut keys = others.filter_map(|p| p[KEY].as_str());
            keys.all(|key| one["properties"].get(key).is_some())
        };
        match present.iter().find(fits) {
            Some(one) => self.alternative(node, one, of),
            None if present.is_empty() => {
                self.nothing_asked(node, of, &names);
                None
            }
            None => {
                let both: Vec<String> = present
                    .iter()
                    .filter_map(|p| p[KEY].as_str())
                    .map(|k| format!("`{k}`"))
                    .collect();
                let message = format!("{} ask two things at once", both.join(" and "));
                let problem = Diagnostic::error("two-probes", message)
                    .help("make two of it: each asks one thing");
                self.say(problem, head(node));
                None
            }
        }
    }

    /// Says that no key tells what is asked, and which one was probably meant to.
    fn nothing_asked(&mut self, node: &Node, of: &[Json], names: &[&str]) {
        let known = |key: &str| of.iter().any(|one| one["properties"].get(key).is_some());
        let strange: Vec<&Entry> = node.entries().iter().filter(|e| !known(&e.key)).collect();
        let near = strange
            .iter()
            .find_map(|e| Some((*e, nearest(&e.key, names.iter().copied())?)));
        let all = format!("one of these keys says what: {}", names.join(", "));
        let (entry, help) = match near {
            Some((entry, near)) => (Some(entry), format!("did you mean `{near}:`?")),
            None => (strange.first().copied(), all),
        };
        let (problem, at) = match entry {
            Some(entry) => (
                Diagnostic::error("unknown-key", format!("unknown key `{}`", entry.key)),
                entry.key_span,
            ),
            None => (
                Diagnostic::error("nothing-asked", "nothing is asked here"),
                head(node),
            ),
        };
        self.say(problem.help(help), at);
    }

    /// As `object`, but an unknown key may be known to a sibling.
    fn alternative(&mut self, node: &Node, one: &'a Json, of: &'a [Json]) -> Option<Json> {
        let unknown: Vec<(&str, Span)> = node
            .entries()
            .iter()
            .filter(|e| property(one, &e.key).is_none())
            .map(|e| (&*e.key, e.key_span))
            .collect();
        for (key, at) in &unknown {
            self.unknown_key(key, *at, one, of);
        }
        let slots: Vec<(&str, Json)> = unknown.iter().map(|(key, _)| (*key, Json::Null)).collect();
        let name = one[KEY].as_str().unwrap_or_default();
        let decoded = self.object(node, one, name, &slots);
        decoded.filter(|_| unknown.is_empty())
    }

    fn array(&mut self, node: &Node, schema: &'a Json, name: &str) -> Option<Json> {
        let Kind::List(items) = &node.kind else {
            self.wrong(node, schema, name);
            return None;
        };
        let before = self.problems.errors();
        let inner = schema.get("items").unwrap_or(&Json::Bool(true));
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            out.extend(self.value(item, inner, name));
        }
        let (least, most) = (schema["minItems"].as_u64(), schema["maxItems"].as_u64());
        let count = items.len() as u64;
        if least.is_some_and(|least| count < least) {
            let message = match count {
                0 => format!("`{name}` is empty"),
                _ => format!(
                    "`{name}` has {count} items and needs {}",
                    least.unwrap_or(0)
                ),
            };
            self.say(Diagnostic::error("empty", message), node.span);
        }
        if most.is_some_and(|most| count > most) {
            let message = format!(
                "`{name}` has {count} items; at most {} may be",
                most.unwrap_or(0)
            );
            self.say(Diagnostic::error("too-many", message), node.span);
        }
        (self.problems.errors() == before).then_some(Json::Array(out))
    }

    /// One thing or a list of such things: always a list.
    fn one_or_many(&mut self, node: &Node, schema: &'a Json, name: &str) -> Option<Json> {
        let of = &schema["anyOf"];
        if !matches!(node.kind, Kind::List(_)) {
            return self
                .value(node, &of[0], name)
                .map(|one| Json::Array(vec![one]));
        }
        if of[0]["format"] == "cel" && node.style == Style::Flow {
            let problem = Diagnostic::error(
                "yaml-expression",
                "expressions stand one per line: in a list in brackets YAML takes their commas and braces for its own",
            );
            let help = format!(
                "write it so:\n{}",
                repair::of_expression(self.sources, node)
            );
            self.say(problem.help(help), node.span);
            return None;
        }
        self.array(node, &of[1], name)
    }

    /// Alternatives without a telling key: the first that fits, else the one that was nearest to being meant.
    fn one_of(&mut self, node: &Node, of: &'a [Json], name: &str) -> Option<Json> {
        let templated = !self.filled && node.text().is_some_and(|t| t.contains("${"));
        let of: Vec<&'a Json> = of
            .iter()
            .filter(|one| templated || one["format"] != TEMPLATE_FORMAT)
            .collect();
        if let [only] = of.as_slice() {
            return self.value(node, only, name);
        }
        if of.iter().all(|one| one.get("const").is_some()) {
            return self.constant(node, &of, name);
        }
        for one in &of {
            let mut trial = Problems::default();
            std::mem::swap(self.problems, &mut trial);
            let value = self.value(node, one, name);
            std::mem::swap(self.problems, &mut trial);
            if let Some(value) = value.filter(|_| trial.errors() == 0) {
                // Once more for its warnings.
                let _again = self.value(node, one, name);
                return Some(value);
            }
        }
        let likely = |one: &&&Json| {
            let ty = self.resolved(one)["type"].as_str();
            match node.kind {
                Kind::List(_) => ty == Some("array"),
                Kind::Map(_) => ty == Some("object"),
                Kind::Scalar(_) => !matches!(ty, Some("array" | "object")),
            }
        };
        let mut near = of.iter().filter(likely);
        if let (Some(one), None) = (near.next(), near.next()) {
            self.value(node, one, name)
        } else {
            let wanted: Vec<String> = of.iter().map(|one| self.described(one)).collect();
            self.wrong_for(node, &wanted.join(" or "), name);
            None
        }
    }

    fn tag(&mut self, node: &Node, tag: &str, schema: &Json) {
        let expression = schema["format"] == "cel" || schema["anyOf"][0]["format"] == "cel";
        let shorthand = schema[SHORTHAND].as_str();
        let expression =
            expression || shorthand.is_some_and(|key| schema["properties"][key]["format"] == "cel");
        let problem = if expression {
            let repaired = repair::of_expression(self.sources, node);
            Diagnostic::error(
                "yaml-expression",
                format!("YAML reads `{tag}` as a tag, not as the beginning of an expression"),
            )
            .help(format!("write it so:\n{repaired}"))
        } else {
            Diagnostic::error("unknown-tag", format!("plans have no tags such as `{tag}`"))
                .help("put a text that begins with `!` in quotes")
        };
        self.say(problem, node.span);
    }

    /// Says that a node is of another kind than is due.
    fn wrong(&mut self, node: &Node, schema: &Json, name: &str) {
        let wanted = self.described(schema);
        self.wrong_for(node, &wanted, name);
    }

    fn wrong_for(&mut self, node: &Node, wanted: &str, name: &str) {
        let problem = if node.is_null() {
            Diagnostic::error(
                "missing-value",
                format!("`{name}` has no value; it wants {wanted}"),
            )
            .help("give it a value, or leave the key out")
        } else {
            let message = format!("`{name}` wants {wanted}, and here stands {}", node.called());
            Diagnostic::error("wrong-type", message)
        };
        self.say(problem, node.span);
    }
}

/// Whether a text uses a template's parameter.
pub(super) fn holds_parameter(text: &str) -> bool {
    text.contains("${") && text.contains("with.")
}

/// A mapping's first key, to which problems of the mapping as a whole point.
fn head(node: &Node) -> Span {
    match node.entries().first() {
        Some(first) if node.style == Style::Indented => first.key_span,
        _ => node.span,
    }
}

/// The schema of a key, where the key may be.
fn property<'s>(schema: &'s Json, key: &str) -> Option<&'s Json> {
    if let Some(inner) = schema["properties"].get(key) {
        return Some(inner);
    }
    for (pattern, inner) in schema["patternProperties"]
        .as_object()
        .into_iter()
        .flatten()
    {
        if regex::Regex::new(pattern).is_ok_and(|re| re.is_match(key)) {
            return Some(inner);
        }
    }
    match schema.get("additionalProperties") {
        None => Some(&Json::Bool(true)),
        Some(Json::Bool(false)) => None,
        Some(inner) => Some(inner),
    }
}

fn keys(properties: &Json) -> impl Iterator<Item = &str> {
    properties
        .as_object()
        .into_iter()
        .flat_map(|map| map.keys().map(String::as_str))
}

/// What other tools call it.
fn elsewhere_called<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let ours = match key {
        "assert" | "asserts" | "assertions" | "expected" | "should" | "test" | "tests"
        | "check" => "expect",
        "capture" | "captures" | "extract" | "register" | "store" | "outputs" => "save",
        "depends_on" | "dependencies" | "requires" | "depends" | "after" => "needs",
        "if" | "condition" => "when",
        "loop" | "foreach" | "with_items" | "repeat" => "for_each",
        "threshold" | "thresholds" | "slo" => "limits",
        "retries" | "attempts" => "retry",
        "name" | "description" => "title",
        "priority" | "level" => "severity",
        "steps" | "requests" => "checks",
        "params" | "args" | "parameters" => "with",
        "template" => "uses",
        "variables" | "vars" => "inputs",
        _ => return None,
    };
    known.iter().copied().find(|k| *k == ours)
}

fn first_sentence(text: &str) -> String {
    let line = text.split("\n\n").next().unwrap_or(text).replace('\n', " ");
    match line.find(". ") {
        Some(end) => line[..=end].to_owned(),
        None => line,
    }
}
