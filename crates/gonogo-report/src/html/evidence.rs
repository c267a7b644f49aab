//! Evidence: what each check asked and saw, folded away unless it needs a look.

use gonogo_core::judged::{CheckJudged, Evidence, GateOutcome, Judged};
use gonogo_core::outcome::Outcome;
use gonogo_core::record::Shown;

use super::pieces::{MOST_TEXT, check_anchor, gate_anchor, pill, prose};
use crate::escape::shorten;
use crate::facts;
use crate::markup::Markup;
use crate::wording::{Err, bytes, counted, instant, nanos_toward};

/// Bytes of one check's facts.
const MOST_FACTS: usize = 16 * 1024;
/// Where the page has grown to so many bytes, the rest of the facts stay in the journal.
const MOST_PAGE: usize = 4 * 1024 * 1024;
/// Rows of a table.
const MOST_ROWS: usize = 200;
/// Checks that need a look are unfolded, so many of them at most.
const MOST_UNFOLDED: usize = 20;

pub(super) fn render(page: &mut Markup, judged: &Judged) {
    page.raw("<section id=\"evidence\"><h2>Evidence</h2>\n");
    page.raw("<p class=\"small quiet\">What each check asked and saw, in the plan's order. The whole is in the bundle's <span class=\"mono\">journal.ndjson</span> and <span class=\"mono\">blobs/</span>; large parts are named by their SHA-256.</p>\n");
    let mut unfolded = 0;
    subject(page, judged, &mut unfolded);
    for (gate_at, gate) in judged.gates.iter().enumerate() {
        page.put(
            "<div class=\"gate\" id=\"{}\"><header><h3>{}</h3>",
            &[&gate_anchor(gate_at), &shorten(&gate.title, MOST_TEXT)],
        );
        pill(page, gate.outcome);
        page.put("<span class=\"id mono\">{}</span></header>\n", &[&gate.id]);
        if gate.checks.is_empty() || gate.outcome == GateOutcome::OutOfScope {
            page.put(
                "<p class=\"small quiet\">{}</p>",
                &[&crate::first_screen::result(gate)],
            );
        }
        if gate.outcome != GateOutcome::OutOfScope {
            for (check_at, check) in gate.checks.iter().enumerate() {
                self::check(page, &check_anchor(gate_at, check_at), check, &mut unfolded);
            }
        }
        page.raw("</div>\n");
    }
    page.raw("</section>\n");
}

fn subject(page: &mut Markup, judged: &Judged, unfolded: &mut usize) {
    page.put(
        "<div class=\"gate\"><header><h3>Subject</h3></header><p class=\"small\">{}</p>\n",
        &[&shorten(&judged.subject.message, MOST_TEXT)],
    );
    for (look, anchor) in [
        (&judged.subject.start, "s-start"),
        (&judged.subject.end, "s-end"),
    ] {
        if let Some(look) = look {
            check(page, anchor, look, unfolded);
        }
    }
    page.raw("</div>\n");
}

fn check(page: &mut Markup, anchor: &str, check: &CheckJudged, unfolded: &mut usize) {
    let needs_a_look = !matches!(check.outcome, Outcome::Pass | Outcome::Skipped);
    if needs_a_look && *unfolded < MOST_UNFOLDED {
        *unfolded += 1;
        page.put(
            "<details class=\"check\" id=\"{}\" open><summary>",
            &[anchor],
        );
    } else {
        page.put("<details class=\"check\" id=\"{}\"><summary>", &[anchor]);
    }
    pill(page, check.outcome.into());
    page.put(
        "<span class=\"name mono\">{}</span><span class=\"said\">",
        &[&check.id],
    );
    prose(page, &shorten(&check.message, 200));
    page.raw("</span>");
    if let Some(elapsed) = check.elapsed_ns {
        page.put(
            "<span class=\"time\">{}</span>",
            &[&nanos_toward(elapsed, Err::Up)],
        );
    }
    page.raw("</summary><div class=\"in\">");
    asked(page, check);
    expectations(page, check);
    items(page, check);
    if let Some(evidence) = &check.evidence {
        observed(page, evidence);
    }
    page.raw("</div></details>\n");
}

