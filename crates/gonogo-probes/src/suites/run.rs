//! The observing: the program where one is run, then the documents, on a thread that may block.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use gonogo_core::duration::{humanize_duration_ns, parse_duration_ns};
use gonogo_core::record::{Cause, NotObserved, TargetSeen};

use super::observed::{Document, Ended, Found, seen};
use super::read::{Format, detect, read};
use super::syntax::{Source, TestsOptions};
use super::tally::{Reading, Wrong};
use crate::ctx::Ctx;
use crate::exec::{Program, Ran, carry_out};
use crate::files::{find, outside, root_of};
use crate::probe::{Call, Seen};

const TRIED: &str = "tests";
/// No document is larger.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
/// All documents of a check together.
const MOST_OF_ALL: u64 = 256 * 1024 * 1024;
/// How far a clock may be ahead without anybody lying.
const SLACK: i64 = 5 * 60;

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx.clone();
    let bad = |message: String| ctx.not_observed(TRIED, Cause::BadOptions, message);
    let options: TestsOptions =
        serde_json::from_value(call.options.clone()).map_err(|e| bad(e.to_string()))?;
    let source = options.tests;
    if source.run.is_empty() && source.collect.0.is_empty() {
        return Err(bad("there is neither `collect` nor `run`".to_owned()));
    }
    let mut paths = source.collect.0.iter().chain(&source.cwd);
    if let Some(why) = paths.find_map(|path| outside(path)) {
        return Err(ctx.not_observed(TRIED, Cause::Forbidden, why));
    }
    let fresh_for = source
        .fresh_for
        .as_deref()
        .map(parse_duration_ns)
        .transpose();
    let fresh_for = fresh_for.map_err(|e| bad(e.to_string()))?;
    let root = root_of(&ctx, call.target)?;
    let before = if source.run.is_empty() {
        None
    } else {
        Some(marks(&root, &matching(&ctx, &root, &source)?.concat()))
    };
    let ran = run(&ctx, &root, &source).await?;
    let target = call.target.map(|t| TargetSeen {
        name: t.name.clone(),
        address: "repository".to_owned(),
        engine: None,
    });
    let looking = tokio::task::spawn_blocking(move || {
        let look = Look {
            ctx: &ctx,
            root: &root,
            source: &source,
            fresh_for,
            before: before.as_ref(),
        };
        let found = look.look(ran.as_ref())?;
        Ok(seen(&found, &source.may_be_empty.0))
    });
    match looking.await {
        Ok(seen) => seen.map(|seen| Seen { target, ..seen }),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

async fn run(ctx: &Ctx, root: &Path, source: &Source) -> Result<Option<Ran>, NotObserved> {
    let Some((program, arguments)) = source.run.split_first() else {
        return Ok(None);
    };
    let program = Program {
        name: program,
        arguments,
        variables: &source.variables,
        folder: source
            .cwd
            .as_ref()
            .map_or(root.to_owned(), |cwd| root.join(cwd)),
        max_output: MOST_BYTES,
    };
    let ran = carry_out(ctx, &program).await?;
    // Files are the documents where they are collected; else a part of the output is none.
    if source.collect.0.is_empty() && ran.out.cut {
        let message = format!("the program printed more than {MOST_BYTES} bytes");
        let mut late = ctx.not_observed(TRIED, Cause::TooLarge, message);
        late.help = Some("let it write a document such as JUnit's, and collect that".to_owned());
        return Err(late);
    }
    Ok(Some(ran))
}

/// The files of each pattern.
fn matching(ctx: &Ctx, root: &Path, source: &Source) -> Result<Vec<Vec<String>>, NotObserved> {
    let patterns = source.collect.0.iter();
    patterns.map(|pattern| find(ctx, root, pattern)).collect()
}

/// By what a file that was written anew is told from the one that lay there.
type Mark = (Option<SystemTime>, u64, u64);

fn mark(path: &Path) -> Option<Mark> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok(), metadata.len(), metadata.ino()))
}

fn marks(root: &Path, paths: &[String]) -> BTreeMap<String, Mark> {
    let marked = paths
        .iter()
        .filter_map(|path| Some((path.clone(), mark(&root.join(path))?)));
    marked.collect()
}

struct Look<'a> {
    ctx: &'a Ctx,
    root: &'a PathBuf,
    source: &'a Source,
    fresh_for: Option<i64>,
    /// The files as they were before the program ran, where one ran.
    before: Option<&'a BTreeMap<String, Mark>>,
}

