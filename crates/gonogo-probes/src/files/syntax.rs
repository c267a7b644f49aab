//! What a plan may write of the `files` probe and of a `repository` target.

use std::path::{Component, Path};

use schemars::JsonSchema;
use serde::Deserialize;

/// `files:` looks at files.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilesOptions {
    /// A path below the repository, or a pattern: `*` stands for anything in one name, `**` for any folders.
    pub files: String,
    /// How many bytes of a file's text are kept, 1 MiB by default.
    #[schemars(range(min = 1, max = 67_108_864))]
    pub max_size: Option<u64>,
}

/// A folder on this machine.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepositoryTarget {
    /// The folder, relative to the plan's; a checkout of the release.
    pub repository: String,
}

/// Why a path would leave the folder.
pub fn outside(path: &str) -> Option<String> {
    let leaves = Path::new(path).components().any(|c| {
        matches!(
            c,
            Component::ParentDir | Component::RootDir | Component::Prefix(_)
        )
    });
    leaves.then(|| format!("`{path}` leaves the repository"))
}
