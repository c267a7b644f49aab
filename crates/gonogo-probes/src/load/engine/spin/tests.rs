use super::*;

#[test]
fn short_waits_are_spun_for_and_long_ones_slept_for() {
    let mut spin = Spin::default();
    for _ in 0..100 {
        spin.waited(10_000);
    }
    assert!((15_000..=25_000).contains(&spin.budget_ns(0)));
    for _ in 0..100 {
        spin.waited(10_000_000);
    }
    assert_eq!(spin.budget_ns(0), 0);
    // One wait of a minute is forgotten after a few short ones.
    for _ in 0..10 {
        spin.waited(10_000);
    }
    assert!(spin.budget_ns(0) > 0);
}

#[test]
fn the_guard_follows_how_late_sleeps_end_and_stays_within_its_bounds() {
    let mut spin = Spin::default();
    for _ in 0..100 {
        spin.overslept(60_000_000);
    }
    assert!(spin.guard_ns(0) <= GUARD_CAP_NS);
    for _ in 0..1000 {
        spin.overslept(0);
    }
    assert!(spin.guard_ns(0) <= 2 * GUARD_FLOOR_NS);
}

#[test]
fn who_lost_the_processor_while_spinning_stops_for_a_while_and_for_longer_if_it_happens_again() {
    let mut spin = Spin::default();
    assert!(!spin.looked_again(1_000, 5));
    assert!(spin.looked_again(4_000_000, 10));
    assert_eq!((spin.budget_ns(11), spin.guard_ns(11)), (0, 0));
    let again = 10 + CALM_FLOOR_NS;
    assert!(spin.budget_ns(again) > 0 && spin.guard_ns(again) > 0);
    spin.looked_again(4_000_000, again);
    assert_eq!(spin.budget_ns(again + 2 * CALM_FLOOR_NS - 1), 0);
    let much_later = again + 3_600 * CALM_FLOOR_NS;
    spin.looked_again(4_000_000, much_later);
    assert!(spin.budget_ns(much_later + CALM_FLOOR_NS) > 0);
}
