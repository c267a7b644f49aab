//! The observing: the file, its env files, and whether what it names is there.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use gonogo_core::record::{Cause, NotObserved, TargetSeen};

use super::observed::{Found, Level, Problem, seen};
use super::syntax::ComposeOptions;
use super::{env, rules};
use crate::files::{outside, root_of};
use crate::probe::{Call, Seen};
use crate::yaml;

/// No compose file is larger.
const MAX_BYTES: u64 = 1024 * 1024;

/// Looks once.
pub(super) fn observe(call: &Call<'_>) -> Result<Seen, NotObserved> {
    let bad = |message: String| call.ctx.not_observed("compose", Cause::BadOptions, message);
    let options: ComposeOptions =
        serde_json::from_value(call.options.clone()).map_err(|e| bad(e.to_string()))?;
    let root = root_of(call.ctx, call.target)?;
    let read = |path: &str| read(call, &root, path);
    let text = read(&options.compose)?;
    let folder = Path::new(&options.compose)
        .parent()
        .unwrap_or(Path::new(""));
    let mut variables = BTreeMap::new();
    let mut problems = Vec::new();
    let default = folder.join(".env").to_string_lossy().into_owned();
    let env_files = if options.env_file.0.is_empty() && root.join(&default).is_file() {
        vec![default]
    } else {
        options.env_file.0.clone()
    };
    // What the shell gives is known to the files, and goes before them.
    variables.extend(options.variables.clone());
    for path in &env_files {
        problems.extend(env::read(path, &read(path)?, &mut variables));
        variables.extend(options.variables.clone());
    }
    let is_there = |path: &str| {
        // Elsewhere on the machine is the deploying machine's, which this one need not be.
        outside(path).is_some() || root.join(folder).join(path).exists()
    };
    let mut found = match yaml::read(&text) {
        Ok(node) => rules::look(&node, &variables, &is_there),
        Err(wrong) => Found {
            problems: vec![Problem {
                level: Level::Error,
                rule: "yaml",
                place: options.compose.clone(),
                line: wrong.line,
                message: wrong.message,
            }],
            ..Found::default()
        },
    };
    problems.append(&mut found.problems);
    found.problems = problems;
    let mut seen = seen(found);
    seen.target = call.target.map(|target| TargetSeen {
        name: target.name.clone(),
        address: options.compose.clone(),
        engine: None,
    });
    Ok(seen)
}

/// A file below the root, whole.
fn read(call: &Call<'_>, root: &Path, path: &str) -> Result<String, NotObserved> {
    let failed = |cause, message: String| {
        call.ctx
            .not_observed(format!("compose {path}"), cause, message)
    };
    if let Some(why) = outside(path) {
        return Err(failed(Cause::Forbidden, why));
    }
    let file = std::fs::File::open(root.join(path)).map_err(|e| {
        let cause = match e.kind() {
            std::io::ErrorKind::PermissionDenied => Cause::Denied,
            _ => Cause::Missing,
        };
        failed(cause, format!("`{path}` cannot be read: {e}"))
    })?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| failed(Cause::Missing, format!("`{path}` cannot be read: {e}")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(failed(
            Cause::TooLarge,
            format!("`{path}` is larger than 1 MiB"),
        ));
    }
    String::from_utf8(bytes)
        .map_err(|_| failed(Cause::Protocol, format!("`{path}` is not UTF-8 text")))
}
