//! Receivers of webhooks and logins as a user has them: a plan in, a verdict out.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::rig::{self, Ended, answer};

/// What sender and receiver share; random-looking, so that the redactor takes it seriously.
pub const SECRET: &str = "wh0-Kn0ws-This-Secret-4711-ZxQ";

/// What a receiver looks at.
#[derive(Clone, Copy)]
pub struct Rules {
    /// The status of what it does not take.
    pub refused: u16,
    /// Whether it looks for a signature at all.
    pub looks: bool,
    /// Whether it checks it.
    pub verifies: bool,
    /// Whether it looks at the time.
    pub looks_at_time: bool,
    /// How far its clock is ahead, in seconds.
    pub ahead: i64,
}

/// A receiver that verifies as the senders' documents say; it ends with the test process.
pub struct Receiver {
    address: SocketAddr,
    rules: Arc<std::sync::Mutex<Rules>>,
}

impl Receiver {
    pub fn strict() -> Self {
        Self::with(Rules {
            refused: 401,
            looks: true,
            verifies: true,
            looks_at_time: true,
            ahead: 0,
        })
    }

    pub fn with(rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let rules = Arc::new(std::sync::Mutex::new(rules));
        let shared = Arc::clone(&rules);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let rules = *shared.lock().unwrap();
                let _closed = serve(&mut stream, rules).is_none();
            }
        });
        Self { address, rules }
    }

    pub fn with_clock_ahead(self, seconds: i64) -> Self {
        self.rules.lock().unwrap().ahead = seconds;
        self
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn serve(stream: &mut TcpStream, rules: Rules) -> Option<()> {
    let (head, body) = request(stream)?;
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_owned())
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs() as i64 + rules.ahead;
    let (message, given, time) = if let Some(given) = header("x-slack-signature") {
        let time = header("x-slack-request-timestamp")?;
        let given = given.strip_prefix("v0=")?.to_owned();
        (format!("v0:{time}:{body}"), given, Some(time))
    } else if let Some(given) = header("stripe-signature") {
        let (time, given) = given.strip_prefix("t=")?.split_once(",v1=")?;
        let message = format!("{time}.{body}");
        (message, given.to_owned(), Some(time.to_owned()))
    } else if let Some(given) = header("x-hub-signature-256") {
        let given = given.strip_prefix("sha256=")?.to_owned();
        (body, given, None)
    } else {
        let status = if rules.looks { rules.refused } else { 200 };
        return reply(stream, status);
    };
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
    let hex: String = ring::hmac::sign(&key, message.as_bytes())
        .as_ref()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let fresh = match time {
        Some(time) if rules.looks_at_time => (now - time.parse::<i64>().ok()?).abs() <= 300,
        _ => true,
    };
    let right = !rules.verifies || given == hex;
    reply(stream, if right && fresh { 200 } else { rules.refused })
}

fn reply(stream: &mut TcpStream, status: u16) -> Option<()> {
    let body = format!("{{\"status\": {status}}}");
    stream
        .write_all(&answer(status, "application/json", body.as_bytes()))
        .ok()
}

/// Head and body of a request.
fn request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut text = String::new();
    let mut buffer = [0u8; 4096];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            let length = lines.find(|(n, _)| n.eq_ignore_ascii_case("content-length"));
            let length: usize = length.map_or(Ok(0), |(_, v)| v.parse()).ok()?;
            if body.len() >= length {
                return Some((head.to_owned(), body.to_owned()));
            }
        }
        let count = stream.read(&mut buffer).ok().filter(|n| *n > 0)?;
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
}

fn run(url: &str, check: &str) -> Ended {
    let folder = rig::folder();
    let plan = format!(
        "gonogo: 1\nname: hooks\ninputs:\n  hook: {{ secret: true }}\nenvironments:\n  local:\n    allow: [write]\n    targets:\n      api: {{ http: '{url}' }}\ngates:\n  g:\n    title: Only what was signed is taken\n    checks:\n{check}"
    );
    let ended = rig::run_plan(folder.path(), &plan, &["-i", &format!("hook={SECRET}")]);
    if ended.code != 64 {
        // Nothing that is kept holds the secret, nor the signature that was made of it.
        let run = folder.path().join(ended.run());
        for name in ["journal.ndjson", "report.html", "report.md", "verdict.json"] {
            let text = std::fs::read_to_string(run.join(name)).unwrap();
            assert!(!text.contains(SECRET), "{name}");
        }
    }
    ended
}

