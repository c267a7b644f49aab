//! `gonogo diff`: how two snapshots of a kind differ.

use std::path::Path;

use gonogo_core::capacity::{Snapshot, Thresholds, UnknownThreshold, compare};
use gonogo_core::diag::{Diagnostic, Place};
use gonogo_core::schema_model::{Difference, SchemaSnapshot, diff as differences, diff_text};
use gonogo_core::snapshot::{Kind, Unreadable};
use gonogo_report::escape::terminal as escape;
use serde_json::{Value as Json, json};

use super::args::DiffArgs;
use super::exit::Exit;
use super::{Ended, output};

/// They differ.
const DIFFERENT: u8 = 1;
/// Largest file that is read.
const MAX: u64 = 256 * 1024 * 1024;

pub(super) fn diff(args: &DiffArgs) -> Ended {
    let (a, b) = (File::read(&args.a)?, File::read(&args.b)?);
    let (kind_a, kind_b) = (a.parsed(Kind::of)?, b.parsed(Kind::of)?);
    if kind_a != kind_b {
        let message = format!(
            "{} is a snapshot of kind `{}` and {} one of kind `{}`",
            a.shown,
            kind_a.word(),
            b.shown,
            kind_b.word()
        );
        return Err(not_comparable(message));
    }
    match kind_a {
        Kind::Schema if !args.threshold.is_empty() => Err(Exit::wrong_help(
            "command-line",
            "`--threshold` is of snapshots of kind `capacity`",
            "take it out",
        )),
        Kind::Schema => schema(&a, &b, args.json),
        Kind::Capacity => capacity(&a, &b, args),
    }
}

/// A file with its bytes.
struct File {
    shown: String,
    bytes: Vec<u8>,
}

impl File {
    fn read(path: &Path) -> Result<Self, Exit> {
        let shown = path.display().to_string();
        let cannot = |why: String| {
            let message = format!("{shown} cannot be read: {why}");
            Exit::wrong_help("missing-file", message, "`gonogo snapshot` makes one")
        };
        let meta = std::fs::metadata(path).map_err(|e| cannot(e.to_string()))?;
        if !meta.is_file() {
            return Err(cannot("it is not a file".to_owned()));
        }
        if meta.len() > MAX {
            return Err(cannot(format!("it has more than {MAX} bytes")));
        }
        let bytes = std::fs::read(path).map_err(|e| cannot(e.to_string()))?;
        Ok(Self { shown, bytes })
    }

    /// What a reader makes of it; what is wrong is said at its place.
    fn parsed<T>(&self, reader: impl Fn(&[u8]) -> Result<T, Unreadable>) -> Result<T, Exit> {
        reader(&self.bytes).map_err(|wrong| {
            let text = String::from_utf8_lossy(&self.bytes);
            let line = text.lines().nth(wrong.line.saturating_sub(1));
            let excerpt = line.filter(|l| l.len() <= 200).map(escape);
            let place = Place {
                file: self.shown.clone(),
                line: wrong.line,
                column: wrong.column,
                width: 1,
            };
            let problem = Diagnostic::error("bad-file", wrong.message).help(wrong.help);
            Exit::Wrong(vec![problem.at(place, excerpt)])
        })
    }
}

fn not_comparable(message: String) -> Exit {
    Exit::wrong_help(
        "not-comparable",
        message,
        "take both with the same command of databases of the same kind",
    )
}

fn schema(a: &File, b: &File, json: bool) -> Ended {
    let expected = a.parsed(SchemaSnapshot::read)?;
    let seen = b.parsed(SchemaSnapshot::read)?;
    if expected.product() != seen.product() {
        return Err(not_comparable(format!(
            "{} is of {} and {} of {}",
            a.shown, expected.engine, b.shown, seen.engine
        )));
    }
    let (covers_a, covers_b) = (expected.schemas.len(), seen.schemas.len());
    if (covers_a > 1 || covers_b > 1) && expected.schemas != seen.schemas {
        return Err(not_comparable(format!(
            "{} covers {} and {} covers {}",
            a.shown,
            expected.schemas.join(", "),
            b.shown,
            seen.schemas.join(", ")
        )));
    }
    let found = differences(&expected.model, &seen.model);
    let code = if found.is_empty() { 0 } else { DIFFERENT };
    if json {
        output::json(&json!({
            "kind": Kind::Schema.word(),
            "equal": found.is_empty(),
            "expected": head(a, &expected),
            "seen": head(b, &seen),
            "differences": found,
            "text": diff_text(&found),
        }));
    } else {
        output::result_text(&text((a, &expected), (b, &seen), &found, output::colour()));
    }
    Ok(code)
}

