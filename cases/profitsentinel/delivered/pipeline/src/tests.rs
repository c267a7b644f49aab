//! Each line of the table is a test of its own.

use super::{Issue, Line, impact, issue};

macro_rules! lines {
    ($($name:ident: $on_hand:expr, $sold:expr, $cost:expr, $price:expr => $issue:ident, $impact:expr;)*) => {$(
        #[test]
        fn $name() {
            let line = Line { on_hand: $on_hand, sold: $sold, cost: $cost, price: $price };
            assert_eq!(issue(line), Issue::$issue);
            assert_eq!(impact(line), $impact);
        }
    )*};
}

// on hand, sold, cost, price => issue, cents per month
lines! {
    negative_1: -1, 0, 100, 200 => NegativeInventory, 100;
    negative_2: -5, 3, 250, 200 => NegativeInventory, 1250;
    fine_1: 0, 0, 100, 100 => Fine, 0;
    loss_1: 0, 0, 100, 99 => SoldAtALoss, 1;
    dead_1: 1, 0, 100, 100 => DeadStock, 1;
    fine_2: 1, 1, 100, 100 => Fine, 0;
    fine_3: 6, 1, 100, 150 => Fine, 0;
    overstock_1: 7, 1, 100, 150 => Overstock, 1;
    fine_4: 60, 10, 100, 150 => Fine, 0;
    overstock_2: 61, 10, 100, 150 => Overstock, 1;
    fine_5: 7, 30, 100, 150 => Fine, 0;
    running_out_1: 6, 30, 100, 150 => RunningOut, 50;
    running_out_2: 0, 1, 100, 150 => RunningOut, 11;
    running_out_3: 0, 30, 100, 150 => RunningOut, 350;
    loss_2: 10, 0, 100, 50 => SoldAtALoss, 50;
    loss_3: 10, 5, 100, 99 => SoldAtALoss, 5;
    loss_4: 8, 1, 4999, 120 => SoldAtALoss, 4879;
    negative_3: -3, 80, 99, 1800 => NegativeInventory, 297;
    loss_5: 400, 0, 150, 120 => SoldAtALoss, 30;
    negative_4: -3, 9, 4999, 120 => NegativeInventory, 14997;
    loss_6: 2, 0, 4999, 120 => SoldAtALoss, 4879;
    loss_7: 400, 15, 4999, 120 => SoldAtALoss, 73185;
    dead_2: 2, 0, 150, 1800 => DeadStock, 4;
    overstock_3: 12, 1, 99, 1800 => Overstock, 8;
    loss_8: 90, 80, 150, 120 => SoldAtALoss, 2400;
    overstock_4: 400, 15, 150, 1800 => Overstock, 697;
    negative_5: -3, 15, 99, 120 => NegativeInventory, 297;
    overstock_5: 400, 1, 4999, 6500 => Overstock, 29544;
    loss_9: 8, 9, 4999, 1800 => SoldAtALoss, 28791;
    fine_6: 5, 1, 150, 199 => Fine, 0;
    negative_6: -3, 15, 1250, 6500 => NegativeInventory, 3750;
    loss_10: 8, 30, 4999, 1800 => SoldAtALoss, 95970;
    dead_3: 400, 0, 99, 6500 => DeadStock, 594;
    loss_11: 0, 80, 1250, 199 => SoldAtALoss, 84080;
    fine_7: 40, 9, 99, 120 => Fine, 0;
    fine_8: 90, 15, 1250, 1800 => Fine, 0;
    fine_9: 8, 15, 4999, 6500 => Fine, 0;
    fine_10: 40, 30, 99, 120 => Fine, 0;
    loss_12: 5, 30, 4999, 1800 => SoldAtALoss, 95970;
    loss_13: 12, 30, 1250, 120 => SoldAtALoss, 33900;
    loss_14: 40, 4, 150, 120 => SoldAtALoss, 120;
    dead_4: 40, 0, 150, 1800 => DeadStock, 90;
    running_out_4: 0, 30, 150, 6500 => RunningOut, 44450;
    loss_15: 12, 80, 4999, 120 => SoldAtALoss, 390320;
    fine_11: 0, 0, 150, 199 => Fine, 0;
    fine_12: 40, 80, 150, 1800 => Fine, 0;
    dead_5: 5, 0, 150, 6500 => DeadStock, 11;
    fine_13: 90, 15, 99, 6500 => Fine, 0;
    overstock_6: 90, 9, 4999, 6500 => Overstock, 2699;
    dead_6: 12, 0, 4999, 6500 => DeadStock, 899;
    negative_7: -20, 1, 99, 199 => NegativeInventory, 1980;
    overstock_7: 40, 1, 99, 1800 => Overstock, 50;
    dead_7: 400, 0, 99, 120 => DeadStock, 594;
    overstock_8: 400, 1, 99, 1800 => Overstock, 585;
    dead_8: 400, 0, 99, 199 => DeadStock, 594;
    overstock_9: 400, 9, 150, 1800 => Overstock, 778;
    fine_14: 8, 15, 1250, 6500 => Fine, 0;
    negative_8: -3, 0, 4999, 6500 => NegativeInventory, 14997;
    fine_15: 0, 0, 1250, 1800 => Fine, 0;
    running_out_5: 8, 80, 150, 1800 => RunningOut, 17600;
    running_out_6: 2, 15, 150, 199 => RunningOut, 73;
    negative_9: -20, 80, 1250, 6500 => NegativeInventory, 25000;
    negative_10: -3, 1, 4999, 199 => NegativeInventory, 14997;
    negative_11: -3, 9, 150, 6500 => NegativeInventory, 450;
    negative_12: -20, 80, 99, 199 => NegativeInventory, 1980;
    running_out_7: 12, 80, 150, 199 => RunningOut, 326;
    negative_13: -20, 4, 150, 1800 => NegativeInventory, 3000;
    overstock_10: 90, 1, 1250, 1800 => Overstock, 1575;
    overstock_11: 90, 1, 99, 6500 => Overstock, 124;
    running_out_8: 0, 15, 99, 199 => RunningOut, 350;
    dead_9: 90, 0, 1250, 6500 => DeadStock, 1687;
    negative_14: -3, 15, 99, 199 => NegativeInventory, 297;
    overstock_12: 90, 9, 99, 120 => Overstock, 53;
    overstock_13: 40, 4, 150, 1800 => Overstock, 36;
    overstock_14: 90, 4, 150, 6500 => Overstock, 148;
    running_out_9: 0, 9, 99, 6500 => RunningOut, 13442;
    overstock_15: 40, 4, 99, 199 => Overstock, 23;
    dead_10: 12, 0, 150, 1800 => DeadStock, 27;
    negative_15: -3, 80, 150, 1800 => NegativeInventory, 450;
    running_out_10: 0, 4, 150, 6500 => RunningOut, 5926;
}

