//! From decoded parts to the typed plan. What cannot be built is left out, after its problems were said, so that the
//! rest is looked at all the same.

mod check;
mod names;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::exprs;
use super::load::{GateNode, Gathered, Reader};
use super::raw::{RawAttempts, RawEnvironment, RawGate, RawPlan};
use super::source::Span;
use super::statements::{self, Statements, Written};
use super::syntax::Registry;
use super::tree::{Kind, Node};
use super::types::{Check, Decide, Environment, Gate, Input, Plan, StatisticsOptions, Target};
use crate::diag::Diagnostic;
use crate::expr::Expr;
use crate::outcome::Severity;
use crate::record::EnvironmentKind;

pub(super) use names::check_name;
#[cfg(test)]
pub(super) use names::slug;

const DAY_NS: i64 = 86_400_000_000_000;

/// A plan with the nodes that it was made of, for the linter.
pub(super) struct Built {
    /// The plan.
    pub plan: Plan,
    /// Gate by gate as in the plan: where it is written.
    pub gates: Vec<GateSite>,
    /// The subject's node.
    pub subject: Option<Node>,
    /// Environment by name: its targets' nodes.
    pub targets: BTreeMap<String, BTreeMap<String, Node>>,
    /// Where each environment's name stands.
    pub environments: BTreeMap<String, Span>,
    /// The policy expressions' nodes.
    pub decide: Vec<Node>,
    /// Where each input's name stands.
    pub inputs: BTreeMap<String, Span>,
}

/// Where a gate is written.
pub(super) struct GateSite {
    /// Its id.
    pub id_span: Span,
    /// The whole gate.
    pub node: Node,
    /// Check by check as in the plan: its node, template put in.
    pub checks: Vec<Node>,
    /// Captures of checks that could not be built: named, so that nobody complains of them.
    pub lost_saves: Vec<String>,
    /// Whether every check was built.
    pub whole: bool,
}

/// Makes the typed plan.
pub(super) fn build(
    gathered: Gathered,
    reader: &mut Reader<'_>,
    schema: &Json,
    registry: &Registry,
) -> Built {
    let Gathered {
        mut raw,
        root,
        gates,
        mut templates,
        limitations,
        findings,
    } = gathered;
    let mut plan = plain(&raw);
    let mut targets = BTreeMap::new();
    let mut environments = BTreeMap::new();
    for entry in root.get("environments").into_iter().flat_map(Node::entries) {
        environments.insert(entry.key.to_string(), entry.key_span);
        check_name("environment", &entry.key, entry.key_span, reader);
        let mut nodes = BTreeMap::new();
        let kind = plan_environment(
            &entry.key,
            entry.key_span,
            &entry.value,
            reader,
            schema,
            &mut nodes,
        );
        targets.insert(entry.key.to_string(), nodes);
        plan.environments
            .extend(kind.map(|e| (entry.key.to_string(), e)));
    }
    environments_written(&root, reader);
    let inputs = input_places(&root, &raw, reader);
    let mut decide = Vec::new();
    let mut policy = |key: &str| -> Option<Expr> {
        let node = root.get("decide")?.get(key)?;
        let expr = exprs::compile(node, &reader.sources, &mut reader.problems)?;
        decide.push(node.clone());
        Some(expr)
    };
    plan.decide = Decide {
        no_go: policy("no_go"),
        hold: policy("hold"),
    };
    plan.statistics = statistics(&raw, &root, reader);
    let subject = root.get("subject").cloned();
    plan.subject = subject
        .as_ref()
        .and_then(|node| check::subject(node, reader, schema, registry));
    let mut sites = Vec::new();
    for gate in gates {
        let (built, site) = build_gate(gate, &mut templates, reader, schema, registry);
        plan.gates.push(built);
        sites.push(site);
    }
    let written = Written {
        raw: &mut raw,
        root: &root,
        limitations: &limitations,
        findings: &findings,
    };
    plan.statements = statements::build(written, &plan, &sites, reader, schema);
    unused_templates(&templates, reader, schema);
    Built {
        plan,
        gates: sites,
        subject,
        targets,
        environments,
        decide,
        inputs,
    }
}

fn unused_templates(
    templates: &BTreeMap<String, super::expand::TemplateBody>,
    reader: &mut Reader<'_>,
    schema: &Json,
) {
    for (name, template) in templates {
        if !template.used {
            let mut decoder = reader.decoder(schema);
            decoder.lenient = true;
            let definition = decoder.definition("Template");
            // Only its problems count.
            let _checked = decoder.value(&template.node, definition, name);
            let message = format!("no check uses the template `{name}`");
            reader.say(
                Diagnostic::warning("unused-template", message),
                template.name_span,
            );
        }
    }
}

