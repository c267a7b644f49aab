//! Live drills, on a service whose version is what a file says.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use super::*;

/// Answers each request with what stands in a file; 503 where there is none.
struct Service {
    address: String,
    file: PathBuf,
}

impl Service {
    fn start(folder: &Path) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let file = folder.join("running");
        let read = file.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut buffer = [0u8; 4096];
                let _asked = stream.read(&mut buffer).is_ok();
                let (status, body) = match std::fs::read_to_string(&read) {
                    Ok(text) => (200, text),
                    Err(_) => (503, "starting".to_owned()),
                };
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                let _closed = stream.write_all(answer.as_bytes()).is_err();
            }
        });
        Self { address, file }
    }

    fn target(&self) -> ResolvedTarget {
        ResolvedTarget {
            name: "api".to_owned(),
            kind: "http".to_owned(),
            options: json!({"http": format!("http://{}", self.address)}),
        }
    }
}

fn drill(commands: Json, more: Json) -> Json {
    let mut options = json!({
        "rollback": "v1",
        "mode": "live",
        "commands": commands,
        "objective": "20s",
        "health": "GET /health",
    });
    let all = options.as_object_mut().unwrap();
    all.extend(more.as_object().unwrap().clone());
    options
}

/// A repository, and its service outside of it.
fn system() -> (tempfile::TempDir, tempfile::TempDir, Service) {
    let folder = history(&[], &[]);
    let outside = tempfile::tempdir().unwrap();
    let service = Service::start(outside.path());
    std::fs::write(&service.file, "two").unwrap();
    (folder, outside, service)
}

fn to(service: &Service, text: &str) -> Json {
    let path = service.file.display().to_string();
    json!(["sh", "-c", "printf %s \"$1\" > \"$2\"", "sh", text, path])
}

#[tokio::test]
async fn the_way_back_is_gone_timed_and_its_output_kept() {
    let _turn = crate::exec::tests::ALONE.lock().await;
    let (folder, _outside, service) = system();
    let (_keep, ctx) = ctx(folder.path(), vec![service.target()]);
    let commands = json!([["echo", "going back"], to(&service, "one")]);
    let options = drill(commands, json!({"health_contains": "one", "cwd": "."}));
    let seen = look(&ctx, options).await.unwrap();
    assert_eq!(seen.facts["healthy"], true.into());
    assert_eq!(seen.facts["within_objective"], true.into());
    assert!(matches!(seen.facts["took"], Value::Duration(ns) if ns > 0));
    assert!(!seen.facts.contains_key("stopped_at"));
    let ran = seen.facts["ran"].as_list().unwrap();
    assert_eq!(ran[0].get("stdout"), Some(&"going back\n".into()));
    assert_eq!(ran[1].get("exit_code"), Some(&0i64.into()));
    assert_eq!(seen.facts["health"].get("body"), Some(&"one".into()));
    // What was measured is what a later look of the same run estimates.
    let later = json!({"rollback": "v1", "objective": "20s"});
    let later = look(&ctx, later).await.unwrap();
    assert_eq!(later.facts["estimated_by"], "drill".into());
    assert_eq!(later.facts["estimated"], seen.facts["took"]);
}

#[tokio::test]
async fn the_version_that_is_to_go_does_not_pass_for_the_one_that_comes_back() {
    let _turn = crate::exec::tests::ALONE.lock().await;
    let (folder, _outside, service) = system();
    let (_keep, ctx) = ctx(folder.path(), vec![service.target()]);
    let more = json!({"health_contains": "one", "objective": "1s"});
    let seen = look(&ctx, drill(json!([["true"]]), more)).await.unwrap();
    assert_eq!(seen.facts["healthy"], false.into());
    assert_eq!(seen.facts["within_objective"], false.into());
    assert!(!seen.facts.contains_key("took"));
    let problem = seen.facts["health"].get("problem").unwrap().to_string();
    assert!(problem.contains("health_contains"), "{problem}");
}