impl Look<'_> {
    fn look(&self, ran: Option<&Ran>) -> Result<Found, NotObserved> {
        let mut found = Found {
            ended: ran.map(|ran| Ended {
                exit_code: ran.exit_code,
                signal: ran.signal,
                latency: ran.latency,
                complaint: tail(&ran.err.bytes),
            }),
            ..Found::default()
        };
        if self.source.collect.0.is_empty() {
            found.documents.extend(ran.map(|ran| self.printed(ran)));
        } else {
            self.collect(&mut found.documents)?;
        }
        found.contradictions();
        Ok(found)
    }

    /// What the program printed, as a document.
    fn printed(&self, ran: &Ran) -> Document {
        let source = "the program's output".to_owned();
        let complaint = String::from_utf8_lossy(&ran.err.bytes);
        match std::str::from_utf8(&ran.out.bytes) {
            Ok(text) => self.document(source, text, &complaint),
            Err(error) => not_text(source, &error),
        }
    }

    fn document(&self, source: String, text: &str, beside: &str) -> Document {
        let Some(format) = self.source.format.or_else(|| detect(text)) else {
            let begins: String = text.trim_start().chars().take(60).collect();
            let message = if begins.is_empty() {
                "it is empty".to_owned()
            } else {
                format!(
                    "no format that is known begins with `{}`",
                    begins.escape_debug()
                )
            };
            return Document {
                source,
                format: None,
                reading: only(Wrong::new("no-format", 1, message)),
                age: None,
            };
        };
        let within = self
            .source
            .cwd
            .as_ref()
            .map_or(self.root.clone(), |cwd| self.root.join(cwd));
        let within = std::fs::canonicalize(&within).unwrap_or(within);
        let reading = read(format, text, beside, &within.to_string_lossy());
        Document {
            source,
            format: Some(format),
            reading,
            age: None,
        }
    }

    fn collect(&self, documents: &mut Vec<Document>) -> Result<(), NotObserved> {
        let now = self.ctx.wall_now();
        let mut total = 0;
        let mut known = std::collections::BTreeSet::new();
        for (pattern, paths) in
            self.source
                .collect
                .0
                .iter()
                .zip(matching(self.ctx, self.root, self.source)?)
        {
            if paths.is_empty() {
                let message = format!("no file matches `{pattern}`");
                let mut missing = self.ctx.not_observed(TRIED, Cause::Missing, message);
                let help =
                    "run the suite first, so that it writes its document; or name where it does";
                missing.help = Some(help.to_owned());
                return Err(missing);
            }
            for path in paths {
                if known.insert(path.clone()) {
                    let document = self.file(path, now, &mut total)?;
                    documents.push(document);
                }
            }
        }
        Ok(())
    }

    fn file(
        &self,
        path: String,
        now: DateTime<Utc>,
        total: &mut u64,
    ) -> Result<Document, NotObserved> {
        if self.ctx.is_cancelled() || self.ctx.remaining().is_zero() {
            let message = "the documents could not be read in time";
            return Err(self.ctx.not_observed(TRIED, Cause::Timeout, message));
        }
        let full = self.root.join(&path);
        let (bytes, modified) = bytes_of(&full).map_err(|e| self.unreadable(&path, &e))?;
        *total += bytes.len() as u64;
        if bytes.len() as u64 > MOST_BYTES || *total > MOST_OF_ALL {
            let message = format!(
                "`{path}`: a document may have {MOST_BYTES} bytes, and all together {MOST_OF_ALL}"
            );
            return Err(self.ctx.not_observed(TRIED, Cause::TooLarge, message));
        }
        let stale = self.before.and_then(|before| before.get(&path)) == mark(&full).as_ref()
            && self.before.is_some();
        let mut document = match std::str::from_utf8(&bytes) {
            Ok(text) => self.document(path, text, ""),
            Err(error) => not_text(path, &error),
        };
        if stale {
            let message = "the run has not written it: it lay there before";
            document.reading.wrong("stale", 0, message);
        }
        self.age(&mut document, modified, now);
        Ok(document)
    }

    /// How old it is, by the older of its two times; one from the future is no time.
    fn age(&self, document: &mut Document, modified: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        let made_at = document.reading.made_at;
        for at in [made_at, modified].into_iter().flatten() {
            if at.signed_duration_since(now).num_seconds() > SLACK {
                let message = format!("it is from the future: {}", at.format("%FT%TZ"));
                return document.reading.wrong("future", 0, message);
            }
        }
        let oldest = [made_at, modified].into_iter().flatten().min();
        let age = oldest.map(|at| {
            now.signed_duration_since(at)
                .to_std()
                .unwrap_or(Duration::ZERO)
        });
        document.age = age;
        let Some(most) = self.fresh_for else {
            return;
        };
        let ns = age.map_or(i64::MAX, |age| {
            i64::try_from(age.as_nanos()).unwrap_or(i64::MAX)
        });
        if ns > most {
            let message = format!(
                "it is {} old, and {} is allowed",
                humanize_duration_ns(ns),
                humanize_duration_ns(most)
            );
            document.reading.wrong("stale", 0, message);
        }
    }

    fn unreadable(&self, path: &str, error: &std::io::Error) -> NotObserved {
        let cause = match error.kind() {
            std::io::ErrorKind::PermissionDenied => Cause::Denied,
            _ => Cause::Missing,
        };
        self.ctx
            .not_observed(TRIED, cause, format!("`{path}` cannot be read: {error}"))
    }
}

fn bytes_of(path: &Path) -> std::io::Result<(Vec<u8>, Option<DateTime<Utc>>)> {
    let file = std::fs::File::open(path)?;
    let modified = file.metadata()?.modified().ok().map(DateTime::<Utc>::from);
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok((bytes, modified))
}

fn only(wrong: Wrong) -> Reading {
    Reading {
        wrong: vec![wrong],
        ..Reading::default()
    }
}

fn not_text(source: String, error: &std::str::Utf8Error) -> Document {
    let message = format!("it is not UTF-8 text (byte {})", error.valid_up_to());
    Document {
        source,
        format: None,
        reading: only(Wrong::new("no-text", 1, message)),
        age: None,
    }
}

/// The end of what it complained of, for a person.
fn tail(bytes: &[u8]) -> String {
    let from = bytes.len().saturating_sub(4096);
    String::from_utf8_lossy(&bytes[from..]).into_owned()
}

/// What the facts say of a document's format.
pub(super) fn name_of(format: Option<Format>) -> &'static str {
    format.map_or("unknown", Format::name)
}
