//! `gonogo try`: shows what a check observes and which fields it offers. No run, no verdict.

use std::sync::Arc;

use gonogo_core::Value;
use gonogo_core::judged::CheckJudged;

use super::args::TryArgs;
use super::exit::Exit;
use super::run::{powers, stop_on_signals};
use super::{Ended, output, prepare};
use crate::bundle;
use crate::engine::{Asked, Silent};
use crate::world::World;

pub(super) fn try_check(args: &TryArgs) -> Ended {
    let loaded = prepare::load(&args.plan)?;
    let asked = Asked {
        environment: args.env.environment.clone(),
        allow: powers(&args.env.allow),
        only: vec![args.check.clone()],
    };
    let mut setup = prepare::setup(loaded, None, &args.env.inputs, asked)?;
    // The subject is not looked at: this is about one check.
    let mut plan = setup.plan.as_ref().clone();
    plan.subject = None;
    setup.plan = Arc::new(plan);
    let folder = tempfile::Builder::new()
        .prefix("gonogo-try-")
        .tempdir()
        .map_err(|e| Exit::Failed(format!("no folder for what is observed: {e}")))?;
    let runtime = prepare::runtime()?;
    let outcome = runtime.block_on(bundle::run_new(
        setup,
        &World::real(),
        folder.path(),
        Arc::new(Silent),
        stop_on_signals(),
    ));
    runtime.shutdown_background();
    let judged = outcome?.judged;
    let (gate, check) = args
        .check
        .split_once('/')
        .map_or((args.check.as_str(), None), |(g, c)| (g, Some(c)));
    let checks: Vec<&CheckJudged> = judged
        .gates
        .iter()
        .filter(|g| g.id == gate)
        .flat_map(|g| &g.checks)
        .filter(|c| check.is_none_or(|id| c.id == id))
        .collect();
    if args.json {
        output::json(&serde_json::json!({ "checks": checks }));
        return Ok(0);
    }
    for check in checks {
        output::result_text(&text(gate, check, output::width()));
    }
    Ok(0)
}

/// What was asked, the fields that expectations may use with what stands in them, and what the expectations made of it.
fn text(gate: &str, check: &CheckJudged, width: usize) -> String {
    use gonogo_report::escape::terminal as escape;
    let mut out = format!("{gate}/{} · {}\n", check.id, escape(&check.ask));
    let Some(evidence) = &check.evidence else {
        output::add(
            &mut out,
            format_args!("  {}: {}\n", check.outcome.word(), escape(&check.message)),
        );
        if let Some(next) = &check.next {
            output::add(&mut out, format_args!("  try: {}\n", escape(next)));
        }
        return out;
    };
    if let Some(target) = &evidence.target {
        output::add(
            &mut out,
            format_args!(
                "  target {} ({})\n",
                escape(&target.name),
                escape(&target.address)
            ),
        );
    }
    out.push_str("  observed\n");
    for (name, value) in &evidence.facts {
        fields(&mut out, name, value, width, 0);
    }
    for expectation in &check.expectations {
        let said = if expectation.message.is_empty() {
            String::new()
        } else {
            format!(" – {}", escape(&expectation.message))
        };
        let word = expectation.outcome.word();
        output::add(
            &mut out,
            format_args!("  {word:<12} {}{said}\n", escape(&expectation.text)),
        );
    }
    for limit in &check.limits {
        let word = limit.outcome.word();
        output::add(
            &mut out,
            format_args!(
                "  {word:<12} {} – {}\n",
                limit.text,
                escape(&limit.judgement.reason)
            ),
        );
    }
    out.push('\n');
    out
}

/// One field a line, `path  type  value`; lists show their first element.
fn fields(out: &mut String, path: &str, value: &Value, width: usize, depth: usize) {
    use gonogo_report::escape::terminal as escape;
    match value {
        Value::Map(map) if !map.is_empty() && depth < 6 => {
            for (key, inner) in map {
                let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                let path = if plain {
                    format!("{path}.{key}")
                } else {
                    format!("{path}['{key}']")
                };
                fields(out, &path, inner, width, depth + 1);
            }
        }
        Value::List(items) if !items.is_empty() && depth < 6 => {
            output::add(
                out,
                format_args!("    size({}) = {}\n", escape(path), items.len()),
            );
            fields(out, &format!("{path}[0]"), &items[0], width, depth + 1);
        }
        other => {
            let head = format!("    {:<36} {:<9} ", escape(path), other.type_name());
            let room = width.saturating_sub(head.chars().count()).max(20);
            let shown = escape(&other.to_string());
            let short: String = if shown.chars().count() > room {
                shown.chars().take(room - 1).chain(['…']).collect()
            } else {
                shown
            };
            output::add(out, format_args!("{head}{short}\n"));
        }
    }
}
