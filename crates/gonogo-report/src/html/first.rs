//! The first screen.

use gonogo_core::judged::{GateOutcome, Judged};
use gonogo_core::outcome::Severity;

use super::pieces::{self, Anchors, MOST_TEXT, class_of, gate_anchor, pill, prose, verdict_class};
use crate::escape::shorten;
use crate::first_screen::{self as first, title};
use crate::markup::Markup;
use crate::way_back;
use crate::wording::{counted, verdict_sign};

pub(super) fn render(page: &mut Markup, judged: &Judged) {
    page.raw("<a class=\"skip\" href=\"#gates\">To the gates</a>\n");
    banner(page, judged);
    page.raw("<main class=\"page\">\n");
    page.raw("<p class=\"because\">");
    prose(page, &judged.because);
    page.raw("</p>\n");
    blockers(page, judged);
    page.raw("<div class=\"pair\">\n");
    not_evaluated(page, judged);
    since(page, judged);
    page.raw("</div>\n<div class=\"pair\">\n");
    conditions(page, judged);
    way_back(page, judged);
    page.raw("</div>\n");
    gates(page, judged);
}

fn banner(page: &mut Markup, judged: &Judged) {
    for (mark, means) in first::marks(judged) {
        let class = if mark == "REHEARSAL" {
            "rehearsal"
        } else {
            "incomplete"
        };
        page.put(
            "<p class=\"{}\"><b>{}</b> – {}</p>\n",
            &[class, mark, means],
        );
    }
    let (word, action) = first::verdict(judged);
    page.put(
        "<header class=\"banner {}\"><div class=\"inner\">\n<h1><span class=\"sign\" aria-hidden=\"true\">{}</span>{} <span class=\"action\">{}</span></h1>\n<dl class=\"facts\">",
        &[
            verdict_class(judged.verdict),
            verdict_sign(judged.verdict),
            &word,
            action,
        ],
    );
    for (name, text) in first::facts(judged) {
        page.put(
            "<div><dt>{}</dt><dd>{}</dd></div>",
            &[name, &shorten(&text, MOST_TEXT)],
        );
    }
    page.raw("</dl>\n</div></header>\n");
}

fn section(page: &mut Markup, title: &'static str, count: usize) {
    page.put("<section><h2>{}", &[title]);
    if count > 0 {
        page.put("<span class=\"count\">{}</span>", &[&count.to_string()]);
    }
    page.raw("</h2>\n");
}

fn blockers(page: &mut Markup, judged: &Judged) {
    let (blockers, more) = first::blockers(judged);
    section(page, title::BLOCKERS, blockers.len() + more);
    if blockers.is_empty() {
        page.raw("<div class=\"card\">");
        prose(page, &first::no_blockers(judged));
        page.raw("</div>\n");
    }
    let anchors = Anchors::of(judged);
    for finding in blockers {
        pieces::finding(page, &anchors, finding);
    }
    if more > 0 {
        page.put(
            "<p class=\"small under\"><a href=\"#findings\">{}</a></p>\n",
            &[&first::more_blockers(more)],
        );
    }
    page.raw("</section>\n");
}

fn not_evaluated(page: &mut Markup, judged: &Judged) {
    section(page, title::NOT_EVALUATED, judged.not_evaluated.len());
    let gaps = first::gaps(judged);
    if gaps.is_empty() {
        page.put(
            "<div class=\"card\">{}</div></section>\n",
            &[&first::no_gaps(judged)],
        );
        return;
    }
    page.raw("<ul class=\"card plain\">");
    for gap in &gaps {
        page.put("<li><b>{}</b>: ", &[&gap.count()]);
        prose(page, gap.why);
        page.put(
            "<span class=\"id mono\">{}</span></li>",
            &[&shorten(&gap.named(12), MOST_TEXT)],
        );
    }
    page.raw("</ul></section>\n");
}

fn since(page: &mut Markup, judged: &Judged) {
    section(page, title::SINCE, 0);
    page.raw("<ul class=\"card plain\">");
    for line in first::since(judged) {
        page.put("<li>{}</li>", &[&shorten(&line, MOST_TEXT)]);
    }
    page.raw("</ul></section>\n");
}

