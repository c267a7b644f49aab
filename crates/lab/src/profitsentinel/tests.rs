use std::collections::BTreeSet;

use super::*;

/// The lines of the case's `faults.yaml` that are not for people.
#[test]
fn the_case_lists_the_faults_as_the_code_has_them() {
    let file = include_str!("../../../../cases/profitsentinel/faults.yaml");
    let mut lines = vec!["faults:".to_owned()];
    for info in faults() {
        lines.push(format!("  - name: {}", info.name));
        lines.push(format!("    what: {:?}", info.what));
        lines.push(format!("    check: {}", info.check));
    }
    assert_eq!(crate::planted::written(file), lines);
    assert!(faults().len() >= 20);
}

#[test]
fn every_fault_has_its_name_and_its_line() {
    let names: BTreeSet<&str> = faults().iter().map(|info| info.name).collect();
    assert_eq!(names.len(), faults().len());
    for info in faults() {
        assert_eq!(info.name.parse(), Ok(info.fault));
        assert_eq!(info.fault.to_string(), info.name);
        assert_eq!(info.fault.info(), info);
    }
    assert!("no-such-fault".parse::<Fault>().is_err());
}

/// What stands in the case's folder is what is delivered: no file is forgotten.
#[test]
fn everything_in_the_cases_folder_is_delivered() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../cases/profitsentinel/delivered");
    let mut there = BTreeSet::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // What the programs leave behind that are run in it.
            let left = ["target", "node_modules", "__pycache__", ".pytest_cache"];
            if left.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let path = path.strip_prefix(&root).unwrap();
                there.insert(path.to_str().unwrap().to_owned());
            }
        }
    }
    let delivered: BTreeSet<String> = files(&Faults::new())
        .into_iter()
        .map(|(path, _)| path.to_owned())
        .collect();
    assert_eq!(delivered, there);
}

#[test]
fn the_repository_has_its_archive_and_its_release() {
    let folder = tempfile::tempdir().unwrap();
    let commit = deliver(folder.path(), &Faults::new()).unwrap();
    assert_eq!(commit.len(), 40);
    let head = std::fs::read_to_string(folder.path().join(".git/HEAD")).unwrap();
    assert_eq!(head.trim(), "ref: refs/heads/main");
    assert!(folder.path().join(".git/refs/tags").join(TAG).exists());
    assert!(folder.path().join("_legacy/apps/api/main.py").exists());

    let without = tempfile::tempdir().unwrap();
    let faults = [Fault::LegacyTagMissing, Fault::LegacyReadmeMissing].into();
    deliver(without.path(), &faults).unwrap();
    assert!(!without.path().join(".git/refs/tags").join(TAG).exists());
    assert!(!without.path().join("_legacy/README.md").exists());
}

#[test]
fn the_document_has_sixteen_operations_on_fifteen_paths() {
    let document = include_str!("../../../../cases/profitsentinel/openapi.json");
    let document: serde_json::Value = serde_json::from_str(document).unwrap();
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 15);
    let operations: usize = paths.values().map(|p| p.as_object().unwrap().len()).sum();
    assert_eq!(operations, 16);
    assert_eq!(document["info"]["version"], VERSION);
}

#[test]
fn the_pipeline_finds_the_same_each_time_and_something_in_every_store() {
    let begun = tokio::time::Instant::now();
    let first = pipeline::Inventory::read().look(begun).issues;
    assert_eq!(pipeline::Inventory::read().look(begun).issues, first);
    let stores: BTreeSet<u32> = first.iter().map(|issue| issue.store).collect();
    assert_eq!(stores.len() as u32, pipeline::STORES);
    assert!(first.windows(2).all(|two| two[0].impact >= two[1].impact));
}
