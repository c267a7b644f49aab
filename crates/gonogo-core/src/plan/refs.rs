//! Names of gates and checks, as texts beside the gates use them.

use super::build::GateSite;
use super::types::Gate;
use crate::diag::{Diagnostic, nearest};

/// Whether `gate` or `gate/check` is there, or what is wrong with the name. Checks of a gate that could not be built
/// whole (`sites`) are not complained of.
pub(super) fn find(
    gates: &[Gate],
    sites: Option<&[GateSite]>,
    name: &str,
) -> Result<(), Diagnostic> {
    let (gate_id, check_id) = match name.split_once('/') {
        Some((gate, check)) => (gate, Some(check)),
        None => (name, None),
    };
    let Some(at) = gates.iter().position(|g| g.id == gate_id) else {
        let problem = Diagnostic::error("unknown-gate", format!("no gate is called `{gate_id}`"));
        return Err(
            match nearest(gate_id, gates.iter().map(|g| g.id.as_str())) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem,
            },
        );
    };
    let gate = &gates[at];
    let is_whole = sites.is_none_or(|sites| sites.get(at).is_some_and(|site| site.whole));
    match check_id {
        Some(check) if is_whole && !gate.checks.iter().any(|c| c.id == check) => {
            let message = format!("the gate `{gate_id}` has no check `{check}`");
            let problem = Diagnostic::error("unknown-check", message);
            Err(
                match nearest(check, gate.checks.iter().map(|c| c.id.as_str())) {
                    Some(near) => problem.help(format!("did you mean `{gate_id}/{near}`?")),
                    None => problem,
                },
            )
        }
        _ => Ok(()),
    }
}
