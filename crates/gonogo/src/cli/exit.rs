//! How the program ends where there is no verdict.

use std::process::ExitCode;

use gonogo_core::diag::{self, Diagnostic, Level};

use super::output;

/// The plan or the command line is wrong; nothing was sent.
pub(super) const USAGE: u8 = 64;
/// gonogo itself failed.
pub(super) const SOFTWARE: u8 = 70;

/// Why a command could not do its work.
#[derive(Debug)]
pub(super) enum Exit {
    /// The plan or the command line is wrong.
    Wrong(Vec<Diagnostic>),
    /// gonogo failed: disk, store, a bug.
    Failed(String),
}

impl Exit {
    /// One problem of the command line.
    pub(super) fn wrong(code: &'static str, message: impl Into<String>) -> Self {
        Self::Wrong(vec![Diagnostic::error(code, message)])
    }

    /// One problem of the command line, with what to do.
    pub(super) fn wrong_help(
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::Wrong(vec![Diagnostic::error(code, message).help(help)])
    }

    /// Tells it and gives the exit code.
    pub(super) fn tell(self, json: bool) -> ExitCode {
        match self {
            Self::Wrong(diagnostics) => {
                if json {
                    output::json(&serde_json::json!({ "diagnostics": diagnostics }));
                } else {
                    output::error_text(&diag::render(&diagnostics));
                    let errors = diagnostics
                        .iter()
                        .filter(|d| d.level == Level::Error)
                        .count();
                    output::error_text(&format!(
                        "{errors} error{}; nothing was sent\n",
                        if errors == 1 { "" } else { "s" }
                    ));
                }
                ExitCode::from(USAGE)
            }
            Self::Failed(message) => {
                if json {
                    output::json(&serde_json::json!({ "failed": message }));
                }
                output::error_text(&format!("gonogo failed: {message}\n"));
                ExitCode::from(SOFTWARE)
            }
        }
    }
}

impl From<crate::engine::EngineError> for Exit {
    fn from(error: crate::engine::EngineError) -> Self {
        match error {
            crate::engine::EngineError::Store(error) => error.into(),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<crate::store::StoreError> for Exit {
    fn from(error: crate::store::StoreError) -> Self {
        match error {
            crate::store::StoreError::Owned { .. } => Self::wrong_help(
                "run-is-owned",
                error.to_string(),
                "wait until it has ended, or stop it; then `gonogo resume` continues the run",
            ),
            crate::store::StoreError::NotARun { .. } => Self::wrong("not-a-run", error.to_string()),
            crate::store::StoreError::Damaged { .. }
            | crate::store::StoreError::BlobDamaged { .. } => {
                Self::wrong("bundle-damaged", error.to_string())
            }
            other => Self::Failed(other.to_string()),
        }
    }
}

/// clap's own endings: help and version are 0, everything else is 64 (decisions, 15).
pub(super) fn of_clap(error: &clap::Error) -> ExitCode {
    let wrong = error.use_stderr();
    let json = wrong && std::env::args_os().any(|a| a == "--json");
    if json {
        let text = error.to_string();
        let message = text.trim_start_matches("error: ").trim_end().to_owned();
        output::json(&serde_json::json!({
            "diagnostics": [Diagnostic::error("command-line", message)]
        }));
    } else {
        // Nothing is left to tell a closed terminal.
        let _closed = error.print().is_err();
    }
    ExitCode::from(if wrong { USAGE } else { 0 })
}

impl From<crate::bundle::BundleError> for Exit {
    fn from(error: crate::bundle::BundleError) -> Self {
        use crate::bundle::BundleError as E;
        match error {
            E::Store(error) => error.into(),
            E::Engine(error) => error.into(),
            E::Sealed { .. } => Self::wrong_help(
                "run-is-sealed",
                error.to_string(),
                "`gonogo verify` recomputes its verdict; `gonogo run` starts a new one",
            ),
            E::NeverBegan { .. } => Self::wrong_help(
                "not-a-run",
                error.to_string(),
                "`gonogo run` starts a new one",
            ),
            E::Incomplete { .. }
            | E::Changed { .. }
            | E::Different { .. }
            | E::Plan(_)
            | E::Journal(_)
            | E::Judge(_) => Self::wrong("bundle-damaged", error.to_string()),
        }
    }
}
