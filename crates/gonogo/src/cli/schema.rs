//! `gonogo schema`: the JSON Schema of plans, for editors.

use super::args::SchemaArgs;
use super::{Ended, job, output};

#[expect(
    clippy::unnecessary_wraps,
    reason = "every command ends in the same way"
)]
pub(super) fn schema(_args: &SchemaArgs) -> Ended {
    output::json(&gonogo_core::plan::json_schema(&job::registry()));
    Ok(0)
}
