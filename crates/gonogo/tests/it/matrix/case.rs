//! One run of the program in a folder of its own, and how it must end.

use std::any::Any;
use std::marker::PhantomData;
use std::path::Path;

use serde_json::Value as Json;

use crate::rig::{self, Ended};

/// A case that must pass and be GO.
pub(super) struct Healthy;
/// A case that must not.
pub(super) struct Fails;

/// A plan with one check, and all that it needs.
pub(super) struct Case<E> {
    name: &'static str,
    folder: tempfile::TempDir,
    inputs: String,
    target: String,
    check: String,
    ends: &'static str,
    arguments: Vec<String>,
    path: Option<String>,
    is_ordinary_user: bool,
    alive: Vec<Box<dyn Any + Send>>,
    kind: PhantomData<fn() -> E>,
}

impl<E> Case<E> {
    fn named(name: &'static str, ends: &'static str) -> Self {
        Self {
            name,
            folder: rig::folder(),
            inputs: String::new(),
            target: "api: { http: 'http://127.0.0.1:1' }".to_owned(),
            check: String::new(),
            ends,
            arguments: Vec::new(),
            path: None,
            is_ordinary_user: false,
            alive: Vec::new(),
            kind: PhantomData,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.name
    }

    /// Where the plan will lie.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The environment's target, as one line of the plan.
    pub(super) fn target(mut self, line: impl Into<String>) -> Self {
        self.target = line.into();
        self
    }

    /// The plan's inputs, as one line of flow YAML without its braces.
    pub(super) fn inputs(mut self, line: &str) -> Self {
        self.inputs = format!("inputs: {{ {line} }}\n");
        self
    }

    /// One more line of the check.
    pub(super) fn more(mut self, line: &str) -> Self {
        self.check.push_str(&format!("        {line}\n"));
        self
    }

    /// The check's time limit.
    pub(super) fn timeout(self, limit: &str) -> Self {
        self.more(&format!("timeout: {limit}"))
    }

    /// Something that must live as long as the run.
    pub(super) fn keep(mut self, thing: impl Any + Send) -> Self {
        self.alive.push(Box::new(thing));
        self
    }

    /// The check: its key, the options beside it, its expectations.
    pub(super) fn check(mut self, key: &str, asked: Json, options: Json, expect: &[&str]) -> Self {
        let mut text = format!("      - id: c\n        {key}: {asked}\n");
        for (name, value) in options.as_object().into_iter().flatten() {
            text.push_str(&format!("        {name}: {value}\n"));
        }
        if !expect.is_empty() {
            text.push_str("        expect:\n");
        }
        for expectation in expect {
            text.push_str(&format!("          - {}\n", Json::from(*expectation)));
        }
        self.check = text;
        self
    }

    /// Further arguments of the command line.
    pub(super) fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|a| (*a).to_owned()));
        self
    }

    /// The program finds other programs only here.
    pub(super) fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Root may read everything; this run may not.
    pub(super) fn by_ordinary_user(mut self) -> Self {
        self.is_ordinary_user = true;
        self
    }

    fn plan(&self) -> String {
        format!(
            "gonogo: 1\nname: matrix\n{}statistics: {{ correlation_time: 1us }}\nenvironments:\n  local:\n    allow: [write, load, exec]\n    targets:\n      {}\ngates:\n  g:\n    title: It works\n    checks:\n{}",
            self.inputs, self.target, self.check
        )
    }

    fn ended(&self) -> Ended {
        std::fs::write(self.folder().join("plan.yaml"), self.plan()).expect("the plan is written");
        let mut arguments = vec!["run", "plan.yaml", "--env", "local", "--json"];
        arguments.extend(self.arguments.iter().map(String::as_str));
        let mut command = if self.is_ordinary_user {
            rig::command_as_ordinary_user(self.folder(), &arguments)
        } else {
            rig::command(self.folder(), &arguments)
        };
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        Ended::of(command.output().expect("gonogo starts"))
    }
}

impl Case<Healthy> {
    pub(super) fn healthy() -> Self {
        Self::named("healthy", "pass")
    }

    /// Runs it; says what is wrong.
    pub(super) fn run(&self) -> Result<(), String> {
        let ended = self.ended();
        let told = || format!("{}\n{}\n{}", self.plan(), ended.stdout, ended.stderr);
        if ended.code != 0 || ended.outcome("g/c") != "pass" {
            return Err(format!("is not GO: {}", told()));
        }
        Ok(())
    }
}

impl Case<Fails> {
    /// A case with its outcome, which is never `pass`; `fail or inconclusive` where that depends on the machine.
    pub(super) fn new(name: &'static str, ends: &'static str) -> Self {
        const NEVER_PASS: [&str; 5] = ["fail", "error", "inconclusive", "skipped", "refused"];
        let mut words = ends.split(" or ");
        assert!(words.all(|word| NEVER_PASS.contains(&word)), "{ends}");
        Self::named(name, ends)
    }

    /// The same case with another outcome, for a kind of check that sees the fault in another way.
    pub(super) fn ends_in(mut self, ends: &'static str) -> Self {
        self.ends = ends;
        self
    }

    /// Runs it; says what is wrong.
    pub(super) fn run(&self) -> Result<(), String> {
        let ended = self.ended();
        if ended.stderr.contains("panicked") {
            return Err(format!("panicked: {}", ended.stderr));
        }
        if self.ends == "refused" {
            // Known before the first packet.
            let verdict = ended.json().get("verdict").is_none();
            return (ended.code == 64 && verdict)
                .then_some(())
                .ok_or_else(|| format!("is not refused: {}", ended.stdout));
        }
        if !matches!(ended.code, 1 | 2) {
            let (code, plan) = (ended.code, self.plan());
            return Err(format!(
                "exit {code}\n{plan}{}{}",
                ended.stdout, ended.stderr
            ));
        }
        let document = ended.json();
        let (outcome, verdict) = (ended.outcome("g/c"), &document["verdict"]);
        let message = &document["gates"][0]["checks"][0]["message"];
        if self.ends.split(" or ").all(|word| word != outcome) {
            return Err(format!(
                "ends in {outcome} ({message}), not in {}",
                self.ends
            ));
        }
        let wanted = if outcome == "fail" { "NO-GO" } else { "HOLD" };
        if verdict != wanted {
            return Err(format!("the verdict is {verdict}, not {wanted}"));
        }
        Ok(())
    }
}
