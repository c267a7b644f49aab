use super::*;

fn plain(text: &str) -> Resolved {
    let node = Node {
        style: Style::Plain,
        kind: Kind::Scalar(text.into()),
        ..Node::nothing()
    };
    resolve(&node).unwrap()
}

#[test]
fn scalars_mean_what_yaml_1_2_says() {
    use Resolved::{Bool, Float, Huge, Int, LeadingZero, NotFinite, Null, Text, Uint};
    let cases = [
        ("", Null),
        ("~", Null),
        ("null", Null),
        ("true", Bool(true)),
        ("FALSE", Bool(false)),
        ("no", Text),
        ("on", Text),
        ("0", Int(0)),
        ("-7", Int(-7)),
        ("+7", Int(7)),
        ("0x1F", Int(31)),
        ("0o17", Int(15)),
        ("0x", Text),
        ("9223372036854775808", Uint(9_223_372_036_854_775_808)),
        ("-9223372036854775808", Int(i64::MIN)),
        ("-9223372036854775809", Huge),
        ("99999999999999999999", Huge),
        ("007", LeadingZero),
        ("1.5", Float(1.5)),
        (".5", Float(0.5)),
        ("5.", Float(5.0)),
        ("1e3", Float(1000.0)),
        ("1e999", NotFinite),
        (".inf", NotFinite),
        ("-.INF", NotFinite),
        (".nan", NotFinite),
        (".", Text),
        ("e3", Text),
        ("1e", Text),
        ("12:30", Text),
        ("1.2.3", Text),
        ("1_000", Text),
        ("-", Text),
    ];
    for (text, meaning) in cases {
        assert_eq!(plain(text), meaning, "{text}");
    }
}
