//! Performance: each load's distribution drawn, and the figures of every limit.

use gonogo_core::judged::{CheckJudged, Distribution, GateJudged, Judged, LimitJudged};
use gonogo_core::stats::{LimitJudgement, Needs};

use super::pieces::{check_anchor, pill};
use crate::chart;
use crate::markup::Markup;
use crate::wording::{self, Err, figure, nanos_toward};

/// Whether any check took samples or has limits.
pub(super) fn is_there(judged: &Judged) -> bool {
    judged.gates.iter().flat_map(|gate| &gate.checks).any(has)
}

fn has(check: &CheckJudged) -> bool {
    check.distribution.is_some() || !check.limits.is_empty()
}

pub(super) fn render(page: &mut Markup, judged: &Judged) {
    if !is_there(judged) {
        return;
    }
    page.raw("<section id=\"performance\"><h2>Performance</h2>\n");
    for (gate_at, gate) in judged.gates.iter().enumerate() {
        for (check_at, check) in gate.checks.iter().enumerate() {
            if has(check) {
                load(page, gate, check, &check_anchor(gate_at, check_at));
            }
        }
    }
    page.raw("</section>\n");
}

fn load(page: &mut Markup, gate: &GateJudged, check: &CheckJudged, anchor: &str) {
    page.raw("<figure><figcaption>");
    pill(page, check.outcome.into());
    page.put(
        " <a class=\"mono\" href=\"#{}\">{}/{}</a> <span class=\"quiet\">{}</span></figcaption>\n",
        &[anchor, &gate.id, &check.id, &check.ask],
    );
    if let Some(drawn) = &check.distribution {
        figures(page, drawn);
        if drawn.buckets.is_empty() {
            page.raw(
                "<p class=\"quiet\">No request was answered, so there is nothing to draw.</p>",
            );
        } else {
            page.raw("<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Latency distribution\">");
            chart::draw(page, &format!("p{anchor}"), drawn, &check.limits);
            page.raw("</div>\n");
        }
    }
    if !check.limits.is_empty() {
        limits(page, &check.limits);
    }
    page.raw("</figure>\n");
}

fn figures(page: &mut Markup, drawn: &Distribution) {
    page.raw("<dl class=\"figures\">");
    let mut put = |name: &str, text: &str| {
        page.put("<div><dt>{}</dt><dd>{}</dd></div>", &[name, text]);
    };
    put("requests", &drawn.scheduled.to_string());
    put("no answer", &drawn.unanswered.to_string());
    for (name, at) in &drawn.points {
        let text = at.map_or_else(|| "no answer".to_owned(), |ns| nanos_toward(ns, Err::Up));
        put(name, &text);
    }
    if let Some(rate) = drawn.offered_rate {
        put("offered", &format!("{}/s", figure(rate)));
    }
    if let Some(rate) = drawn.achieved_rate {
        put("achieved", &format!("{}/s", figure(rate)));
    }
    put(
        "over",
        &nanos_toward((drawn.seconds * 1e9) as i64, Err::Down),
    );
    put("model", &drawn.model);
    page.raw("</dl>\n");
}

fn limits(page: &mut Markup, limits: &[LimitJudged]) {
    page.raw("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Limits\"><table><thead><tr><th scope=\"col\">Outcome</th><th scope=\"col\">Limit</th><th scope=\"col\" class=\"num\">Seen</th><th scope=\"col\" class=\"num\">Lower bound</th><th scope=\"col\" class=\"num\">Upper bound</th><th scope=\"col\" class=\"num\">Over</th><th scope=\"col\" class=\"num\">Requests</th><th scope=\"col\" class=\"num\">Confidence</th><th scope=\"col\">Would decide</th></tr></thead><tbody>\n");
    for limit in limits {
        let judgement = &limit.judgement;
        page.raw("<tr><td>");
        pill(page, limit.outcome.into());
        page.put(
            "</td><th scope=\"row\" class=\"mono\">{}</th><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td>{}</td></tr>\n",
            &[
                &limit.text,
                &wording::estimate(judgement),
                &wording::in_unit(judgement.lower, judgement.unit, Err::Down),
                &wording::in_unit(judgement.upper, judgement.unit, Err::Up),
                &judgement.over.to_string(),
                &judgement.n.to_string(),
                &wording::confidence(judgement),
                &judgement.needs.as_ref().map_or_else(|| "–".to_owned(), needs),
            ],
        );
    }
    page.raw("</tbody></table></div>\n<ul class=\"reason small\">");
    for limit in limits {
        page.put(
            "<li><span class=\"mono\">{}</span>: {}</li>",
            &[&limit.text, &limit.judgement.reason],
        );
    }
    page.raw("</ul>\n");
    if let Some(first) = limits.first() {
        assumed(page, &first.judgement);
    }
}

fn needs(needs: &Needs) -> String {
    let time = needs
        .seconds_at_rate
        .filter(|seconds| seconds.is_finite())
        .map(|seconds| format!(", {}", nanos_toward((seconds * 1e9) as i64, Err::Up)))
        .unwrap_or_default();
    format!(
        "{} more ({} in all{time})",
        needs.more_requests, needs.total
    )
}

/// Assumptions are the load's, so those of its first limit are those of all.
fn assumed(page: &mut Markup, judgement: &LimitJudgement) {
    if judgement.assumptions.is_empty() {
        return;
    }
    page.raw("<details class=\"small\"><summary>What was assumed</summary><ul class=\"reason\">");
    for assumption in &judgement.assumptions {
        page.put("<li>{}</li>", &[assumption]);
    }
    page.put(
        "<li>counted as {} independent requests of {}: bursts weigh ×{} by dispersion, ×{} by neighbours</li>",
        &[
            &figure(judgement.effective_n.floor()),
            &judgement.n.to_string(),
            &figure(judgement.deff),
            &judgement.burst_factor.to_string(),
        ],
    );
    page.raw("</ul></details>\n");
}