fn plain(raw: &RawPlan) -> Plan {
    let inputs = raw.inputs.iter().map(|(name, input)| {
        let input = Input {
            secret: input.secret,
            file: input.file.clone(),
            default: input.default.clone(),
            description: input.description.clone(),
        };
        (name.clone(), input)
    });
    Plan {
        name: raw.name.clone(),
        inputs: inputs.collect(),
        subject: None,
        environments: BTreeMap::new(),
        gates: Vec::new(),
        decide: Decide::default(),
        valid_for_ns: raw.valid_for.map_or(DAY_NS, |s| s.0),
        statistics: StatisticsOptions::default(),
        statements: Statements::default(),
        files: Vec::new(),
    }
}

fn environments_written(root: &Node, reader: &mut Reader<'_>) {
    let Some(node) = root.get("environments") else {
        return;
    };
    if !matches!(node.kind, Kind::Map(_)) || node.entries().is_empty() {
        let message = format!(
            "`environments` wants a mapping from names to environments, and here stands {}",
            node.called()
        );
        reader.say(Diagnostic::error("wrong-type", message), node.span);
    }
}

fn input_places(root: &Node, raw: &RawPlan, reader: &mut Reader<'_>) -> BTreeMap<String, Span> {
    let mut places = BTreeMap::new();
    for entry in root.get("inputs").into_iter().flat_map(Node::entries) {
        places.insert(entry.key.to_string(), entry.key_span);
        check_name("input", &entry.key, entry.key_span, reader);
        let secret = raw.inputs.get(&*entry.key).is_some_and(|i| i.secret);
        if let Some(default) = entry.value.entry("default").filter(|_| secret) {
            let problem = Diagnostic::error(
                "secret-default",
                format!(
                    "the secret input `{}` has a default, which anyone can read",
                    entry.key
                ),
            );
            let help = "give it by `-i`, an environment variable or `file:`";
            reader.say(problem.help(help), default.key_span);
        }
    }
    places
}

fn plan_environment(
    name: &str,
    name_span: Span,
    node: &Node,
    reader: &mut Reader<'_>,
    schema: &Json,
    nodes: &mut BTreeMap<String, Node>,
) -> Option<Environment> {
    let mut decoder = reader.decoder(schema);
    let definition = decoder.definition("RawEnvironment");
    let slots = [("targets", json!({}))];
    let decoded = decoder.object(node, definition, name, &slots);
    let mut targets = Vec::new();
    let of_targets = node.get("targets");
    if let Some(list) = of_targets.filter(|t| !matches!(t.kind, Kind::Map(_))) {
        let message = format!(
            "`targets` wants a mapping from names to targets, and here stands {}",
            list.called()
        );
        reader.say(Diagnostic::error("wrong-type", message), list.span);
    }
    for entry in of_targets.into_iter().flat_map(Node::entries) {
        check_name("target", &entry.key, entry.key_span, reader);
        nodes.insert(entry.key.to_string(), entry.value.clone());
        let mut decoder = reader.decoder(schema);
        let definition = decoder.definition("Target");
        let Some(options) = decoder.value(&entry.value, definition, &entry.key) else {
            continue;
        };
        let kinds = definition["oneOf"].as_array().into_iter().flatten();
        let kind = kinds
            .filter_map(|one| one[super::schema::KEY].as_str())
            .find(|key| options.get(key).is_some());
        targets.push(Target {
            name: entry.key.to_string(),
            kind: kind.unwrap_or_default().to_owned(),
            options,
            place: reader.sources.place(entry.key_span),
        });
    }
    let raw: RawEnvironment = serde_json::from_value(decoded?).ok()?;
    let kind = raw.kind.or(match name {
        "local" => Some(EnvironmentKind::Local),
        "staging" => Some(EnvironmentKind::Staging),
        "production" => Some(EnvironmentKind::Production),
        _ => None,
    });
    if kind.is_none() {
        let message = format!("what kind of place `{name}` is does not follow from its name");
        let problem = Diagnostic::error("missing-key", message)
            .help("add `kind: local`, `kind: staging` or `kind: production`");
        reader.say(problem, name_span);
    }
    for entry in node.get("values").into_iter().flat_map(Node::entries) {
        check_name("value", &entry.key, entry.key_span, reader);
        if matches!(&*entry.key, "name" | "kind") {
            let message = format!("`env.{}` is the environment's own", entry.key);
            reader.say(Diagnostic::error("reserved-name", message), entry.key_span);
        }
    }
    Some(Environment {
        kind: kind?,
        allow: raw.allow,
        targets,
        values: raw.values,
    })
}

