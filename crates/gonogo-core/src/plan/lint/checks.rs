//! Checks: that each expects something, of what it observes, in types that go together.

use std::collections::BTreeSet;

use super::{Use, check_types, given_names, limits, undeclared, uses};
use crate::diag::{Diagnostic, Place};
use crate::expr::{Field, Type, TypeEnv};
use crate::plan::build::Built;
use crate::plan::exprs;
use crate::plan::load::{Reader, file_path};
use crate::plan::source::{Source, Span};
use crate::plan::syntax::{FileProblem, OptionProblem, Registry, Syntax};
use crate::plan::tree::Node;
use crate::plan::types::{Check, StatisticsOptions};

pub(super) fn lint(built: &Built, reader: &mut Reader<'_>, registry: &Registry) {
    let given = given_names(built);
    let captures = captures(built);
    let statistics = built.plan.statistics;
    let each = |check: &Check, node: &Node, rollback: bool, reader: &mut Reader<'_>| {
        let Some(probe) = registry.probe(&check.probe) else {
            return;
        };
        let one = One {
            check,
            node,
            probe,
            statistics,
            rollback,
        };
        one.lint(&given, registry.check_files, reader);
        for each in uses(check, node) {
            undeclared(built, &captures, &each, reader);
        }
    };
    if let (Some(subject), Some(node)) = (&built.plan.subject, &built.subject) {
        each(&subject.check, node, false, reader);
    }
    for (gate, site) in built.plan.gates.iter().zip(&built.gates) {
        for (check, node) in gate.checks.iter().zip(&site.checks) {
            each(check, node, gate.rollback, reader);
        }
    }
}

/// Every capture that some check sets, those of checks that could not be built included.
fn captures(built: &Built) -> BTreeSet<&str> {
    let saved = built.plan.gates.iter().flat_map(|g| &g.checks);
    let saved = saved.flat_map(|c| &c.save).map(|s| s.name.as_str());
    let lost = built.gates.iter().flat_map(|g| &g.lost_saves);
    saved.chain(lost.map(String::as_str)).collect()
}

struct One<'a> {
    check: &'a Check,
    node: &'a Node,
    probe: &'a dyn Syntax,
    statistics: StatisticsOptions,
    rollback: bool,
}

