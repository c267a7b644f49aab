//! Targets: that each check has one, in every environment or in the one that is run.

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, nearest};
use crate::outcome::Severity;
use crate::plan::build::Built;
use crate::plan::exprs;
use crate::plan::load::{Reader, beside};
use crate::plan::syntax::{Registry, Syntax};
use crate::plan::tree::Node;
use crate::plan::types::{Check, Environment, Gate, Plan, Target};

/// The target that a check observes in an environment: the one it names, else the first of a kind that its probe can
/// observe; nothing for a probe that needs none. For a person, why there is none.
pub fn target_of<'e>(
    environment: &'e Environment,
    check: &Check,
    probe: &dyn Syntax,
) -> Result<Option<&'e Target>, String> {
    let kinds = probe.targets_for(&check.options);
    match &check.target {
        Some(name) => {
            let Some(target) = environment.targets.iter().find(|t| t.name == *name) else {
                let known: Vec<&str> = environment
                    .targets
                    .iter()
                    .map(|t| t.name.as_str())
                    .collect();
                return Err(match nearest(name, known.iter().copied()) {
                    Some(near) => format!("there is no target `{name}`; did you mean `{near}`?"),
                    None => format!("there is no target `{name}`, only: {}", known.join(", ")),
                });
            };
            if kinds.contains(&target.kind.as_str()) {
                return Ok(Some(target));
            }
            Err(match kinds {
                [] => format!(
                    "`{}` needs no target, so `target: {name}` means nothing",
                    probe.key()
                ),
                kinds => format!(
                    "the target `{name}` is of the kind `{}`; `{}` observes {}",
                    target.kind,
                    probe.key(),
                    kinds.join(", ")
                ),
            })
        }
        None if kinds.is_empty() => Ok(None),
        None => match environment
            .targets
            .iter()
            .find(|t| kinds.contains(&t.kind.as_str()))
        {
            Some(target) => Ok(Some(target)),
            None if !probe.needs_target() => Ok(None),
            None => Err(format!(
                "`{}` needs a target of the kind {}, and there is none",
                probe.key(),
                kinds.join(" or ")
            )),
        },
    }
}

/// Why an environment lacks the second target of a check, where the check asks one.
fn second_target_of(
    environment: &Environment,
    check: &Check,
    probe: &dyn Syntax,
) -> Result<(), String> {
    let Some((kind, name)) = probe.second_target(&check.options) else {
        return Ok(());
    };
    let fits = |target: &&Target| target.kind == kind && name.is_none_or(|n| target.name == n);
    if environment.targets.iter().any(|target| fits(&target)) {
        return Ok(());
    }
    Err(match name {
        Some(name) => format!(
            "there is no target `{name}` of the kind {kind}, which `{}` asks",
            probe.key()
        ),
        None => format!(
            "`{}` also asks a target of the kind {kind}, and there is none",
            probe.key()
        ),
    })
}

/// What keeps a plan from being run in an environment. Nothing else is looked at: the plan has been linted.
pub fn check_environment(plan: &Plan, name: &str, registry: &Registry) -> Vec<Diagnostic> {
    let Some(environment) = plan.environments.get(name) else {
        let known: Vec<&str> = plan.environments.keys().map(String::as_str).collect();
        let problem = Diagnostic::error(
            "unknown-environment",
            format!("the plan has no environment `{name}`"),
        );
        return vec![match nearest(name, known.iter().copied()) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help(format!("there are: {}", known.join(", "))),
        }];
    };
    let applies = |gate: &&Gate| gate.only.is_empty() || gate.only.iter().any(|o| o == name);
    let gates: Vec<&Gate> = plan.gates.iter().filter(applies).collect();
    let mut out = Vec::new();
    if gates.iter().all(|g| g.severity == Severity::Advisory) {
        let message = format!(
            "in `{name}` no critical or important gate applies, so nothing would be decided"
        );
        out.push(Diagnostic::error("all-advisory", message));
    }
    let here: BTreeSet<&str> = gates.iter().map(|g| g.id.as_str()).collect();
    for gate in &gates {
        for need in gate.needs.iter().filter(|n| !here.contains(n.as_str())) {
            let message = format!(
                "the gate `{}` needs `{need}`, which is out of scope in `{name}`",
                gate.id
            );
            let problem = Diagnostic::error("needs-out-of-scope", message)
                .help("limit both to the same environments with `only:`");
            out.push(problem.at(gate.place.clone(), None));
        }
    }
    let checks = gates.iter().flat_map(|g| &g.checks);
    for check in plan.subject.iter().map(|s| &s.check).chain(checks) {
        let Some(probe) = registry.probe(&check.probe) else {
            continue;
        };
        let found = target_of(environment, check, probe);
        if let Err(why) = found.and_then(|_| second_target_of(environment, check, probe)) {
            let problem = Diagnostic::error("no-target", format!("in `{name}`: {why}")).help(
                format!("add one under `environments.{name}.targets`, or `only:` to the gate"),
            );
            out.push(problem.at(check.place.clone(), None));
        }
    }
    out
}

