//! `gonogo lint`: says what is wrong with a plan, all of it.

use gonogo_core::diag::{self, Level};

use super::args::LintArgs;
use super::exit::Exit;
use super::{Ended, output, prepare};

pub(super) fn lint(args: &LintArgs) -> Ended {
    let loaded = prepare::load(&args.plan)?;
    let mut diagnostics = loaded.warnings;
    if let Some(environment) = &args.environment {
        diagnostics.extend(gonogo_core::plan::check_environment(
            &loaded.plan,
            environment,
            &prepare::registry(),
        ));
    }
    if diagnostics.iter().any(|d| d.level == Level::Error) {
        return Err(Exit::Wrong(diagnostics));
    }
    if args.json {
        output::json(&serde_json::json!({ "diagnostics": diagnostics }));
        return Ok(0);
    }
    if !diagnostics.is_empty() {
        output::error_text(&diag::render(&diagnostics));
    }
    let gates = loaded.plan.gates.len();
    let checks: usize = loaded.plan.gates.iter().map(|g| g.checks.len()).sum();
    output::result_text(&format!(
        "{}: {gates} gates, {checks} checks, {} environments; {}\n",
        args.plan.display(),
        loaded.plan.environments.len(),
        match diagnostics.len() {
            0 => "nothing to complain about".to_owned(),
            1 => "1 warning".to_owned(),
            n => format!("{n} warnings"),
        }
    ));
    Ok(0)
}
