//! On a real MariaDB.

use super::*;
use crate::bench::mariadb_server;
use crate::testing::PASSWORD;

/// A table with a key of its own and one beside it.
const ORDERS: &str = "\
create table orders (id int primary key, note varchar(200), key by_note (note)); \
insert into orders select seq, repeat('x', 200) from seq_1_to_2000; \
create table `odd ``\"name` (id int primary key); create view v as select * from orders; create sequence s; \
analyze table orders, `odd ``\"name`";

#[tokio::test]
async fn sizes_are_those_that_mariadb_gives_itself() {
    let server = mariadb_server();
    server.sql(&format!(
        "create database capacity_sizes; use capacity_sizes; {ORDERS}"
    ));
    let db = Bench::mysql(&server.url_as(USER, "capacity_sizes"));
    let options = json!({"capacity": "database", "count": true});
    let seen = db.observe(&Capacity, options).await.unwrap();
    let own = |what: &str| -> i64 {
        let sql = format!(
            "select {what} from information_schema.tables where table_schema = 'capacity_sizes' and table_name = 'orders'"
        );
        server.sql(&sql).parse().unwrap()
    };
    let orders = named(&seen, "tables", "orders");
    let part = |key: &str| orders.get(key).unwrap().as_int().unwrap();
    assert_eq!(part("table_bytes"), own("data_length"));
    assert_eq!(part("index_bytes"), own("index_length"));
    assert!(
        part("table_bytes") > 400_000 && part("index_bytes") > 400_000,
        "{orders}"
    );
    assert_eq!(part("bytes"), part("table_bytes") + part("index_bytes"));
    assert_eq!(part("rows"), 2000);
    assert_eq!(part("rows_estimate"), own("table_rows"));
    named(&seen, "tables", "odd `\"name");
    assert_eq!(seen.facts["tables"].as_list().unwrap().len(), 2);
    let index = named(&seen, "indexes", "orders.by_note");
    assert_eq!(
        index.get("bytes").unwrap().as_int(),
        Some(part("index_bytes"))
    );
    assert_eq!(index.get("table"), Some(&Value::from("orders")));
    // The primary key is the table.
    assert_eq!(seen.facts["indexes"].as_list().unwrap().len(), 1);
    let database = &seen.facts["database"];
    assert_eq!(database.get("name"), Some(&Value::from("capacity_sizes")));
    let connections = &seen.facts["connections"];
    let most: i64 = server.sql("select @@max_connections").parse().unwrap();
    assert_eq!(connections.get("allowed"), Some(&Value::Int(most)));
    assert!(connections.get("used").unwrap().as_int().unwrap() >= 1);
    assert!(
        matches!(seen.facts["cache_hit_ratio"], Value::Double(ratio) if (0.0..=1.0).contains(&ratio))
    );
    assert!(
        seen.facts["engine"]
            .as_str()
            .unwrap()
            .starts_with("MariaDB 1")
    );
    assert_eq!(seen.absent, []);
}

#[tokio::test]
async fn growth_since_a_baseline_is_told_on_mariadb() {
    let server = mariadb_server();
    server.sql(&format!(
        "create database capacity_growth; use capacity_growth; {ORDERS}"
    ));
    let db = Bench::mysql(&server.url_as(USER, "capacity_growth"));
    let baseline = snapshot(&look(&db).await);
    server.sql("use capacity_growth; insert into orders select seq, repeat('y', 200) from seq_2001_to_20000; create table more (id int primary key); analyze table orders, more");
    let db = with_baseline(db, &baseline.text());
    let seen = db.observe(&Capacity, since()).await.unwrap();
    let orders = named(&seen, "growth", "orders");
    assert!(
        orders.get("bytes").unwrap().as_int().unwrap() > 2_000_000,
        "{orders}"
    );
    named(&seen, "growth", "more");
}

#[tokio::test]
async fn what_the_user_may_not_see_is_no_size_of_zero() {
    let server = mariadb_server();
    server.sql(&format!(
        "create database capacity_rights; use capacity_rights; {ORDERS}; \
         create user reader@'%' identified by '{PASSWORD}'; grant select on capacity_rights.orders to reader@'%'; \
         create user seer@'%' identified by '{PASSWORD}'; grant select on capacity_rights.* to seer@'%'"
    ));
    let reader = Bench::mysql(&server.url_as("reader", "capacity_rights"));
    let refused = refused(&reader, json!({"capacity": "database"})).await;
    assert_eq!(refused.cause, Cause::Denied);
    assert!(
        refused.message.contains("lacks select"),
        "{}",
        refused.message
    );
    assert!(
        refused
            .help
            .unwrap()
            .contains("grant select on `capacity_rights`.*")
    );
    // The tables' sizes are there; those of the indexes stand where this one may not look.
    let seer = Bench::mysql(&server.url_as("seer", "capacity_rights"));
    let seen = look(&seer).await;
    assert!(
        named(&seen, "tables", "orders")
            .get("index_bytes")
            .unwrap()
            .as_int()
            .unwrap()
            > 0
    );
    let absent: Vec<&str> = seen
        .absent
        .iter()
        .map(|absence| absence.fact.as_str())
        .collect();
    assert_eq!(absent, ["indexes"]);
    let all = snapshot(&look(&Bench::mysql(&server.url_as(USER, "capacity_rights"))).await);
    let seer = with_baseline(seer, &all.text());
    let seen = seer.observe(&Capacity, since()).await.unwrap();
    let growth = seen.facts["growth"].as_list().unwrap();
    assert!(
        growth
            .iter()
            .all(|g| g.get("what") != Some(&Value::from("index"))),
        "{growth:?}"
    );
}

#[tokio::test]
async fn an_address_without_a_database_is_told() {
    let server = mariadb_server();
    let url = server.url_as(USER, "");
    let refused = refused(
        &Bench::mysql(url.trim_end_matches('/')),
        json!({"capacity": "database"}),
    )
    .await;
    assert_eq!(refused.cause, Cause::BadOptions);
    assert!(
        refused.message.contains("names no database"),
        "{}",
        refused.message
    );
}
