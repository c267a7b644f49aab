//! Bad input of every kind: a clear message, the right end, nothing that looks finished.

use std::io::{Read as _, Write as _};

use crate::rig::{Scripted, answer, folder, gonogo, run_plan, small_plan};

fn lint(plan: &str) -> crate::rig::Ended {
    let folder = folder();
    std::fs::write(folder.path().join("plan.yaml"), plan).unwrap();
    gonogo(folder.path(), &["lint", "plan.yaml"])
}

const FINE: &str = "      - http: GET /\n        expect: status == 200\n";

#[test]
fn every_problem_of_a_plan_is_told_at_once_with_line_column_and_nearest_key() {
    let plan = small_plan(
        "http://127.0.0.1:1",
        "      - htpp: GET /\n        expect: status == 200\n",
    )
    .replace("title: It works", "titel: It works\n    severity: criticl");
    let ended = lint(&plan);
    assert_eq!(ended.code, 64);
    for part in [
        "did you mean `title`",
        "did you mean `critical`",
        "did you mean `http:`",
        "plan.yaml:10:",
        "^",
    ] {
        assert!(ended.stderr.contains(part), "{part}\n{}", ended.stderr);
    }
}

#[test]
fn with_json_a_wrong_plan_is_one_document_of_diagnostics() {
    let folder = folder();
    let ended = run_plan(folder.path(), "gonogo: 1\n", &[]);
    assert_eq!(ended.code, 64);
    let diagnostics = ended.json()["diagnostics"].clone();
    let first = &diagnostics[0];
    for key in ["code", "message", "file", "line", "column", "help"] {
        assert!(first.get(key).is_some(), "{key}: {first}");
    }
}

#[test]
fn a_wrong_command_line_is_64_also_as_json() {
    let folder = folder();
    assert_eq!(gonogo(folder.path(), &["run"]).code, 64);
    assert_eq!(gonogo(folder.path(), &["no-such-command"]).code, 64);
    let ended = gonogo(
        folder.path(),
        &["run", "absent.yaml", "--env", "local", "--json"],
    );
    assert_eq!(ended.code, 64);
    assert!(ended.json()["diagnostics"][0]["message"].is_string());
    let ended = gonogo(folder.path(), &["run", "--json"]);
    assert_eq!(
        (ended.code, ended.json()["diagnostics"].is_array()),
        (64, true)
    );
    assert_eq!(gonogo(folder.path(), &["--version"]).code, 0);
}

#[test]
fn what_yaml_did_to_an_expression_is_told_with_the_line_as_it_should_be() {
    let plan = small_plan(
        "http://127.0.0.1:1",
        "      - http: GET /\n        expect: !has(body.x)\n",
    );
    let ended = lint(&plan);
    assert_eq!(ended.code, 64);
    assert!(
        ended.stderr.contains("\"!has(body.x)\""),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_bomb_is_refused_quickly_and_in_little_memory() {
    let mut plan = String::from("gonogo: 1\nname: bomb\na0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        let row = [before.as_str(); 9].join(", ");
        plan.push_str(&format!("a{level}: &a{level} [{row}]\n"));
    }
    let folder = folder();
    std::fs::write(folder.path().join("plan.yaml"), plan).unwrap();
    // 96 MiB of address space for the whole program: a bomb that unfolds dies of it.
    let ended = std::process::Command::new("sh")
        .args(["-c", "ulimit -v 600000; exec \"$0\" lint plan.yaml"])
        .arg(crate::rig::GONOGO)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(
        ended.status.code(),
        Some(64),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
}

#[test]
fn an_endless_body_a_slow_one_and_garbage_are_recorded_and_never_pass() {
    let huge = b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\nxxxx".to_vec();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("ten gigabytes announced", huge),
        ("garbage", b"\x00\xff\xfenot http at all\r\n\r\n".to_vec()),
        ("nothing", Vec::new()),
        ("half a head", b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
        (
            "a chunk without end",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\nabc".to_vec(),
        ),
    ];
    for (name, bytes) in cases {
        let target = Scripted::start(vec![bytes]);
        let folder = folder();
        let check = "      - id: c\n        http: GET /\n        timeout: 2s\n        expect: status == 200\n";
        let ended = run_plan(folder.path(), &small_plan(&target.url(), check), &[]);
        assert_eq!(ended.code, 2, "{name}: {}", ended.stdout);
        assert_eq!(ended.outcome("g/c"), "error", "{name}");
    }
}

#[test]
fn a_body_without_end_is_cut_and_what_speaks_of_it_is_an_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut stream = stream;
                let mut buffer = [0u8; 4096];
                let _asked = stream.read(&mut buffer).is_ok();
                let _closed =
                    stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
                while stream.write_all(&chunk).is_ok() {}
            });
        }
    });
    let checks = "      - id: status\n        http: GET /a\n        expect: status == 200\n      - id: body\n        http: GET /b\n        expect: \"!text.contains('y')\"\n";
    let folder = folder();
    let ended = run_plan(folder.path(), &small_plan(&url, checks), &[]);
    assert_eq!(ended.outcome("g/status"), "pass", "{}", ended.stdout);
    assert_eq!(ended.outcome("g/body"), "error");
    assert_eq!(ended.code, 2);
}

