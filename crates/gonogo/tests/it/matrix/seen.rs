//! N3: a secret that comes back, in whatever form and by whatever way, is in nothing that is written or printed, and
//! the check that met it fails.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rusqlite::Connection;

use super::http::gzip;
use super::target::{Target, with_headers};
use crate::rig::{self, Ended, answer};

/// With every character that some encoding must escape.
const CANARY: &str = "Zq7+kV2/xW9'pL4&mT8<jH3\"rB6";

/// One form of the secret.
struct Form {
    name: &'static str,
    bytes: Vec<u8>,
}

fn each(byte: impl Fn(u8) -> String) -> Vec<u8> {
    CANARY.bytes().map(byte).collect::<String>().into_bytes()
}

/// The forms of N3 that a target can send.
fn forms() -> Vec<Form> {
    let form = |name, bytes: Vec<u8>| Form { name, bytes };
    let raw = CANARY.as_bytes().to_vec();
    let encoded = STANDARD.encode(CANARY);
    let percent = |upper: bool| {
        each(|b| match (b.is_ascii_alphanumeric(), upper) {
            (true, _) => char::from(b).to_string(),
            (false, true) => format!("%{b:02X}"),
            (false, false) => format!("%{b:02x}"),
        })
    };
    let utf16 = |order: fn(u16) -> [u8; 2]| CANARY.encode_utf16().flat_map(order).collect();
    let doubly = String::from_utf8_lossy(&percent(true)).replace('%', "%25");
    let named = CANARY
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;");
    let wrapped: Vec<String> = encoded
        .as_bytes()
        .chunks(9)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    vec![
        form("raw", raw.clone()),
        form("base64", encoded.clone().into_bytes()),
        form(
            "base64-shifted",
            STANDARD.encode(format!("x{CANARY}")).into_bytes(),
        ),
        form(
            "base64-shifted-again",
            STANDARD.encode(format!("xy{CANARY}")).into_bytes(),
        ),
        form("base64url", URL_SAFE_NO_PAD.encode(CANARY).into_bytes()),
        form("base64-twice", STANDARD.encode(&encoded).into_bytes()),
        form("base64-wrapped", wrapped.join("\r\n").into_bytes()),
        form(
            "basic",
            STANDARD.encode(format!("user:{CANARY}")).into_bytes(),
        ),
        form("hex", each(|b| format!("{b:02x}"))),
        form("hex-upper", each(|b| format!("{b:02X}"))),
        form("percent", percent(true)),
        form("percent-lower", percent(false)),
        form("percent-all", each(|b| format!("%{b:02X}"))),
        form("percent-twice", doubly.into_bytes()),
        form("json-escapes", each(|b| format!("\\u{b:04x}"))),
        form("json-string", serde_json::to_vec(CANARY).unwrap()),
        form("entities-named", named.into_bytes()),
        form("entities-decimal", each(|b| format!("&#{b};"))),
        form("entities-hex", each(|b| format!("&#x{b:X};"))),
        form("c-escapes", each(|b| format!("\\x{b:02x}"))),
        form("octal-escapes", each(|b| format!("\\{b:03o}"))),
        form("sql-quotes", CANARY.replace('\'', "''").into_bytes()),
        form("quoted-printable", each(|b| format!("={b:02X}"))),
        form("utf-16le", utf16(u16::to_le_bytes)),
        form("utf-16be", utf16(u16::to_be_bytes)),
        form("reversed", raw.iter().rev().copied().collect()),
        form(
            "ansi-between",
            each(|b| format!("{}\u{1b}[1m", char::from(b))),
        ),
        form("gzip", gzip(&raw)),
    ]
}

/// Answers `/body/N`, `/json/N`, `/header/N` with a form, and other paths with other ways of sending the secret back.
fn echo() -> Target {
    Target::routes(|path| {
        let (way, number) = path
            .trim_start_matches('/')
            .split_once('/')
            .unwrap_or((path, ""));
        let form = number
            .parse::<usize>()
            .ok()
            .map(|n| forms().swap_remove(n).bytes);
        let form = form.unwrap_or_else(|| CANARY.as_bytes().to_vec());
        let text = String::from_utf8_lossy(&form).into_owned();
        match way {
            "body" => answer(
                200,
                "text/plain",
                &[b"token=", &form[..], b"; and more"].concat(),
            ),
            "json" => {
                let json = serde_json::json!({"debug": [{"echo": text}], text.clone(): 1});
                answer(200, "application/json", json.to_string().as_bytes())
            }
            "header" => with_headers(
                &format!("X-Echo: a {text} b\r\nSet-Cookie: t={text}\r\n"),
                b"{}",
            ),
            "packed" => with_headers("Content-Encoding: gzip\r\n", &gzip(CANARY.as_bytes())),
            "unknown-coding" => with_headers("Content-Encoding: br\r\n", CANARY.as_bytes()),
            "chunks" => one_byte_per_chunk(),
            "moved" => moved(&format!("/?t={CANARY}")),
            "moved-away" => moved(&format!("http://{CANARY}.example/?t={CANARY}")),
            "reason" => format!("HTTP/1.1 500 {CANARY}\r\nContent-Length: 0\r\n\r\n").into_bytes(),
            "no-http" => format!("{CANARY}\r\n\r\n").into_bytes(),
            "no-chunk" => {
                format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{CANARY}\r\n")
                    .into_bytes()
            }
            "long" => answer(
                200,
                "text/plain",
                format!("{}{CANARY}", "x".repeat(90)).as_bytes(),
            ),
            "metrics" => {
                let value = CANARY.replace('"', "\\\"");
                let text =
                    format!("# HELP up {CANARY}\n# TYPE up gauge\nup{{token=\"{value}\"}} 1\n");
                answer(200, "text/plain", text.as_bytes())
            }
            _ => prometheus_refuses(),
        }
    })
}

