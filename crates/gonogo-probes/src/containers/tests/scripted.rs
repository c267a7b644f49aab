//! Answers in Docker's own form, which the engine of the tests does not give: published ports, digests of several
//! registries, a container that goes between two questions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use super::*;

/// A small engine on a socket.
struct Small {
    folder: tempfile::TempDir,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Small {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Small {
    fn start(answer: impl Fn(&str) -> (u16, Json) + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("s")).unwrap();
        let answer = Arc::new(answer);
        let accepting = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = Arc::clone(&answer);
                drop(tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        match stream.read_u8().await {
                            Ok(byte) => head.push(byte),
                            Err(_) => return,
                        }
                    }
                    let head = String::from_utf8_lossy(&head).into_owned();
                    let (status, body) = answer(head.split(' ').nth(1).unwrap_or(""));
                    let body = body.to_string();
                    let text = format!(
                        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                        body.len()
                    );
                    drop(stream.write_all(text.as_bytes()).await);
                }));
            }
        });
        Self { folder, accepting }
    }

    fn url(&self) -> String {
        format!("unix://{}/s", self.folder.path().display())
    }
}

fn version() -> Json {
    json!({"Version": "28.2.2", "ApiVersion": "1.50", "Components": [{"Name": "Engine"}]})
}

fn web() -> Json {
    json!({
        "Id": "c1", "Name": "/shop-web-1", "Created": "2026-11-01T10:00:00.1Z", "Image": "sha256:i1",
        "RestartCount": 2,
        "State": {"Status": "restarting", "ExitCode": 137, "OOMKilled": true,
                  "StartedAt": "2026-11-01T10:00:00Z", "Health": {"Status": "starting", "Log": []}},
        "Config": {"Image": "ghcr.io/shop/web:12", "Labels": {"com.docker.compose.service": "web"},
                   "Healthcheck": {"Test": ["CMD", "curl", "-f", "http://localhost/"]}},
        "HostConfig": {"RestartPolicy": {"Name": "unless-stopped"}},
        "NetworkSettings": {"Ports": {
            "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
            "9090/tcp": [{"HostIp": "127.0.0.1", "HostPort": "9090"}],
            "53/udp": null
        }}
    })
}

fn image() -> Json {
    json!({
        "Id": "sha256:i1", "RepoTags": ["ghcr.io/shop/web:12"],
        "RepoDigests": ["mirror/web@sha256:aaaa", "ghcr.io/shop/web@sha256:bbbb"],
        "Created": "2026-10-31T10:00:00Z", "Architecture": "arm64", "Os": "linux", "Variant": "v8", "Size": 1_200_000_000
    })
}

#[tokio::test]
async fn ports_platform_and_digest_are_those_of_the_container() {
    let engine = Small::start(|path| match path {
        "/version" => (200, version()),
        p if p.starts_with("/containers/json") => (200, json!([{"Id": "c1", "Labels": null}])),
        "/containers/c1/json" => (200, web()),
        "/images/sha256%3Ai1/json" => (200, image()),
        _ => (404, json!({"message": "page not found"})),
    });
    let seen = observe(&ctx(), &engine.url(), json!({"containers": "shop"}))
        .await
        .unwrap();
    let one = container(&seen, "shop-web-1");
    assert_eq!(text(one, "digest"), "sha256:bbbb");
    assert_eq!(text(one, "platform"), "linux/arm64/v8");
    assert_eq!(text(one, "state"), "restarting");
    assert_eq!(one.get("oom_killed"), Some(&Value::Bool(true)));
    assert_eq!(one.get("ports").and_then(Value::as_list).unwrap().len(), 3);
    assert_eq!(
        names(&seen, "published"),
        [":::8080->80/tcp", "0.0.0.0:8080->80/tcp"]
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
    );
    assert_eq!(names(&seen, "not_running"), ["shop-web-1"]);
    assert_eq!(
        seen.target.unwrap().engine.unwrap(),
        "Engine 28.2.2, API 1.50"
    );
}

#[tokio::test]
async fn an_image_that_is_gone_leaves_its_facts_absent() {
    let engine = Small::start(|path| match path {
        "/version" => (200, version()),
        p if p.starts_with("/containers/json") => (200, json!([{"Id": "c1"}])),
        "/containers/c1/json" => (200, web()),
        _ => (404, json!({"message": "no such image"})),
    });
    let seen = observe(&ctx(), &engine.url(), json!({"containers": "shop"}))
        .await
        .unwrap();
    let one = container(&seen, "shop-web-1");
    assert_eq!((one.get("platform"), one.get("digest")), (None, None));
    assert_eq!(seen.facts["images"].as_map().unwrap().len(), 0);
}

#[tokio::test]
async fn a_container_that_goes_between_two_questions_is_asked_for_again_and_not_for_ever() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let engine = Small::start(move |path| match path {
        "/version" => (200, version()),
        p if p.starts_with("/containers/json") => {
            count.fetch_add(1, Ordering::SeqCst);
            (200, json!([{"Id": "c9"}]))
        }
        _ => (404, json!({"message": "no such container"})),
    });
    let failed = observe(&ctx(), &engine.url(), json!({"containers": "shop"}))
        .await
        .unwrap_err();
    assert_eq!(failed.cause, Cause::Protocol);
    assert!(failed.message.contains("come and go"), "{failed:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn an_answer_of_another_kind_is_no_observation() {
    for (body, cause) in [
        (json!("maintenance"), Cause::Protocol),
        (json!({"Version": 4}), Cause::Protocol),
        (json!([]), Cause::Protocol),
    ] {
        let engine = Small::start(move |_| (200, body.clone()));
        let failed = observe(&ctx(), &engine.url(), json!({"containers": "shop"}))
            .await
            .unwrap_err();
        assert_eq!(failed.cause, cause);
    }
    for (status, cause) in [
        (403, Cause::Denied),
        (500, Cause::Protocol),
        (404, Cause::Missing),
    ] {
        let engine = Small::start(move |_| (status, json!({"message": "no"})));
        let failed = observe(&ctx(), &engine.url(), json!({"containers": "shop"}))
            .await
            .unwrap_err();
        assert_eq!(failed.cause, cause, "{failed:?}");
    }
}
