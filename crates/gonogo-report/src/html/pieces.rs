//! Pieces that several parts of the page use.

use std::collections::BTreeMap;

use gonogo_core::judged::{Finding, GateOutcome, Judged};
use gonogo_core::outcome::{Severity, Verdict};

use crate::escape::shorten;
use crate::markup::Markup;
use crate::wording::{code_spans, sign, step};

/// How much of one field is shown; the whole is in `verdict.json` and the journal.
pub(super) const MOST_TEXT: usize = 2_000;

/// The class that colours an outcome.
pub(super) fn class_of(outcome: GateOutcome) -> &'static str {
    match outcome {
        GateOutcome::Pass => "good",
        GateOutcome::Fail | GateOutcome::Error => "bad",
        GateOutcome::Warn
        | GateOutcome::Pending
        | GateOutcome::Skipped
        | GateOutcome::Inconclusive => "open",
        GateOutcome::OutOfScope => "none",
    }
}

pub(super) fn verdict_class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Go => "go",
        Verdict::Hold => "hold",
        Verdict::NoGo => "no-go",
    }
}

/// An outcome: colour, sign and word.
pub(super) fn pill(page: &mut Markup, outcome: GateOutcome) {
    page.put(
        "<span class=\"pill {}\"><span class=\"s\" aria-hidden=\"true\">{}</span>{}</span>",
        &[class_of(outcome), sign(outcome), outcome.word()],
    );
}

/// Where on the page the evidence of each check stands, by `gate/check`.
pub(super) struct Anchors(BTreeMap<String, String>);

impl Anchors {
    pub(super) fn of(judged: &Judged) -> Self {
        let mut anchors = BTreeMap::new();
        for (gate_at, gate) in judged.gates.iter().enumerate() {
            for (check_at, check) in gate.checks.iter().enumerate() {
                anchors.insert(
                    format!("{}/{}", gate.id, check.id),
                    check_anchor(gate_at, check_at),
                );
            }
        }
        for (look, name) in [
            (&judged.subject.start, "s-start"),
            (&judged.subject.end, "s-end"),
        ] {
            if let Some(check) = look {
                anchors.insert(format!("subject/{}", check.id), name.to_owned());
            }
        }
        Self(anchors)
    }

    pub(super) fn get(&self, check: &str) -> Option<&str> {
        self.0.get(check).map(String::as_str)
    }
}

pub(super) fn check_anchor(gate: usize, check: usize) -> String {
    format!("c{gate}-{check}")
}

pub(super) fn gate_anchor(gate: usize) -> String {
    format!("g{gate}")
}

/// Text for a person, its parts between backticks as code.
pub(super) fn prose(page: &mut Markup, text: &str) {
    for (part, is_code) in code_spans(&shorten(text, MOST_TEXT)) {
        page.put(if is_code { "<code>{}</code>" } else { "{}" }, &[part]);
    }
}

/// A name and a text, in a list of rows.
pub(super) fn row(page: &mut Markup, name: &'static str, text: &str) {
    page.put("<dt>{}</dt><dd>", &[name]);
    prose(page, text);
    page.raw("</dd>");
}

/// What to do next, as a row: in words, and as a line to copy.
pub(super) fn next_step(page: &mut Markup, next: &str) {
    let next = shorten(next, MOST_TEXT);
    let (words, command) = step(&next);
    page.raw("<dt>next</dt><dd>");
    prose(page, words.unwrap_or_default());
    if let Some(command) = command {
        page.put("<code class=\"cmd\">{}</code>", &[command]);
    }
    page.raw("</dd>");
}

/// A finding with all that a person needs to act on it.
pub(super) fn finding(page: &mut Markup, anchors: &Anchors, finding: &Finding) {
    let outcome = GateOutcome::from(finding.outcome);
    page.put(
        "<article class=\"card finding {}\"><header>",
        &[class_of(outcome)],
    );
    pill(page, outcome);
    match anchors.get(&finding.check) {
        Some(anchor) => page.put(
            "<h3><a href=\"#{}\" class=\"mono\">{}</a></h3>",
            &[anchor, &finding.check],
        ),
        None => page.put("<h3 class=\"mono\">{}</h3>", &[&finding.check]),
    };
    if finding.severity != Severity::Critical {
        page.put("<span class=\"tag\">{}</span>", &[finding.severity.word()]);
    }
    if finding.count > 1 {
        page.put(
            "<span class=\"tag\">stands for {} observations</span>",
            &[&finding.count.to_string()],
        );
    }
    if let Some(by) = &finding.waived_by {
        page.put("<span class=\"tag\">waived by {}</span>", &[by]);
    }
    page.raw("</header><dl class=\"rows\">");
    page.put(
        "<dt>expected</dt><dd><code>{}</code></dd>",
        &[&shorten(&finding.expected, MOST_TEXT)],
    );
    page.put(
        "<dt>seen</dt><dd><code>{}</code></dd>",
        &[&shorten(&finding.seen, MOST_TEXT)],
    );
    if !finding.lines.is_empty() {
        page.raw("<dt></dt><dd><pre class=\"diff\">");
        for line in &finding.lines {
            let class = match line.chars().next() {
                Some('-') => "minus",
                Some('+') => "plus",
                _ => "same",
            };
            page.put(
                "<span class=\"{}\">{}</span>\n",
                &[class, &shorten(line, MOST_TEXT)],
            );
        }
        page.raw("</pre></dd>");
    }
    if let Some(cause) = &finding.cause {
        row(page, "likely cause", cause);
    }
    for (name, text) in crate::statements::of_finding(finding) {
        row(page, name, text);
    }
    if let Some(next) = &finding.next {
        next_step(page, next);
    }
    if let Some(owner) = &finding.owner {
        row(page, "owner", owner);
    }
    if !finding.also.is_empty() {
        row(page, "explains", &finding.also.join(", "));
    }
    page.raw("</dl></article>\n");
}
