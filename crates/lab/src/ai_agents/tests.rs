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
        Err(UnknownFault("nonsense".into()))
    );
}
