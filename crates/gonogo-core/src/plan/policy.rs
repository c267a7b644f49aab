//! The policy file: expressions that tighten the decision, kept apart from the plan.

use super::exprs;
use super::lint;
use super::load::{Files, Reader};
use super::raw::RawPolicy;
use super::schema::policy_schema;
use super::tree::Node;
use crate::decide::Policy;
use crate::diag::Diagnostic;
use crate::expr::Expr;

/// Reads a policy file: `no_go:` and `hold:`, each one expression or a list of them.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_policy(files: &dyn Files, path: &str) -> Result<Policy, Vec<Diagnostic>> {
    let mut reader = Reader::new(files, path);
    let name = path.rsplit('/').next().unwrap_or(path);
    let bytes = reader.keep(name).map_err(|why| {
        let message = format!("the policy file {path} cannot be read: {why}");
        vec![Diagnostic::error("missing-file", message)]
    })?;
    let schema = policy_schema();
    let mut policy = Policy::default();
    if let Some(tree) = reader.tree(name, &bytes) {
        let decoded = reader
            .decoder(&schema)
            .object(&tree, &schema, "policy", &[]);
        if decoded
            .and_then(|json| serde_json::from_value::<RawPolicy>(json).ok())
            .is_some()
        {
            policy.no_go = expressions(tree.get("no_go"), &mut reader);
            policy.hold = expressions(tree.get("hold"), &mut reader);
        }
    }
    if reader.problems.errors() > 0 {
        return Err(reader.problems.finish());
    }
    Ok(policy)
}

fn expressions(node: Option<&Node>, reader: &mut Reader<'_>) -> Vec<Expr> {
    let Some(node) = node else {
        return Vec::new();
    };
    let one = std::slice::from_ref(node);
    let nodes = if node.text().is_some() {
        one
    } else {
        node.items()
    };
    nodes
        .iter()
        .filter_map(|node| {
            let expr = exprs::compile(node, &reader.sources, &mut reader.problems)?;
            lint::policy_rule(&expr, node, reader);
            Some(expr)
        })
        .collect()
}
