//! The migrations of a source held against the rules. Pure.

use std::collections::BTreeSet;

use super::layout::{Layout, Tool, Unit};
use super::python::{self, Models, Python};
use super::reader::{Effect, Hit, Manner, Script, read};
use super::rules::{self, Level, Rewrites};
use super::sections::split;
use super::source::Source;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) rule: String,
    pub(super) link: String,
    pub(super) level: Level,
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) statement: String,
    pub(super) reason: String,
    pub(super) safer: String,
    pub(super) lock: &'static str,
    pub(super) rewrites: Rewrites,
}

/// One migration that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Migration {
    pub(super) name: String,
    pub(super) tool: Tool,
    pub(super) path: String,
    pub(super) statements: usize,
    pub(super) has_down: bool,
    pub(super) effect: Effect,
    pub(super) findings: usize,
}

impl Migration {
    /// Whether the version before runs on what it leaves.
    pub(super) fn is_compatible(&self) -> bool {
        self.effect.adds_only && self.effect.drops_nothing
    }
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Review {
    /// The migrations that were read, in the order in which they run.
    pub(super) migrations: Vec<Migration>,
    /// What the rules say.
    pub(super) findings: Vec<Finding>,
}

/// The paths whose texts are needed.
pub(super) fn needed(source: &Source, layout: &Layout) -> BTreeSet<String> {
    // Django's say what a field was before.
    let judged = layout.units.iter();
    let judged = judged.filter(|unit| is_judged(source, unit) || unit.tool == Tool::Django);
    judged
        .flat_map(|unit| [Some(unit.up.clone()), unit.down.clone()])
        .flatten()
        .collect()
}

/// New ones, and those that run again because they were changed.
fn is_judged(source: &Source, unit: &Unit) -> bool {
    source.is_judged(&unit.up) || (unit.repeatable && source.edited.contains(&unit.up))
}

/// Reads one migration after another; `go_on` is asked between them.
///
/// # Errors
/// `go_on` said no.
pub(super) fn hold(
    source: &Source,
    mut layout: Layout,
    also: &[squawk_linter::Rule],
    go_on: &dyn Fn() -> bool,
) -> Result<Review, ()> {
    let mut review = Review::default();
    if layout.units.iter().any(|unit| unit.tool == Tool::Alembic) {
        python::in_order(&mut layout.units, &source.texts);
    }
    let mut models = Models::default();
    for unit in &layout.units {
        if !go_on() {
            return Err(());
        }
        if is_judged(source, unit) {
            one(source, unit, also, &mut models, &mut review);
        } else if let (Tool::Django, Some(Ok(text))) = (unit.tool, source.texts.get(&unit.up)) {
            // Only for what it says of the fields.
            drop(python::read(unit.tool, &unit.up, text, &[], &mut models));
        }
    }
    let of_file = |file: &String, rule: &str| of_hit(file, about(rule));
    for path in &layout.strange {
        if source.is_judged(path) {
            review.findings.push(of_file(path, "not-recognised"));
        }
    }
    let runs_again = |path: &String| layout.units.iter().any(|u| u.repeatable && u.up == *path);
    for path in source.edited.iter().filter(|path| !runs_again(path)) {
        review.findings.push(of_file(path, "edited-migration"));
    }
    for path in &source.removed {
        review.findings.push(of_file(path, "removed-migration"));
    }
    // Within a file, what is said of the whole of it comes last.
    let key = |f: &Finding| {
        (
            f.level,
            f.file.clone(),
            f.statement.is_empty(),
            f.line,
            f.rule.clone(),
        )
    };
    review.findings.sort_by_cached_key(key);
    Ok(review)
}

fn one(
    source: &Source,
    unit: &Unit,
    also: &[squawk_linter::Rule],
    models: &mut Models,
    review: &mut Review,
) {
    if unit.tool.is_python() {
        return in_python(source, unit, also, models, review);
    }
    let text = |path: &str| {
        source
            .texts
            .get(path)
            .cloned()
            .unwrap_or(Err("it is not there".to_owned()))
    };
    let mut tool = unit.tool;
    let mut down = unit.down.as_ref().map(|path| (path.clone(), text(path)));
    let script = match text(&unit.up) {
        Err(why) => Script::refused(why, 1),
        Ok(whole) => {
            let sections = split(&whole, unit.tool);
            tool = sections.tool.unwrap_or(unit.tool);
            if let Some(text) = sections.down {
                down = Some((unit.up.clone(), Ok(text)));
            }
            let manner = Manner {
                in_transaction: sections.in_transaction,
                also: also.to_vec(),
            };
            read(&sections.up, &manner)
        }
    };
    let mut findings: Vec<Finding> = script
        .hits
        .iter()
        .map(|hit| of_hit(&unit.up, hit.clone()))
        .collect();
    let mut has_down = false;
    if let Some((path, text)) = down {
        let way_back = match text {
            Ok(text) => read(&text, &Manner::default()),
            Err(why) => Script::refused(why, 1),
        };
        // A way down drops what the way up made: only whether it can be read counts.
        let unread = way_back
            .hits
            .into_iter()
            .filter(|hit| hit.rule == "not-understood");
        let unread: Vec<Finding> = unread.map(|hit| of_hit(&path, hit)).collect();
        has_down = way_back.statements > 0 && unread.is_empty();
        findings.extend(unread);
    }
    judged(unit, tool, script, has_down, findings, review);
}

/// One that is written in Python.
fn in_python(
    source: &Source,
    unit: &Unit,
    also: &[squawk_linter::Rule],
    models: &mut Models,
    review: &mut Review,
) {
    let text = source.texts.get(&unit.up).cloned();
    let text = text.unwrap_or(Err("it is not there".to_owned()));
    let read = match text {
        Ok(text) => python::read(unit.tool, &unit.up, &text, also, models),
        Err(why) => Python::refused(&why, 1),
    };
    let hits = read.up.hits.iter();
    let mut findings: Vec<Finding> = hits.map(|hit| of_hit(&unit.up, hit.clone())).collect();
    let unread = read.down.hits.into_iter();
    let unread = unread.filter(|hit| hit.rule == "not-understood");
    findings.extend(unread.map(|hit| of_hit(&unit.up, hit)));
    if read.only_joins {
        let joined = Migration {
            name: unit.name.clone(),
            tool: unit.tool,
            path: unit.up.clone(),
            statements: 0,
            has_down: true,
            effect: read.up.effect,
            findings: findings.len(),
        };
        review.findings.extend(findings);
        review.migrations.push(joined);
        return;
    }
    judged(unit, unit.tool, read.up, read.has_down, findings, review);
}

/// What is said of a migration as a whole.
fn judged(
    unit: &Unit,
    tool: Tool,
    script: Script,
    has_down: bool,
    mut findings: Vec<Finding>,
    review: &mut Review,
) {
    let mut migration = Migration {
        name: unit.name.clone(),
        tool,
        path: unit.up.clone(),
        statements: script.statements,
        has_down,
        effect: script.effect,
        findings: 0,
    };
    if script.statements == 0 && script.hits.is_empty() {
        findings.push(of_hit(&unit.up, about("empty-migration")));
    } else if !has_down {
        findings.push(without_down(&migration));
    }
    migration.findings = findings.len();
    review.findings.extend(findings);
    review.migrations.push(migration);
}

/// What has no way down weighs little where the version before runs on what it leaves.
fn without_down(migration: &Migration) -> Finding {
    let mut finding = of_hit(&migration.path, about("no-way-down"));
    if migration.is_compatible() {
        finding.level = Level::Warning;
        "There is no way down; it only adds, so that the version before runs on the new schema."
            .clone_into(&mut finding.reason);
        "Write the way down beside it, or allow this rule where going back means only the program."
            .clone_into(&mut finding.safer);
    }
    finding
}

/// A rule about a whole file.
fn about(rule: &str) -> Hit {
    Hit {
        at: 0,
        rule: rule.to_owned(),
        line: 1,
        statement: String::new(),
        reason: None,
        safer: None,
    }
}

fn of_hit(file: &str, hit: Hit) -> Finding {
    let rule = rules::named(&hit.rule);
    let or = |own: Option<String>, usual: Option<&'static str>| {
        own.unwrap_or_else(|| usual.unwrap_or_default().to_owned())
    };
    Finding {
        link: rules::link(&hit.rule),
        // A rule of style, which the plan asked for.
        level: rule.map_or(Level::Warning, |r| r.level),
        file: file.to_owned(),
        line: hit.line,
        statement: hit.statement,
        reason: or(hit.reason, rule.map(|r| r.reason)),
        safer: or(hit.safer, rule.map(|r| r.safer)),
        lock: rule.map_or("", |r| r.lock),
        rewrites: rule.map_or(Rewrites::Depends, |r| r.rewrites),
        rule: hit.rule,
    }
}
