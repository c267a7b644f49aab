use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use gonogo_core::Value;
use gonogo_core::record::Cause;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::syntax::MAX_PAIRS;
use super::*;
use crate::ctx::{Ctx, GateScope};
use crate::probe::ResolvedTarget;

/// A login: what it is sent, and what it answers by that.
struct Login {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Login {
    async fn start(answer: impl Fn(&str) -> &'static str + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut text = String::new();
                let mut buffer = [0u8; 4096];
                while !is_whole(&text) {
                    let Ok(count @ 1..) = stream.read(&mut buffer).await else {
                        break;
                    };
                    text.push_str(&String::from_utf8_lossy(&buffer[..count]));
                }
                let head = answer(&text);
                kept.lock().unwrap().push(text);
                let bytes =
                    format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
                let _closed = stream.write_all(bytes.as_bytes()).await.is_err();
            }
        });
        Self { port, asked }
    }

    async fn observe(&self, options: Json) -> Result<Seen, NotObserved> {
        let (_keep, cancelled) = tokio::sync::watch::channel(false);
        let hosts = vec![("127.0.0.1".to_owned(), self.port)];
        let ctx = Ctx::new(
            hosts,
            PathBuf::from("."),
            Duration::from_secs(20),
            cancelled,
        );
        let target = ResolvedTarget {
            name: "api".to_owned(),
            kind: "http".to_owned(),
            options: json!({
                "http": format!("http://127.0.0.1:{}", self.port),
                "bearer": "opens-everything",
                "headers": {"Cookie": "session=opens", "X-Gateway": "yes"},
            }),
        };
        let scope = GateScope::new(false);
        DefaultCredentials
            .observe(Call {
                options,
                target: Some(&target),
                limits: &[],
                statistics: &gonogo_core::plan::StatisticsOptions::default(),
                earlier_samplings: Some(0),
                reads: false,
                scope: &scope,
                ctx: &ctx,
            })
            .await
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|l| {
        l.to_ascii_lowercase()
            .strip_prefix("content-length:")
            .map(str::to_owned)
    });
    let length = length.and_then(|l| l.trim().parse().ok()).unwrap_or(0);
    body.len() >= length
}

fn login() -> Json {
    json!({"default-credentials": "POST /login"})
}

