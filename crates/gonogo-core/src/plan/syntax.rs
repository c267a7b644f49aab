//! What the loader must know of a probe: data only, so that the core stays free of probes.

use serde_json::Value as Json;

use crate::record::Power;
use crate::shape::Shape;
use crate::snapshot::Unreadable;

/// One kind of target that environments may name.
#[derive(Clone, Copy, Debug)]
pub struct TargetSyntax {
    /// The key that holds the address: `http`, `postgres`, `sqlite`, `prometheus`, `repository`.
    pub key: &'static str,
    /// JSON Schema of the whole target, the key included.
    pub schema: fn() -> schemars::Schema,
    /// The host a rendered address reaches, as `host:port`; `None` for a local one. Error text for a bad address.
    pub host: fn(&Json) -> Result<Option<String>, String>,
}

/// A problem that a probe finds in its own options before anything runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionProblem {
    /// Stable code.
    pub code: &'static str,
    /// The key at fault, dotted: `limits.p99`.
    pub key: String,
    /// Whether it only warns.
    pub warning: bool,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// A problem with the content of a file that a check names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// Stable code.
    pub code: &'static str,
    /// Whether it only warns.
    pub warning: bool,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// The line, from one.
    pub line: usize,
    /// The column, from one.
    pub column: usize,
}

impl From<Unreadable> for FileProblem {
    fn from(wrong: Unreadable) -> Self {
        Self {
            code: "bad-file",
            warning: false,
            message: wrong.message,
            help: wrong.help,
            line: wrong.line,
            column: wrong.column,
        }
    }
}

/// What the loader, the linter and `gonogo try` must know of a probe. Implemented once per probe folder.
pub trait Syntax: Send + Sync {
    /// The plan key, which is the probe's name.
    fn key(&self) -> &'static str;
    /// One sentence for the reference.
    fn about(&self) -> &'static str;
    /// JSON Schema of the probe's own keys (its key and options), without those that every check has. Text fields
    /// that are expressions say `"format": "cel"`; request lines and paths, in which templates are percent-encoded,
    /// `"format": "request-line"` and `"path"`; durations `"format": "duration"`.
    fn schema(&self) -> schemars::Schema;
    /// The target kinds that it can observe, none where it needs no target.
    fn targets(&self) -> &'static [&'static str];
    /// The target kinds that a check with these options can observe.
    fn targets_for(&self, _options: &Json) -> &'static [&'static str] {
        self.targets()
    }
    /// Whether a check cannot be made without a target of those kinds.
    fn needs_target(&self) -> bool {
        !self.targets().is_empty()
    }
    /// The kind, and the name where one is given, of a second target that a check with these options asks.
    fn second_target<'o>(&self, _options: &'o Json) -> Option<(&'static str, Option<&'o str>)> {
        None
    }
    /// The facts that it observes, given the options as written.
    fn shape(&self, options: &Json) -> Shape;
    /// What the check may do, given the options as written and whether its gate is rolled back. `reads` is the
    /// check's own word.
    fn power(&self, options: &Json, rollback: bool, reads: bool) -> Option<Power>;
    /// Whether it takes samples, so that `limits:` may stand.
    fn takes_samples(&self) -> bool {
        false
    }
    /// What a check without an id is called after, such as its request line; the loader makes an id of it.
    fn implied_id(&self, options: &Json) -> Option<String>;
    /// What the check expects by itself, so that the plan need not: `None` where it expects nothing (most probes).
    fn implied_expectation(&self, _options: &Json) -> Option<String> {
        None
    }
    /// Problems that the schema cannot say.
    fn lint(&self, _options: &Json) -> Vec<OptionProblem> {
        Vec::new()
    }
    /// The options, dotted where they are nested, that name a file beside the plan which a check reads. Such a file is
    /// one of the plan's own: in its digest and in the bundle.
    fn files(&self) -> &'static [&'static str] {
        &[]
    }
    /// Whether those files stand in the target instead, where a check names one.
    fn files_of_target(&self) -> bool {
        false
    }
    /// What is wrong with the content of a file that the option names.
    fn lint_file(&self, _key: &str, _options: &Json, _bytes: &[u8]) -> Vec<FileProblem> {
        Vec::new()
    }
    /// The same, for what is wrong only in a gate with `transaction: rollback` (`true`), or only outside of one.
    fn lint_in_gate(&self, _options: &Json, _rollback: bool) -> Vec<OptionProblem> {
        Vec::new()
    }
    /// Facts that are secret by nature: a minted token.
    fn secret_facts(&self) -> &'static [&'static str] {
        &[]
    }
    /// The seconds and requests that the check will take at most, for `gonogo plan`.
    fn cost(&self, _options: &Json) -> Cost {
        Cost::default()
    }
}

/// What a check will cost the target and the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Requests sent, where known.
    pub requests: Option<u64>,
    /// Seconds, where the plan fixes them.
    pub seconds: Option<f64>,
}

/// All probes that a program knows, in the order of the reference.
#[derive(Clone, Copy)]
pub struct Registry<'a> {
    /// The probes.
    pub probes: &'a [&'a dyn Syntax],
    /// The target kinds.
    pub targets: &'a [TargetSyntax],
    /// Whether the files that checks read must be there and make sense: not where one of them is about to be made.
    pub check_files: bool,
}

impl<'a> Registry<'a> {
    /// The probe of a key.
    pub fn probe(&self, key: &str) -> Option<&'a dyn Syntax> {
        self.probes.iter().copied().find(|p| p.key() == key)
    }

    /// The target kind of a key.
    pub fn target(&self, key: &str) -> Option<&'a TargetSyntax> {
        self.targets.iter().find(|t| t.key == key)
    }
}
