//! A latency distribution, drawn: bars on a logarithmic axis, the limits as lines through it, and below it one row for
//! each percentile limit with what was seen, its confidence bounds and the limit. SVG without styles of its own.

mod axis;

use gonogo_core::judged::{Distribution, LimitJudged};
use gonogo_core::outcome::Outcome;
use gonogo_core::stats::Claim;

use self::axis::{Counts, Times, coordinate};
use crate::markup::Markup;
use crate::wording::{self, Err, counted, nanos_toward};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 18.0;
/// Room at the right for requests without an answer.
const LOST: f64 = 66.0;
const LABEL_ROW: f64 = 17.0;
const PLOT: f64 = 190.0;
const AXIS: f64 = 46.0;
const ROW: f64 = 26.0;

/// A percentile limit as it is drawn.
struct Claimed<'a> {
    limit: &'a LimitJudged,
    p: f64,
    max_ns: f64,
}

/// Where things stand in the picture.
struct Frame {
    times: Times,
    counts: Counts,
    top: f64,
    right: f64,
}

impl Frame {
    fn bottom(&self) -> f64 {
        self.top + PLOT
    }
}

/// Draws a check's distribution; nothing where no request was answered. `id` makes the picture's names unique.
pub(crate) fn draw(svg: &mut Markup, id: &str, drawn: &Distribution, limits: &[LimitJudged]) {
    let claimed: Vec<Claimed<'_>> = limits.iter().filter_map(percentile).collect();
    let Some(times) = times(drawn, &claimed) else {
        return;
    };
    let most = drawn.buckets.iter().map(|(_, n)| *n).max().unwrap_or(0);
    let top = 10.0 + LABEL_ROW * claimed.len() as f64;
    let frame = Frame {
        times,
        counts: Counts::to(most.max(drawn.unanswered), top, top + PLOT),
        top,
        right: WIDTH - RIGHT - if drawn.unanswered > 0 { LOST } else { 0.0 },
    };
    let height = frame.bottom() + AXIS + ROW * claimed.len() as f64;
    svg.put(
        "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{}-t {}-d\">",
        &[&coordinate(WIDTH), &coordinate(height), id, id],
    );
    svg.put(
        "<title id=\"{}-t\">Latency of {}</title>",
        &[id, &counted(drawn.scheduled as usize, "request")],
    );
    svg.put(
        "<desc id=\"{}-d\">{}</desc>",
        &[id, &description(drawn, &claimed)],
    );
    axes(svg, &frame);
    bars(svg, &frame, drawn);
    lost(svg, &frame, drawn.unanswered);
    for (index, claim) in claimed.iter().enumerate() {
        // The label stands left of its line, so the rightmost line starts highest.
        let row = claimed
            .iter()
            .enumerate()
            .filter(|(other, c)| (c.max_ns, *other) > (claim.max_ns, index))
            .count();
        limit_line(svg, &frame, (row, index), claim);
    }
    for (index, claim) in claimed.iter().enumerate() {
        bounds_row(svg, &frame, index, claim);
    }
    svg.raw("</svg>");
}

fn percentile(limit: &LimitJudged) -> Option<Claimed<'_>> {
    match limit.judgement.claim {
        Claim::Percentile { p, max_ns } => Some(Claimed {
            limit,
            p,
            max_ns: (max_ns as f64).max(1.0),
        }),
        Claim::ErrorRate { .. } | Claim::Rate { .. } => None,
    }
}

/// The lower edge of the first bar, which the data does not tell: bars are about equally wide on this axis.
fn first_edge(buckets: &[(i64, u64)]) -> Option<f64> {
    let first = buckets.first()?.0.max(1) as f64;
    let ratio = buckets
        .get(1)
        .map_or(1.06, |(second, _)| *second as f64 / first)
        .clamp(1.01, 2.0);
    Some(first / ratio)
}