/// Growth by thresholds: 0 GREEN, 1 RED, 2 YELLOW or not judged.
fn capacity(a: &File, b: &File, args: &DiffArgs) -> Ended {
    let (then, now) = (a.parsed(Snapshot::read)?, b.parsed(Snapshot::read)?);
    let mut thresholds = Thresholds::default();
    for (name, value) in &args.threshold {
        thresholds.set(name, value).map_err(|wrong| match wrong {
            UnknownThreshold::Name { ref help, .. } => {
                Exit::wrong_help("unknown-threshold", wrong.to_string(), help.clone())
            }
            UnknownThreshold::Value { .. } => Exit::wrong_help(
                "bad-threshold",
                wrong.to_string(),
                "sizes are written `2GB`, shares `20%`",
            ),
        })?;
    }
    if let Some(why) = thresholds.contradiction() {
        return Err(Exit::wrong("bad-threshold", why));
    }
    let found = compare(&then, &now, &thresholds)
        .map_err(|no| Exit::wrong_help("not-comparable", no.message, no.help))?;
    if args.json {
        let mut document =
            json!({ "kind": Kind::Capacity.word(), "exit_code": found.level.exit_code() });
        let whole = serde_json::to_value(&found).unwrap_or_default();
        if let (Json::Object(to), Json::Object(from)) = (&mut document, whole) {
            to.extend(from);
        }
        output::json(&document);
    } else if args.markdown {
        output::result_text(&gonogo_report::capacity::diff_markdown(&found));
    } else {
        let text = gonogo_report::capacity::diff_text(&found, output::colour(), output::width());
        output::result_text(&text);
    }
    Ok(found.level.exit_code())
}

fn head(file: &File, snapshot: &SchemaSnapshot) -> Json {
    json!({
        "file": file.shown,
        "taken_at": snapshot.taken_at,
        "engine": snapshot.engine,
        "database": snapshot.database,
        "fingerprint": snapshot.model.fingerprint(),
    })
}

fn text(
    (a, expected): (&File, &SchemaSnapshot),
    (b, seen): (&File, &SchemaSnapshot),
    found: &[Difference],
    colour: bool,
) -> String {
    let about = |sign: &str, file: &File, snapshot: &SchemaSnapshot| {
        let taken = snapshot.taken_at.format("%Y-%m-%d %H:%M:%S UTC");
        let line = format!(
            "{}  {}, {}, {taken}",
            file.shown, snapshot.database, snapshot.engine
        );
        format!("{sign} {}", escape(&line))
    };
    let mut lines = vec![about("---", a, expected), about("+++", b, seen)];
    for line in found.iter().flat_map(|difference| difference.text.lines()) {
        lines.push(escape(line));
    }
    let mut out = String::new();
    for line in &lines {
        let code = match (colour, line.chars().next()) {
            (true, _) if line.starts_with("---") || line.starts_with("+++") => "1",
            (true, Some('-')) => "31",
            (true, Some('+')) => "32",
            _ => "",
        };
        if code.is_empty() {
            output::add(&mut out, format_args!("{line}\n"));
        } else {
            output::add(&mut out, format_args!("\u{1b}[{code}m{line}\u{1b}[0m\n"));
        }
    }
    let said = match found.len() {
        0 => format!("the same schema: {}", seen.model.fingerprint()),
        1 => "1 thing differs".to_owned(),
        n => format!("{n} things differ"),
    };
    output::add(&mut out, format_args!("{said}\n"));
    if expected.engine != seen.engine {
        let note =
            "note: servers of different versions may write the same expression in different ways\n";
        out.push_str(note);
    }
    out
}
