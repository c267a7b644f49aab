use proptest::prelude::*;

use super::*;

fn text<'n>(node: &'n Node, path: &[&str]) -> Option<&'n str> {
    path.iter()
        .try_fold(node, |node, key| node.get(key))
        .and_then(Node::text)
}

#[test]
fn aliases_and_merge_keys_are_followed_and_own_members_win() {
    let node = read(
        "x-base: &base\n  restart: always\n  image: base\nservices:\n  web:\n    <<: *base\n    image: web\n  db:\n    image: db\n    <<: [*base]\n",
    )
    .unwrap();
    assert_eq!(text(&node, &["services", "web", "image"]), Some("web"));
    assert_eq!(text(&node, &["services", "web", "restart"]), Some("always"));
    assert_eq!(text(&node, &["services", "db", "image"]), Some("db"));
    assert_eq!(node.get("services").unwrap().line, 5);
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_line() {
    let line = |text: &str| read(text).unwrap_err().line;
    assert_eq!(line("a: 1\na: 2\n"), 2);
    assert_eq!(line("a: 1\n---\nb: 2\n"), 2);
    assert_eq!(line("a: [1\nb: 2\n"), 2);
    assert_eq!(line("? [a]\n: 1\n"), 1);
    assert!(
        read("a: 1\na: 2\n")
            .unwrap_err()
            .message
            .contains("`a` stands here twice")
    );
    assert!(read("a: &x [*x]\n").is_err());
    assert_eq!(read("").unwrap().kind, Kind::Null);
}

#[test]
fn a_bomb_is_refused() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for n in 1..12 {
        let before = n - 1;
        let ten = vec![format!("*a{before}"); 10].join(",");
        bomb = format!(
            "{bomb}a{n}: &a{n} [{ten}]
"
        );
    }
    assert!(read(&bomb).unwrap_err().message.contains("more than"));
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(read(&deep).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[ -~\n]{0,80}") {
        let _read = read(&text).is_ok();
    }
}