#[tokio::test]
async fn a_command_that_fails_stops_the_drill_and_is_named() {
    let _turn = crate::exec::tests::ALONE.lock().await;
    let (folder, _outside, service) = system();
    for (command, line, ended) in [
        (
            json!(["sh", "-c", "echo no >&2; exit 3"]),
            "sh -c 'echo no >&2; exit 3'",
            "exit_code",
        ),
        (
            json!(["no-such-program-here"]),
            "no-such-program-here",
            "problem",
        ),
        (
            json!({"run": ["sleep", "600"], "timeout": "300ms"}),
            "sleep 600",
            "problem",
        ),
        (
            json!(["sh", "-c", "kill -9 $$"]),
            "sh -c 'kill -9 $$'",
            "signal",
        ),
    ] {
        let (_keep, ctx) = ctx(folder.path(), vec![service.target()]);
        let commands = json!([["true"], command, to(&service, "never")]);
        let seen = look(&ctx, drill(commands, json!({}))).await.unwrap();
        assert_eq!(seen.facts["stopped_at"], line.into());
        assert_eq!(seen.facts["within_objective"], false.into());
        assert!(!seen.facts.contains_key("took") && !seen.facts.contains_key("health"));
        let ran = seen.facts["ran"].as_list().unwrap();
        assert_eq!(ran.len(), 2);
        assert!(ran[1].get(ended).is_some(), "{:?}", ran[1]);
        assert_eq!(std::fs::read_to_string(&service.file).unwrap(), "two");
    }
}

#[tokio::test]
async fn a_service_that_comes_up_late_is_waited_for() {
    let _turn = crate::exec::tests::ALONE.lock().await;
    let (folder, _outside, service) = system();
    let (_keep, ctx) = ctx(folder.path(), vec![service.target()]);
    std::fs::remove_file(&service.file).unwrap();
    let file = service.file.clone();
    let options = drill(json!([["true"]]), json!({}));
    let looking = look(&ctx, options);
    let rising = async {
        // As soon as it was asked once in vain.
        tokio::task::spawn_blocking(move || {
            std::thread::sleep(Duration::from_millis(700));
            std::fs::write(file, "one").unwrap();
        })
        .await
        .unwrap();
    };
    let (seen, ()) = tokio::join!(looking, rising);
    let seen = seen.unwrap();
    assert_eq!(seen.facts["healthy"], true.into());
    assert!(seen.facts["health"].get("asked").unwrap().as_int().unwrap() > 1);
}

#[tokio::test]
async fn a_drill_that_is_stopped_leaves_nothing_running_and_says_where_it_was() {
    let _turn = crate::exec::tests::ALONE.lock().await;
    let (folder, outside, service) = system();
    let (stop, ctx) = ctx(folder.path(), vec![service.target()]);
    let pid = outside.path().join("pid");
    let script = "sleep 600 & echo $! > \"$1\"; wait";
    let commands = json!([
        ["true"],
        ["sh", "-c", script, "sh", pid.display().to_string()]
    ]);
    let looking = look(&ctx, drill(commands, json!({})));
    let stopping = async {
        let number = loop {
            tokio::task::yield_now().await;
            let text = std::fs::read_to_string(&pid).unwrap_or_default();
            if text.ends_with('\n') {
                break text.trim().to_owned();
            }
        };
        stop.send_replace(true);
        number
    };
    let (seen, number) = tokio::join!(looking, stopping);
    let gap = seen.unwrap_err();
    assert_eq!(format!("{:?}", gap.cause), "Interrupted");
    assert!(gap.message.contains("ended: true;"), "{}", gap.message);
    assert!(gap.message.contains("killed: sh -c"), "{}", gap.message);
    assert!(!crate::exec::tests::is_alive(&number));
}

#[tokio::test]
async fn what_cannot_work_is_said_before_a_command_runs() {
    let _turn = crate::exec::tests::ALONE.lock().await;
    let (folder, _outside, service) = system();
    let changed = to(&service, "never");
    for more in [json!({"health_target": "web"}), json!({"cwd": "nowhere"})] {
        let (_keep, ctx) = ctx(folder.path(), vec![service.target()]);
        let gap = look(&ctx, drill(json!([changed]), more)).await.unwrap_err();
        assert!(gap.message.contains("nothing was run"), "{}", gap.message);
    }
    let (_keep, ctx) = ctx(folder.path(), Vec::new());
    let gap = look(&ctx, drill(json!([changed]), json!({})))
        .await
        .unwrap_err();
    assert!(gap.message.contains("no `http` target"), "{}", gap.message);
    assert_eq!(std::fs::read_to_string(&service.file).unwrap(), "two");
}

#[tokio::test]
async fn output_beyond_the_cap_is_cut_and_said() {
    let _turn = crate::exec::tests::ALONE.lock().await;
    let (folder, _outside, service) = system();
    let (_keep, ctx) = ctx(folder.path(), vec![service.target()]);
    let commands = json!([["head", "-c", "200000", "/dev/zero"]]);
    let seen = look(&ctx, drill(commands, json!({}))).await.unwrap();
    assert!(seen.cut.iter().any(|cut| cut.fact == "ran"));
    assert_eq!(seen.facts["healthy"], true.into());
}