fn moved(to: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .into_bytes()
}

fn one_byte_per_chunk() -> Vec<u8> {
    let mut bytes =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n".to_vec();
    for byte in CANARY.bytes() {
        bytes.extend_from_slice(&[b'1', b'\r', b'\n', byte, b'\r', b'\n']);
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

/// The secret stands where the message is cut short.
fn prometheus_refuses() -> Vec<u8> {
    let told = format!("{}{CANARY} is not a token", "x".repeat(385));
    let json = serde_json::json!({"status": "error", "errorType": "bad_data", "error": told});
    answer(400, "application/json", json.to_string().as_bytes())
}

/// Everything that the plan asks, as `id: the rest of the check`.
fn checks() -> Vec<(String, String)> {
    let mut all = Vec::new();
    let http = |path: &str, more: &str| {
        format!("http: GET {path}\n        {more}\n        expect: status < 600")
    };
    for (number, form) in forms().iter().enumerate() {
        let mut ways = vec!["body"];
        if std::str::from_utf8(&form.bytes).is_ok() {
            ways.push("json");
        }
        if form.bytes.iter().all(|b| *b >= 32 && *b < 127) {
            ways.push("header");
        }
        for way in ways {
            let path = format!("/{way}/{number}");
            all.push((format!("{way}-{}", form.name), http(&path, "timeout: 30s")));
        }
    }
    for way in [
        "packed",
        "chunks",
        "moved",
        "moved-away",
        "reason",
        "no-http",
        "no-chunk",
        "unknown-coding",
    ] {
        all.push((way.to_owned(), http(&format!("/{way}"), "redirects: 3")));
    }
    // `token=` and 20 characters of the secret, and a text of which the secret is the end.
    all.push(("cut-by-cap".to_owned(), http("/body/0", "max_body: 26")));
    all.push(("cut-late".to_owned(), http("/long", "max_body: 110")));
    let own = [
        (
            "labels",
            "prometheus: scrape /metrics\n        target: api\n        expect: samples.all(s, s.value < 100.0)",
        ),
        (
            "refusal",
            "prometheus: query up\n        target: metrics\n        expect: value < 100.0",
        ),
        (
            "rows",
            "sql: select token from secrets\n        expect: size(rows) < 9",
        ),
        (
            "long-rows",
            "sql: select filler || token as t from secrets\n        expect: size(rows) < 9",
        ),
        (
            "refused",
            "sql: insert into guarded values (1)\n        writes: true\n        expect: size(rows) < 9",
        ),
        ("file", "files: leak.txt\n        expect: size > 0"),
        (
            "a-cut-file",
            "files: leak.txt\n        max_size: 20\n        expect: size > 0",
        ),
        (
            "program",
            "exec: [cat, release/leak.txt]\n        expect: exit_code > 9",
        ),
        (
            "complaint",
            "exec: [sh, -c, 'cat release/leak.txt >&2']\n        expect: exit_code > 9",
        ),
        (
            "cut-program",
            "exec: [cat, release/leak.txt]\n        max_output: 20\n        expect: exit_code > 9",
        ),
        (
            "token",
            "jwt: inspect\n        token: ${inputs.canary}\n        expect: signature == 'valid'",
        ),
    ];
    all.extend(own.map(|(id, check)| (id.to_owned(), check.to_owned())));
    all
}

fn plan(target: &Target) -> String {
    let url = target.url();
    let mut text = format!(
        "gonogo: 1\nname: canary\ninputs:\n  canary: {{ secret: true }}\nenvironments:\n  local:\n    allow: [write, load, exec]\n    targets:\n      api: {{ http: '{url}', headers: {{ x-token: '${{inputs.canary}}' }} }}\n      metrics: {{ prometheus: '{url}', headers: {{ x-token: '${{inputs.canary}}' }} }}\n      db: {{ sqlite: db.sqlite }}\n      release: {{ repository: release }}\ngates:\n  g:\n    title: It keeps its secrets\n    checks:\n"
    );
    for (id, check) in checks() {
        text.push_str(&format!("      - id: {id}\n        {check}\n"));
    }
    text
}

fn prepare(folder: &Path) {
    std::fs::create_dir(folder.join("release")).unwrap();
    std::fs::create_dir(folder.join("tmp")).unwrap();
    std::fs::write(folder.join("release/leak.txt"), format!("{CANARY}\n")).unwrap();
    let file = Connection::open(folder.join("db.sqlite")).unwrap();
    let quoted = CANARY.replace('\'', "''");
    let filler = "y".repeat(105);
    file.execute_batch(&format!(
        "create table secrets (token text, filler text); insert into secrets values ('{quoted}', '{filler}');
         create table guarded (n integer);
         create trigger guard before insert on guarded begin select raise(abort, 'token {quoted} is wrong'); end;"
    ))
    .unwrap();
}

fn run(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = rig::command(folder, arguments);
    command
        .env("CANARY", CANARY)
        .env("TMPDIR", folder.join("tmp"));
    Ended::of(command.output().unwrap())
}

/// What would betray the secret: each form, and every twelve characters of it in the forms that keep characters apart.
fn traces() -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = forms()
        .into_iter()
        .map(|form| {
            let bytes = match form.name {
                // Digits at either end hold bits of their neighbours.
                "base64-shifted" | "base64-shifted-again" | "basic" => form.bytes[8..28].to_vec(),
                "gzip" => form.bytes[10..].to_vec(),
                _ => form.bytes,
            };
            (form.name.to_owned(), bytes)
        })
        .collect();
    for (at, part) in CANARY.as_bytes().windows(12).enumerate() {
        all.push((format!("part {at}"), part.to_vec()));
        let hex: String = part.iter().map(|b| format!("{b:02x}")).collect();
        all.push((format!("part {at} in hex"), hex.into_bytes()));
    }
    all
}

fn traces_in(place: &str, bytes: &[u8], found: &mut Vec<String>) {
    for (name, trace) in traces() {
        if let Some(at) = bytes.windows(trace.len()).position(|w| w == trace) {
            let start = at.saturating_sub(120);
            let around = &bytes[start..(at + 60).min(bytes.len())];
            found.push(format!(
                "{place} holds {name}: …{}…",
                String::from_utf8_lossy(around)
            ));
            return;
        }
    }
}

fn traces_below(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            traces_below(&path, found);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            traces_in(&path.display().to_string(), &bytes, found);
        }
    }
}

