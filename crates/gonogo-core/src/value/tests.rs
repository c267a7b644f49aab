use super::*;

fn round(value: &Value) -> Value {
    let text = serde_json::to_string(value).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn every_type_survives_json() {
    let t = DateTime::parse_from_rfc3339("2026-11-21T10:04:00.5Z")
        .unwrap()
        .with_timezone(&Utc);
    let map: Map = [
        ("a".to_owned(), Value::Null),
        ("b".to_owned(), Value::Double(1.0)),
        ("c".to_owned(), Value::Int(1)),
        ("d".to_owned(), Value::Uint(u64::MAX)),
        ("e".to_owned(), Value::Bytes(vec![0, 255])),
        ("f".to_owned(), Value::Duration(12_500_000)),
        ("g".to_owned(), Value::Timestamp(t)),
        ("h".to_owned(), Value::Double(f64::INFINITY)),
    ]
    .into();
    let value = Value::List(vec![Value::Map(map), Value::Bool(true), "x".into()]);
    assert_eq!(round(&value), value);
}

#[test]
fn a_targets_own_dollar_keys_are_not_taken_for_ours() {
    let value = Value::from_json(&serde_json::json!({"$duration": "1s", "x": 1}));
    assert_eq!(round(&value), value);
}

#[test]
fn an_unknown_reserved_key_is_refused() {
    assert!(serde_json::from_str::<Value>(r#"{"$nope":"1"}"#).is_err());
    assert!(serde_json::from_str::<Value>(r#"{"$duration":"soon"}"#).is_err());
    assert!(serde_json::from_str::<Value>(r#"{"a":1,"a":2}"#).is_err());
}
