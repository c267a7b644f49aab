//! N1 and N2: what a target sends is shown and never obeyed, and costs neither more time than the check has nor more
//! memory than a small machine.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use super::http::gzip;
use super::target::{self, Target, path_asked, with_headers};
use crate::rig::{self, Ended, answer};

/// Terminal commands, hidden and turning characters, markup of every output, commands of build servers.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}txt\u{2066}\u{200b}\u{feff}\u{8}\u{85}\u{2028}\r\n::error::owned\r\n##[error]owned\r\n<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg/onload=alert(3)>]]>--><!-- &amp;|`x`|[y](javascript:alert(4))![z](http://evil.example/p.png)@everyone {{ 7*7 }}${7*7}\u{fffe}\u{ffff}";

fn hostile_target() -> Target {
    Target::routes(|path| match path {
        "/body" => target::json(200, &json!({ "status": HOSTILE }).to_string()),
        "/key" => target::json(
            200,
            &json!({ HOSTILE: 1, "status": { HOSTILE: HOSTILE } }).to_string(),
        ),
        "/text" => answer(200, "text/html", format!("\0{HOSTILE}").as_bytes()),
        "/bytes" => answer(
            200,
            "text/plain",
            &[&b"\xff\xfe\xc0\x80\xed\xa0\x80"[..], HOSTILE.as_bytes()].concat(),
        ),
        "/header" => {
            let value: String = HOSTILE
                .chars()
                .filter(|c| !matches!(c, '\r' | '\n' | '\0' | '\u{7}' | '\u{8}' | '\u{1b}'))
                .collect();
            with_headers(
                &format!(
                    "X-Status: {value}\r\nServer: {value}\r\nAccess-Control-Allow-Origin: {value}\r\nContent-Security-Policy: {value}\r\nRateLimit: {value}\r\nX-Bytes: \u{fffd}"
                ),
                b"{}",
            )
        }
        "/latin" => with_headers("", b"")
            .splice_header(b"X-Status: \xff\xfe\x9b31m<script>alert(1)</script>\r\n"),
        "/moved" => {
            let to = "http://127.0.0.1:1/\u{202e}<script>alert(1)</script>";
            format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
                .into_bytes()
        }
        "/no-http" => format!("{HOSTILE}\r\n\r\n").into_bytes(),
        "/metrics" => {
            let value = HOSTILE.replace(['\r', '\n'], " ").replace('"', "");
            let text =
                format!("# HELP up {value}\n# TYPE up gauge\nup{{status=\"{value}\"}} 1000\n");
            answer(200, "text/plain", text.as_bytes())
        }
        _ => {
            let told = json!({"status": "error", "errorType": HOSTILE, "error": HOSTILE});
            answer(400, "application/json", told.to_string().as_bytes())
        }
    })
}

trait SpliceHeader {
    fn splice_header(self, line: &[u8]) -> Vec<u8>;
}

impl SpliceHeader for Vec<u8> {
    /// Puts a line of any bytes after the first.
    fn splice_header(mut self, line: &[u8]) -> Vec<u8> {
        let end = self
            .windows(2)
            .position(|w| w == b"\r\n")
            .map_or(0, |at| at + 2);
        drop(self.splice(end..end, line.iter().copied()));
        self
    }
}

fn hostile_plan(url: &str) -> String {
    let healthy = "body.status == 'healthy'";
    let http = |path: &str, expect: &str| {
        format!(
            "http: GET {path}\n        redirects: 2\n        expect: {}",
            json!(expect)
        )
    };
    let checks = [
        ("body", http("/body", healthy)),
        ("key", http("/key", healthy)),
        ("text", http("/text", healthy)),
        ("bytes", http("/bytes", "text == 'healthy'")),
        ("header", http("/header", "headers['x-status'] == 'healthy'")),
        ("latin", http("/latin", "headers['x-status'] == 'healthy'")),
        ("moved", http("/moved", healthy)),
        ("no-http", http("/no-http", healthy)),
        ("metrics", "prometheus: scrape /metrics\n        target: api\n        expect: samples.all(s, s.value < 100.0)".to_owned()),
        ("refusal", "prometheus: query up\n        target: metrics\n        expect: value < 100.0".to_owned()),
        ("shared", "cors: https://app.example\n        path: /header\n        expect: simple.allowed".to_owned()),
        ("policy", "security-headers: /header\n        expect: weak == []".to_owned()),
        ("limit", "rate-limit: GET /header\n        requests: 2\n        expect: consistent".to_owned()),
        ("rows", "sql: select * from statuses\n        expect: rows[0].status == 'healthy'".to_owned()),
        ("refused", "sql: insert into guarded values (1)\n        writes: true\n        expect: affected == 1".to_owned()),
        ("names", "files: '*'\n        expect: files.all(f, f.size > 9)".to_owned()),
        ("program", "exec: [cat, hostile.txt]\n        expect: stdout == 'healthy'".to_owned()),
        ("complaint", "exec: [sh, -c, 'cat hostile.txt >&2; exit 3']\n        expect: exit_code == 0".to_owned()),
    ];
    let mut plan = format!(
        "gonogo: 1\nname: hostile\nenvironments:\n  local:\n    allow: [write, load, exec]\n    targets:\n      api: {{ http: '{url}' }}\n      metrics: {{ prometheus: '{url}' }}\n      db: {{ sqlite: db.sqlite }}\n      release: {{ repository: release }}\ngates:\n"
    );
    // A gate each, so that a page shows as many as it can.
    for (id, check) in checks {
        plan.push_str(&format!(
            "  {id}:\n    title: It shows {id}\n    checks:\n      - id: c\n        {check}\n"
        ));
    }
    plan
}