#[test]
fn a_secret_that_comes_back_in_any_form_is_nowhere_and_fails_its_check() {
    let target = echo();
    let folder = rig::folder();
    prepare(folder.path());
    std::fs::write(folder.path().join("plan.yaml"), plan(&target)).unwrap();
    let call = ["run", "plan.yaml", "--env", "local", "--allow", "exec"];
    let told = run(folder.path(), &call);
    let ended = run(folder.path(), &[&call[..], &["--json"]].concat());
    assert_eq!((told.code, ended.code), (1, 1), "{}", ended.stdout);
    let tried = run(
        folder.path(),
        &["try", "plan.yaml", "g/body-raw", "--env", "local"],
    );

    let mut found = Vec::new();
    for (name, one) in [("run", &told), ("run --json", &ended), ("try", &tried)] {
        traces_in(
            &format!("stdout of {name}"),
            one.stdout.as_bytes(),
            &mut found,
        );
        traces_in(
            &format!("stderr of {name}"),
            one.stderr.as_bytes(),
            &mut found,
        );
    }
    traces_below(&folder.path().join("runs"), &mut found);
    traces_below(&folder.path().join("tmp"), &mut found);

    let document = ended.json();
    // What a program or a token of ours holds did not come back from a target, and a body that was dropped cannot leak.
    // Bytes in the middle of a text that are no text do not survive in it.
    let never_came_back = [
        "program",
        "complaint",
        "cut-program",
        "token",
        "unknown-coding",
        "body-gzip",
        // Cut in two: the half that came is not kept, and nothing tells what it was.
        "cut-by-cap",
        "cut-late",
        "a-cut-file",
    ];
    for (id, _) in checks() {
        let outcome = rig::outcome(&document, &format!("g/{id}"));
        if never_came_back.contains(&id.as_str()) {
            continue;
        }
        if !matches!(outcome.as_str(), "fail" | "error") {
            found.push(format!("g/{id} ends in {outcome}"));
        }
    }
    let findings = document["findings"].as_array().unwrap();
    let named = findings
        .iter()
        .filter(|f| f.to_string().contains("`canary` came back"));
    if named.count() < 40 {
        found.push(format!("too few findings name the secret: {findings:#?}"));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
