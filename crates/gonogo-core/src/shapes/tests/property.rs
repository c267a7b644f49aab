use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut out = Vec::new();
        Scanner::new(RULES, Vec::new()).scan("x", &bytes, &mut out);
    }

    #[test]
    fn plain_prose_is_clean(text in "([a-z]{1,12}[ ,.\n]){0,80}") {
        prop_assert!(rules_of("notes.txt", &text).is_empty());
    }

    #[test]
    fn a_token_is_found_wherever_it_stands(before in "[ -~\n]{0,80}", after in "[ -~\n]{0,80}", seed in any::<u64>()) {
        let token = format!("{}{}", "glsa_", [letters(Class::Alnum, 32, seed), letters(Class::Hex, 8, seed)].join("_"));
        let found = rules_of("x", &format!("{before}\n{token}\n{after}"));
        prop_assert!(found.iter().any(|r| r == "grafana-token"));
    }
}
