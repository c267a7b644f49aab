//! What every probe of a database shares.

mod dsn;
mod reading;

use super::sqlstate;

#[test]
fn error_codes_have_their_names() {
    assert_eq!(sqlstate::name("23505"), "unique_violation");
    assert_eq!(sqlstate::class("23505"), "integrity_constraint_violation");
    assert_eq!(sqlstate::name("23ZZZ"), "integrity_constraint_violation");
    assert_eq!(sqlstate::name("ZZ001"), "ZZ001");
    assert_eq!(sqlstate::name("é"), "é");
    assert_eq!(sqlstate::code("undefined_table"), Some("42P01"));
}
