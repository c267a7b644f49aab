//! All findings, how to verify, the computed confidence, the policy as applied and what was run.

use gonogo_core::judged::Judged;

use super::pieces::{self, Anchors, prose, row};
use crate::escape::shorten;
use crate::first_screen as first;
use crate::markup::Markup;
use crate::wording::instant;

/// Findings shown in full; a page with thousands helps nobody.
const MOST_FINDINGS: usize = 200;

pub(super) fn findings(page: &mut Markup, judged: &Judged) {
    if judged.findings.is_empty() {
        return;
    }
    page.put(
        "<section id=\"findings\"><h2>Findings<span class=\"count\">{}, gravest first</span></h2>\n",
        &[&judged.findings.len().to_string()],
    );
    let anchors = Anchors::of(judged);
    let (shown, _) = first::blockers(judged);
    let is_shown = |f: &&gonogo_core::judged::Finding| shown.iter().any(|s| std::ptr::eq(*s, *f));
    let rest: Vec<_> = judged.findings.iter().filter(|f| !is_shown(f)).collect();
    if !shown.is_empty() {
        page.raw("<ol class=\"card small\">");
        for finding in &shown {
            page.put(
                "<li><a class=\"mono\" href=\"#{}\">{}</a> ",
                &[
                    anchors.get(&finding.check).unwrap_or("evidence"),
                    &finding.check,
                ],
            );
            prose(page, &shorten(&finding.title, 300));
            page.raw("</li>");
        }
        page.raw("</ol>\n");
    }
    for finding in rest.iter().take(MOST_FINDINGS) {
        pieces::finding(page, &anchors, finding);
    }
    if rest.len() > MOST_FINDINGS {
        page.put(
            "<p class=\"small\">and {} more in <span class=\"mono\">verdict.json</span></p>",
            &[&(rest.len() - MOST_FINDINGS).to_string()],
        );
    }
    page.raw("</section>\n");
}

pub(super) fn render(page: &mut Markup, judged: &Judged) {
    verify(page, judged);
    confidence(page, judged);
    policy(page, judged);
}

fn verify(page: &mut Markup, judged: &Judged) {
    page.raw("<section id=\"verify\"><h2>How to verify</h2><div class=\"card\">\n");
    page.raw("<p>Anyone with the run's folder recomputes this verdict, offline, from the plan, the journal and the blobs. A changed byte makes it fail:</p>");
    page.put(
        "<p><code class=\"cmd\">{}</code></p>",
        &[&first::verify_command(&judged.run)],
    );
    page.raw("<p>A deploy demands that it was this plan, this environment, and recent (add <span class=\"mono\">--subject DIGEST</span> for what is deployed, and <span class=\"mono\">--key PUB</span> where runs are signed; an unsigned bundle protects against accident only):</p>");
    page.put(
        "<p><code class=\"cmd\">{}</code></p></div></section>\n",
        &[&first::deploy_command(judged)],
    );
}

fn confidence(page: &mut Markup, judged: &Judged) {
    let percent = judged.confidence.percent.min(100).to_string();
    page.raw("<section id=\"confidence\"><h2>Computed confidence</h2><div class=\"card\">\n");
    page.put("<p><b>{}</b> of 100", &[&percent]);
    page.raw(" <span class=\"quiet\">– a figure for how much was shown, less a deduction for each thing that was not. It decides nothing: the verdict follows from the gates.</span></p>");
    page.put(
        "<svg class=\"meter\" viewBox=\"0 0 100 1\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{} of 100\"><rect width=\"{}\" height=\"1\"/></svg>",
        &[&percent, &percent],
    );
    if judged.confidence.deductions.is_empty() {
        page.raw("<p>Nothing was deducted.</p>");
    } else {
        page.raw("<table><thead><tr><th scope=\"col\" class=\"num\">Points</th><th scope=\"col\">Why</th></tr></thead><tbody>");
        for (points, why) in &judged.confidence.deductions {
            page.put("<tr><td class=\"num\">−{}</td><td>", &[&points.to_string()]);
            prose(page, why);
            page.raw("</td></tr>");
        }
        page.raw("</tbody></table>");
    }
    page.raw("</div></section>\n");
}

fn policy(page: &mut Markup, judged: &Judged) {
    page.raw(
        "<section id=\"policy\"><h2>Policy as applied</h2><div class=\"card\"><dl class=\"rows\">",
    );
    row(page, "NO-GO if", &judged.policy.no_go);
    row(page, "HOLD if", &judged.policy.hold);
    page.raw("<dt>GO</dt><dd>otherwise; a required gate that is not pass, warn or waived is never GO</dd></dl>");
    if judged.reasons.is_empty() {
        page.raw("<p>No rule lowered the verdict.</p>");
    } else {
        page.raw("<h3>Rules that led to the verdict</h3><ol class=\"reason\">");
        for reason in &judged.reasons {
            page.raw("<li>");
            prose(page, reason);
            page.raw("</li>");
        }
        page.raw("</ol>");
    }
    page.raw("</div></section>\n<section><h2>The run</h2><div class=\"card\"><dl class=\"rows\">");
    run(page, judged);
    page.raw("</dl></div></section>\n");
}

fn run(page: &mut Markup, judged: &Judged) {
    let about = &judged.about;
    row(page, "run", &judged.run);
    row(page, "plan", &about.plan);
    let mut hash = |name: &'static str, sha256: &Option<String>| {
        if let Some(sha256) = sha256 {
            page.put("<dt>{}</dt><dd class=\"mono\">{}</dd>", &[name, sha256]);
        }
    };
    hash("plan sha256", &Some(about.plan_sha256.clone()));
    hash("waivers sha256", &about.waivers_sha256);
    hash("policy sha256", &about.policy_sha256);
    row(page, "started", &instant(about.started_at));
    let ended = about
        .ended_at
        .map_or_else(|| "did not end".to_owned(), instant);
    row(page, "ended", &ended);
    row(page, "decided as of", &instant(about.as_of));
    for line in first::since(judged).iter().skip(1) {
        row(page, "attempt", line);
    }
    for expected in &judged.subject.expected {
        row(page, "subject", expected);
    }
    for (name, value, source) in &about.inputs {
        row(page, "input", &format!("{name} = {value} (from {source})"));
    }
    row(page, "gonogo", &about.gonogo);
}
