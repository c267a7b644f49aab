//! The Test Anything Protocol, versions 12 to 14 (testanything.org, TAP 14 of 2022), with subtests. What has subtests
//! is a group and not counted beside them.

use crate::suites::tally::{End, Reading, Suite};

/// Indentation of a subtest.
const INDENT: usize = 4;
/// Nobody nests deeper.
const DEEPEST: usize = 64;

/// Whether no other format begins so.
pub(super) fn is_telling(line: &str) -> bool {
    line.starts_with("TAP version ") || plan(line).is_some() || point(line).is_some()
}

/// `1..3`, `1..0 # SKIP why`.
fn plan(line: &str) -> Option<(u64, Option<&str>)> {
    let rest = line.strip_prefix("1..")?;
    let (count, note) = match rest.split_once('#') {
        Some((count, note)) => (count, Some(note.trim())),
        None => (rest, None),
    };
    Some((count.trim().parse().ok()?, note))
}

struct Point<'a> {
    ok: bool,
    number: Option<u64>,
    name: &'a str,
    /// A directive says that its end does not count.
    is_excused: bool,
}

/// `not ok 3 - name # SKIP why`.
fn point(line: &str) -> Option<Point<'_>> {
    let (ok, rest) = match line.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok")?),
    };
    if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
        return None;
    }
    let rest = rest.trim_start();
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let number = rest[..digits].parse().ok();
    let rest = rest[digits..].trim_start();
    let rest = rest.strip_prefix("- ").unwrap_or(rest);
    let (name, directive) = split_directive(rest);
    let word: String = directive.chars().take(4).collect();
    Some(Point {
        ok,
        number,
        name: name.trim_end(),
        is_excused: ["skip", "todo"].contains(&word.to_ascii_lowercase().as_str()),
    })
}

/// The last `#` that is not escaped begins the directive.
fn split_directive(text: &str) -> (&str, &str) {
    let hash = text.match_indices('#').rev().find(|(at, _)| {
        let escapes = text[..*at]
            .bytes()
            .rev()
            .take_while(|b| *b == b'\\')
            .count();
        escapes % 2 == 0
    });
    match hash {
        Some((at, _)) => (&text[..at], text[at + 1..].trim_start()),
        None => (text, ""),
    }
}

/// The tests of a level and of those below it that were counted.
#[derive(Clone, Copy, Default)]
struct Below {
    leaves: u64,
    failed: u64,
}

/// One level of nesting.
#[derive(Default)]
struct Level {
    points: u64,
    plan: Option<u64>,
    held: Below,
    last_line: usize,
}

impl Level {
    fn add(&mut self, more: Below) {
        self.held.leaves += more.leaves;
        self.held.failed += more.failed;
    }
}

struct Reader {
    levels: Vec<Level>,
    suite: Suite,
    /// Within the YAML of a point: its indentation.
    yaml: Option<usize>,
    has_bailed_out: bool,
}

/// Reads the output.
pub(super) fn read(text: &str, reading: &mut Reading) {
    let mut reader = Reader {
        levels: vec![Level::default()],
        suite: Suite::default(),
        yaml: None,
        has_bailed_out: false,
    };
    let mut last = 0;
    for (i, line) in text.lines().enumerate() {
        last = i + 1;
        reader.line(last, line, reading);
    }
    if !text.is_empty() && !text.ends_with('\n') {
        // The end of a line says whether a test was skipped.
        reading.wrong("breaks-off", last, "the output breaks off within a line");
    }
    if reader.yaml.is_some() {
        reading.wrong(
            "breaks-off",
            last,
            "the output breaks off within a diagnostic",
        );
    }
    if reader.levels.len() > 1 {
        // The point of a group follows its subtests.
        reading.wrong("breaks-off", last, "the output breaks off within a subtest");
    }
    while reader.leave(reading).is_some() {}
    reading.suites.push(reader.suite);
}