impl One<'_> {
    fn lint(&self, given: &TypeEnv, check_files: bool, reader: &mut Reader<'_>) {
        self.expects_something(reader);
        let shape = self.probe.shape(&self.check.options);
        let mut facts: BTreeSet<&str> = shape.fields.iter().map(|(n, _)| n.as_str()).collect();
        facts.insert("secrets_seen");
        let mut before = given.clone();
        if self.check.for_each.is_some() {
            before = before.with("item", Field::new(Type::Dyn, "The item of `for_each`."));
        }
        let seen = Type::fields([
            ("name", Field::new(Type::String, "The secret's name.")),
            ("where", Field::new(Type::String, "Where it stood.")),
        ]);
        let seen = Field::new(Type::list(seen), "Secrets that came back, masked.");
        let mut after = before.clone().with("secrets_seen", seen);
        for (name, field) in shape.fields.iter().cloned() {
            after = after.with(name, field);
        }
        for each in uses(self.check, self.node) {
            self.types(&each, &before, &after, &facts, reader);
        }
        self.templates(reader);
        let options = &self.check.options;
        let everywhere = self.probe.lint(options);
        let here = self.probe.lint_in_gate(options, self.rollback);
        for problem in everywhere.into_iter().chain(here) {
            self.own_problem(problem, reader);
        }
        if check_files {
            self.files(reader);
        }
        self.retries(reader);
        self.limits(reader);
    }

    fn head(&self) -> Span {
        let asked = self.node.entry(self.probe.key());
        asked.map_or(self.node.span, |e| e.key_span)
    }

    fn expects_something(&self, reader: &mut Reader<'_>) {
        let check = self.check;
        let implied = self.probe.implied_expectation(&check.options).is_some();
        if !check.expect.is_empty() || !check.limits.is_empty() || !check.save.is_empty() || implied
        {
            return;
        }
        let message = format!(
            "the check `{}` expects nothing, so it could not fail",
            check.id
        );
        let shape = self.probe.shape(&check.options);
        let facts: Vec<&str> = shape
            .fields
            .iter()
            .map(|(n, _)| n.as_str())
            .take(8)
            .collect();
        let problem = Diagnostic::error("expects-nothing", message);
        let help = format!("add `expect:` over what it observes: {}", facts.join(", "));
        reader.say(problem.help(help), self.head());
    }

    fn types(
        &self,
        each: &Use<'_>,
        before: &TypeEnv,
        after: &TypeEnv,
        facts: &BTreeSet<&str>,
        reader: &mut Reader<'_>,
    ) {
        let found = reader.problems.errors();
        let key_of = |key: &str| exprs::each_of(self.node, key);
        match each.role {
            super::Role::Judged => {
                check_types(each, after, Some(&Type::Bool), reader);
            }
            super::Role::Kept => {
                check_types(each, after, None, reader);
            }
            super::Role::Before => {
                let when = key_of("when")
                    .first()
                    .is_some_and(|n| std::ptr::eq(*n, each.node));
                let want = when.then_some(Type::Bool);
                check_types(each, before, want.as_ref(), reader);
                return;
            }
        }
        let of_facts = each
            .expr
            .roots()
            .iter()
            .any(|root| facts.contains(root.as_str()));
        if !of_facts && reader.problems.errors() == found {
            let what = match each.role {
                super::Role::Kept => "this capture",
                _ => "this expectation",
            };
            let message = format!(
                "{what} uses nothing that was observed, so no target could ever contradict it"
            );
            let some: Vec<&str> = facts
                .iter()
                .copied()
                .filter(|f| *f != "secrets_seen")
                .take(8)
                .collect();
            let problem = Diagnostic::error("nothing-observed", message);
            let help = format!("what `{}` observes: {}", self.probe.key(), some.join(", "));
            reader.say(problem.help(help), each.node.span);
        }
    }

    /// Templates in options that cannot be parsed.
    fn templates(&self, reader: &mut Reader<'_>) {
        for entry in self.node.entries() {
            if matches!(&*entry.key, "expect" | "warn" | "save" | "when") {
                continue;
            }
            exprs::each_text(&entry.value, &mut |text| {
                exprs::template(text, &reader.sources, &mut reader.problems);
            });
        }
    }

    fn own_problem(&self, problem: OptionProblem, reader: &mut Reader<'_>) {
        let mut at = self.head();
        let mut node = self.node;
        for part in problem.key.split('.') {
            let Some(entry) = node.entry(part) else {
                break;
            };
            at = if matches!(entry.value.kind, crate::plan::tree::Kind::Scalar(_)) {
                entry.value.span
            } else {
                entry.key_span
            };
            node = &entry.value;
        }
        let mut diagnostic = Diagnostic::error(problem.code, problem.message);
        if problem.warning {
            diagnostic.level = crate::diag::Level::Warning;
        }
        diagnostic.help = problem.help;
        reader.say(diagnostic, at);
    }

    /// The files that the check reads: they become the plan's own, and what is wrong with them is said at its place.
    fn files(&self, reader: &mut Reader<'_>) {
        if self.check.target.is_some() && self.probe.files_of_target() {
            return;
        }
        for key in self.probe.files() {
            let named = key
                .split('.')
                .try_fold(self.node, |node, part| node.get(part));
            let Some((node, written)) = named.and_then(|node| Some((node, node.text()?))) else {
                continue;
            };
            let at = node.span;
            if written.contains("${") {
                let message = format!(
                    "`{key}` names a file of the plan, which must be known before anything runs"
                );
                let problem = Diagnostic::error("file-template", message)
                    .help("write its path; for another file write another check, with `when:`");
                reader.say(problem, at);
                continue;
            }
            let path = match file_path(written) {
                Ok(path) => path,
                Err(why) => {
                    reader.say(Diagnostic::error("bad-path", why), at);
                    continue;
                }
            };
            let bytes = match reader.keep(&path) {
                Ok(bytes) => bytes,
                Err(why) => {
                    let message = format!("`{written}` cannot be read: {why}");
                    reader.say(Diagnostic::error("missing-file", message), at);
                    continue;
                }
            };
            let problems = self.probe.lint_file(key, &self.check.options, &bytes);
            if !problems.is_empty() {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let source = Source::new(path.as_str(), text);
                problems
                    .into_iter()
                    .for_each(|problem| said_in_file(problem, &path, &source, reader));
            }
        }
    }

    fn retries(&self, reader: &mut Reader<'_>) {
        let Some(retry) = self.check.retry else {
            return;
        };
        if retry.every_ns > retry.for_ns {
            let problem = Diagnostic::error(
                "retry-never",
                "the time between two attempts is longer than the time for all of them",
            );
            let at = self
                .node
                .entry("retry")
                .map_or(self.node.span, |e| e.key_span);
            reader.say(problem, at);
        }
    }

    fn limits(&self, reader: &mut Reader<'_>) {
        let Some(written) = self.node.entry("limits") else {
            return;
        };
        if !self.probe.takes_samples() {
            let message = format!(
                "`{}` takes no samples, so no limit can be judged",
                self.probe.key()
            );
            let problem = Diagnostic::error("limits-without-samples", message)
                .help("put an expectation on what it observes, or use `load:`");
            reader.say(problem, written.key_span);
            return;
        }
        let options = &self.check.options;
        for (limit, entry) in self.check.limits.iter().zip(written.value.entries()) {
            let sizes = limits::Sizes::of(options, &self.probe.cost(options), &self.statistics);
            if let Some(problem) = limits::problem(&limit.claim, &entry.key, &sizes) {
                reader.say(problem, entry.key_span);
            }
        }
    }
}

/// Says a problem at its place in a file that the plan names.
fn said_in_file(problem: FileProblem, path: &str, source: &Source, reader: &mut Reader<'_>) {
    let place = Place {
        file: path.to_owned(),
        line: problem.line,
        column: problem.column,
        width: 1,
    };
    let excerpt = source.excerpt(problem.line.saturating_sub(1));
    let said = if problem.warning {
        Diagnostic::warning(problem.code, problem.message)
    } else {
        Diagnostic::error(problem.code, problem.message)
    };
    reader
        .problems
        .nowhere(said.help(problem.help).at(place, excerpt));
}