/// Targets as far as they can be checked for every environment.
pub(super) fn lint(built: &Built, reader: &mut Reader<'_>, registry: &Registry) {
    for (name, environment) in &built.plan.environments {
        for target in &environment.targets {
            if let Some(node) = built.targets[name].get(&target.name) {
                one_target(built, target, node, reader, registry);
            }
        }
    }
    let whole = built.environments.keys().all(|name| {
        let environment = built.plan.environments.get(name);
        environment.is_some_and(|e| e.targets.len() == built.targets[name].len())
    });
    if built.environments.is_empty() || !whole {
        return;
    }
    let mut each = |check: &Check, node: &Node, gate: Option<&Gate>| {
        let Some(probe) = registry.probe(&check.probe) else {
            return;
        };
        let applies =
            |name: &str| gate.is_none_or(|g| g.only.is_empty() || g.only.iter().any(|o| o == name));
        let mut found = built
            .plan
            .environments
            .iter()
            .filter(|(name, _)| applies(name))
            .map(|(_, environment)| {
                target_of(environment, check, probe)?;
                second_target_of(environment, check, probe)
            });
        let Some(Err(first)) = found.next() else {
            return;
        };
        if found.any(|other| other.is_ok()) {
            return;
        }
        let named = node.entry("target");
        let at = named.or_else(|| node.entry(probe.key()));
        let at = at.map_or(node.span, |e| {
            if named.is_some() {
                e.value.span
            } else {
                e.key_span
            }
        });
        let message = match built.plan.environments.len() {
            1 => first,
            _ => format!("in no environment: {first}"),
        };
        reader.say(Diagnostic::error("no-target", message), at);
    };
    if let (Some(subject), Some(node)) = (&built.plan.subject, &built.subject) {
        each(&subject.check, node, None);
    }
    for (gate, site) in built.plan.gates.iter().zip(&built.gates) {
        for (check, node) in gate.checks.iter().zip(&site.checks) {
            each(check, node, Some(gate));
        }
    }
}

fn one_target(
    built: &Built,
    target: &Target,
    node: &Node,
    reader: &mut Reader<'_>,
    registry: &Registry,
) {
    let address = node.get(&target.kind);
    let written = address.and_then(Node::text).unwrap_or_default();
    if !written.contains("${")
        && let Some(syntax) = registry.target(&target.kind)
        && let Err(why) = (syntax.host)(&target.options)
    {
        let at = address.map_or(node.span, |n| n.span);
        reader.say(Diagnostic::error("bad-address", why), at);
    }
    let env = super::given_names(built);
    exprs::each_text(node, &mut |text| {
        let Some(template) = exprs::template(text, &reader.sources, &mut reader.problems) else {
            return;
        };
        for (expr, offset) in super::template_exprs(&template) {
            let each = super::Use {
                expr: expr.clone(),
                node: text,
                role: super::Role::Before,
                offset,
            };
            super::check_types(&each, &env, None, reader);
            super::undeclared(built, &BTreeSet::new(), &each, reader);
        }
    });
    if let Some(ca) = node.get("ca") {
        certificate(ca, reader);
    }
}

/// A CA file is part of what a plan means, so it goes into the bundle. Where it is not there yet, only running needs it.
fn certificate(ca: &Node, reader: &mut Reader<'_>) {
    let Some(written) = ca.text().filter(|t| !t.contains("${")) else {
        return;
    };
    let kept = beside("", written).and_then(|path| reader.keep(&path).map(|_| ()));
    if let Err(why) = kept {
        let problem = Diagnostic::warning(
            "missing-file",
            format!("the CA file `{written}` cannot be read: {why}"),
        );
        reader.say(problem, ca.span);
    }
}
