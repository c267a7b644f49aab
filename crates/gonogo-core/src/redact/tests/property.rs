//! For any secret, any encoding, any surroundings and any chunks.

use super::*;

fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9]{10,40}",
        "[!-~]{10,60}",
        "[!-~]{6,20}[éßπ漢🙂][!-~]{6,20}",
        "[!-~]{6,12} [!-~]{6,12}",
    ]
    .prop_map(|s| s.trim().to_owned())
    .prop_filter("only strong ones are looked for", |s| {
        needles::weakness(s).is_none()
    })
}

fn surroundings() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[ -~]{0,40}".prop_map(String::into_bytes),
        "[a-z \n\"]{0,200}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..60),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_encoding_of_a_secret_gets_through(
        secret in secret(),
        which in 0..ENCODINGS.len(),
        before in surroundings(),
        after in surroundings(),
    ) {
        let (name, encode) = ENCODINGS[which];
        let redactor = knowing(&secret);
        let encoded = encode(&secret);
        // What stands before may be half of an escape or a digit more: a blank keeps them apart, as text has it.
        let input = [&before[..], b" ", &encoded, b" ", &after[..]].concat();
        let (masked, hits) = redactor.redact_bytes(&input);
        prop_assert!(!contains(&masked, secret.as_bytes()), "{name}");
        prop_assert!(!contains(&masked, &encoded), "{name}");
        prop_assert!(!hits.is_empty(), "{name}");
        prop_assert_eq!(&*redactor.redact_bytes(&masked).0, &*masked, "{}", name);
    }

    #[test]
    fn chunks_change_nothing(
        secret in secret(),
        which in 0..ENCODINGS.len(),
        before in 0..9000_usize,
        sizes in proptest::collection::vec(1..3000_usize, 1..20),
    ) {
        let (name, encode) = ENCODINGS[which];
        let redactor = knowing(&secret);
        let filler = b"so many words and 5% & \\n ".repeat(400);
        let encoded = encode(&secret);
        let input = [&filler[..before], b" ", &encoded, b" ", &filler].concat();
        let mut stream = redactor.stream();
        let (mut out, mut rest) = (Vec::new(), &input[..]);
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, more) = rest.split_at((*size).min(rest.len()));
            out.extend(stream.push(chunk));
            rest = more;
        }
        let (tail, hits) = stream.finish();
        out.extend(tail);
        prop_assert!(!contains(&out, secret.as_bytes()) && !contains(&out, &encoded), "{name}");
        prop_assert!(!hits.is_empty(), "{name}");
    }

    #[test]
    fn text_without_the_secret_is_unchanged(secret in secret(), text in "[ -~\n]{0,300}") {
        let redactor = knowing(&secret);
        prop_assert_eq!(&*redactor.redact_str(&text), &*text);
    }

    #[test]
    fn any_bytes_are_taken(secret in secret(), bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let redactor = knowing(&secret);
        let (masked, _) = redactor.redact_bytes(&bytes);
        prop_assert_eq!(&*redactor.redact_bytes(&masked).0, &*masked);
    }
}
