//! What may depend on what: the walls between the crates, and those that a manifest cannot hold.

use super::files::{code, has_word, is_of_tests};
use super::{House, Untidy};

/// What the pure core may be made of: no runtime, no network, no disk, no randomness.
const CORE_MAY_USE: &[&str] = &[
    "aho-corasick",
    "base64",
    "cel",
    "chrono",
    "chrono-tz",
    "flate2",
    "granit-parser",
    "hdrhistogram",
    "memchr",
    "regex",
    "schemars",
    "serde",
    "serde_json",
    "sha2",
    "statrs",
    "thiserror",
];

/// Which of our own crates each may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("crates/gonogo-core", &[]),
    ("crates/gonogo-report", &["gonogo-core"]),
    ("crates/gonogo-probes", &["gonogo-core"]),
    (
        "crates/gonogo",
        &["gonogo-core", "gonogo-report", "gonogo-probes", "lab"],
    ),
    ("crates/lab", &[]),
    (
        "xtask",
        &[
            "gonogo",
            "gonogo-core",
            "gonogo-report",
            "gonogo-probes",
            "lab",
        ],
    ),
];

const OURS: &[&str] = &[
    "gonogo",
    "gonogo-core",
    "gonogo-report",
    "gonogo-probes",
    "lab",
    "xtask",
];

/// The manifests: the crate graph, the core's allow-list, and versions in one place.
pub(super) fn crates_keep_their_dependencies(house: &House) -> Vec<Untidy> {
    let mut found = Vec::new();
    // What a case validates is not ours, also where it has crates.
    let manifests = house
        .files()
        .filter(|(path, _)| path.ends_with("/Cargo.toml") && !path.starts_with("cases/"));
    for (path, text) in manifests {
        let folder = path.trim_end_matches("/Cargo.toml");
        let Some((_, may)) = MAY_USE.iter().find(|(f, _)| *f == folder) else {
            let what = "a crate that the plan of the house does not have: it must earn its wall (docs/decisions/0001-four-crates.md)";
            found.push(Untidy::new(path, what));
            continue;
        };
        for dependency in dependencies(text) {
            let Dependency {
                line,
                section,
                name,
                by_workspace,
            } = dependency;
            let at = format!("{path}:{line}");
            if !by_workspace {
                let what = format!(
                    "`{name}` has its version here: it belongs in [workspace.dependencies]"
                );
                found.push(Untidy::new(&at, what));
            }
            if OURS.contains(&name) && !may.contains(&name) {
                found.push(Untidy::new(&at, format!("{folder} may not use {name}")));
            }
            let core = folder == "crates/gonogo-core" && section == "dependencies";
            if core && !CORE_MAY_USE.contains(&name) {
                let what = format!(
                    "`{name}` is not on the list of what the pure core may use (xtask/src/tidy/walls.rs)"
                );
                found.push(Untidy::new(&at, what));
            }
        }
    }
    found
}

/// What a manifest names and no source uses only costs build time.
pub(super) fn every_dependency_is_used(house: &House) -> Vec<Untidy> {
    let mut found = Vec::new();
    for (path, text) in house
        .files()
        .filter(|(path, _)| path.ends_with("/Cargo.toml"))
    {
        let folder = path.trim_end_matches("Cargo.toml");
        for Dependency { line, name, .. } in dependencies(text) {
            let word = name.replace('-', "_");
            if !house
                .sources(folder)
                .any(|(_, text)| code(text).any(|(_, line)| has_word(line, &word)))
            {
                let what = format!("`{name}` is used by no source here: take it out");
                found.push(Untidy::new(format!("{path}:{line}"), what));
            }
        }
    }
    found
}

/// Every dependency has its line in the decision: what it saves and what it costs.
pub(super) fn every_dependency_was_decided(house: &House) -> Vec<Untidy> {
    const DECISION: &str = "docs/decisions/0002-dependencies.md";
    let decided = house.text(DECISION).unwrap_or_default();
    let named = dependencies(house.text("Cargo.toml").unwrap_or_default()).into_iter();
    named
        .filter(|d| d.section == "workspace.dependencies" && !OURS.contains(&d.name))
        .filter(|d| !decided.contains(&format!("`{}`", d.name)))
        .map(|d| {
            let what = format!(
                "`{}` has no line in {DECISION}: what it saves, what it costs",
                d.name
            );
            Untidy::new(format!("Cargo.toml:{}", d.line), what)
        })
        .collect()
}

struct Dependency<'a> {
    line: usize,
    section: &'a str,
    name: &'a str,
    by_workspace: bool,
}