fn hook(scheme: &str) -> String {
    format!(
        "      - id: hook\n        webhook: POST /hook\n        scheme: {scheme}\n        secret: ${{inputs.hook}}\n        json: {{ action: opened, number: 7 }}\n        expect:\n          - unsigned.status == 401\n          - wrong_signature.status == 401\n          - tampered.status == 401\n          - good.status == 200\n          - accepted == ['good']\n"
    )
}

fn message(ended: &Ended) -> String {
    let document = ended.json();
    let message = &document["gates"][0]["checks"][0]["message"];
    message.as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_receiver_that_takes_only_what_was_signed_is_go_in_each_scheme() {
    let receiver = Receiver::strict();
    for scheme in ["github", "stripe", "slack"] {
        let ended = run(&receiver.url(), &hook(scheme));
        assert_eq!(
            ended.code, 0,
            "{scheme}: {}\n{}",
            ended.stdout, ended.stderr
        );
    }
    let generic = hook("generic").replace(
        "scheme: generic",
        "scheme: generic\n        signature_header: X-Hub-Signature-256\n        prefix: sha256=",
    );
    let ended = run(&receiver.url(), &generic);
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
}

#[test]
fn each_fault_of_a_receiver_is_no_go_and_told() {
    let strict = Receiver::strict();
    let rules = *strict.rules.lock().unwrap();
    let cases = [
        (
            "answers 500 without a signature",
            Rules {
                refused: 500,
                ..rules
            },
            "500",
        ),
        (
            "does not look",
            Rules {
                looks: false,
                ..rules
            },
            "unsigned",
        ),
        (
            "does not verify",
            Rules {
                verifies: false,
                ..rules
            },
            "wrong_signature",
        ),
        (
            "takes old ones",
            Rules {
                looks_at_time: false,
                ..rules
            },
            "replayed",
        ),
    ];
    for (name, rules, told) in cases {
        let receiver = Receiver::with(rules);
        let ended = run(&receiver.url(), &hook("slack"));
        assert_eq!(ended.code, 1, "{name}: {}", ended.stdout);
        assert!(
            message(&ended).contains(told),
            "{name}: {}",
            message(&ended)
        );
    }
}

#[test]
fn a_plan_that_cannot_mean_anything_is_64() {
    let without = hook("generic");
    let ended = run("http://127.0.0.1:1", &without);
    assert_eq!(ended.code, 64);
    assert!(ended.stdout.contains("signature_header") || ended.stderr.contains("signature_header"));
    // A fact that the scheme has not is known before anything is sent.
    let replayed = hook("github").replace("accepted == ['good']", "replayed.status == 401");
    assert_eq!(run("http://127.0.0.1:1", &replayed).code, 64);
}

#[test]
fn a_login_that_takes_what_everybody_knows_is_no_go_and_no_password_is_kept() {
    let login = |status: fn(&str) -> u16| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let Some((_, body)) = request(&mut stream) else {
                    continue;
                };
                let _closed = reply(&mut stream, status(&body)).is_none();
            }
        });
        format!("http://{address}")
    };
    let check = "      - default-credentials: POST /login\n        product: nexus\n        expect:\n          - accepted == []\n";
    let open = login(|body| if body.contains("admin123") { 200 } else { 401 });
    let ended = run(&open, check);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert!(message(&ended).contains("admin"), "{}", message(&ended));
    assert!(!ended.stdout.contains("admin123"));
    let closed = login(|_| 401);
    assert_eq!(run(&closed, check).code, 0);
    let anything = login(|_| 200);
    let ended = run(&anything, check);
    assert_eq!(ended.code, 2, "{}", ended.stdout);
    assert!(
        message(&ended).contains("accepts anything"),
        "{}",
        message(&ended)
    );
}
