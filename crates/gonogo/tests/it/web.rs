//! What a web page may do with a service, what its headers tell a browser, and its rate limit, as a user has them: a
//! plan in, a verdict out, against a real nginx.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use gonogo_probes::testing::free_port;

use crate::rig::{self, Ended};

/// An nginx of the test's own, with HTTP and HTTPS for `localhost` on free ports; gone when dropped.
struct Nginx {
    folder: tempfile::TempDir,
    http: u16,
    https: u16,
    child: Child,
}

impl Nginx {
    /// Starts it with lines of its `http` block and of its `server` block.
    fn start(http_lines: &str, server_lines: &str) -> Self {
        let folder = rig::folder();
        let (http, https) = (free_port(), free_port());
        let shown = folder.path().display();
        let key = rcgen::KeyPair::generate().unwrap();
        let names = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let made = names.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), made.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
        let places: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("  {kind}_temp_path {shown}/{kind};\n"))
            .concat();
        let text = format!(
            "daemon off;\nmaster_process off;\npid {shown}/pid;\nerror_log stderr notice;\nevents {{}}\nhttp {{\n  access_log off;\n{places}{http_lines}\n  server {{\n    listen 127.0.0.1:{http};\n    listen 127.0.0.1:{https} ssl;\n    ssl_certificate {shown}/ca.pem;\n    ssl_certificate_key {shown}/key.pem;\n{server_lines}\n  }}\n}}\n"
        );
        std::fs::write(folder.path().join("nginx.conf"), text).unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut child = Command::new("nginx")
            .args([
                "-p",
                &shown.to_string(),
                "-c",
                &format!("{shown}/nginx.conf"),
            ])
            .env("PATH", format!("{path}:/usr/sbin"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this test needs nginx: apt-get install -y nginx-light");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        while let Some(Ok(line)) = lines.next() {
            // It says so after it has begun to listen.
            let is_ready = line.contains("event method");
            said.push(line);
            if is_ready {
                std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
                return Self {
                    folder,
                    http,
                    https,
                    child,
                };
            }
        }
        panic!("nginx did not start: {}", said.join("\n"));
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn plan(&self, checks: &str) -> String {
        format!(
            "gonogo: 1\nname: web\nenvironments:\n  local:\n    allow: [load]\n    targets:\n      site: {{ http: 'https://localhost:{}', ca: ca.pem }}\n      plain: {{ http: 'http://localhost:{}' }}\ngates:\n  web:\n    title: Browsers and callers are told what they may do\n    checks:\n{checks}",
            self.https, self.http
        )
    }

    fn run(&self, checks: &str) -> Ended {
        rig::run_plan(self.folder(), &self.plan(checks), &[])
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What the gate's check said.
fn message(ended: &Ended, id: &str) -> String {
    let document = ended.json();
    let checks = document["gates"][0]["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["id"] == id).unwrap();
    check["message"].as_str().unwrap().to_owned()
}

const HEADERS: &str = "
      - id: headers
        security-headers: /
        expect:
          - missing == []
          - weak == []
          - to_remove == [] || to_remove == ['server']
          - headers.hsts.max_age >= duration('365d')
          - \"!headers.csp.unsafe_inline\"
          - headers.csp.directives['frame-ancestors'] == [\"'none'\"]
          - grade == 'A+'
          - score >= 100
";

/// All that the OWASP Secure Headers Project proposes, line by line.
fn proposed() -> Vec<(&'static str, &'static str)> {
    vec![
        (
            "Strict-Transport-Security",
            "max-age=63072000; includeSubDomains",
        ),
        ("X-Frame-Options", "deny"),
        ("X-Content-Type-Options", "nosniff"),
        (
            "Content-Security-Policy",
            "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; upgrade-insecure-requests",
        ),
        ("X-Permitted-Cross-Domain-Policies", "none"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Embedder-Policy", "require-corp"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        (
            "Permissions-Policy",
            "camera=(), geolocation=(), microphone=()",
        ),
        ("Cache-Control", "no-store, max-age=0"),
        ("X-DNS-Prefetch-Control", "off"),
    ]
}

fn lines(headers: &[(&str, &str)]) -> String {
    let mut all = String::new();
    for (name, value) in headers {
        all.push_str(&format!("    add_header {name} \"{value}\" always;\n"));
    }
    all + "    location / { default_type text/html; return 200 '<p>well</p>'; }\n"
}

#[test]
fn all_proposed_headers_are_go_and_each_that_says_too_little_is_found() {
    let nginx = Nginx::start("", &lines(&proposed()));
    let ended = nginx.run(HEADERS);
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    let journal = std::fs::read_to_string(nginx.folder().join(ended.run()).join("journal.ndjson"));
    assert!(journal.unwrap().contains("nginx/"));

    // There, and of no use.
    let mut useless = proposed();
    for (name, value) in &mut useless {
        match *name {
            "Strict-Transport-Security" => *value = "max-age=300",
            "X-Content-Type-Options" => *value = "no-sniff",
            "Content-Security-Policy" => *value = "default-src * 'unsafe-inline' 'unsafe-eval'",
            "Permissions-Policy" => *value = "camera 'none'",
            _ => {}
        }
    }
    let nginx = Nginx::start("", &lines(&useless));
    let ended = nginx.run(HEADERS);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    let said = message(&ended, "headers");
    assert!(said.contains("weak"), "{said}");
    let journal = std::fs::read_to_string(nginx.folder().join(ended.run()).join("journal.ndjson"));
    let journal = journal.unwrap();
    for why in [
        "`max-age` is 0 days, less than six months",
        "browsers do not heed it: only `nosniff` is known",
        "`script-src` allows 'unsafe-inline'",
        "browsers do not heed it: it is no structured field",
    ] {
        assert!(journal.contains(why), "{why} in {journal}");
    }
}

#[test]
fn the_answer_that_is_looked_at_is_the_one_that_the_plan_asks_for() {
    let server = "    location = /old { return 301 /new; }\n    location = /new { add_header X-Content-Type-Options nosniff; return 200 new; }\n";
    let nginx = Nginx::start("  absolute_redirect off;", server);
    let checks = "
      - id: moved
        security-headers: /old
        wanted: [x-content-type-options]
        expect:
          - status == 301
          - missing == ['x-content-type-options']
          - not_graded.contains('redirect')
      - id: there
        security-headers: /old
        wanted: [x-content-type-options]
        redirects: 3
        expect:
          - status == 200
          - url.endsWith('/new')
          - missing == []
      - id: plain
        security-headers: /new
        target: plain
        wanted: [x-content-type-options]
        expect:
          - scored.exists(s, s.result == 'redirection-missing')
          - scored.exists(s, s.result == 'hsts-not-implemented-no-https')
";
    let ended = nginx.run(checks);
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
}

/// A service that a page of `https://app.example` may use, and how it decides that.
fn sharing(pattern: &str) -> Nginx {
    let map = format!("  map $http_origin $allowed {{ default ''; {pattern} $http_origin; }}");
    let headers = lines(&[
        ("Access-Control-Allow-Origin", "$allowed"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Methods", "GET, PUT"),
        (
            "Access-Control-Allow-Headers",
            "Authorization, Content-Type",
        ),
        ("Access-Control-Max-Age", "600"),
        ("Vary", "Origin"),
    ]);
    let server = format!("{headers}    if ($request_method = OPTIONS) {{ return 204; }}\n");
    Nginx::start(&map, &server)
}

const SHARING: &str = "
      - id: shared
        cors: https://app.example
        path: /orders
        method: PUT
        request_headers: [authorization, content-type]
        credentials: true
        target: site
        expect:
          - preflight.allowed
          - preflight.max_age <= duration('1h')
          - simple.allowed
          - \"'origin' in simple.vary\"
          - \"!reflects_any\"
          - \"!wildcard_with_credentials\"
          - \"!foreign_preflight_allowed\"
          - foreign.all(f, !f.allowed)
";

#[test]
fn one_origin_is_go_and_each_way_of_letting_in_too_many_is_found() {
    let ended = sharing("https://app.example").run(SHARING);
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);

    for (pattern, said) in [
        // Whoever asks is given back.
        ("~.", "reflects_any"),
        // A pattern without its end, without its beginning, with any scheme.
        ("~^https://app\\.example", "foreign"),
        ("~app\\.example$", "foreign"),
        ("~^https?://app\\.example$", "foreign"),
        // Sandboxed frames and files.
        ("~^(https://app\\.example|null)$", "foreign"),
        // Another application.
        ("https://other.example", "preflight.allowed"),
    ] {
        let ended = sharing(pattern).run(SHARING);
        assert_eq!(ended.code, 1, "{pattern}: {}", ended.stdout);
        let message = message(&ended, "shared");
        assert!(message.contains(said), "{pattern}: {message}");
    }
}

const LIMIT: &str = "
      - id: limit
        rate-limit: GET /orders
        requests: 40
        target: plain
        expect:
          - limited_at <= 12
          - retry_after <= duration('1m')
";

/// One request each minute and ten more at once; what is beyond gets the status, with or without `Retry-After`.
fn limited(status: u16, retry_after: &str) -> Nginx {
    let http = format!(
        "  limit_req_zone $binary_remote_addr zone=all:1m rate=1r/m;\n  map $status $wait {{ default ''; {status} '{retry_after}'; }}"
    );
    // A file, because `return` answers before the limit is looked at.
    let server = format!(
        "    root html;\n    limit_req zone=all burst=10 nodelay;\n    limit_req_status {status};\n    add_header Retry-After $wait always;"
    );
    let nginx = Nginx::start(&http, &server);
    std::fs::create_dir(nginx.folder().join("html")).unwrap();
    std::fs::write(nginx.folder().join("html/orders"), "[]").unwrap();
    nginx
}

#[test]
fn a_limit_that_holds_is_go_and_one_that_does_not_or_says_nothing_is_not() {
    let ended = limited(429, "60").run(LIMIT);
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);

    let ended = limited(429, "").run(LIMIT);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    let said = message(&ended, "limit");
    assert!(said.contains("retry_after"), "{said}");

    // nginx's own status is 503, which tells a caller that the service is broken.
    let ended = limited(503, "60").run(LIMIT);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    let said = message(&ended, "limit");
    assert!(said.contains("limited_at"), "{said}");

    // No limit at all.
    let ended = Nginx::start("", "    location / { return 200 well; }\n").run(LIMIT);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    let said = message(&ended, "limit");
    assert!(said.contains("limited_at"), "{said}");
}

#[test]
fn many_requests_need_the_power_to_load_and_a_few_do_not() {
    let nginx = Nginx::start("", "    location / { return 200 well; }\n");
    let plan = nginx.plan(LIMIT).replace("allow: [load]", "allow: []");
    let ended = rig::run_plan(nginx.folder(), &plan, &[]);
    assert_eq!(ended.code, 2, "{}", ended.stdout);
    assert_eq!(ended.outcome("web/limit"), "skipped");

    let few = plan.replace("requests: 40", "requests: 3").replace(
        "          - limited_at <= 12\n          - retry_after <= duration('1m')\n",
        "          - \"!announced\"\n          - requests == 3\n",
    );
    let ended = rig::run_plan(nginx.folder(), &few, &[]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let folder = rig::folder();
    let target = rig::Scripted::json(200, "{}");
    for (check, said) in [
        (
            "cors: https://app.example/\n        expect: preflight.allowed",
            "has a path",
        ),
        (
            "cors: app.example\n        expect: preflight.allowed",
            "no scheme",
        ),
        (
            "cors: https://app.example:443\n        expect: preflight.allowed",
            "own port",
        ),
        (
            "cors: https://app.example\n        path: orders\n        expect: preflight.allowed",
            "must begin with `/`",
        ),
        (
            "cors: https://app.example\n        request_headers: ['a b']\n        expect: preflight.allowed",
            "not the name of a header",
        ),
        (
            "security-headers: https://site.example/\n        expect: missing == []",
            "names a host",
        ),
        (
            "security-headers: /\n        wanted: []\n        expect: missing == []",
            "wants nothing",
        ),
        (
            "rate-limit: /orders\n        expect: consistent",
            "lacks the method",
        ),
        (
            "rate-limit: GET /orders\n        requests: 5000\n        expect: consistent",
            "500",
        ),
    ] {
        let plan = rig::small_plan(&target.url(), &format!("      - id: c\n        {check}\n"));
        let ended = rig::run_plan(folder.path(), &plan, &[]);
        assert_eq!(ended.code, 64, "{check}: {}", ended.stdout);
        assert!(ended.stdout.contains(said), "{check}: {}", ended.stdout);
    }
    assert_eq!(target.asked(), 0);
}
