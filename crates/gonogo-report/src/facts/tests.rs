use super::*;

#[test]
fn facts_read_as_json() {
    let facts: Map = [
        ("latency".to_owned(), Value::Duration(12_500_000)),
        (
            "body".to_owned(),
            Value::from_json(&serde_json::json!({"a": [1, {}, []], "b": "x\"y\n"})),
        ),
        ("raw".to_owned(), Value::Bytes(vec![0, 255])),
    ]
    .into();
    let text = pretty(&facts, 1000);
    insta::assert_snapshot!(text, @r#"
    {
      "body": {
        "a": [
          1,
          {},
          []
        ],
        "b": "x\"y\n"
      },
      "latency": "12.5ms",
      "raw": "(2 bytes that are not text)"
    }
    "#);
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
}

#[test]
fn a_long_fact_is_cut_and_says_so() {
    let facts: Map = [("body".to_owned(), Value::String("é".repeat(100_000)))].into();
    let text = pretty(&facts, 101);
    assert!(text.len() < 200);
    assert!(text.ends_with("the whole is in the bundle's journal"));
}

#[test]
fn depth_is_bounded_in_what_is_shown() {
    let mut value = Value::Null;
    for _ in 0..200 {
        value = Value::List(vec![value]);
    }
    let facts: Map = [("body".to_owned(), value)].into();
    assert!(pretty(&facts, 4000).len() < 4100);
}