impl Reader {
    fn line(&mut self, at: usize, line: &str, reading: &mut Reading) {
        let inner = line.trim_start_matches(' ');
        let indent = line.len() - inner.len();
        if let Some(of) = self.yaml {
            if indent == of && inner.trim_end() == "..." {
                self.yaml = None;
            }
            return;
        }
        if inner.trim_end() == "---" && indent % INDENT == 2 {
            self.yaml = Some(indent);
            return;
        }
        if let Some(version) = line.strip_prefix("TAP version ") {
            if !matches!(version.trim(), "12" | "13" | "14") {
                reading.wrong("version", at, "a version of TAP that is not known here");
            }
            return;
        }
        if inner.starts_with("Bail out!") && !self.has_bailed_out {
            self.has_bailed_out = true;
            reading.wrong("bailed-out", at, inner);
            return;
        }
        let depth = indent / INDENT;
        if indent % INDENT != 0 || depth > DEEPEST {
            return;
        }
        if let Some((count, note)) = plan(inner) {
            let below = self.go_to(depth, reading);
            if let (Some(level), Some(below)) = (self.levels.last_mut(), below) {
                level.add(below);
            }
            self.plan(at, count, note, reading);
        } else if let Some(point) = point(inner) {
            let below = self.go_to(depth, reading);
            self.point(at, &point, below, reading);
        }
    }

    /// Goes to the level of a line, opening and leaving levels; gives what the level right below it held.
    fn go_to(&mut self, depth: usize, reading: &mut Reading) -> Option<Below> {
        while self.levels.len() <= depth {
            self.levels.push(Level::default());
        }
        let mut below = None;
        while self.levels.len() > depth + 1 {
            below = self.leave(reading);
            if self.levels.len() > depth + 1
                && let (Some(level), Some(below)) = (self.levels.last_mut(), &below)
            {
                level.add(*below);
            }
        }
        below
    }

    /// Leaves the deepest level: as many tests must have come as were planned.
    fn leave(&mut self, reading: &mut Reading) -> Option<Below> {
        let level = self.levels.pop()?;
        let points = level.points;
        match level.plan {
            None => {
                let message = format!(
                    "{points} tests without a plan: it cannot be told whether all have run"
                );
                reading.wrong("no-plan", level.last_line, message);
            }
            Some(planned) if planned != points => {
                let message = format!("{planned} tests were planned and {points} are there");
                reading.wrong("breaks-off", level.last_line, message);
            }
            Some(_) => {}
        }
        Some(level.held)
    }

    fn plan(&mut self, at: usize, count: u64, note: Option<&str>, reading: &mut Reading) {
        let is_outermost = self.levels.len() == 1;
        let Some(level) = self.levels.last_mut() else {
            return;
        };
        level.last_line = at;
        if level.plan.replace(count).is_some() {
            reading.wrong("plan", at, "a second plan of the same tests");
        }
        if let Some(note) = note.filter(|_| count == 0 && is_outermost) {
            self.suite.skipped.push(note);
        }
    }

    fn point(&mut self, at: usize, point: &Point<'_>, below: Option<Below>, reading: &mut Reading) {
        let Some(level) = self.levels.last_mut() else {
            return;
        };
        level.points += 1;
        level.last_line = at;
        if point.number.is_some_and(|n| n != level.points) {
            let message = format!(
                "`{}` stands where number {} is due",
                point.name, level.points
            );
            reading.wrong("order", at, message);
        }
        level.add(below.unwrap_or_default());
        let is_group = below.is_some_and(|b| b.leaves > 0);
        let is_bad = !point.ok && !point.is_excused;
        if is_group && !(is_bad && below.is_some_and(|b| b.failed == 0)) {
            return;
        }
        let ran_nothing = below.is_some() && !is_group;
        let end = if is_bad {
            End::Failed
        } else if point.is_excused || ran_nothing {
            End::Skipped
        } else {
            End::Passed
        };
        level.add(Below {
            leaves: 1,
            failed: u64::from(is_bad),
        });
        let name = match point.name {
            "" => format!("test {}", level.points),
            name => name.to_owned(),
        };
        self.suite.add(&name, end);
    }
}
