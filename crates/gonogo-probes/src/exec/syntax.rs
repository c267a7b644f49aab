//! What a plan may write of the `exec` probe.

use std::collections::BTreeMap;

use gonogo_core::plan::OptionProblem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// `exec:` runs a program.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecOptions {
    /// The program and its arguments, one list element each: nothing is split or expanded.
    #[schemars(length(min = 1))]
    pub exec: Vec<String>,
    /// Gives the first element to `sh -c` instead, the others as `$1`, `$2`, … Values of a plan belong there, never
    /// in the script itself.
    #[serde(default)]
    pub shell: bool,
    /// Environment variables beside `PATH`, `HOME`, `LANG` and `TMPDIR`, which are all that is passed on.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// The folder to run in, relative to the plan's.
    pub folder: Option<String>,
    /// How many bytes of each output are kept, 1 MiB by default.
    #[schemars(range(min = 1, max = 67_108_864))]
    pub max_output: Option<u64>,
}

/// The words of the command as written.
pub(super) fn words(options: &Json) -> Option<Vec<String>> {
    let words = options.get("exec")?.as_array()?;
    Some(
        words
            .iter()
            .filter_map(|w| w.as_str().map(str::to_owned))
            .collect(),
    )
}

/// A script with a template in it would paste values into a shell line.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let shell = options.get("shell").and_then(Json::as_bool) == Some(true);
    let script = words(options).and_then(|w| w.into_iter().next());
    if shell && script.is_some_and(|s| s.contains("${")) {
        return vec![OptionProblem {
            code: "template-in-script",
            key: "exec".to_owned(),
            warning: false,
            message: "a value would be pasted into a shell script".to_owned(),
            help: Some(
                "pass it as a further element and use it as \"$1\": `exec: ['grep -c \"$1\" log', \"${saved.id}\"]`"
                    .to_owned(),
            ),
        }];
    }
    Vec::new()
}
