use std::path::Path;

use super::{House, all, sizes};

fn says(house: &House, rule: fn(&House) -> Vec<super::Untidy>) -> Vec<String> {
    let found = rule(house).into_iter();
    found.map(|u| format!("{}: {}", u.at, u.what)).collect()
}

#[track_caller]
fn one(files: &[(&str, &str)], rule: fn(&House) -> Vec<super::Untidy>, part: &str) {
    let found = says(&House::of(files), rule);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains(part), "{found:#?}");
}

#[track_caller]
fn none(files: &[(&str, &str)], rule: fn(&House) -> Vec<super::Untidy>) {
    let found = says(&House::of(files), rule);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let found = all(&House::read(root).unwrap());
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_core_may_not_have_a_runtime() {
    let manifest = "[dependencies]\nserde.workspace = true\ntokio.workspace = true\n[dev-dependencies]\ninsta.workspace = true\n";
    let files = [("crates/gonogo-core/Cargo.toml", manifest)];
    one(
        &files,
        super::walls::crates_keep_their_dependencies,
        "Cargo.toml:3: `tokio`",
    );
}

#[test]
fn the_report_may_not_see_a_probe() {
    let manifest = "[dependencies]\ngonogo-probes.workspace = true\n";
    let files = [("crates/gonogo-report/Cargo.toml", manifest)];
    one(
        &files,
        super::walls::crates_keep_their_dependencies,
        "may not use gonogo-probes",
    );
}

#[test]
fn versions_stand_in_one_place() {
    let manifest =
        "[dependencies]\nregex = \"1\"\nserde = { workspace = true, features = [\"rc\"] }\n";
    let files = [("crates/lab/Cargo.toml", manifest)];
    one(
        &files,
        super::walls::crates_keep_their_dependencies,
        "`regex` has its version here",
    );
}

#[test]
fn a_dependency_that_nothing_uses_is_found() {
    let rule = super::walls::every_dependency_is_used;
    let manifest = (
        "crates/lab/Cargo.toml",
        "[dependencies]\nhyper-util.workspace = true\n",
    );
    one(
        &[manifest, ("crates/lab/src/lib.rs", "// hyper_util\n")],
        rule,
        "used by no source",
    );
    none(
        &[manifest, ("crates/lab/src/lib.rs", "use hyper_util::rt;\n")],
        rule,
    );
}

#[test]
fn a_dependency_without_a_decision_is_found() {
    let rule = super::walls::every_dependency_was_decided;
    let manifest = (
        "Cargo.toml",
        "[workspace.dependencies]\nlab = { path = \"x\" }\nregex = \"1\"\n",
    );
    one(&[manifest], rule, "Cargo.toml:3: `regex` has no line");
    none(
        &[
            manifest,
            ("docs/decisions/0002-dependencies.md", "| `regex` | … |\n"),
        ],
        rule,
    );
}

#[test]
fn a_probe_may_not_judge() {
    let rule = super::walls::sources_keep_to_their_side;
    let path = "crates/gonogo-probes/src/http/run.rs";
    one(&[(path, "fn f() -> Outcome {\n")], rule, "names `Outcome`");
    one(
        &[(path, "use gonogo_core::judge::judge;\n")],
        rule,
        "names `judge`",
    );
    none(
        &[(path, "/// Gives no Outcome.\nlet judge = \"judge::\";\n")],
        rule,
    );
    none(
        &[(
            "crates/gonogo-probes/src/http/tests.rs",
            "use gonogo_core::judge::judge;\n",
        )],
        rule,
    );
}

#[test]
fn the_lab_knows_nothing_of_us() {
    let rule = super::walls::sources_keep_to_their_side;
    one(
        &[("crates/lab/src/lib.rs", "use gonogo_core::Value;\n")],
        rule,
        "names `gonogo_core`",
    );
}

#[test]
fn only_the_doors_call_what_is_banned() {
    let rule = super::walls::sources_keep_to_their_side;
    let text = "#![expect(clippy::disallowed_methods, reason = \"…\")]\n";
    one(
        &[("crates/gonogo/src/engine/mod.rs", text)],
        rule,
        "a door of its own",
    );
    none(&[("crates/gonogo/src/world/clock.rs", text)], rule);
}

fn of_lines(count: usize) -> String {
    format!("fn f() {{\n{}}}\n", "    g();\n".repeat(count - 2))
}

#[test]
fn a_long_function_is_found_and_a_listed_one_may_only_shrink() {
    let rule = sizes::sizes_only_shrink;
    let source = "crates/lab/src/a.rs";
    none(&[(source, &of_lines(70))], rule);
    one(
        &[(source, &of_lines(71))],
        rule,
        "71 lines where 70 are the most",
    );
    let listed = |n: usize| format!("# why\n{n} {source} f # one table\n");
    none(
        &[(source, &of_lines(80)), (sizes::RATCHET, &listed(80))],
        rule,
    );
    one(
        &[(source, &of_lines(81)), (sizes::RATCHET, &listed(80))],
        rule,
        "has grown from 80 to 81",
    );
    one(
        &[(source, &of_lines(79)), (sizes::RATCHET, &listed(80))],
        rule,
        "has shrunk to 79",
    );
    one(
        &[(source, &of_lines(7)), (sizes::RATCHET, &listed(80))],
        rule,
        "is not too long any more",
    );
}

#[test]
fn the_ratchet_is_lowered_and_never_raised() {
    let source = "crates/lab/src/a.rs";
    let list = format!("# why\n80 {source} f # one table\n90 {source} gone # was long\n");
    let lowered = sizes::shrunk(&House::of(&[
        (source, &of_lines(75)),
        (sizes::RATCHET, &list),
    ]));
    assert_eq!(lowered, format!("# why\n75 {source} f # one table\n"));
    let kept = sizes::shrunk(&House::of(&[
        (source, &of_lines(95)),
        (sizes::RATCHET, &list),
    ]));
    assert_eq!(kept, format!("# why\n80 {source} f # one table\n"));
}

#[test]
fn a_long_file_is_found_and_its_tests_do_not_count() {
    let rule = sizes::sizes_only_shrink;
    let long = "const A: u8 = 1;\n".repeat(601);
    one(
        &[("crates/lab/src/a.rs", &long)],
        rule,
        "601 lines where 600",
    );
    none(&[("crates/lab/src/tests.rs", &long)], rule);
    let inline = format!("const A: u8 = 1;\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
    none(&[("crates/lab/src/a.rs", &inline)], rule);
}

#[test]
fn empty_and_vague_names_are_found() {
    let rule = super::names::names_say_what_they_mean;
    one(&[("crates/lab/src/utils.rs", "")], rule, "says nothing");
    one(
        &[("crates/lab/src/a.rs", "pub(crate) struct JobManager;\n")],
        rule,
        "`JobManager`",
    );
    one(
        &[("crates/lab/src/a.rs", "enum StepOutcome {\n")],
        rule,
        "none of the design's words",
    );
    none(
        &[(
            "crates/lab/src/a.rs",
            "type Result<T> = std::result::Result<T, Error>;\n",
        )],
        rule,
    );
    none(&[("crates/lab/src/a.rs", "struct Processing;\n")], rule);
}

#[test]
fn marks_of_unfinished_work_are_found() {
    let rule = super::leftovers::nothing_is_left_undone;
    let undone = format!("fn f() {{\n    {}{}\n", "todo", "!()");
    one(&[("crates/lab/src/a.rs", &undone)], rule, "a.rs:2");
    let word = format!("// {}{}: later\n", "FIX", "ME");
    one(&[("crates/lab/src/a.rs", &word)], rule, "finish it");
    none(&[("crates/lab/src/a.rs", "\"/tmp/lab-XXXXXX\"\n")], rule);
}

#[test]
fn a_path_of_one_machine_is_found() {
    let rule = super::leftovers::no_path_of_one_machine;
    let path = format!("see {}{}ann/notes\n", "/ho", "me/");
    one(&[("docs/a.md", &path)], rule, "is a path of one machine");
    none(
        &[(
            "docs/a.md",
            "https://example.org/home/index and GET /work\n",
        )],
        rule,
    );
}

#[test]
fn a_probe_without_a_part_or_a_line_is_found() {
    let rule = super::probes::every_probe_folder_is_complete;
    let file = |name: &str| format!("crates/gonogo-probes/src/dns/{name}");
    let lib = (
        "crates/gonogo-probes/src/lib.rs",
        "static PROBES: &[&dyn Probe] = &[&dns::Dns];\n",
    );
    let (mod_, syntax, run, tests) = (
        file("mod.rs"),
        file("syntax.rs"),
        file("run.rs"),
        file("tests.rs"),
    );
    let whole = [
        lib,
        (&mod_, "impl Probe for Dns {}"),
        (&syntax, ""),
        (&run, ""),
        (&tests, ""),
    ];
    none(&whole, rule);
    one(&whole[..4], rule, "has no tests.rs");
    one(&whole[1..], rule, "not in the list");
}

#[test]
fn architecture_may_not_name_what_is_gone() {
    let rule = super::pages::architecture_names_what_is_there;
    let tests = (
        "crates/lab/src/tests.rs",
        "#[test]\nfn a_skip_is_never_a_pass() {\n",
    );
    let page = |text| ("ARCHITECTURE.md", text);
    none(
        &[
            page("`crates/lab/src/`, `a_skip_is_never_a_pass`, `GET /health`, `if_absent`\n"),
            tests,
        ],
        rule,
    );
    one(
        &[page("`crates/gone/`\n"), tests],
        rule,
        "`crates/gone/` is not there",
    );
    one(
        &[page("`a_skip_is_gone`\n"), tests],
        rule,
        "no test is called",
    );
    none(&[page("```\n`crates/gone/`\n```\n"), tests], rule);
}

#[test]
fn the_changelog_has_known_headings() {
    let rule = super::pages::the_changelog_keeps_its_form;
    none(
        &[(
            "CHANGELOG.md",
            "# Changelog\n\n## [Unreleased]\n\n### Added\n",
        )],
        rule,
    );
    one(
        &[("CHANGELOG.md", "## [Unreleased]\n### New\n")],
        rule,
        "`New` is none of",
    );
    one(
        &[("CHANGELOG.md", "## [0.1.0] – 2026-11-21\n")],
        rule,
        "its first section",
    );
}

#[test]
fn a_link_to_nowhere_is_found() {
    let rule = super::pages::relative_links_resolve;
    let files = |text| [("docs/guide/a.md", text), ("docs/b.md", "# Two words\n")];
    none(
        &files("[b](../b.md#two-words), [c](https://c.example/), [d](#e)\n# E\n"),
        rule,
    );
    one(&files("[b](b.md)\n"), rule, "which is not there");
    one(&files("[b](../b.md#three)\n"), rule, "no such heading");
}
