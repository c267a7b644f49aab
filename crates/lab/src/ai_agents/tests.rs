use super::*;

#[test]
fn every_fault_has_its_own_name_and_is_found_by_it() {
    for info in faults() {
        assert_eq!(info.name.parse::<Fault>(), Ok(info.fault));
        assert_eq!(info.fault.to_string(), info.name);
        let same = faults().iter().filter(|other| other.name == info.name);
        assert_eq!(same.count(), 1, "{}", info.name);
        assert!(info.check.split('/').count() == 2, "{}", info.check);
        assert!(info.what.ends_with('.'), "{}", info.what);
    }
    assert_eq!(
        "nonsense".parse::<Fault>(),
        Err(crate::planted::UnknownFault("nonsense".into()))
    );
}

#[test]
fn the_fault_file_of_the_case_says_what_the_code_does() {
    let file = include_str!("../../../../cases/ai-agents/faults.yaml");
    let mut expected = vec!["faults:".to_owned()];
    for fault in faults() {
        expected.push(format!("  - name: {}", fault.name));
        expected.push(format!("    what: \"{}\"", fault.what));
        expected.push(format!("    check: {}", fault.check));
        expected.push(format!("    verdict: {}", fault.verdict));
    }
    let written: Vec<&str> = file
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect();
    assert_eq!(written, expected);
}

#[test]
fn the_openapi_document_of_the_case_is_the_services() {
    let saved: serde_json::Value =
        serde_json::from_str(include_str!("../../../../cases/ai-agents/openapi.json")).unwrap();
    assert!(
        saved == document(),
        "cases/ai-agents/openapi.json must be\n{:#}",
        document()
    );
}

#[test]
fn the_checklist_as_it_was_has_four_partial_items_and_otherwise_none() {
    let file = include_str!("../../../../cases/ai-agents/checklist.yaml");
    let count = |faults: &Faults, words: &str| {
        let text = changed("checklist.yaml", file, faults);
        let here = |line: &&str| line.trim_start().split("  #").next() == Some(words);
        text.lines().filter(here).count()
    };
    let partial: Faults = [Fault::ChecklistPartial].into();
    assert_eq!(count(&partial, "state: partial"), 4);
    assert_eq!(count(&Faults::new(), "state: partial"), 0);
    assert_eq!(count(&Faults::new(), "state: complete"), 6);
}

#[test]
fn what_is_as_documented_is_caught_by_different_checks() {
    let mut checks: Vec<&str> = AS_DOCUMENTED.iter().map(|f| f.info().check).collect();
    checks.dedup();
    // Both containers are the work of one.
    assert_eq!(checks.len(), AS_DOCUMENTED.len() - 1);
}
