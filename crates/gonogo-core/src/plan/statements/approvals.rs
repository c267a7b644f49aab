//! The approvals file: what those who decide have stated.

use super::Approval;
use super::build::day;
use super::raw::{RawApproval, RawApprovals};
use crate::diag::{Diagnostic, nearest};
use crate::plan::load::{Reader, beside};
use crate::plan::schema::approvals_schema;
use crate::plan::source::Span;
use crate::plan::tree::Node;
use crate::plan::types::Plan;

/// Reads the file into the plan's own.
pub(super) fn read(
    written: &str,
    at: Span,
    plan: &Plan,
    decides: &[String],
    reader: &mut Reader<'_>,
) -> Vec<Approval> {
    let kept = beside("", written).and_then(|path| {
        let bytes = reader.keep(&path)?;
        Ok((path, bytes))
    });
    let (path, bytes) = match kept {
        Ok(kept) => kept,
        Err(why) => {
            let message = format!("the approvals file `{written}` cannot be read: {why}");
            let help = "write `approvals: []` into it while nobody has decided";
            reader.say(Diagnostic::error("missing-file", message).help(help), at);
            return Vec::new();
        }
    };
    let Some(tree) = reader.tree(&path, &bytes) else {
        return Vec::new();
    };
    let schema = approvals_schema();
    let decoded = reader
        .decoder(&schema)
        .object(&tree, &schema, "approvals", &[]);
    let Some(raw) = decoded.and_then(|json| serde_json::from_value::<RawApprovals>(json).ok())
    else {
        return Vec::new();
    };
    let nodes = tree.get("approvals").map_or(&[][..], Node::items);
    let mut out: Vec<Approval> = Vec::new();
    for (raw, node) in raw.approvals.into_iter().zip(nodes) {
        lint(&raw, node, plan, decides, &out, reader);
        let Some(on) = day(&raw.on) else {
            continue;
        };
        out.push(Approval {
            person: raw.person,
            state: raw.state,
            on,
            subject: raw.subject,
            environment: raw.environment,
            conditions: raw.conditions.0,
            comment: raw.comment,
        });
    }
    out
}

fn lint(
    raw: &RawApproval,
    node: &Node,
    plan: &Plan,
    decides: &[String],
    before: &[Approval],
    reader: &mut Reader<'_>,
) {
    let at = |key: &str| {
        let head = node.entries().first().map_or(node.span, |e| e.key_span);
        node.get(key).map_or(head, |n| n.span)
    };
    if !decides.contains(&raw.person) {
        let message = format!("`{}` is none of those who decide", raw.person);
        let help = match nearest(&raw.person, decides.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("`decides` of the plan names: {}", decides.join(", ")),
        };
        reader.say(
            Diagnostic::error("unknown-person", message).help(help),
            at("person"),
        );
    }
    let is_conditional = raw.state == super::ApprovalState::Conditional;
    if is_conditional && raw.conditions.0.iter().all(|c| c.trim().is_empty()) {
        let problem =
            Diagnostic::error("missing-key", "a conditional approval names no conditions")
                .help("add `conditions:`, one per line");
        reader.say(problem, at("state"));
    }
    if !is_conditional && !raw.conditions.0.is_empty() {
        let message = format!("what is `{}` has no conditions", raw.state.word());
        let problem = Diagnostic::error("bad-value", message)
            .help("write `state: conditional`, or leave them out");
        reader.say(problem, at("conditions"));
    }
    if let Some(environment) = &raw.environment
        && !plan.environments.contains_key(environment)
    {
        let message = format!("no environment is called `{environment}`");
        let problem = Diagnostic::error("unknown-environment", message);
        let known = plan.environments.keys().map(String::as_str);
        let problem = match nearest(environment, known) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        };
        reader.say(problem, at("environment"));
    }
    let same = |other: &&Approval| {
        other.person == raw.person
            && other.subject == raw.subject
            && other.environment == raw.environment
    };
    if before.iter().any(|other| same(&other)) {
        let message = format!("`{}` has decided about this subject already", raw.person);
        let problem = Diagnostic::error("duplicate-key", message)
            .help("one decision stands for one subject: replace the earlier one");
        reader.say(problem, at("person"));
    }
}