fn prepare(folder: &Path, url: &str) {
    std::fs::write(folder.join("plan.yaml"), hostile_plan(url)).unwrap();
    std::fs::write(folder.join("hostile.txt"), HOSTILE).unwrap();
    std::fs::create_dir(folder.join("release")).unwrap();
    let name = HOSTILE
        .replace('/', "")
        .chars()
        .take(80)
        .collect::<String>();
    std::fs::write(folder.join("release").join(name), "x").unwrap();
    let file = Connection::open(folder.join("db.sqlite")).unwrap();
    let quoted = HOSTILE.replace('\'', "''");
    let column = HOSTILE.replace(['"', '\0'], "");
    file.execute_batch(&format!(
        "create table statuses (status text, \"{column}\" text); insert into statuses values ('{quoted}', '{quoted}');
         create table guarded (n integer);
         create trigger guard before insert on guarded begin select raise(abort, '{quoted}'); end;"
    ))
    .unwrap();
}

/// What must stand in no text that a person or a program reads.
fn obeyed(place: &str, text: &str) -> Vec<String> {
    let unseen = |c: char| {
        let hidden = matches!(c, '\u{7f}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
        hidden || (c.is_control() && c != '\n')
    };
    let mut wrong: Vec<String> = text
        .char_indices()
        .filter(|(_, c)| unseen(*c))
        .take(3)
        .map(|(at, c)| {
            let start = text.floor_char_boundary(at.saturating_sub(80));
            format!("{place} holds {c:?} after {:?}", &text[start..at])
        })
        .collect();
    let printed = ["stdout", "stderr", "try"];
    if printed.iter().any(|p| place.starts_with(p)) {
        let commands = |line: &&str| line.trim_start().starts_with("::") || line.contains("##[");
        wrong.extend(
            text.lines()
                .find(commands)
                .map(|line| format!("{place} commands the build server: {line}")),
        );
    }
    wrong
}

/// What a reader of Markdown takes for markup: all but code blocks, code spans and escaped signs.
fn outside_code(markdown: &str) -> String {
    let mut blocks = String::new();
    let mut fence: Option<&str> = None;
    for line in markdown.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            None if ticks >= 3 => fence = Some(&line[..ticks]),
            None => blocks.extend([line, "\n"]),
            Some(open) if line.trim_end() == open => fence = None,
            Some(_) => {}
        }
    }
    let mut out = String::new();
    let mut rest = blocks.as_str();
    while let Some(c) = rest.chars().next() {
        let ticks = rest.len() - rest.trim_start_matches('`').len();
        let (span, after) = rest.split_at(ticks);
        let closed = (ticks > 0).then(|| closing(after, span)).flatten();
        let taken = match (c, closed) {
            (_, Some(end)) => ticks + end,
            ('\\', None) => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            (c, None) => {
                out.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    out
}

/// The end of a code span: the next run of exactly as many backticks, in the same paragraph.
fn closing(text: &str, span: &str) -> Option<usize> {
    let paragraph = &text[..text.find("\n\n").unwrap_or(text.len())];
    let mut at = 0;
    while let Some(found) = paragraph[at..].find('`') {
        let start = at + found;
        let run = paragraph[start..].len() - paragraph[start..].trim_start_matches('`').len();
        if run == span.len() {
            return Some(start + run);
        }
        at = start + run;
    }
    None
}

fn markup(place: &str, text: &str, forbidden: &[&str]) -> Vec<String> {
    forbidden
        .iter()
        .filter_map(|part| {
            let at = text.find(part)?;
            let start = text.floor_char_boundary(at.saturating_sub(80));
            let end = text.ceil_char_boundary((at + 60).min(text.len()));
            Some(format!("{place} holds {part}: …{}…", &text[start..end]))
        })
        .collect()
}

/// The elements of XML nest, and no character stands there that XML forbids.
fn nests(xml: &str) -> Result<(), String> {
    let forbidden = |c: char| !matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    if let Some(c) = xml.chars().find(|c| forbidden(*c)) {
        return Err(format!("it holds {c:?}"));
    }
    let mut open = Vec::new();
    for piece in xml.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').ok_or("a tag without an end")?;
        if text.contains("]]>")
            || text
                .replace("&amp;", "")
                .replace("&lt;", "")
                .replace("&gt;", "")
                .replace("&quot;", "")
                .replace("&apos;", "")
                .contains("&a")
        {
            return Err(format!("{text:?}"));
        }
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap_or("");
        match tag {
            _ if tag.starts_with('?') || tag.ends_with('/') => {}
            _ if tag.starts_with('/') => {
                if open.pop() != Some(name) {
                    return Err(format!("</{name}> closes nothing"));
                }
            }
            _ => open.push(name),
        }
    }
    open.is_empty()
        .then_some(())
        .ok_or_else(|| format!("{open:?} stay open"))
}

fn only_run(folder: &Path) -> PathBuf {
    let runs = std::fs::read_dir(folder.join("runs")).unwrap().flatten();
    let mut folders = runs.map(|e| e.path()).filter(|p| p.is_dir());
    folders.next().expect("a run")
}

#[test]
fn nothing_hostile_reaches_any_output_unescaped() {
    let target = hostile_target();
    let folder = rig::folder();
    prepare(folder.path(), &target.url());
    let call = ["run", "plan.yaml", "--env", "local", "--allow", "exec"];
    let ended = rig::gonogo(folder.path(), &call);
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    let mut wrong = obeyed("stdout", &ended.stdout);
    wrong.extend(obeyed("stderr", &ended.stderr));
    for check in [
        "body/c",
        "header/c",
        "shared/c",
        "policy/c",
        "limit/c",
        "rows/c",
        "names/c",
        "metrics/c",
        "no-http/c",
    ] {
        let tried = rig::gonogo(
            folder.path(),
            &["try", "plan.yaml", check, "--env", "local"],
        );
        wrong.extend(obeyed(&format!("try {check}"), &tried.stdout));
        wrong.extend(obeyed(&format!("try {check}, stderr"), &tried.stderr));
    }
    let run = only_run(folder.path());
    let read = |name: &str| std::fs::read_to_string(run.join(name)).unwrap();
    let (html, md, xml, verdict) = (
        read("report.html"),
        read("report.md"),
        read("junit.xml"),
        read("verdict.json"),
    );
    for (name, text) in [
        ("report.html", &html),
        ("report.md", &md),
        ("junit.xml", &xml),
        ("verdict.json", &verdict),
    ] {
        wrong.extend(obeyed(name, text));
    }
    let tags = ["<script>alert", "<img", "<svg/", "<!-- &amp;|"];
    wrong.extend(markup("report.html", &html, &tags));
    let rendered = outside_code(&md);
    wrong.extend(markup("report.md", &rendered, &tags));
    wrong.extend(markup(
        "report.md",
        &rendered,
        &["[y](javascript:", "![z](", " @everyone"],
    ));
    wrong.extend(markup("junit.xml", &xml, &tags));
    wrong.extend(nests(&xml).err().map(|why| format!("junit.xml: {why}")));
    assert!(
        html.contains("alert(1)") || html.contains("alert"),
        "the page shows what came"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Everything that is written, heap and stacks together: 96 MiB. Where more is asked for, the program aborts.
const MEMORY_KIB: u32 = 96 * 1024;

fn bounded(folder: &Path, plan: &str) -> Ended {
    std::fs::write(folder.join("plan.yaml"), plan).unwrap();
    let arguments = [
        "run",
        "plan.yaml",
        "--env",
        "local",
        "--json",
        "--allow",
        "exec",
    ];
    let plain = rig::command(folder, &arguments);
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", &format!("ulimit -d {MEMORY_KIB}; exec \"$0\" \"$@\"")])
        .arg(plain.get_program())
        .args(plain.get_args())
        .current_dir(folder)
        .stdin(std::process::Stdio::null());
    Ended::of(command.output().unwrap())
}

