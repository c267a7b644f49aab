//! Gates: what they need, where they apply, whether they can block at all.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, nearest};
use crate::outcome::Severity;
use crate::plan::build::Built;
use crate::plan::exprs;
use crate::plan::load::Reader;

pub(super) fn lint(built: &Built, reader: &mut Reader<'_>) {
    needs(built, reader);
    scopes(built, reader);
    let gates = &built.plan.gates;
    let advisory = gates.iter().all(|g| g.severity == Severity::Advisory);
    if advisory && !gates.is_empty() && built.gates.iter().all(|g| g.whole) {
        let problem = Diagnostic::error(
            "all-advisory",
            "every gate is advisory, so that nothing could ever keep a release back",
        );
        let help = "a gate that must hold is `critical` (the default) or `important`";
        reader.say(problem.help(help), built.gates[0].id_span);
    }
}

fn needs(built: &Built, reader: &mut Reader<'_>) {
    let gates = &built.plan.gates;
    let places: BTreeMap<&str, usize> = gates
        .iter()
        .enumerate()
        .map(|(i, g)| (g.id.as_str(), i))
        .collect();
    for (index, (gate, site)) in gates.iter().zip(&built.gates).enumerate() {
        for (need, node) in gate.needs.iter().zip(exprs::each_of(&site.node, "needs")) {
            let problem = match places.get(need.as_str()) {
                None => {
                    let message = format!("no gate is called `{need}`");
                    let mut problem = Diagnostic::error("unknown-gate", message);
                    if let Some(near) = nearest(need, places.keys().copied()) {
                        problem = problem.help(format!("did you mean `{near}`?"));
                    }
                    problem
                }
                Some(at) if *at == index => {
                    Diagnostic::error("needs-itself", format!("the gate `{need}` needs itself"))
                }
                Some(at) if *at > index => later(built, &places, index, *at),
                Some(_) => continue,
            };
            reader.say(problem, node.span);
        }
    }
}

/// A needed gate that comes later: in a circle, or only in the wrong order.
fn later(built: &Built, places: &BTreeMap<&str, usize>, from: usize, to: usize) -> Diagnostic {
    let gates = &built.plan.gates;
    let mut path = vec![to];
    if reaches(built, places, to, from, &mut path) {
        let names: Vec<&str> = std::iter::once(from)
            .chain(path)
            .map(|i| gates[i].id.as_str())
            .collect();
        let message = format!("gates need each other in a circle: {}", names.join(" → "));
        return Diagnostic::error("needs-cycle", message);
    }
    let message = format!(
        "gates run in the order of the file, and `{}` comes after `{}`, which needs it",
        gates[to].id, gates[from].id
    );
    Diagnostic::error("needs-later", message).help(format!(
        "move `{}` before `{}`",
        gates[to].id, gates[from].id
    ))
}

/// Whether a gate needs another, directly or not; the way there is added to `path`. Each gate is entered once.
fn reaches(
    built: &Built,
    places: &BTreeMap<&str, usize>,
    from: usize,
    to: usize,
    path: &mut Vec<usize>,
) -> bool {
    let mut before: BTreeMap<usize, usize> = BTreeMap::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for need in &built.plan.gates[at].needs {
            let Some(next) = places.get(need.as_str()).copied() else {
                continue;
            };
            if next == from || before.contains_key(&next) {
                continue;
            }
            before.insert(next, at);
            if next == to {
                let mut way = vec![to];
                while let Some(previous) = way.last().and_then(|l| before.get(l)) {
                    way.push(*previous);
                }
                way.pop();
                way.reverse();
                path.extend(way);
                return true;
            }
            open.push(next);
        }
    }
    false
}

fn scopes(built: &Built, reader: &mut Reader<'_>) {
    let known: Vec<&str> = built.environments.keys().map(String::as_str).collect();
    for (gate, site) in built.plan.gates.iter().zip(&built.gates) {
        for (name, node) in gate.only.iter().zip(exprs::each_of(&site.node, "only")) {
            if known.contains(&name.as_str()) {
                continue;
            }
            let message = format!("no environment is called `{name}`");
            let mut problem = Diagnostic::error("unknown-environment", message);
            problem = problem.help(match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", known.join(", ")),
            });
            reader.say(problem, node.span);
        }
    }
}