fn conditions(page: &mut Markup, judged: &Judged) {
    section(page, title::CONDITIONS, judged.conditions.len());
    if judged.conditions.is_empty() {
        page.put(
            "<div class=\"card\">{}</div></section>\n",
            &[first::NO_CONDITIONS],
        );
        return;
    }
    page.raw("<ul class=\"card plain\">");
    for condition in &judged.conditions {
        page.put("<li><span class=\"tag\">{}</span> ", &[&condition.kind]);
        prose(page, &condition.text);
        page.raw("</li>");
    }
    page.raw("</ul></section>\n");
}

fn way_back(page: &mut Markup, judged: &Judged) {
    let (checks, more) = way_back::way_back(judged);
    if checks.is_empty() {
        page.put(
            "<section><h2>{}</h2><div class=\"card\">{}</div></section>\n",
            &[title::WAY_BACK, way_back::NONE],
        );
        return;
    }
    section(page, title::WAY_BACK, 0);
    for lines in checks {
        page.raw("<div class=\"card\"><dl class=\"rows\">");
        for (name, text) in lines {
            page.put("<dt>{}</dt><dd>", &[name]);
            prose(page, &shorten(&text, MOST_TEXT));
            page.raw("</dd>");
        }
        page.raw("</dl></div>\n");
    }
    if more > 0 {
        page.put(
            "<p class=\"small under\">{}</p>\n",
            &[&first::more_ways(more)],
        );
    }
    page.raw("</section>\n");
}

/// So many rolled-back gates say on the page what they left behind; the others' lines are in `verdict.json`.
const MOST_LEFT_BEHIND: usize = 200;

fn gates(page: &mut Markup, judged: &Judged) {
    page.put(
        "<section id=\"gates\"><h2>{}<span class=\"count\">{}</span></h2>\n",
        &[title::GATES, &judged.gate_counts.sentence()],
    );
    page.raw("<div class=\"scroll\"><table class=\"gates\"><thead><tr><th scope=\"col\">Outcome</th><th scope=\"col\">Gate</th><th scope=\"col\">Target</th><th scope=\"col\">Result</th><th scope=\"col\">Severity</th></tr></thead><tbody>\n");
    let at: std::collections::BTreeMap<&str, usize> = judged
        .gates
        .iter()
        .enumerate()
        .map(|(at, gate)| (gate.id.as_str(), at))
        .collect();
    for gate in first::gates(judged) {
        let class = match gate.outcome {
            GateOutcome::Fail | GateOutcome::Error if gate.severity == Severity::Advisory => "open",
            GateOutcome::Pass => "",
            other => class_of(other),
        };
        page.put("<tr class=\"{}\"><td>", &[class]);
        pill(page, gate.outcome);
        let anchor = gate_anchor(at.get(gate.id.as_str()).copied().unwrap_or(0));
        page.put(
            "</td><th scope=\"row\"><a href=\"#{}\">{}</a> <span class=\"id mono\">{}</span></th>",
            &[&anchor, &shorten(&gate.title, MOST_TEXT), &gate.id],
        );
        page.raw("<td data-head=\"target\">");
        prose(page, &first::target(gate));
        page.raw("</td><td data-head=\"result\">");
        prose(page, &first::result(gate));
        page.put(
            "</td><td data-head=\"severity\">{}</td></tr>\n",
            &[gate.severity.word()],
        );
    }
    page.raw("</tbody></table></div>\n");
    for line in first::left_behind(judged).iter().take(MOST_LEFT_BEHIND) {
        page.put(
            "<p class=\"small under\">{}</p>\n",
            &[&shorten(line, 2 * MOST_TEXT)],
        );
    }
    page.put(
        "<p class=\"small quiet under\">Checks: {}. {} in all.</p></section>\n",
        &[
            &judged.counts.sentence(),
            &counted(judged.gates.len(), "gate"),
        ],
    );
}
