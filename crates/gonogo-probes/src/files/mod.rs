//! The `files` probe: whether files are there and what they hold.

mod run;
mod syntax;

use gonogo_core::plan::{OptionProblem, Syntax, TargetSyntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::{Field, Shape, Type};
use serde_json::Value as Json;

pub(crate) use run::find;
pub use run::{matches_path, root_of};
pub use syntax::{FilesOptions, RepositoryTarget, outside};

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Files;

/// A folder on this machine: a checkout of the release.
pub const TARGET: TargetSyntax = TargetSyntax {
    key: "repository",
    schema: || schemars::schema_for!(RepositoryTarget),
    host: |_| Ok(None),
};

impl Syntax for Files {
    fn key(&self) -> &'static str {
        "files"
    }

    fn about(&self) -> &'static str {
        "Looks at files of the release's sources, or beside the plan."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(FilesOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["repository"]
    }

    fn needs_target(&self) -> bool {
        false
    }

    fn shape(&self, _options: &Json) -> Shape {
        let field = |ty: Type, doc: &str| Field {
            ty,
            doc: doc.to_owned(),
            optional: false,
        };
        let fields = [
            ("exists", Type::Bool, "whether a file matches"),
            ("count", Type::Int, "how many files match"),
            (
                "files",
                Type::List(Box::new(Type::Dyn)),
                "the files that match: path, size, sha256",
            ),
            ("size", Type::Int, "size in bytes, where one file matches"),
            ("sha256", Type::String, "its SHA-256"),
            ("text", Type::String, "its text, up to the cap"),
            ("json", Type::Dyn, "its value, where it is JSON"),
        ];
        Shape {
            fields: fields
                .into_iter()
                .map(|(n, t, d)| (n.to_owned(), field(t, d)))
                .collect(),
        }
    }

    fn power(&self, _options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        None
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let path = options.get("files").and_then(Json::as_str)?;
        Some(format!("files-{path}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        let path = options.get("files").and_then(Json::as_str).unwrap_or("");
        syntax::outside(path)
            .map(|message| OptionProblem {
                code: "path-outside",
                key: "files".to_owned(),
                warning: false,
                message,
                help: Some("name a path below the repository".to_owned()),
            })
            .into_iter()
            .collect()
    }
}

impl Probe for Files {
    fn ask(&self, options: &Json) -> String {
        let path = options.get("files").and_then(Json::as_str).unwrap_or("");
        format!("files {path}")
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