fn asked(page: &mut Markup, check: &CheckJudged) {
    page.raw("<dl class=\"rows\">");
    page.put(
        "<dt>asked</dt><dd><code>{}</code></dd>",
        &[&shorten(&check.ask, MOST_TEXT)],
    );
    let mut row = |name: &'static str, text: &str| super::pieces::row(page, name, text);
    row("probe", &check.probe);
    if check.message.chars().count() > 200 {
        row("message", &check.message);
    }
    if let Some(target) = check.evidence.as_ref().and_then(|e| e.target.as_ref()) {
        let engine = target.engine.as_ref().map(|e| format!(", {e}"));
        row(
            "target",
            &format!(
                "{} at {}{}",
                target.name,
                target.address,
                engine.unwrap_or_default()
            ),
        );
    }
    if let Some(at) = check.started_at {
        let attempts = counted(check.attempts as usize, "attempt");
        row("when", &format!("{}, {attempts}", instant(at)));
    }
    for (name, text) in [
        ("likely cause", &check.cause),
        ("waived by", &check.waived_by),
    ] {
        if let Some(text) = text {
            row(name, text);
        }
    }
    if let Some(next) = &check.next {
        super::pieces::next_step(page, next);
    }
    page.raw("</dl>");
}

fn expectations(page: &mut Markup, check: &CheckJudged) {
    if check.expectations.is_empty() {
        return;
    }
    page.raw("<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Outcome</th><th scope=\"col\">Expected</th><th scope=\"col\">Seen</th></tr></thead><tbody>");
    for expectation in &check.expectations {
        page.raw("<tr><td>");
        pill(page, expectation.outcome.into());
        page.put(
            "</td><td><code>{}</code></td><td>",
            &[&shorten(&expectation.text, MOST_TEXT)],
        );
        prose(page, &expectation.message);
        page.raw("</td></tr>");
    }
    page.raw("</tbody></table></div>");
}

fn items(page: &mut Markup, check: &CheckJudged) {
    if check.items.is_empty() {
        return;
    }
    page.raw("<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Outcome</th><th scope=\"col\">Item</th><th scope=\"col\">Message</th></tr></thead><tbody>");
    for item in check.items.iter().take(MOST_ROWS) {
        page.raw("<tr><td>");
        pill(page, item.outcome.into());
        page.put(
            "</td><td><code>{}</code></td><td>{}</td></tr>",
            &[
                &shorten(&item.item.to_json().to_string(), 200),
                &shorten(&item.message, MOST_TEXT),
            ],
        );
    }
    page.raw("</tbody></table></div>");
    more_rows(page, check.items.len());
}

fn more_rows(page: &mut Markup, all: usize) {
    if all > MOST_ROWS {
        page.put(
            "<p class=\"small quiet\">and {} more in the journal</p>",
            &[&counted(all - MOST_ROWS, "row")],
        );
    }
}

fn observed(page: &mut Markup, evidence: &Evidence) {
    for seen in &evidence.secrets_seen {
        page.put(
            "<p class=\"alarm\"><b>A secret came back:</b> <span class=\"mono\">{}</span> at <span class=\"mono\">{}</span>; masked here.</p>",
            &[&seen.name, &seen.location],
        );
    }
    for shown in &evidence.shown {
        match shown {
            Shown::Table { title, head, rows } => table(page, title, head, rows),
            Shown::Text { title, text } => {
                page.put("<div><h4>{}</h4>", &[title]);
                page.put("<pre>{}</pre></div>", &[&shorten(text, MOST_FACTS)]);
            }
        }
    }
    if !evidence.facts.is_empty() {
        page.put(
            "<details><summary class=\"small\">{}</summary>",
            &[&counted(evidence.facts.len(), "fact")],
        );
        if page.len() < MOST_PAGE {
            page.put(
                "<pre>{}</pre>",
                &[&facts::pretty(&evidence.facts, MOST_FACTS)],
            );
        } else {
            page.raw(
                "<p class=\"small quiet\">Left out of this page for its size; in the journal.</p>",
            );
        }
        page.raw("</details>");
    }
    if !evidence.blobs.is_empty() {
        page.raw("<ul class=\"plain small\">");
        for blob in &evidence.blobs {
            page.put(
                "<li>{} <span class=\"quiet\">{}, {}</span> <span class=\"id mono\">sha256:{}</span></li>",
                &[&blob.role, &blob.media_type, &bytes(blob.bytes), &blob.sha256],
            );
        }
        page.raw("</ul>");
    }
}

fn table(page: &mut Markup, title: &str, head: &[String], rows: &[Vec<String>]) {
    page.put(
        "<div><h4>{}</h4><div class=\"scroll\"><table><thead><tr>",
        &[title],
    );
    for cell in head {
        page.put("<th scope=\"col\">{}</th>", &[&shorten(cell, 200)]);
    }
    page.raw("</tr></thead><tbody>");
    for row in rows.iter().take(MOST_ROWS) {
        page.raw("<tr>");
        for cell in row {
            page.put("<td>{}</td>", &[&shorten(cell, 500)]);
        }
        page.raw("</tr>");
    }
    page.raw("</tbody></table></div></div>");
    more_rows(page, rows.len());
}
