use std::time::Duration;

use tokio::time::Instant;

use super::{
    faults,
    limiter::{Budget, Limiter},
    seen::is_one_of,
    *,
};

#[test]
fn every_fault_has_its_own_name_and_is_found_by_it() {
    for info in faults() {
        assert_eq!(info.name.parse::<Fault>(), Ok(info.fault));
        assert_eq!(info.fault.to_string(), info.name);
        assert_eq!(
            faults()
                .iter()
                .filter(|other| other.name == info.name)
                .count(),
            1,
            "{}",
            info.name
        );
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
    let file = include_str!("../../../../cases/metasheet2/faults.yaml");
    let written: Vec<&str> = file
        .lines()
        .filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty())
        .collect();
    let mut expected = vec!["faults:".to_owned()];
    for FaultInfo {
        name,
        what,
        check,
        blocking,
        ..
    } in faults()
    {
        expected.push(format!("  - name: {name}"));
        expected.push(format!("    what: {what}"));
        expected.push(format!("    check: {check}"));
        expected.push(format!("    blocking: {blocking}"));
    }
    assert_eq!(written, expected);
}

#[test]
fn a_planted_share_is_exact_in_every_thousand_and_spread_over_it() {
    for per_mille in [25, 150] {
        for start in [0, 100, 777] {
            let hit: Vec<u64> = (start..start + 1000)
                .filter(|number| is_one_of(*number, per_mille))
                .collect();
            assert_eq!(hit.len() as u64, per_mille);
            let gap = hit.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
            assert!(
                gap <= 3 * 1000 / per_mille,
                "{per_mille} per mille, but {gap} in a row without"
            );
        }
    }
}

#[test]
fn a_client_has_its_budget_per_window_and_of_its_own() {
    let mut limiter = Limiter::new(2, Duration::from_secs(30));
    let start = Instant::now();
    let after = |seconds: u64| start + Duration::from_secs(seconds);
    let budget = |number, remaining, reset_seconds| Budget {
        number,
        remaining,
        reset_seconds,
    };
    assert_eq!(limiter.take("a", after(0)), budget(1, 1, 30));
    assert_eq!(limiter.take("a", after(10)), budget(2, 0, 20));
    assert_eq!(limiter.take("a", after(29)), budget(3, 0, 1));
    assert_eq!(limiter.take("b", after(29)), budget(1, 1, 30));
    assert_eq!(limiter.take("a", after(30)), budget(1, 1, 30));
}

#[test]
fn strangers_cannot_fill_the_memory_with_client_names() {
    let mut limiter = Limiter::new(1, Duration::from_secs(30));
    let now = Instant::now();
    for number in 0..10_050 {
        limiter.take(&number.to_string(), now + Duration::from_micros(number));
    }
    assert_eq!(
        limiter.take("10049", now + Duration::from_secs(1)).number,
        2,
        "the newest are remembered"
    );
    assert_eq!(
        limiter.take("0", now + Duration::from_secs(1)).number,
        1,
        "the oldest are forgotten"
    );
}

#[test]
fn the_case_files_hold_a_token_only_with_the_fault() {
    let tokens = |faults: &Faults| {
        let text: Vec<u8> = case_files(faults)
            .into_iter()
            .flat_map(|(_, content)| content)
            .collect();
        String::from_utf8(text).unwrap().matches("eyJ").count()
    };
    assert_eq!(tokens(&Faults::new()), 0);
    assert_eq!(
        tokens(&Faults::from([Fault::SecretInRepository])),
        2,
        "header and claims of one token"
    );
}