fn statistics(raw: &RawPlan, root: &Node, reader: &mut Reader<'_>) -> StatisticsOptions {
    let mut out = StatisticsOptions::default();
    let Some(written) = &raw.statistics else {
        return out;
    };
    if let Some(text) = &written.confidence
        && let Ok(share) = super::decode::percent(text)
    {
        if share < 0.5 {
            let at = root.get("statistics").and_then(|s| s.get("confidence"));
            let problem = Diagnostic::error(
                "out-of-range",
                format!("a confidence of {text} is less than a coin has"),
            );
            reader.say(
                problem.help("95% is usual"),
                at.map_or(root.span, |n| n.span),
            );
        }
        out.confidence = share;
    }
    if let Some(span) = written.correlation_time {
        out.correlation_time_ns = span.0;
    }
    if let Some(span) = written.min_duration {
        out.min_duration_ns = span.0;
    }
    out.reruns_declared = written.attempts == Some(RawAttempts::Declared);
    out
}

fn build_gate(
    gate: GateNode,
    templates: &mut BTreeMap<String, super::expand::TemplateBody>,
    reader: &mut Reader<'_>,
    schema: &Json,
    registry: &Registry,
) -> (Gate, GateSite) {
    let GateNode { id, id_span, node } = gate;
    check_name("gate", &id, id_span, reader);
    if id == "subject" {
        let problem = Diagnostic::error("reserved-name", "`subject` is the subject's own name")
            .help("give the gate another");
        reader.say(problem, id_span);
    }
    let mut decoder = reader.decoder(schema);
    let definition = decoder.definition("RawGate");
    let decoded = decoder.object(&node, definition, &id, &[("checks", json!([]))]);
    let raw = decoded.and_then(|json| serde_json::from_value::<RawGate>(json).ok());
    let mut built = Gate {
        id: id.clone(),
        title: String::new(),
        severity: Severity::Critical,
        needs: Vec::new(),
        only: Vec::new(),
        always: false,
        rollback: false,
        owner: None,
        fresh_for_ns: None,
        target: None,
        finding: None,
        checks: Vec::new(),
        place: reader.sources.place(id_span),
    };
    let mut site = GateSite {
        id_span,
        checks: Vec::new(),
        lost_saves: Vec::new(),
        whole: raw.is_some(),
        node,
    };
    if let Some(raw) = raw {
        built.title = raw.title;
        built.severity = raw.severity.unwrap_or(Severity::Critical);
        built.needs = raw.needs.0;
        built.only = raw.only.0;
        built.always = raw.always;
        built.rollback = raw.transaction.is_some();
        built.owner = raw.owner;
        built.fresh_for_ns = raw.fresh_for.map(|s| s.0);
        built.target = raw.target;
        built.finding = raw.finding.map(Into::into);
    }
    let mut ids = BTreeSet::new();
    for item in moved_checks(&id, &mut site.node, reader) {
        let saves = item.get("save").into_iter().flat_map(Node::entries);
        let saves: Vec<String> = saves.map(|e| e.key.to_string()).collect();
        if let Some((check, node)) = check::build(item, &built, templates, reader, schema, registry)
        {
            if !ids.insert(check.id.clone()) {
                same_id(&check, &node, &built.checks, reader);
            }
            built.checks.push(check);
            site.checks.push(node);
        } else {
            site.whole = false;
            site.lost_saves.extend(saves);
        }
    }
    (built, site)
}

/// Takes the checks out of a gate's node.
fn moved_checks(id: &str, gate: &mut Node, reader: &mut Reader<'_>) -> Vec<Node> {
    let Kind::Map(entries) = &mut gate.kind else {
        return Vec::new();
    };
    let Some(checks) = entries.iter_mut().find(|e| &*e.key == "checks") else {
        return Vec::new();
    };
    let checks = &mut checks.value;
    let Kind::List(items) = &mut checks.kind else {
        let message = format!("`checks` wants a list, and here stands {}", checks.called());
        reader.say(Diagnostic::error("wrong-type", message), checks.span);
        return Vec::new();
    };
    let items = std::mem::take(items);
    if items.is_empty() {
        let problem = Diagnostic::error("no-checks", format!("the gate `{id}` has no checks"))
            .help("a gate without checks would pass with nothing seen");
        reader.say(problem, checks.span);
    }
    items
}

fn same_id(check: &Check, node: &Node, others: &[Check], reader: &mut Reader<'_>) {
    let Some(first) = others.iter().find(|c| c.id == check.id) else {
        return;
    };
    let message = format!("a check `{}` is in this gate already", check.id);
    let at = node.entry("id").map(|e| e.value.span);
    let at = at.unwrap_or_else(|| node.entries().first().map_or(node.span, |e| e.key_span));
    let help = match node.entry("id") {
        Some(_) => format!("the first stands on line {}", first.place.line),
        None => format!(
            "its name was made from what it asks, as on line {}; give one of them an `id:`",
            first.place.line
        ),
    };
    reader.say(Diagnostic::error("duplicate-id", message).help(help), at);
}
