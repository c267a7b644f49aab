//! What a run tells a workflow of GitHub Actions beside its result: annotations in the log, and the job's summary.

use std::io::Write as _;
use std::path::Path;

use gonogo_core::judged::Judged;
use gonogo_core::plan::Plan;
use gonogo_report::Places;

use super::output;
use crate::world::variable;

/// The places of a plan as GitHub calls its files; none outside of a workflow, and none where the plan lies outside of its repository.
pub(super) fn places(path: &Path, plan: &Plan) -> Option<Places> {
    if !is_here() {
        return None;
    }
    let repository = Path::new(&variable("GITHUB_WORKSPACE")?)
        .canonicalize()
        .ok()?;
    let path = path.canonicalize().ok()?;
    let called = path.strip_prefix(&repository).ok()?.to_str()?;
    Some(Places::new(plan, called))
}

/// Writes both where this is a workflow; a summary that cannot be written is said and changes nothing.
/// Annotations go to stderr: the runner reads them there too, and stdout stays the result.
pub(super) fn tell(judged: &Judged, places: Option<&Places>) {
    if !is_here() {
        return;
    }
    output::error_text(&gonogo_report::github::annotations(judged, places));
    let Some(summary) = variable("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return;
    };
    let report = gonogo_report::markdown::render(judged);
    let written = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&summary)
        .and_then(|mut file| file.write_all(report.as_bytes()));
    if let Err(error) = written {
        output::error_text(&format!(
            "warning: the job's summary cannot be written ({error}); the run's folder has it as report.md\n"
        ));
    }
}

/// Whether this is a workflow of GitHub Actions, which sets this variable always.
fn is_here() -> bool {
    variable("GITHUB_ACTIONS").as_deref() == Some("true")
}
