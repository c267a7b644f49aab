//! The first look over all bytes: where might any rule begin? Letters are looked up without their case.

use super::part::{self, Class};
use super::sampler::{ANY_CASE, Sampler, rarest};
use super::{Rule, Shape};

/// A sampler that knows the beginning of every rule by the rule's index.
pub(super) fn of_rules(rules: &[Rule]) -> Sampler {
    let mut sampler = Sampler::new(ANY_CASE);
    for (rule, text, next) in rules.iter().enumerate().flat_map(|(i, r)| texts(i, r)) {
        insert(&mut sampler, rule, &text, next);
    }
    sampler
}

/// The texts by which a rule is known, and what follows a short one.
fn texts(index: usize, rule: &Rule) -> Vec<(usize, String, Option<Class>)> {
    let plain = |text: &str| (index, text.to_owned(), None);
    match rule.shape {
        Shape::Tokens(alternatives) => alternatives
            .iter()
            .filter_map(|parts| part::first_text(parts))
            .map(|(text, next)| (index, text.to_owned(), next))
            .collect(),
        Shape::Near(keywords, ..) => keywords.iter().map(|k| plain(k)).collect(),
        Shape::Jwt => vec![plain(".eyJ")],
        Shape::PrivateKey => vec![plain("-----BEGIN "), plain("PuTTY-User-Key-File-")],
        Shape::ServiceAccount => vec![plain("service_account")],
        Shape::Assignment(keywords, _) => keywords
            .iter()
            .flat_map(|k| ["_", "-", ""].map(|joint| (index, k.replace('_', joint), None)))
            .collect(),
        Shape::Dsn => Vec::new(),
    }
}

/// A text of three bytes is known by these and any byte that may follow.
fn insert(sampler: &mut Sampler, rule: usize, text: &str, next: Option<Class>) {
    let folded: Vec<u8> = text.bytes().map(|b| b | ANY_CASE).collect();
    if let [a, b, c] = folded[..] {
        for byte in (0..128).filter(|byte| next.is_none_or(|class| class.has(*byte))) {
            sampler.insert([a, b, c, byte], rule, 0);
        }
    } else if let Some(at) = rarest(&folded) {
        sampler.insert(
            [folded[at], folded[at + 1], folded[at + 2], folded[at + 3]],
            rule,
            at,
        );
    }
}
