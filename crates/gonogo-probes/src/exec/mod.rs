//! The `exec` probe: runs a program and records what it printed. Off unless the plan and the command line allow it.

mod program;
mod run;
mod syntax;

use gonogo_core::plan::{OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::{Field, Shape, Type};
use serde_json::Value as Json;

pub(crate) use program::{Lost, Output, to_its_end};
pub use syntax::ExecOptions;

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Exec;

impl Syntax for Exec {
    fn key(&self) -> &'static str {
        "exec"
    }

    fn about(&self) -> &'static str {
        "Runs a program without a shell and records its exit code and output."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(ExecOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &[]
    }

    fn shape(&self, _options: &Json) -> Shape {
        let field = |ty: Type, doc: &str| Field {
            ty,
            doc: doc.to_owned(),
            optional: false,
        };
        let fields = [
            (
                "exit_code",
                Type::Int,
                "the exit code; absent when a signal ended it",
            ),
            (
                "signal",
                Type::Int,
                "the signal that ended it; absent otherwise",
            ),
            ("stdout", Type::String, "what it printed"),
            ("stderr", Type::String, "what it complained of"),
            ("json", Type::Dyn, "its standard output, where that is JSON"),
            ("latency", Type::Duration, "how long it ran"),
            (
                "left_behind",
                Type::Int,
                "children that it left running and that were ended",
            ),
        ];
        Shape {
            fields: fields
                .into_iter()
                .map(|(n, t, d)| (n.to_owned(), field(t, d)))
                .collect(),
        }
    }

    fn power(&self, _options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        Some(Power::Exec)
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        syntax::words(options).map(|words| words.join(" "))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }
}

impl Probe for Exec {
    fn ask(&self, options: &Json) -> String {
        syntax::words(options).map_or_else(|| "exec".to_owned(), |words| words.join(" "))
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
pub(crate) mod tests;
