//! `gonogo verify`: the line that a deploy job demands.

use gonogo_core::duration::parse_duration_ns;
use gonogo_core::outcome::Verdict;

use super::args::VerifyArgs;
use super::exit::{Exit, USAGE};
use super::{Ended, output};
use crate::bundle::{self, BundleError, Demands};
use crate::world::World;

pub(super) fn verify(args: &VerifyArgs) -> Ended {
    let max_age_ns = args
        .max_age
        .as_deref()
        .map(parse_duration_ns)
        .transpose()
        .map_err(|e| Exit::wrong("bad-duration", e.to_string()))?;
    let demands = Demands {
        subject: args.subject.clone(),
        environment: args.environment.clone(),
        plan: args.plan.clone(),
        max_age_ns,
    };
    let world = World::real();
    let verified = match bundle::verify(&world, &args.run, &demands, world.clock.now()) {
        Ok(verified) => verified,
        Err(error) => return damaged(&error, args.json),
    };
    let judged = &verified.judged;
    let code = if verified.unmet.is_empty() {
        judged.verdict.exit_code()
    } else {
        // What is not the evidence that was demanded is no GO for the one who demands it.
        judged.verdict.min(Verdict::Hold).exit_code()
    };
    if args.json {
        let mut document =
            gonogo_report::json::document(judged, Some(&args.run.display().to_string()));
        document["verified"] = verified.unmet.is_empty().into();
        document["unmet"] = verified.unmet.clone().into();
        document["signed"] = false.into();
        output::json(&document);
        return Ok(code);
    }
    let rehearsal = if judged.rehearsal { " (rehearsal)" } else { "" };
    let mut text = format!(
        "{}{rehearsal}: recomputed from {} and equal to what is recorded, byte for byte\n",
        judged.verdict.word(),
        args.run.display()
    );
    output::add(
        &mut text,
        format_args!(
            "  plan sha256:{} · environment {} · ended {}\n",
            judged.about.plan_sha256,
            judged.about.environment,
            judged.about.as_of.format("%Y-%m-%d %H:%M:%S UTC")
        ),
    );
    text.push_str("  unsigned: protects against accident only\n");
    for sentence in &verified.unmet {
        output::add(
            &mut text,
            format_args!("  not met: {}\n", gonogo_report::escape::terminal(sentence)),
        );
    }
    output::result_text(&text);
    Ok(code)
}

/// A bundle that is not what was sealed is no evidence: 64. One that was changed and hashed anew throughout still says
/// what its evidence gives, and that is reported: with the exit code of that verdict, but never with that of a GO.
fn damaged(error: &BundleError, json: bool) -> Ended {
    let message = error.to_string();
    let recomputed = match error {
        BundleError::Different { judged, .. } => Some(judged.verdict),
        _ => None,
    };
    let code = match recomputed {
        Some(verdict @ (Verdict::NoGo | Verdict::Hold)) => verdict.exit_code(),
        Some(Verdict::Go) | None => USAGE,
    };
    if json {
        output::json(&serde_json::json!({
            "verified": false,
            "verdict": recomputed,
            "diagnostics": [gonogo_core::diag::Diagnostic::error("bundle-damaged", message)],
        }));
        return Ok(code);
    }
    if let Some(verdict) = recomputed {
        output::result_text(&format!(
            "{}: what the recorded evidence gives\n",
            verdict.word()
        ));
    }
    output::error_text(&format!(
        "error[bundle-damaged]: {}\n",
        gonogo_report::escape::terminal(&message)
    ));
    Ok(code)
}
