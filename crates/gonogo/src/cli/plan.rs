//! `gonogo plan`: what would run, which hosts and powers it needs, how many requests and minutes each limit needs.

use std::fmt::Write as _;

use gonogo_core::plan::{Check, Plan};
use gonogo_core::stats;
use serde_json::{Value as Json, json};

use super::args::PlanArgs;
use super::exit::Exit;
use super::{Ended, output, prepare};
use crate::engine::{Asked, Setup, prepare};

pub(super) fn plan(args: &PlanArgs) -> Ended {
    let names: Vec<String> = {
        let loaded = prepare::load(&args.plan)?;
        if !args.json {
            prepare::warn(&loaded.warnings);
        }
        match &args.environment {
            Some(name) => vec![name.clone()],
            None => loaded.plan.environments.keys().cloned().collect(),
        }
    };
    let mut environments = Vec::new();
    for name in names {
        let loaded = prepare::load(&args.plan)?;
        let inputs = prepare::inputs(&loaded.plan, &args.inputs, &loaded.base_dir)?;
        let asked = Asked {
            environment: name,
            allow: Vec::new(),
            only: Vec::new(),
        };
        let setup = prepare(
            loaded.plan,
            loaded.waivers,
            None,
            inputs,
            asked,
            loaded.base_dir,
        )
        .map_err(Exit::Wrong)?;
        environments.push(describe(&setup));
    }
    if args.json {
        output::json(&json!({ "environments": environments }));
    } else {
        for environment in &environments {
            output::result_text(&text(environment));
        }
    }
    Ok(0)
}

fn describe(setup: &Setup) -> Json {
    let plan = &setup.plan;
    let in_scope = |only: &[String]| only.is_empty() || only.contains(&setup.environment);
    let gates: Vec<Json> = plan
        .gates
        .iter()
        .map(|gate| {
            json!({
                "id": gate.id,
                "title": gate.title,
                "severity": gate.severity,
                "in_scope": in_scope(&gate.only),
                "needs": gate.needs,
                "checks": gate.checks.iter().map(|c| check(plan, setup, c)).collect::<Vec<_>>(),
            })
        })
        .collect();
    let mut powers: Vec<&str> = plan
        .gates
        .iter()
        .filter(|g| in_scope(&g.only))
        .flat_map(|g| &g.checks)
        .filter_map(|c| c.power)
        .map(gonogo_core::record::Power::word)
        .collect();
    powers.sort_unstable();
    powers.dedup();
    let missing: Vec<&str> = powers
        .iter()
        .copied()
        .filter(|p| !setup.powers.iter().any(|granted| granted.word() == *p))
        .collect();
    let hosts: Vec<String> = setup
        .hosts
        .iter()
        .map(|(h, p)| format!("{h}:{p}"))
        .collect();
    let unknown: Vec<String> = setup
        .targets
        .iter()
        .filter_map(|(name, target)| Some(format!("{name}: {}", target.as_ref().err()?.name)))
        .collect();
    json!({
        "environment": setup.environment,
        "kind": setup.env().kind,
        "hosts": hosts,
        "targets_without_input": unknown,
        "powers_needed": powers,
        "powers_missing": missing,
        "gates": gates,
    })
}

fn check(plan: &Plan, setup: &Setup, check: &Check) -> Json {
    let probe = gonogo_probes::probe(&check.probe);
    let cost = probe.map(|p| p.cost(&check.options)).unwrap_or_default();
    let limits: Vec<Json> = check
        .limits
        .iter()
        .map(|limit| needs(plan, check, &limit.text, &limit.claim))
        .collect();
    let _ = setup;
    json!({
        "id": check.id,
        "ask": probe.map_or_else(|| check.probe.clone(), |p| p.ask(&check.options)),
        "power": check.power,
        "requests": cost.requests,
        "seconds": cost.seconds,
        "limits": limits,
    })
}

