//! What a workflow run on GitHub shows beside the log: annotations, as workflow commands. The job's summary is the Markdown report.

use gonogo_core::judged::Judged;
use gonogo_core::outcome::Verdict;

use crate::escape::{shorten, visible};
use crate::places::Places;
use crate::told::{self, Told, VERDICT, Weight};

/// GitHub shows ten errors and ten warnings of one step, and drops the rest without a word.
const MOST: usize = 10;
/// Characters of one line, before escaping.
const MOST_TEXT: usize = 400;

/// Workflow commands, a line each: an error for what blocks, a warning for what advises, a notice for a GO.
/// Without places, none points into a file.
pub fn annotations(judged: &Judged, places: Option<&Places>) -> String {
    let told = told::all(judged);
    let mut out = String::new();
    if judged.verdict == Verdict::Go {
        let conditions = match judged.conditions.len() {
            0 => String::new(),
            n => format!(", with {}", crate::wording::counted(n, "condition")),
        };
        let place = places.map(Places::plan);
        let line = format!("GO{conditions}: {}", judged.because);
        out.push_str(&command("notice", place, "gonogo", &[line]));
    }
    for (word, weight) in [("error", Weight::Blocks), ("warning", Weight::Advises)] {
        let alike: Vec<&Told<'_>> = told.iter().filter(|t| t.weight == weight).collect();
        let (shown, more) = match alike.len() {
            n if n > MOST => alike.split_at(MOST - 1),
            n => alike.split_at(n),
        };
        for one in shown {
            let place = places.map(|places| match one.check.as_str() {
                VERDICT => places.plan(),
                check => places.of(check),
            });
            let title = format!("gonogo: {}", one.check);
            out.push_str(&command(word, place, &title, &told::lines(one)));
        }
        if !more.is_empty() {
            let line = format!("and {} more, in the job's summary", more.len());
            out.push_str(&command(word, None, "gonogo", &[line]));
        }
    }
    out
}

fn command(
    word: &str,
    place: Option<crate::places::Line>,
    title: &str,
    lines: &[String],
) -> String {
    let mut properties = Vec::new();
    if let Some(place) = place {
        properties.push(format!("file={}", property(&place.file)));
        properties.push(format!("line={}", place.line));
    }
    properties.push(format!("title={}", property(title)));
    let lines: Vec<String> = lines.iter().map(|line| data(line)).collect();
    format!("::{word} {}::{}\n", properties.join(","), lines.join("%0A"))
}

/// As the runner's toolkit escapes a command's data: a line break in it would begin a command of its own.
fn data(line: &str) -> String {
    visible(&shorten(line, MOST_TEXT)).replace('%', "%25")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests;