#[tokio::test]
async fn a_login_that_takes_what_everybody_knows_is_seen_and_no_password_is_kept() {
    let takes = r#"{"password":"zabbix","username":"Admin"}"#;
    let door = Login::start(move |text| {
        if text.ends_with(takes) {
            "200 OK"
        } else {
            "401 Unauthorized"
        }
    })
    .await;
    let mut options = login();
    options["product"] = json!("zabbix");
    options["pairs"] = json!([{"user": "ops", "password": "ops-Passw0rd"}]);
    let seen = door.observe(options).await.unwrap();
    assert_eq!(seen.facts["accepted"], Value::List(vec!["Admin".into()]));
    assert_eq!(
        seen.facts["tried"],
        Value::List(vec!["ops".into(), "Admin".into()])
    );
    assert_eq!(seen.facts["control"], 401i64.into());
    let told = format!("{seen:?}");
    assert!(
        !told.contains("ops-Passw0rd") && !told.contains("zabbix"),
        "{told}"
    );
    for text in door.asked() {
        let lower = text.to_ascii_lowercase();
        assert!(
            !lower.contains("opens") && lower.contains("x-gateway"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_login_that_takes_none_is_asked_ten_times_and_once_for_control() {
    let door = Login::start(|_| "403 Forbidden").await;
    let seen = door.observe(login()).await.unwrap();
    assert_eq!(seen.facts["accepted"], Value::List(Vec::new()));
    assert_eq!(seen.facts["tried"].as_list().unwrap().len(), MAX_PAIRS);
    assert_eq!(door.asked().len(), MAX_PAIRS + 1);
}

#[tokio::test]
async fn basic_and_forms_are_sent_as_their_standards_have_them() {
    let basic =
        format!("authorization: basic {}", BASE64.encode("guest:guest")).to_ascii_lowercase();
    let door = Login::start(move |text| {
        if text.to_ascii_lowercase().contains(&basic) {
            "200 OK"
        } else {
            "401 Unauthorized"
        }
    })
    .await;
    let options =
        json!({"default-credentials": "GET /api/whoami", "as": "basic", "product": "rabbitmq"});
    let seen = door.observe(options).await.unwrap();
    assert_eq!(seen.facts["accepted"], Value::List(vec!["guest".into()]));
    let door = Login::start(|text| {
        if text.ends_with("csrf=x&login=guest&word=guest") {
            "302 Found\r\nLocation: /home"
        } else {
            "302 Found\r\nLocation: /login?failed"
        }
    })
    .await;
    let options = json!({
        "default-credentials": "POST /login", "as": "form", "with": {"csrf": "x"},
        "user_field": "login", "password_field": "word", "let_in": [302],
        "failed_text": "?failed", "product": "rabbitmq",
    });
    let seen = door.observe(options).await.unwrap();
    assert_eq!(seen.facts["accepted"], Value::List(vec!["guest".into()]));
}

#[tokio::test]
async fn what_proves_nothing_is_not_observed() {
    let anything = Login::start(|_| "200 OK").await;
    let gap = anything.observe(login()).await.unwrap_err();
    assert!(gap.message.contains("accepts anything"), "{gap:?}");
    assert_eq!(anything.asked().len(), 1);
    for head in [
        "404 Not Found",
        "500 Oops",
        "302 Found",
        "405 Method Not Allowed",
    ] {
        let door = Login::start(move |_| head).await;
        let gap = door.observe(login()).await.unwrap_err();
        assert_eq!(gap.cause, Cause::Protocol, "{head}");
        assert_eq!(door.asked().len(), 1, "{head}");
    }
    let count = Mutex::new(0);
    let limited = Login::start(move |_| {
        let mut count = count.lock().unwrap();
        *count += 1;
        if *count > 3 {
            "429 Too Many Requests"
        } else {
            "401 Unauthorized"
        }
    })
    .await;
    let gap = limited.observe(login()).await.unwrap_err();
    assert_eq!(gap.cause, Cause::Denied);
    assert!(gap.message.contains("pair 3 of 10"), "{gap:?}");
    assert_eq!(limited.asked().len(), 4);
}

#[test]
fn of_one_user_two_pairs_at_most_are_tried_unless_the_plan_gives_more() {
    assert_eq!(known::COMMON.len(), MAX_PAIRS);
    for (user, _) in known::COMMON {
        let same = known::COMMON.iter().filter(|(u, _)| u == user).count();
        assert!(same <= 2, "{user}");
    }
    for product in known::PRODUCTS {
        assert!(
            !product.pairs.is_empty() && product.pairs.len() <= 2,
            "{}",
            product.name
        );
    }
}

#[test]
fn what_cannot_mean_anything_is_said_before_anything_is_sent() {
    let eleven: Vec<Json> = (0..11)
        .map(|n| json!({"user": "u", "password": n.to_string()}))
        .collect();
    for (more, key) in [
        (
            json!({"default-credentials": "/login"}),
            "default-credentials",
        ),
        (
            json!({"default-credentials": "GET /login"}),
            "default-credentials",
        ),
        (json!({"product": "grafanna"}), "product"),
        (json!({"pairs": []}), "pairs"),
        (json!({"pairs": eleven}), "pairs"),
        (json!({"as": "basic", "user_field": "x"}), "user_field"),
    ] {
        let mut options = login();
        for (name, value) in more.as_object().into_iter().flatten() {
            options[name] = value.clone();
        }
        let problems = DefaultCredentials.lint(&options);
        assert_eq!(problems.len(), 1, "{more}: {problems:?}");
        assert_eq!(problems[0].key, key, "{more}");
    }
    assert!(DefaultCredentials.lint(&login()).is_empty());
}