/// How many requests a limit needs, flawless and realistic, and how long that takes at the planned rate.
fn needs(plan: &Plan, check: &Check, text: &str, claim: &stats::Claim) -> Json {
    let rhythm = gonogo_probes::load::rhythm(&check.options, &check.limits, &plan.statistics).ok();
    let rate = rhythm.as_ref().and_then(|r| r.rate);
    let planned = rhythm.as_ref().and_then(|r| r.requests);
    let until_decided = rhythm.as_ref().is_some_and(|r| r.until_decided);
    let tau = plan.statistics.correlation_time_ns.unsigned_abs();
    let burst = rate
        .and_then(|rate| stats::burst_factor(rate, tau))
        .unwrap_or(1);
    let assumptions = stats::Assumptions {
        confidence: plan.statistics.confidence,
        correlation_time_ns: tau,
        min_duration_ns: plan.statistics.min_duration_ns.unsigned_abs(),
        sequential: until_decided,
        ..stats::Assumptions::default()
    };
    let Some(required) = stats::required_requests(claim, &assumptions, burst) else {
        return json!({ "limit": text, "decidable": false });
    };
    let least = required.least(&assumptions);
    let seconds = |n: u64| rate.map(|rate| (n as f64 / rate).ceil());
    json!({
        "limit": text,
        "decidable": true,
        "burst_factor": burst,
        "least_requests": least,
        "least_seconds": seconds(least),
        "required": required,
        "planned_requests": planned,
        "enough": planned.map(|n| n >= least),
    })
}

fn text(environment: &Json) -> String {
    let mut out = String::new();
    let word = |key: &str| environment[key].as_str().unwrap_or("").to_owned();
    let list = |key: &str| {
        let items: Vec<&str> = environment[key]
            .as_array()
            .map(|a| a.iter().filter_map(Json::as_str).collect())
            .unwrap_or_default();
        if items.is_empty() {
            "none".to_owned()
        } else {
            items.join(", ")
        }
    };
    // Writing to a String cannot fail.
    let _infallible = writeln!(
        out,
        "environment {} ({})",
        word("environment"),
        word("kind")
    );
    let _infallible = writeln!(out, "  hosts   {}", list("hosts"));
    let _infallible = writeln!(out, "  powers  {}", list("powers_needed"));
    if list("powers_missing") != "none" {
        let flags = list("powers_missing").replace(", ", ",");
        let _infallible = writeln!(
            out,
            "          missing: add --allow {flags} (where the plan's `allow` has it)"
        );
    }
    if list("targets_without_input") != "none" {
        let _infallible = writeln!(
            out,
            "  inputs  missing for {}",
            list("targets_without_input")
        );
    }
    for gate in environment["gates"].as_array().into_iter().flatten() {
        let scope = if gate["in_scope"] == true {
            ""
        } else {
            "  (out of scope here)"
        };
        let _infallible = writeln!(
            out,
            "\n  {} · {} [{}]{scope}",
            gate["id"].as_str().unwrap_or(""),
            gate["title"].as_str().unwrap_or(""),
            gate["severity"].as_str().unwrap_or("")
        );
        for check in gate["checks"].as_array().into_iter().flatten() {
            check_text(&mut out, check);
        }
    }
    out.push('\n');
    out
}

fn check_text(out: &mut String, check: &Json) {
    let power = check["power"].as_str().unwrap_or("read");
    let ask: String = check["ask"]
        .as_str()
        .unwrap_or("")
        .chars()
        .take(60)
        .collect();
    let _infallible = writeln!(
        out,
        "    {:<26} {power:<6} {ask}",
        check["id"].as_str().unwrap_or("")
    );
    for limit in check["limits"].as_array().into_iter().flatten() {
        let name = limit["limit"].as_str().unwrap_or("");
        if limit["decidable"] != true {
            let _infallible = writeln!(out, "      {name}: no number of requests decides it");
            continue;
        }
        let planned = limit["planned_requests"]
            .as_u64()
            .map_or_else(String::new, |n| format!("; planned {n}"));
        let seconds = limit["least_seconds"]
            .as_f64()
            .map_or_else(String::new, |s| format!(" ({s:.0} s)"));
        let realistic = limit["required"]["recommended_realistic"]["n"]
            .as_u64()
            .map_or_else(String::new, |n| {
                format!(", {n} when half the allowance is used")
            });
        let verdict = if limit["enough"] == false {
            " – never enough"
        } else {
            ""
        };
        let _infallible = writeln!(
            out,
            "      {name}: at least {} requests{seconds} without a miss{realistic}{planned}{verdict}",
            limit["least_requests"]
        );
    }
}
