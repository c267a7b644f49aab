use super::*;
use crate::planted::{UnknownFault, find};

#[test]
fn every_fault_has_its_own_name_and_is_found_by_it() {
    for fault in faults() {
        assert_eq!(find(faults(), fault.name), Ok(fault));
        assert_eq!(
            faults()
                .iter()
                .filter(|other| other.name == fault.name)
                .count(),
            1,
            "{}",
            fault.name
        );
        assert_eq!(fault.check.split('/').count(), 2, "{}", fault.check);
        assert!(fault.what.ends_with('.'), "{}", fault.what);
        assert!(["NO-GO", "HOLD"].contains(&fault.verdict));
    }
    assert_eq!(
        find(faults(), "nonsense"),
        Err(UnknownFault("nonsense".into()))
    );
}

#[test]
fn the_fault_file_of_the_case_says_what_the_code_does() {
    assert_eq!(
        crate::planted::written(include_str!("../../../../cases/apms/faults.yaml")),
        crate::planted::as_yaml(faults())
    );
}

#[test]
fn the_two_names_of_a_column_are_put_everywhere() {
    for variant in [
        Variant::default(),
        Variant {
            older_names: true,
            ..Variant::default()
        },
    ] {
        for (_, parts) in MIGRATIONS {
            let sql = in_words_of(variant, &parts.concat());
            assert!(!sql.contains(":wf"), "{sql}");
        }
    }
}