#[test]
fn nothing_from_a_target_reaches_a_terminal_or_a_page_unescaped() {
    let hostile = "{\"status\": \"\u{1b}[2J\u{202e}<script>alert(1)</script>|`x`\"}";
    let target = Scripted::json(200, hostile);
    let folder = folder();
    let plan = small_plan(
        &target.url(),
        "      - id: c\n        http: GET /\n        expect: body.status == 'healthy'\n",
    );
    std::fs::write(folder.path().join("plan.yaml"), plan).unwrap();
    let ended = gonogo(folder.path(), &["run", "plan.yaml", "--env", "local"]);
    assert_eq!(ended.code, 1);
    for text in [&ended.stdout, &ended.stderr] {
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{text:?}"
        );
    }
    let run = std::fs::read_dir(folder.path().join("runs"))
        .unwrap()
        .flatten()
        .find(|e| e.path().is_dir())
        .unwrap()
        .path();
    let html = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(!html.contains("<script>alert"));
    for name in ["report.html", "report.md", "junit.xml"] {
        let text = std::fs::read_to_string(run.join(name)).unwrap();
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{name}"
        );
    }
}

#[test]
fn a_host_that_is_no_target_is_refused_before_a_packet_leaves() {
    let elsewhere = Scripted::json(200, "{}");
    let moved = format!(
        "HTTP/1.1 302 Found\r\nLocation: {}/x\r\nContent-Length: 0\r\n\r\n",
        elsewhere.url()
    );
    let target = Scripted::start(vec![moved.into_bytes()]);
    let folder = folder();
    let check =
        "      - id: c\n        http: GET /\n        redirects: 3\n        expect: status == 200\n";
    let ended = run_plan(folder.path(), &small_plan(&target.url(), check), &[]);
    assert_eq!(ended.outcome("g/c"), "error", "{}", ended.stdout);
    assert_eq!(elsewhere.asked(), 0);
}

#[test]
fn an_expired_ca_and_an_unknown_one_end_in_an_error_that_says_so() {
    let target = Scripted::start(vec![answer(200, "application/json", b"{}")]);
    let folder = folder();
    let plan = small_plan(&target.url().replace("http:", "https:"), FINE);
    let ended = run_plan(folder.path(), &plan, &[]);
    assert_eq!(ended.code, 2, "{}", ended.stdout);
    assert!(ended.stdout.contains("TLS"), "{}", ended.stdout);
    let plan = plan.replace("http: '", "ca: missing.pem, http: '");
    let ended = run_plan(folder.path(), &plan, &[]);
    assert!(ended.code == 2 || ended.code == 64, "{}", ended.stdout);
    assert!(ended.stdout.contains("missing.pem"), "{}", ended.stdout);
}

#[test]
fn a_run_folder_that_cannot_be_written_is_70_and_leaves_no_verdict() {
    let target = Scripted::json(200, "{}");
    let folder = folder();
    std::fs::write(
        folder.path().join("plan.yaml"),
        small_plan(&target.url(), FINE),
    )
    .unwrap();
    let ended = gonogo(
        folder.path(),
        &[
            "run",
            "plan.yaml",
            "--env",
            "local",
            "--out",
            "/dev/full/runs",
        ],
    );
    assert_eq!(ended.code, 70, "{}", ended.stderr);
    assert_eq!(target.asked(), 0);
}

#[test]
fn a_secret_pasted_into_a_plan_is_refused_and_not_shown() {
    // Put together here, so that no scanner finds it in this file.
    let token = format!("gh{}_{}", "p", "a8F3kQ9zLm2Xw7Rt5Vb1Nc6Yd4Hs0JgPq8Zu");
    let check =
        format!("      - http: GET /\n        bearer: {token}\n        expect: status == 200\n");
    let ended = lint(&small_plan("http://127.0.0.1:1", &check));
    assert_eq!(ended.code, 64);
    assert!(ended.stderr.contains("secret-in-plan"), "{}", ended.stderr);
}