/// Lines of every kind, by counting.
fn many() -> impl Iterator<Item = Line> {
    (0..20_000_i64).map(|n| Line {
        on_hand: n * 7 % 211 - 20,
        sold: n * 13 % 97,
        cost: 50 + n * 31 % 4_000,
        price: 60 + n * 37 % 5_000,
    })
}

#[test]
fn no_line_has_an_impact_below_zero() {
    assert!(many().all(|line| impact(line) >= 0));
}

#[test]
fn a_line_without_an_issue_costs_nothing() {
    assert!(
        many()
            .filter(|line| issue(*line) == Issue::Fine)
            .all(|line| impact(line) == 0)
    );
}

#[test]
fn a_line_below_zero_is_always_named_as_that() {
    assert!(
        many()
            .filter(|line| line.on_hand < 0)
            .all(|line| issue(line) == Issue::NegativeInventory)
    );
}

#[test]
fn dearer_stock_never_costs_less() {
    for line in many().filter(|line| issue(*line) == Issue::DeadStock) {
        let dearer = Line {
            cost: line.cost * 2,
            price: line.price * 2 + line.cost,
            ..line
        };
        assert!(impact(dearer) >= impact(line));
    }
}

#[test]
fn every_issue_occurs() {
    for issue_of_interest in [
        Issue::NegativeInventory,
        Issue::SoldAtALoss,
        Issue::DeadStock,
        Issue::Overstock,
        Issue::RunningOut,
        Issue::Fine,
    ] {
        assert!(
            many().any(|line| issue(line) == issue_of_interest),
            "{issue_of_interest:?}"
        );
    }
}
