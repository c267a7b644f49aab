//! Lines on a terminal: colour only where wanted, wrapped at its width, wide characters counted as two.

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use gonogo_core::judged::GateOutcome;
use gonogo_core::outcome::Verdict;

use crate::escape;

/// Left margin of everything.
pub(super) const MARGIN: usize = 2;

/// Where the lines go.
pub(super) struct Canvas {
    out: String,
    colour: bool,
    width: usize,
}

impl Canvas {
    /// For a width between 40 and 140 columns: longer lines are hard to read.
    pub(super) fn new(colour: bool, width: usize) -> Self {
        Self {
            out: String::new(),
            colour,
            width: width.clamp(40, 140),
        }
    }

    pub(super) fn into_text(self) -> String {
        self.out
    }

    /// Columns beside the margins.
    pub(super) fn columns(&self) -> usize {
        self.width - 2 * MARGIN
    }

    /// Text in a style; the text must be escaped already.
    pub(super) fn paint(&self, style: Style, text: &str) -> String {
        if self.colour && style != Style::new() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// A line as it is, after the margin.
    pub(super) fn line(&mut self, text: &str) {
        let text = text.trim_end();
        if !text.is_empty() {
            self.out.push_str(&" ".repeat(MARGIN));
            self.out.push_str(text);
        }
        self.out.push('\n');
    }

    /// An empty line.
    pub(super) fn gap(&mut self) {
        self.out.push('\n');
    }

    /// A section's head.
    pub(super) fn head(&mut self, title: &str) {
        self.gap();
        let title = self.paint(Style::new().bold().underline(), title);
        self.line(&title);
    }

    /// Data wrapped under a label: the label stands on the first line, the text in a column of its own.
    pub(super) fn labelled(&mut self, indent: usize, label: &Label<'_>, text: &str, style: Style) {
        let hang = indent + label.columns;
        let room = self.columns().saturating_sub(hang).max(16);
        for (index, part) in wrap(&escape::terminal(text), room).iter().enumerate() {
            let mut line = " ".repeat(indent);
            if index == 0 {
                let padded = pad(label.text, label.columns);
                line.push_str(&self.paint(label.style, &padded));
            } else {
                line.push_str(&" ".repeat(label.columns));
            }
            line.push_str(&self.paint(style, part));
            self.line(&line);
        }
    }

    /// Data under a label that must stay in one piece, so that it can be copied: a path, a command.
    pub(super) fn whole(&mut self, indent: usize, label: &Label<'_>, text: &str, style: Style) {
        let mut line = " ".repeat(indent);
        line.push_str(&self.paint(label.style, &pad(label.text, label.columns)));
        line.push_str(&self.paint(style, &escape::terminal(text)));
        self.line(&line);
    }

    /// Data wrapped, without a label.
    pub(super) fn text(&mut self, indent: usize, text: &str, style: Style) {
        let label = Label::new("", 0, Style::new());
        self.labelled(indent, &label, text, style);
    }

    /// A row of a table: cells wrapped in their columns, two spaces between.
    pub(super) fn row(&mut self, cells: &[(String, Style)], widths: &[usize]) {
        let wrapped: Vec<Vec<String>> = cells
            .iter()
            .zip(widths)
            .map(|((text, _), width)| wrap(&escape::terminal(text), *width))
            .collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..height {
            let mut line = String::new();
            for ((cell, (_, style)), width) in wrapped.iter().zip(cells).zip(widths) {
                let part = cell.get(at).map_or("", String::as_str);
                line.push_str(&self.paint(*style, part));
                line.push_str(&" ".repeat(width.saturating_sub(part.width()) + 2));
            }
            self.line(&line);
        }
    }
}

/// What stands before a wrapped text.
pub(super) struct Label<'a> {
    text: &'a str,
    columns: usize,
    style: Style,
}

impl<'a> Label<'a> {
    pub(super) fn new(text: &'a str, columns: usize, style: Style) -> Self {
        Self {
            text,
            columns,
            style,
        }
    }
}

/// The style of quiet words.
pub(super) fn quiet() -> Style {
    Style::new().dimmed()
}

/// The style of an outcome's word.
pub(super) fn outcome_style(outcome: GateOutcome) -> Style {
    let colour = match outcome {
        GateOutcome::Pass => AnsiColor::Green,
        GateOutcome::Fail | GateOutcome::Error => AnsiColor::Red,
        GateOutcome::Warn
        | GateOutcome::Inconclusive
        | GateOutcome::Skipped
        | GateOutcome::Pending => AnsiColor::Yellow,
        GateOutcome::OutOfScope => return quiet(),
    };
    Style::new().fg_color(Some(colour.into()))
}

/// The style of the verdict's banner.
pub(super) fn verdict_style(verdict: Verdict) -> Style {
    let (back, front) = match verdict {
        Verdict::Go => (AnsiColor::Green, AnsiColor::Black),
        Verdict::Hold => (AnsiColor::Yellow, AnsiColor::Black),
        Verdict::NoGo => (AnsiColor::Red, AnsiColor::BrightWhite),
    };
    Style::new()
        .bold()
        .fg_color(Some(front.into()))
        .bg_color(Some(back.into()))
}

pub(super) fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(missing))
}

/// Breaks one line of text at spaces, and words that are longer than a line anywhere.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(2);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in words(text) {
        let mut rest = word.as_str();
        let needed = usize::from(used > 0) + rest.width();
        if used > 0 && used + needed > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        while rest.width() > width {
            let (head, tail) = split_at_width(rest, width);
            lines.push(head.to_owned());
            rest = tail;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(rest);
        used += rest.width();
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Words as they are kept together: a number and its unit are one.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let unit = word.trim_end_matches([',', ';', '.', ':', ')']);
        let is_unit = matches!(unit, "ns" | "µs" | "ms" | "s" | "min" | "h" | "d" | "%");
        match words.last_mut() {
            Some(last) if is_unit && last.ends_with(|c: char| c.is_ascii_digit()) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// As much of a word as fits, at least one character.
fn split_at_width(word: &str, width: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in word.char_indices() {
        used += c.width().unwrap_or(0);
        if used > width && at > 0 {
            return word.split_at(at);
        }
    }
    (word, "")
}