fn times(drawn: &Distribution, claimed: &[Claimed<'_>]) -> Option<Times> {
    let mut low = first_edge(&drawn.buckets)?;
    let mut high = drawn.buckets.last()?.0.max(1) as f64;
    for claim in claimed {
        let judgement = &claim.limit.judgement;
        for at in [Some(claim.max_ns), judgement.lower, judgement.upper] {
            if let Some(at) = at.filter(|at| at.is_finite() && *at > 0.0) {
                low = low.min(at);
                high = high.max(at);
            }
        }
    }
    let right = WIDTH - RIGHT - if drawn.unanswered > 0 { LOST } else { 0.0 };
    Some(Times::between(low / 1.08, high * 1.12, LEFT, right))
}

fn description(drawn: &Distribution, claimed: &[Claimed<'_>]) -> String {
    let mut text = format!(
        "{} scheduled, {} without an answer.",
        counted(drawn.scheduled as usize, "request"),
        drawn.unanswered
    );
    for claim in claimed {
        let judgement = &claim.limit.judgement;
        let more = format!(
            " {}: limit {}, seen {}, upper bound {}: {}.",
            wording::percentile(claim.p),
            claim.limit.text,
            wording::estimate(judgement),
            wording::bound(judgement),
            claim.limit.outcome.word(),
        );
        text.push_str(&more);
    }
    text
}

fn axes(svg: &mut Markup, frame: &Frame) {
    for (at, label) in frame.counts.ticks() {
        let y = coordinate(at);
        svg.put(
            "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>",
            &[&coordinate(LEFT), &coordinate(frame.right), &y, &y],
        );
        svg.put(
            "<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            &[&coordinate(LEFT - 6.0), &coordinate(at + 4.0), &label],
        );
    }
    let bottom = frame.bottom();
    for (at, label) in frame.times.ticks() {
        let x = coordinate(at);
        svg.put(
            "<line class=\"axis\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>",
            &[&x, &x, &coordinate(bottom), &coordinate(bottom + 5.0)],
        );
        svg.put(
            "<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            &[&x, &coordinate(bottom + 18.0), &label],
        );
    }
    let y = coordinate(bottom);
    svg.put(
        "<line class=\"axis\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>",
        &[&coordinate(LEFT), &coordinate(frame.right), &y, &y],
    );
    svg.put(
        "<text class=\"unit\" x=\"{}\" y=\"{}\" text-anchor=\"start\">latency (logarithmic)</text>",
        &[&coordinate(LEFT), &coordinate(bottom + 34.0)],
    );
    let middle = coordinate(frame.top + PLOT / 2.0);
    svg.put(
        "<text class=\"unit\" text-anchor=\"middle\" transform=\"translate(13 {}) rotate(-90)\">{}</text>",
        &[&middle, frame.counts.unit()],
    );
}

fn bars(svg: &mut Markup, frame: &Frame, drawn: &Distribution) {
    let Some(mut low) = first_edge(&drawn.buckets) else {
        return;
    };
    for (edge, count) in &drawn.buckets {
        let high = edge.max(&1);
        let (from, to) = (frame.times.x(low), frame.times.x(*high as f64));
        let range = format!(
            "{} to {}: {}",
            nanos_toward(low as i64, Err::Down),
            nanos_toward(*high, Err::Up),
            counted(*count as usize, "request")
        );
        low = *high as f64;
        if *count == 0 {
            continue;
        }
        let y = frame.counts.y(*count);
        svg.put(
            "<rect class=\"bar\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}</title></rect>",
            &[
                &coordinate(from + 0.5),
                &coordinate(y),
                &coordinate((to - from - 1.0).max(1.0)),
                &coordinate(frame.bottom() - y),
                &range,
            ],
        );
    }
}

fn lost(svg: &mut Markup, frame: &Frame, unanswered: u64) {
    if unanswered == 0 {
        return;
    }
    let x = frame.right + 22.0;
    let y = frame.counts.y(unanswered);
    svg.put(
        "<rect class=\"lost\" x=\"{}\" y=\"{}\" width=\"26\" height=\"{}\"/>",
        &[
            &coordinate(x),
            &coordinate(y),
            &coordinate(frame.bottom() - y),
        ],
    );
    let middle = coordinate(x + 13.0);
    svg.put(
        "<text class=\"value\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
        &[&middle, &coordinate(y - 5.0), &unanswered.to_string()],
    );
    svg.put(
        "<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">no answer</text>",
        &[&middle, &coordinate(frame.bottom() + 18.0)],
    );
}

fn class_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "good",
        Outcome::Fail | Outcome::Error => "bad",
        Outcome::Warn | Outcome::Pending | Outcome::Skipped | Outcome::Inconclusive => "open",
    }
}

