//! Problems of the options that the schema cannot say.

use std::collections::BTreeMap;

use gonogo_core::duration::parse_duration_ns;
use gonogo_core::exposition::Selector;
use gonogo_core::plan::OptionProblem;
use serde_json::Value as Json;

use super::promql::{bound, unbalanced};
use super::range;
use super::syntax::{Deed, deed};

/// All of them.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let mut problems = Vec::new();
    let text = |key: &str| options.get(key).and_then(Json::as_str);
    let key = text("prometheus").unwrap_or("");
    for (name, value) in [("prometheus", Some(key)), ("select", text("select"))] {
        if value.is_some_and(|v| v.contains("${")) {
            problems.push(problem(
                "pasted-value",
                name,
                "a value pasted into a query could change its meaning",
                "bind it: `bind: { job: \"${inputs.job}\" }`, and write `$job` where the quoted text would stand",
            ));
        }
    }
    if !problems.is_empty() {
        return problems;
    }
    let asked = match deed(key) {
        Ok(asked) => asked,
        Err(message) => {
            let help = "such as `prometheus: scrape /metrics` or `prometheus: query up`";
            return vec![problem("prometheus-form", "prometheus", &message, help)];
        }
    };
    misplaced(options, &asked, &mut problems);
    let bind = options
        .get("bind")
        .and_then(Json::as_object)
        .map(|map| map.iter().map(|(k, v)| (k.clone(), shown(v))).collect())
        .unwrap_or_default();
    match &asked {
        Deed::Scrape(_) => select(text("select"), &bind, &mut problems),
        Deed::Query(promql) | Deed::Range(promql) => {
            query(promql, &bind, &mut problems);
        }
    }
    if let Deed::Query(promql) = &asked
        && text("max_age").is_some()
        && bound(promql, &bind).is_ok_and(|q| !is_plain(&q))
    {
        problems.push(problem(
            "age-unknown",
            "max_age",
            "of a computed value no age is known: a rate of a dead service still has a value",
            "give `max_age` to a check of its own with a plain selector, such as `query up{job=\"api\"}`",
        ));
    }
    if matches!(asked, Deed::Range(_)) {
        steps(text("last"), text("step"), &mut problems);
    }
    problems
}

/// Whether PromQL is one selector with a name, so that its samples' own times can be asked for.
pub(super) fn is_plain(promql: &str) -> bool {
    Selector::parse(promql).is_ok_and(|s| s.name.is_some())
}

fn misplaced(options: &Json, asked: &Deed, problems: &mut Vec<OptionProblem>) {
    let (word, foreign): (&str, &[(&str, &str)]) = match asked {
        Deed::Scrape(_) => ("scrape", &[("last", "range"), ("step", "range")]),
        Deed::Query(_) => (
            "query",
            &[("select", "scrape"), ("last", "range"), ("step", "range")],
        ),
        Deed::Range(_) => ("range", &[("select", "scrape")]),
    };
    for (key, owner) in foreign {
        if options.get(key).is_some() {
            problems.push(problem(
                "prometheus-options",
                key,
                &format!("`{key}` belongs to `{owner}`, and this is a `{word}`"),
                "take it out; a query selects and looks back in its PromQL",
            ));
        }
    }
    if matches!(asked, Deed::Range(_)) && options.get("last").is_none() {
        problems.push(problem(
            "prometheus-options",
            "prometheus",
            "a range needs to know how far back it goes",
            "add `last: 5m`",
        ));
    }
}

fn select(text: Option<&str>, bind: &BTreeMap<String, Json>, problems: &mut Vec<OptionProblem>) {
    let Some(text) = text else {
        if !bind.is_empty() {
            let help = "take it out, or use it in `select:`";
            problems.push(problem(
                "bind",
                "bind",
                "there is nothing to bind into",
                help,
            ));
        }
        return;
    };
    match bound(text, bind) {
        Err(message) => problems.push(bind_problem(&message)),
        Ok(text) => {
            if let Err(bad) = Selector::parse(&text) {
                problems.push(problem(
                    "selector",
                    "select",
                    &format!("`{text}` is not a selector: {bad}"),
                    "such as `name{label=\"x\", other=~\"a.*\"}`; functions need a Prometheus: `query PROMQL`",
                ));
            }
        }
    }
}

fn query(promql: &str, bind: &BTreeMap<String, Json>, problems: &mut Vec<OptionProblem>) {
    match bound(promql, bind) {
        Err(message) => problems.push(bind_problem(&message)),
        Ok(promql) => {
            if let Some(message) = unbalanced(&promql) {
                let help = "PromQL as Prometheus' own page takes it";
                problems.push(problem("promql", "prometheus", &message, help));
            }
        }
    }
}

fn steps(last: Option<&str>, step: Option<&str>, problems: &mut Vec<OptionProblem>) {
    let read = |text: Option<&str>| text.map(parse_duration_ns).and_then(Result::ok);
    let step = match step {
        None => Some(range::DEFAULT_STEP_NS),
        step => read(step),
    };
    if let (Some(last), Some(step)) = (read(last), step)
        && let Err(message) = range::point_count(last, step)
    {
        let help = "a few hundred points are plenty: `last: 5m` with `step: 15s` are 21";
        problems.push(problem("range-steps", "step", &message, help));
    }
}

/// A template's value is not known before the run; any text stands for it.
fn shown(value: &Json) -> Json {
    match value.as_str() {
        Some(text) if text.contains("${") => Json::String("x".to_owned()),
        _ => value.clone(),
    }
}

fn bind_problem(message: &str) -> OptionProblem {
    let help =
        "a bound value stands as a quoted text would: `up{job=$job}` with `bind: { job: api }`";
    problem("bind", "bind", message, help)
}

fn problem(code: &'static str, key: &str, message: &str, help: &str) -> OptionProblem {
    OptionProblem {
        code,
        key: key.to_owned(),
        warning: false,
        message: message.to_owned(),
        help: Some(help.to_owned()),
    }
}