/// Sends a beginning, and then the same bytes for ever.
fn endless(beginning: &'static str, again: Vec<u8>) -> Target {
    Target::on_connection(move |mut stream| {
        let _path = path_asked(&mut stream);
        if stream.write_all(beginning.as_bytes()).is_ok() {
            while stream.write_all(&again).is_ok() {}
        }
    })
}

/// Sends one byte after the other, far apart, for ever.
fn dripping(beginning: &'static str, again: u8) -> Target {
    Target::on_connection(move |mut stream| {
        let _path = path_asked(&mut stream);
        let slow = stream.set_read_timeout(Some(Duration::from_millis(20)));
        let mut went_on = slow.is_ok() && stream.write_all(beginning.as_bytes()).is_ok();
        while went_on && !has_left(&mut stream) {
            went_on = stream.write_all(&[again]).is_ok();
        }
    })
}

/// Waits for the other side to go away, for as long as its read timeout.
fn has_left(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0u8; 16]), Ok(0))
}

/// Eight megabytes that pack well, over and over.
fn bomb() -> Vec<u8> {
    gzip(&vec![b'x'; 8 << 20]).repeat(100)
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

fn monsters() -> Vec<(&'static str, Target)> {
    let large = [&b"10000\r\n"[..], &vec![b'x'; 0x10000], b"\r\n"].concat();
    let wide = format!("[{}0]", "0,".repeat(500_000));
    let keys: String = (0..60_000).map(|n| format!("\"k{n}\":{n},")).collect();
    let keys = format!("{{{keys}\"last\":0}}");
    let packed =
        |bytes: Vec<u8>| Target::always(with_headers("Content-Encoding: gzip\r\n", &bytes));
    let counted = "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n";
    vec![
        (
            "a head byte by byte",
            dripping("HTTP/1.1 200 OK\r\nX-Slow: ", b'x'),
        ),
        ("a body byte by byte", dripping(counted, b'x')),
        (
            "chunks byte by byte",
            dripping(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0",
                b'0',
            ),
        ),
        (
            "headers without end",
            endless("HTTP/1.1 200 OK\r\n", b"X-More: y\r\n".repeat(500)),
        ),
        (
            "a header line without end",
            endless("HTTP/1.1 200 OK\r\nX-Long: ", vec![b'y'; 0x10000]),
        ),
        (
            "a first line without end",
            endless("HTTP/1.1 200 ", vec![b'y'; 0x10000]),
        ),
        (
            "interim answers without end",
            endless("", b"HTTP/1.1 100 Continue\r\n\r\n".repeat(500)),
        ),
        (
            "hints without end",
            endless(
                "",
                b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(500),
            ),
        ),
        ("chunks without end", endless(CHUNKED, large)),
        (
            "small chunks without end",
            endless(CHUNKED, b"1\r\nx\r\n".repeat(2000)),
        ),
        (
            "a chunk extension without end",
            endless(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=",
                vec![b'y'; 0x10000],
            ),
        ),
        (
            "trailers without end",
            endless(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
                b"X-T: y\r\n".repeat(500),
            ),
        ),
        ("ten gigabytes", endless(counted, vec![b'x'; 0x10000])),
        (
            "a body without end or length",
            endless("HTTP/1.1 200 OK\r\n\r\n", vec![b'x'; 0x10000]),
        ),
        ("a gzip bomb", packed(bomb())),
        ("a bomb in a bomb", packed(gzip(&bomb()))),
        ("a very wide list", Target::always(target::json(200, &wide))),
        ("very many keys", Target::always(target::json(200, &keys))),
        (
            "a very deep list",
            Target::always(target::json(200, &"[".repeat(1_000_000))),
        ),
    ]
}

/// A plan with one check, its targets under every key that a check may want.
fn plan_with(url: &str, check: &str) -> String {
    format!(
        "gonogo: 1\nname: monsters\nenvironments:\n  local:\n    allow: [write, load, exec]\n    targets:\n      api: {{ http: '{url}' }}\n      metrics: {{ prometheus: '{url}' }}\n      db: {{ sqlite: db.sqlite }}\ngates:\n  g:\n    title: It survives\n    checks:\n      - id: c\n        {check}\n"
    )
}

/// Ends in time and in little memory, in no pass.
fn survives(name: &str, plan: &str) -> Result<(), String> {
    let folder = rig::folder();
    drop(Connection::open(folder.path().join("db.sqlite")).unwrap());
    std::fs::write(folder.path().join("db.sqlite"), b"").unwrap();
    let started = Instant::now();
    let ended = bounded(folder.path(), plan);
    let took = started.elapsed();
    if !matches!(ended.code, 1 | 2) {
        return Err(format!("{name}: exit {}, {}", ended.code, ended.stderr));
    }
    let outcome = ended.outcome("g/c");
    if !matches!(outcome.as_str(), "fail" | "error" | "inconclusive") {
        return Err(format!("{name}: {outcome}"));
    }
    // Its time limits are two seconds; the rest is for a busy machine.
    if took > Duration::from_secs(40) {
        return Err(format!("{name}: took {took:?}"));
    }
    Ok(())
}

fn side_by_side(plans: Vec<(String, String)>) {
    let left = std::sync::Mutex::new(plans.into_iter());
    let wrong = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().next();
                    let Some((name, plan)) = next else { break };
                    if let Err(why) = survives(&name, &plan) {
                        wrong.lock().unwrap().push(why);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_monstrous_answer_costs_an_http_check_its_time_and_little_memory() {
    let monsters = monsters();
    let plans = monsters.iter().map(|(name, target)| {
        let check = "http: GET /\n        timeout: 2s\n        expect: body.value < 100.0";
        ((*name).to_owned(), plan_with(&target.url(), check))
    });
    side_by_side(plans.collect());
}

#[test]
fn a_monstrous_answer_costs_a_scrape_and_a_query_their_time_and_little_memory() {
    let monsters = monsters();
    let plans = monsters.iter().flat_map(|(name, target)| {
        [("scrape /metrics", "api", "samples.all(s, s.value < 100.0)"), ("query up", "metrics", "value < 100.0")].map(|(deed, at, expect)| {
            let check = format!("prometheus: {deed}\n        target: {at}\n        timeout: 2s\n        expect: {expect}");
            (format!("{deed}, {name}"), plan_with(&target.url(), &check))
        })
    });
    side_by_side(plans.collect());
}

#[test]
fn a_monstrous_answer_costs_a_load_its_time_and_little_memory() {
    let monsters = monsters();
    // What is merely large is an answer to a load: its body is counted, not kept.
    let endless = monsters
        .iter()
        .filter(|(name, _)| !name.contains("bomb") && !name.contains("very"));
    let plans = endless.map(|(name, target)| {
        let check = "load: GET /\n        users: 4\n        rounds: 4\n        pace: 0s\n        request_timeout: 1s\n        limits: { errors: 50% }";
        ((*name).to_owned(), plan_with(&target.url(), check))
    });
    side_by_side(plans.collect());
}

#[test]
fn a_monstrous_value_of_a_database_or_a_program_costs_little_memory() {
    let sql = |statement: &str| {
        format!(
            "sql: {statement}\n        timeout: 10s\n        expect: rows.all(r, size(r.n) < 9)"
        )
    };
    let rows = "with recursive c(i) as (select 1 union all select i + 1 from c where i < 300) select printf('%.*c', 100000, 'x') as n from c";
    let plans = [
        ("a value of twenty megabytes", sql("\"select printf('%.*c', 20000000, 'x') as n\"")),
        ("thirty megabytes of rows", sql(&json!(rows).to_string())),
        ("a program that prints very many values", "exec: [sh, -c, 'printf [; yes 0, | head -n 150000 | tr -d \"\\n\"; printf 0]']\n        expect: json.all(n, n == 1)".to_owned()),
        ("a program that prints without end", "exec: [yes]\n        timeout: 2s\n        expect: exit_code == 0".to_owned()),
        ("a program that complains without end", "exec: [sh, -c, 'yes >&2']\n        timeout: 2s\n        expect: exit_code == 0".to_owned()),
    ];
    let plans =
        plans.map(|(name, check)| (name.to_owned(), plan_with("http://127.0.0.1:1", &check)));
    side_by_side(plans.to_vec());
}

#[test]
fn the_bound_on_memory_is_one_that_a_healthy_run_keeps() {
    let target = Target::always(target::json(200, r#"{"value": 1.5}"#));
    let folder = rig::folder();
    let plan = plan_with(
        &target.url(),
        "http: GET /\n        expect: body.value < 100.0",
    );
    let ended = bounded(folder.path(), &plan);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let _verdict: Json = ended.json();
}