fn dependencies(manifest: &str) -> Vec<Dependency<'_>> {
    let mut section = "";
    let mut found = Vec::new();
    for (i, text) in manifest.lines().enumerate() {
        let text = text.trim();
        if let Some(name) = text.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if section.ends_with("dependencies")
            && let Some((key, value)) = text.split_once('=')
            && !text.starts_with('#')
        {
            let key = key.trim();
            let name = key.split('.').next().unwrap_or(key);
            let by_workspace = key.ends_with(".workspace") || value.contains("workspace = true");
            found.push(Dependency {
                line: i + 1,
                section,
                name,
                by_workspace,
            });
        }
    }
    found
}

/// Words that must not stand in the code of a part, and why.
const NEVER: &[(&str, &[&str], &str)] = &[
    (
        "crates/gonogo-probes/src/",
        &["judge", "decide", "judged", "Outcome", "Verdict"],
        "a probe observes and judges nothing",
    ),
    (
        "crates/lab/",
        &["gonogo", "gonogo_core", "gonogo_probes", "gonogo_report"],
        "the lab is an independent system under test",
    ),
    (
        "crates/gonogo-core/src/",
        &[
            "std::fs",
            "std::net",
            "std::env",
            "std::process",
            "SystemTime",
            "Instant",
            "tokio",
            "async",
        ],
        "the core is pure: values in, values out",
    ),
    (
        "crates/gonogo-report/src/",
        &[
            "std::fs",
            "std::net",
            "std::env",
            "std::process",
            "SystemTime",
            "Instant",
            "gonogo_probes",
            "tokio",
        ],
        "rendering is pure: a judged run in, text out",
    ),
];

/// Where a call that clippy.toml bans may be allowed.
const DOORS: &[&str] = &[
    "crates/gonogo/src/world/",
    "crates/gonogo/src/store/",
    "crates/gonogo-probes/src/ctx.rs",
    "xtask/src/main.rs",
];

/// The sources: what a manifest cannot hold.
pub(super) fn sources_keep_to_their_side(house: &House) -> Vec<Untidy> {
    let mut found = Vec::new();
    for (below, words, why) in NEVER {
        for (path, text) in house.sources(below).filter(|(path, _)| !is_of_tests(path)) {
            for (line, code) in code(text) {
                for word in words.iter().filter(|w| has_name(code, w)) {
                    found.push(Untidy::new(
                        format!("{path}:{line}"),
                        format!("names `{word}`: {why}"),
                    ));
                }
            }
        }
    }
    for (path, text) in house.sources("").filter(|(path, _)| !is_of_tests(path)) {
        if DOORS.iter().any(|door| path.starts_with(door)) || path.starts_with("xtask/src/tidy/") {
            continue;
        }
        for (line, code) in code(text) {
            if code.contains("clippy::disallowed_methods") && !opted_out(path) {
                let what = "opens a door of its own: clock, environment, programs and writing belong to world/, store/ and ctx.rs";
                found.push(Untidy::new(format!("{path}:{line}"), what));
            }
        }
    }
    found
}

/// Files beside the doors that may open one, each for the reason that stands in its `expect`.
fn opted_out(path: &str) -> bool {
    const ALSO: &[&str] = &[
        // The load engine's hot loop reads the clock itself, a thousand times a millisecond.
        "crates/gonogo-probes/src/load/engine/clock.rs",
        // The lab's scratch files are no run's.
        "crates/gonogo/src/cli/demo/mod.rs",
        // The lab's servers and engines are programs, and it knows nothing of ctx.rs.
        "crates/lab/src/container_engine.rs",
        "crates/lab/src/front.rs",
        "crates/lab/src/postgres_server.rs",
        "crates/lab/src/watched.rs",
        // Its tokens end at a time of day, as those of any service.
        "crates/lab/src/ai_agents/auth.rs",
        // Git is a program, and what the lab delivers are files.
        "crates/lab/src/ai_agents/repository.rs",
        "crates/lab/src/profitsentinel/delivered.rs",
    ];
    ALSO.contains(&path)
}

/// Whether code names a thing: the word whole, and neither in a text nor as the name of a field or key.
fn has_name(code: &str, word: &str) -> bool {
    let outside: String = code.split('"').step_by(2).collect();
    if word.starts_with(char::is_lowercase) && !word.contains("::") && word != "async" {
        return has_word(&outside, word) && outside.contains(&format!("{word}::"));
    }
    has_word(&outside, word)
}

/// Each file directly under `tests/` is a program to link: there is one, `tests/it/main.rs`.
pub(super) fn one_integration_program_per_crate(house: &House) -> Vec<Untidy> {
    let what = "is a test program of its own: make it a module of tests/it";
    house
        .sources("crates/")
        .filter(|(path, _)| {
            let parts: Vec<&str> = path.split('/').collect();
            matches!(parts.as_slice(), ["crates", _, "tests", _])
        })
        .map(|(path, _)| Untidy::new(path, what))
        .collect()
}
