//! What a plan may write of the `compose` probe.

use std::collections::BTreeMap;

use gonogo_core::plan::OneOrMany;
use schemars::JsonSchema;
use serde::Deserialize;

/// `compose:` reads a compose file and holds it against the compose specification.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComposeOptions {
    /// The file, below the repository or beside the plan.
    pub compose: String,
    /// The files that give its variables, the later ones over the earlier, as `docker compose --env-file` takes them;
    /// `.env` beside the compose file by default, where it is there.
    #[serde(default)]
    pub env_file: OneOrMany,
    /// Variables that the deploying shell gives; they go before those of files. The shell of gonogo is not asked.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
}
