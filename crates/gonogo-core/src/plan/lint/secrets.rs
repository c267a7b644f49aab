//! Secrets: what is made from one is one, each goes only where it belongs, and none is judged by its value.

use std::collections::{BTreeMap, BTreeSet};

use super::environment::target_of;
use super::{Role, names_under, uses};
use crate::diag::Diagnostic;
use crate::expr::Expr;
use crate::plan::build::Built;
use crate::plan::exprs;
use crate::plan::load::Reader;
use crate::plan::syntax::Registry;

pub(super) fn lint(built: &mut Built, reader: &mut Reader<'_>, registry: &Registry) {
    let inputs: BTreeSet<String> = built
        .plan
        .inputs
        .iter()
        .filter(|(_, input)| input.secret)
        .map(|(name, _)| name.clone())
        .collect();
    let captures = mark(built, &inputs, registry);
    judged(built, &inputs, &captures, reader);
    bound(built, &inputs, reader, registry);
}

/// Marks every capture that is made from a secret, in the order in which they are set.
fn mark(built: &mut Built, inputs: &BTreeSet<String>, registry: &Registry) -> BTreeSet<String> {
    let mut captures = BTreeSet::new();
    for check in built.plan.gates.iter_mut().flat_map(|g| &mut g.checks) {
        let facts = registry
            .probe(&check.probe)
            .map_or(&[][..], |p| p.secret_facts());
        for save in &mut check.save {
            let made = of_secret(&save.from, inputs, &captures);
            let fact = save
                .from
                .roots()
                .iter()
                .any(|r| facts.contains(&r.as_str()));
            save.secret = save.secret || made || fact;
            if save.secret {
                captures.insert(save.name.clone());
            }
        }
    }
    captures
}

fn of_secret(expr: &Expr, inputs: &BTreeSet<String>, captures: &BTreeSet<String>) -> bool {
    names_under(expr, "inputs")
        .iter()
        .any(|n| inputs.contains(n))
        || names_under(expr, "saved")
            .iter()
            .any(|n| captures.contains(n))
}

/// An expectation cannot use a secret's value: what is judged was masked before it was written down.
fn judged(
    built: &Built,
    inputs: &BTreeSet<String>,
    captures: &BTreeSet<String>,
    reader: &mut Reader<'_>,
) {
    let mut each = |check: &crate::plan::Check, node: &crate::plan::tree::Node| {
        for each in uses(check, node).iter().filter(|u| u.role == Role::Judged) {
            let names = names_under(&each.expr, "inputs").into_iter();
            let names = names
                .filter(|n| inputs.contains(n))
                .map(|n| format!("inputs.{n}"));
            let saved = names_under(&each.expr, "saved").into_iter();
            let saved = saved
                .filter(|n| captures.contains(n))
                .map(|n| format!("saved.{n}"));
            for name in names.chain(saved) {
                let problem = Diagnostic::error(
                    "secret-judged",
                    format!(
                        "`{name}` is secret: its value is not kept, so nothing can be compared with it"
                    ),
                );
                let help = "whether a secret came back is `size(secrets_seen) == 0`";
                let at = exprs::locate_word(each.node, &name, &reader.sources);
                reader.say(problem.help(help), at);
            }
        }
    };
    if let (Some(subject), Some(node)) = (&built.plan.subject, &built.subject) {
        each(&subject.check, node);
    }
    for (gate, site) in built.plan.gates.iter().zip(&built.gates) {
        for (check, node) in gate.checks.iter().zip(&site.checks) {
            each(check, node);
        }
    }
}

/// A secret input that targets name goes to no other target.
fn bound(built: &Built, inputs: &BTreeSet<String>, reader: &mut Reader<'_>, registry: &Registry) {
    for (name, environment) in &built.plan.environments {
        let nodes = &built.targets[name];
        let mut owners: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for target in &environment.targets {
            let Some(node) = nodes.get(&target.name) else {
                continue;
            };
            exprs::each_text(node, &mut |text| {
                let template = crate::expr::parse_template(text.text().unwrap_or_default());
                for expr in template.iter().flat_map(crate::expr::Template::exprs) {
                    for input in names_under(expr, "inputs")
                        .into_iter()
                        .filter(|n| inputs.contains(n))
                    {
                        owners.entry(input).or_default().insert(&target.name);
                    }
                }
            });
        }
        if owners.is_empty() {
            continue;
        }
        for (gate, site) in built.plan.gates.iter().zip(&built.gates) {
            if !gate.only.is_empty() && !gate.only.contains(name) {
                continue;
            }
            for (check, node) in gate.checks.iter().zip(&site.checks) {
                let Some(probe) = registry.probe(&check.probe) else {
                    continue;
                };
                let Ok(Some(target)) = target_of(environment, check, probe) else {
                    continue;
                };
                for each in uses(check, node).iter().filter(|u| u.role == Role::Before) {
                    for input in names_under(&each.expr, "inputs") {
                        let Some(owners) = owners
                            .get(&input)
                            .filter(|o| !o.contains(target.name.as_str()))
                        else {
                            continue;
                        };
                        let owners: Vec<&str> = owners.iter().copied().collect();
                        let message = format!(
                            "the secret `inputs.{input}` belongs to the target {}, and this check goes to {}",
                            owners.join(", "),
                            target.name
                        );
                        let problem = Diagnostic::error("secret-elsewhere", message)
                            .help("a secret goes only to the target that names it; use an input of its own");
                        let at = exprs::locate_word(
                            each.node,
                            &format!("inputs.{input}"),
                            &reader.sources,
                        );
                        reader.say(problem, at);
                    }
                }
            }
        }
    }
}
