//! Plans in, plans or problems out. The probes here are pretended: they have the keys and facts of the real ones.

mod pretend;
mod rules;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::*;
use crate::diag::render;
use pretend::registry;

/// Files by path.
pub(super) struct Memory(BTreeMap<String, Vec<u8>>);

impl Memory {
    pub(super) fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = files.into_iter();
        Self(
            files
                .map(|(p, t)| (p.to_owned(), t.as_bytes().to_vec()))
                .collect(),
        )
    }
}

impl Files for Memory {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0
            .get(path)
            .cloned()
            .ok_or_else(|| "no such file".to_owned())
    }
}

/// Loads one text as the plan `plan.yaml`.
pub(super) fn load_text(text: &str) -> Loaded {
    load(&Memory::of([("plan.yaml", text)]), "plan.yaml", &registry())
}

/// Loads a file of `cases/` that may hold several files, each after a line `### FILE`, and shows what is said of it.
fn check(name: &str) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plan/cases");
    let text = std::fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap();
    let mut files: Vec<(String, String)> = vec![("plan.yaml".to_owned(), String::new())];
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("### ") {
            files.push((path.to_owned(), String::new()));
            continue;
        }
        let current = &mut files.last_mut().unwrap().1;
        current.push_str(line);
        current.push('\n');
    }
    let files = Memory::of(files.iter().map(|(p, t)| (p.as_str(), t.as_str())));
    let loaded = load(&files, "plan.yaml", &registry());
    let mut out = render(&loaded.diagnostics);
    if let Some(plan) = &loaded.plan {
        let _ = writeln!(out, "loaded: {}", outline(plan));
    }
    insta::with_settings!({snapshot_path => "cases", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, out);
    });
}

/// A plan in a few words.
fn outline(plan: &Plan) -> String {
    let gates = plan.gates.iter().map(|gate| {
        let checks: Vec<String> = gate.checks.iter().map(|c| c.id.clone()).collect();
        format!("{} ({})", gate.id, checks.join(", "))
    });
    gates.collect::<Vec<_>>().join("; ")
}

/// Every file of `cases/` has its snapshot and is looked at.
#[test]
fn what_is_said_of_each_case_is_as_agreed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plan/cases");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".yaml").map(str::to_owned)
        })
        .collect();
    names.sort();
    assert!(names.len() > 10);
    for name in &names {
        check(name);
    }
}
