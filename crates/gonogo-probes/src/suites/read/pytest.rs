//! What pytest prints: its last line counts, the short summary names.

use crate::suites::tally::{Counts, Reading, Suite};

const BEGINS: &str = " test session starts ";

/// Whether no other format has such a line.
pub(super) fn is_telling(line: &str) -> bool {
    line.trim_matches('=') == BEGINS || summary(line).is_some()
}

/// `==== 1 failed, 5 passed, 2 deselected in 0.02s ====`, without the frame under `-q`.
fn summary(line: &str) -> Option<Vec<(u64, &str)>> {
    let inner = line.trim_matches('=').trim();
    let (counts, took) = inner.rsplit_once(" in ")?;
    let took = took.split(' ').next()?;
    let seconds = took.strip_suffix('s')?;
    seconds.parse::<f64>().ok().filter(|s| s.is_finite())?;
    if counts == "no tests ran" {
        return Some(Vec::new());
    }
    let parts = counts.split(", ").map(|part| {
        let (count, what) = part.split_once(' ')?;
        let what = what.trim_end_matches('s');
        let known = [
            "passed",
            "failed",
            "error",
            "skipped",
            "xfailed",
            "xpassed",
            "deselected",
            "warning",
            "rerun",
        ];
        known.contains(&what).then_some((count.parse().ok()?, what))
    });
    parts.collect()
}

/// `collected 7 items / 6 deselected / 1 selected`: how many are to run.
fn collected(line: &str) -> Option<u64> {
    let rest = line.strip_prefix("collected ")?;
    let mut parts = rest.split(" / ");
    let all: u64 = parts.next()?.split(' ').next()?.parse().ok()?;
    let selected = parts.find_map(|part| part.strip_suffix(" selected")?.parse().ok());
    Some(selected.unwrap_or(all))
}

/// Reads the output; several sessions one after the other are several suites.
pub(super) fn read(text: &str, reading: &mut Reading) {
    let sessions = text
        .lines()
        .filter(|l| l.trim_matches('=') == BEGINS)
        .count();
    let is_framed = sessions > 0;
    let mut suite = Suite::named("pytest");
    let mut selected = None;
    let mut ended = 0;
    for (i, line) in text.lines().enumerate() {
        let at = i + 1;
        if let Some(count) = collected(line) {
            selected = Some(count);
        } else if let Some(rest) = line.strip_prefix("FAILED ").or(line.strip_prefix("ERROR ")) {
            // With the reason behind it, where pytest gives one.
            let name = rest.split(" - ").next().unwrap_or(rest);
            // Headings such as `ERROR collecting x` are framed, so they do not begin so.
            suite.failed.push(name);
        } else if let Some(rest) = line.strip_prefix("SKIPPED ") {
            suite.skipped.push(rest);
        } else if let Some(counts) = summary(line).filter(|_| !is_framed || line.starts_with('=')) {
            ended += 1;
            let mut done = std::mem::replace(&mut suite, Suite::named("pytest"));
            count(&mut done, &counts, reading);
            let counted = done.counts;
            let lacking = selected.take().is_some_and(|due| counted.total() < due);
            if lacking && counted.bad() == 0 {
                reading.wrong("counters", at, "fewer tests ended than were selected");
            }
            reading.suites.push(done);
        }
    }
    if ended == 0 || is_framed && ended != sessions {
        let why =
            "there is no last line with the counts: pytest was ended, or the output breaks off";
        reading.wrong("breaks-off", text.lines().count(), why);
    }
}

fn count(suite: &mut Suite, counts: &[(u64, &str)], reading: &mut Reading) {
    let mut sum = Counts::default();
    for (count, what) in counts {
        let slot = match *what {
            // A test that was expected to fail and did not is a pass, unless it is strict; then it is a failure.
            "passed" | "xpassed" => &mut sum.passed,
            "failed" => &mut sum.failed,
            "error" => &mut sum.errors,
            "skipped" | "xfailed" => &mut sum.skipped,
            "deselected" => &mut reading.filtered,
            "rerun" => {
                suite.flaky.push(&format!("{count} reruns"));
                continue;
            }
            _ => continue,
        };
        *slot = slot.saturating_add(*count);
    }
    suite.counts = sum;
}
