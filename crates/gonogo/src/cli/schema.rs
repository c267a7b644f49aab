//! `gonogo schema`: the JSON Schema of plans, for editors.

use super::args::SchemaArgs;
use super::{Ended, output, prepare};

pub(super) fn schema(_args: &SchemaArgs) -> Ended {
    output::json(&gonogo_core::plan::json_schema(&prepare::registry()));
    Ok(0)
}
