//! Captures: each set once, before it is used.

use std::collections::BTreeMap;

use super::{Role, names_under, uses};
use crate::diag::Diagnostic;
use crate::plan::build::Built;
use crate::plan::exprs;
use crate::plan::load::Reader;
use crate::plan::tree::Node;
use crate::plan::types::Gate;

/// Where a capture is set: gate and check, as indexes into the plan.
type At = (usize, usize);

pub(super) fn lint(built: &Built, reader: &mut Reader<'_>) {
    let setters = setters(built, reader);
    for (g, (gate, site)) in built.plan.gates.iter().zip(&built.gates).enumerate() {
        for (c, (check, node)) in gate.checks.iter().zip(&site.checks).enumerate() {
            for each in uses(check, node) {
                for name in names_under(&each.expr, "saved") {
                    let Some(set) = setters.get(name.as_str()) else {
                        continue;
                    };
                    let in_time = set
                        .iter()
                        .any(|at| *at < (g, c) || (*at == (g, c) && each.role == Role::Judged));
                    if in_time {
                        continue;
                    }
                    let (sg, sc) = set[0];
                    let setter = &built.plan.gates[sg];
                    let message = if (sg, sc) == (g, c) {
                        format!("`saved.{name}` is set by this very check, so it is not there yet")
                    } else {
                        format!(
                            "`saved.{name}` is set by {}/{}, which runs later",
                            setter.id, setter.checks[sc].id
                        )
                    };
                    let at =
                        exprs::locate_word(each.node, &format!("saved.{name}"), &reader.sources);
                    let problem = Diagnostic::error("used-before-set", message);
                    reader.say(
                        problem.help("gates and checks run in the order of the file"),
                        at,
                    );
                }
            }
        }
    }
    if let (Some(subject), Some(node)) = (&built.plan.subject, &built.subject) {
        for each in uses(&subject.check, node) {
            for name in names_under(&each.expr, "saved") {
                let problem = Diagnostic::error(
                    "used-before-set",
                    "the subject is observed before every gate, so nothing is saved yet",
                );
                let at = exprs::locate_word(each.node, &format!("saved.{name}"), &reader.sources);
                reader.say(problem, at);
            }
        }
    }
}

fn setters<'b>(built: &'b Built, reader: &mut Reader<'_>) -> BTreeMap<&'b str, Vec<At>> {
    let mut setters: BTreeMap<&str, Vec<At>> = BTreeMap::new();
    for (g, (gate, site)) in built.plan.gates.iter().zip(&built.gates).enumerate() {
        for (c, (check, node)) in gate.checks.iter().zip(&site.checks).enumerate() {
            let entries = node.get("save").into_iter().flat_map(Node::entries);
            for (save, entry) in check.save.iter().zip(entries) {
                if check.for_each.is_some() {
                    let problem = Diagnostic::error(
                        "save-in-for-each",
                        format!("`{}` would be set once per item", save.name),
                    );
                    let help =
                        "a capture is set once in a run; save it in a check without `for_each`";
                    reader.say(problem.help(help), entry.key_span);
                }
                let set = setters.entry(&save.name).or_default();
                let clash = set
                    .iter()
                    .find(|(og, _)| !never_together(&built.plan.gates[*og], gate));
                if let Some((og, oc)) = clash {
                    let other = &built.plan.gates[*og];
                    let message = format!(
                        "`{}` is saved by {}/{} already",
                        save.name, other.id, other.checks[*oc].id
                    );
                    let problem = Diagnostic::error("capture-set-twice", message);
                    reader.say(
                        problem.help("a capture is set once in a run; give this one another name"),
                        entry.key_span,
                    );
                }
                set.push((g, c));
            }
        }
    }
    setters
}

/// Whether two gates are limited to environments that have nothing in common.
fn never_together(a: &Gate, b: &Gate) -> bool {
    !a.only.is_empty() && !b.only.is_empty() && a.only.iter().all(|name| !b.only.contains(name))
}