/// The limit as a line through the bars, its text at the top on a row of its own so that neighbours do not collide.
fn limit_line(
    svg: &mut Markup,
    frame: &Frame,
    (label_row, bounds_row): (usize, usize),
    claim: &Claimed<'_>,
) {
    let at = frame.times.x(claim.max_ns);
    let row = 6.0 + LABEL_ROW * label_row as f64;
    let class = class_of(claim.limit.outcome);
    let x = coordinate(at);
    let end = frame.bottom() + AXIS + ROW * (bounds_row + 1) as f64 - 5.0;
    svg.put(
        "<line class=\"limit {}\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>",
        &[class, &x, &x, &coordinate(row), &coordinate(end)],
    );
    let on_the_left = at > LEFT + 180.0;
    let (anchor, shift) = if on_the_left {
        ("end", -6.0)
    } else {
        ("start", 6.0)
    };
    svg.put(
        "<text class=\"label {}\" x=\"{}\" y=\"{}\" text-anchor=\"{}\">limit {}</text>",
        &[
            class,
            &coordinate(at + shift),
            &coordinate(row + 10.0),
            anchor,
            &claim.limit.text,
        ],
    );
}

/// What was seen and between which bounds the percentile lies, below the axis and on its scale.
fn bounds_row(svg: &mut Markup, frame: &Frame, index: usize, claim: &Claimed<'_>) {
    let judgement = &claim.limit.judgement;
    let class = class_of(claim.limit.outcome);
    let y = frame.bottom() + AXIS + ROW * index as f64 + ROW / 2.0;
    let line = coordinate(y);
    let known = |at: Option<f64>| at.filter(|at| at.is_finite()).map(|at| frame.times.x(at));
    let lower = known(judgement.lower).unwrap_or(LEFT);
    let upper = known(judgement.upper).unwrap_or(frame.right);
    svg.put(
        "<text class=\"row\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
        &[
            &coordinate(LEFT - 6.0),
            &coordinate(y + 4.0),
            &wording::percentile(claim.p),
        ],
    );
    svg.put(
        "<line class=\"whisker {}\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>",
        &[class, &coordinate(lower), &coordinate(upper), &line, &line],
    );
    for (end, is_known) in [
        (lower, judgement.lower.is_some()),
        (upper, judgement.upper.is_some()),
    ] {
        if is_known {
            end_mark(svg, class, end, y);
        }
    }
    let seen = known(judgement.estimate);
    if let Some(at) = seen {
        svg.put(
            "<circle class=\"seen {}\" cx=\"{}\" cy=\"{}\" r=\"4.5\"/>",
            &[class, &coordinate(at), &line],
        );
    }
    row_words(svg, frame, claim, y, (lower, upper));
}

fn end_mark(svg: &mut Markup, class: &str, at: f64, y: f64) {
    let x = coordinate(at);
    svg.put(
        "<line class=\"whisker {}\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>",
        &[class, &x, &x, &coordinate(y - 5.0), &coordinate(y + 5.0)],
    );
}

/// The figures, on whichever side of the whisker there is room.
fn row_words(svg: &mut Markup, frame: &Frame, claim: &Claimed<'_>, y: f64, ends: (f64, f64)) {
    let judgement = &claim.limit.judgement;
    let bound = match judgement.upper {
        Some(_) => format!("bound {}", wording::bound(judgement)),
        None => "no upper bound".to_owned(),
    };
    let words = format!("{}, {bound}", wording::estimate(judgement));
    let needed = words.chars().count() as f64 * 7.0 + 12.0;
    let limit_at = frame.times.x(claim.max_ns);
    let after = ends.1 + 9.0;
    let clear_of_limit = limit_at < after || limit_at > after + needed;
    let (x, anchor) = if after + needed < frame.right && clear_of_limit {
        (after, "start")
    } else if ends.0 - needed > LEFT {
        (ends.0 - 9.0, "end")
    } else {
        // Above the whisker, where nothing else is.
        (f64::midpoint(ends.0, ends.1), "middle")
    };
    let y = if anchor == "middle" { y - 7.0 } else { y + 4.0 };
    svg.put(
        "<text class=\"value\" x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>",
        &[&coordinate(x), &coordinate(y), anchor, &words],
    );
}

#[cfg(test)]
mod tests;
