//! What `cargo test` prints: libtest's text of one program after the other. Read by the lines that count,
//! `running N tests` and `test result: …`; the lines of single tests only give names.

use crate::suites::tally::{Counts, Reading, Suite};

/// `running 3 tests`: how many.
pub(super) fn running(line: &str) -> Option<u64> {
    let rest = line.strip_prefix("running ")?;
    let (count, tests) = rest.split_once(' ')?;
    if !matches!(tests.trim_end(), "test" | "tests") {
        return None;
    }
    count.parse().ok()
}

/// `     Running tests/orders.rs (target/debug/deps/orders-0123)`, `   Doc-tests shop`: which program comes next.
fn header(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("Running ") {
        let (name, _) = rest.rsplit_once(" (")?;
        return rest.ends_with(')').then(|| name.to_owned());
    }
    line.strip_prefix("Doc-tests ")
        .map(|name| format!("doc tests of {name}"))
}

#[derive(Default)]
struct Totals {
    ok: bool,
    counts: Counts,
    filtered: u64,
}

/// `test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.00s`.
fn totals(line: &str) -> Option<Totals> {
    let rest = line.strip_prefix("test result: ")?;
    let (verdict, rest) = rest.split_once(". ")?;
    let mut totals = Totals {
        ok: verdict == "ok",
        ..Totals::default()
    };
    let mut told = 0;
    for part in rest.split("; ") {
        let Some((count, what)) = part.split_once(' ') else {
            continue;
        };
        let Ok(count) = count.parse::<u64>() else {
            continue;
        };
        let slot = match what {
            // A benchmark that was measured has run.
            "passed" | "measured" => &mut totals.counts.passed,
            "failed" => &mut totals.counts.failed,
            "ignored" => &mut totals.counts.skipped,
            "filtered out" => &mut totals.filtered,
            _ => continue,
        };
        *slot = slot.saturating_add(count);
        told += 1;
    }
    (told >= 3).then_some(totals)
}

/// The block of a program that has begun.
struct Block {
    line: usize,
    announced: u64,
    suite: Suite,
    is_named: bool,
}

#[derive(Default)]
struct Reader {
    /// Programs whose block has not come yet, where the names stand apart from the output.
    names: std::collections::VecDeque<String>,
    are_apart: bool,
    header: Option<(usize, String)>,
    /// The header has had a block: doc tests may have several.
    had_block: bool,
    open: Option<Block>,
    blocks: usize,
}

/// Reads the output; `beside` is what cargo itself said, where that was kept apart.
pub(super) fn read(text: &str, beside: &str, reading: &mut Reading) {
    let names: Vec<String> = beside.lines().filter_map(header).collect();
    let mut reader = Reader {
        are_apart: !names.is_empty(),
        names: names.into(),
        ..Reader::default()
    };
    for (i, line) in text.lines().enumerate() {
        reader.line(i + 1, line, reading);
    }
    reader.end(reading);
}

impl Reader {
    fn line(&mut self, at: usize, line: &str, reading: &mut Reading) {
        if let Some(name) = header(line) {
            self.close(reading);
            self.without_block(reading);
            self.header = Some((at, name));
            self.had_block = false;
        } else if let Some(announced) = running(line) {
            self.close(reading);
            self.begin(at, announced);
        } else if let Some(totals) = totals(line) {
            self.finish(at, &totals, reading);
        } else if let (Some(block), Some(test)) = (&mut self.open, line.strip_prefix("test ")) {
            note(&mut block.suite, test);
        }
    }

    fn begin(&mut self, at: usize, announced: u64) {
        self.blocks += 1;
        let mut name = self.header.as_ref().map(|(_, name)| name.clone());
        if name.is_none() && self.are_apart {
            name = self.names.pop_front();
        }
        self.had_block = true;
        self.open = Some(Block {
            line: at,
            announced,
            is_named: name.is_some(),
            suite: Suite::named(name.unwrap_or_else(|| format!("program {}", self.blocks))),
        });
    }

    fn finish(&mut self, at: usize, totals: &Totals, reading: &mut Reading) {
        let Some(mut block) = self.open.take() else {
            let why = "a count without the tests that it counts";
            return reading.wrong("stray-count", at, why);
        };
        let counts = totals.counts;
        if counts.total() != block.announced {
            let message = format!(
                "`{}` announced {} tests and counted {}",
                block.suite.name,
                block.announced,
                counts.total()
            );
            reading.wrong("counters", at, message);
        }
        if totals.ok != (counts.failed == 0) {
            let message = format!(
                "`{}` contradicts its own count of failures",
                block.suite.name
            );
            reading.wrong("counters", at, message);
        }
        reading.filtered = reading.filtered.saturating_add(totals.filtered);
        block.suite.counts = counts;
        if counts.total() == 0 && totals.filtered == 0 && block.is_named {
            // Cargo makes a program of each target, also of those that have no tests.
            reading.untested.push(&block.suite.name);
        } else {
            reading.suites.push(block.suite);
        }
    }

    /// A block that has no end: its program died.
    fn close(&mut self, reading: &mut Reading) {
        let Some(block) = self.open.take() else {
            return;
        };
        let message = format!(
            "`{}` announced {} tests and never counted them: it died, or the output breaks off",
            block.suite.name, block.announced
        );
        reading.wrong("breaks-off", block.line, message);
    }

    fn without_block(&mut self, reading: &mut Reading) {
        if let Some((line, name)) = self.header.take().filter(|_| !self.had_block) {
            let message = format!("`{name}` was started and counted no tests");
            reading.wrong("no-count", line, message);
        }
    }

    fn end(mut self, reading: &mut Reading) {
        self.close(reading);
        self.without_block(reading);
        for name in &self.names {
            let message = format!("`{name}` was started and counted no tests");
            reading.wrong("no-count", 0, message);
        }
        if self.blocks == 0 {
            let why = "no program of tests has run: there is no line `running N tests`";
            reading.wrong("no-count", 0, why);
        } else if reading.suites.is_empty() && reading.wrong.is_empty() {
            // Programs there were, tests there were none.
            reading.suites.push(Suite::named("cargo test"));
        }
    }
}

/// `orders::total ... FAILED`: the names that matter.
fn note(suite: &mut Suite, line: &str) {
    let Some((name, end)) = line.rsplit_once(" ... ") else {
        return;
    };
    if end == "FAILED" {
        suite.failed.push(name);
    } else if end == "ignored" || end.starts_with("ignored, ") {
        suite.skipped.push(name);
    }
}
