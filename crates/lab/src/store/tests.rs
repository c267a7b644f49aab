use super::*;

#[test]
fn a_database_is_named_as_a_plan_would_name_it() {
    for text in [
        "sqlite::memory:",
        "sqlite:/tmp/lab.sqlite",
        "postgres://lab@localhost/lab",
    ] {
        assert_eq!(text.parse::<Database>().unwrap().to_string(), text);
    }
    for text in ["", "sqlite:", "mysql://x", "lab.sqlite"] {
        assert_eq!(text.parse::<Database>(), Err(UnknownDatabase), "{text}");
    }
}

#[tokio::test]
async fn a_write_is_all_or_nothing() {
    let store = Store::open(&Database::SqliteMemory).await.unwrap();
    store
        .batch("create table t (a text primary key)")
        .await
        .unwrap();
    let twice = vec![
        ("insert into t values ($1)", vec!["x".into()]),
        ("insert into t values ($1)", vec!["x".into()]),
    ];
    assert_eq!(store.write(twice).await, Err(StoreError::Unique));
    assert_eq!(
        store.read("select a from t", Vec::new()).await,
        Ok(Vec::new())
    );
}

#[tokio::test]
async fn a_fresh_id_is_a_uuid() {
    let store = Store::open(&Database::SqliteMemory).await.unwrap();
    let id = store.fresh_id().await.unwrap();
    let groups: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{id}");
    assert!(
        id.chars()
            .all(|c| c == '-' || (c.is_ascii_hexdigit() && !c.is_ascii_uppercase())),
        "{id}"
    );
    assert_ne!(store.fresh_id().await.unwrap(), id);
}
