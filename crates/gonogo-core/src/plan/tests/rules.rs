//! Rules that need more than a snapshot.

use std::time::Instant;

use proptest::prelude::*;

use super::{Memory, load_text, registry};
use crate::plan::*;

const SMALL: &str = "
gonogo: 1
name: small
environments:
  local:
    targets: { api: { http: http://127.0.0.1:1 } }
gates:
";

fn with_gates(gates: &str) -> Loaded {
    load_text(&format!("{SMALL}{gates}"))
}

fn codes(loaded: &Loaded) -> Vec<&'static str> {
    loaded.diagnostics.iter().map(|d| d.code).collect()
}

/// The example of `design.md`, as it stands there.
const EXAMPLE: &str = include_str!("example.yaml");

#[test]
fn the_example_of_the_design_loads_and_lints_clean() {
    let files = Memory::of([("plan.yaml", EXAMPLE), ("staging-ca.pem", "PEM")]);
    let loaded = load(&files, "plan.yaml", &registry());
    assert_eq!(crate::diag::render(&loaded.diagnostics), "");
    let plan = loaded.plan.unwrap();
    assert_eq!(plan.gates.len(), 3);
    let token = &plan.gates[0].checks[0];
    assert!(token.save[0].secret, "made from a secret, so a secret");
    assert!(!plan.gates[0].checks[1].save[0].secret);
    assert_eq!(plan.gates[1].checks[0].limits.len(), 3);
    assert!(plan.gates[2].rollback);
    assert_eq!(
        plan.gates[2].checks[1].power, None,
        "a rolled back insert needs no power"
    );
    let identity = plan.subject.as_ref().unwrap().identity.as_ref().unwrap();
    assert_eq!(identity.source(), "body.commit");
    let paths: Vec<&str> = plan.files.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(paths, ["plan.yaml", "staging-ca.pem"]);
    assert!(check_environment(&plan, "staging", &registry()).is_empty());
    assert_eq!(
        check_environment(&plan, "stagin", &registry())[0].code,
        "unknown-environment"
    );
}
