//! The rows of `containers`, `kubernetes` and `resources`: APIs over HTTP whose answers are JSON.

use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::target::{self, NO_SUCH_HOST, Target};
use super::{Cell, Fault, Kind, NO_CLOCK, PANIC, hold};
use crate::rig::{answer, refusing};

/// A target's clock, long ago and far ahead, and a time ten seconds after either.
const CLOCKS: [(&str, &str, &str); 2] = [
    (
        "long ago",
        "Mon, 01 Jan 2001 00:00:00 GMT",
        "2001-01-01T00:00:10Z",
    ),
    (
        "far ahead",
        "Fri, 01 Jan 2100 00:00:00 GMT",
        "2100-01-01T00:00:10Z",
    ),
];

/// One of the rows.
#[derive(Clone, Copy)]
struct Row {
    kind: Kind,
    /// The target's kind, the check's key and what it asks.
    target: &'static str,
    key: &'static str,
    asked: &'static str,
    expect: &'static str,
}

const CONTAINERS: Row = Row {
    kind: Kind::Containers,
    target: "docker",
    key: "containers",
    asked: "shop",
    expect: "containers.all(c, c.state == 'running' && c.restarts < 9)",
};

const KUBERNETES: Row = Row {
    kind: Kind::Kubernetes,
    target: "kubernetes",
    key: "kubernetes",
    asked: "shop",
    expect: "pods.all(p, p.ready && p.restarts < 9)",
};

const RESOURCES: Row = Row {
    kind: Kind::Resources,
    target: "prometheus",
    key: "resources",
    asked: "prometheus",
    expect: "cpu < 0.8",
};

impl Row {
    fn expecting<E>(self, case: Case<E>, url: &str, options: Json, expect: &str) -> Case<E> {
        let mut all = options;
        if self.asked == "prometheus" {
            all["queries"] = json!({"cpu": "busy"});
        }
        case.target(format!("t: {{ {}: '{url}' }}", self.target))
            .check(self.key, json!(self.asked), all, &[expect])
    }

    fn asking<E>(self, case: Case<E>, url: &str, options: Json) -> Case<E> {
        self.expecting(case, url, options, self.expect)
    }

    fn on(
        self,
        name: &'static str,
        ends: &'static str,
        target: &Target,
        expect: &str,
    ) -> Case<Fails> {
        self.expecting(Case::new(name, ends), &target.url(), json!({}), expect)
    }

    /// Everything is answered with these bytes.
    fn answered(self, name: &'static str, bytes: Vec<u8>) -> Case<Fails> {
        self.on(name, "error", &Target::always(bytes), self.expect)
    }

    fn stuck(self, name: &'static str, bytes: &'static [u8]) -> Case<Fails> {
        let target = Target::stuck_after(bytes);
        self.asking(
            Case::new(name, "error"),
            &target.url(),
            json!({"timeout": "1s"}),
        )
    }

    /// The healthy answers with one piece of their text replaced.
    fn with(self, from: &'static str, to: &'static str) -> Target {
        Target::routes(move |path| {
            let text = self.healthy_answer(path).replace(from, to);
            target::json(200, &text)
        })
    }

    fn changed(
        self,
        name: &'static str,
        ends: &'static str,
        from: &'static str,
        to: &'static str,
    ) -> Case<Fails> {
        assert!(self.texts().contains(from), "{from}");
        self.on(name, ends, &self.with(from, to), self.expect)
    }

    fn texts(self) -> String {
        let paths = [
            "/version",
            "/containers/json",
            "/containers/c1/json",
            "/images/i1/json",
            "/deployments",
            "/pods",
            "/query",
        ];
        paths.map(|p| self.healthy_answer(p)).concat()
    }

    fn healthy_answer(self, path: &str) -> String {
        let path = path.split('?').next().unwrap_or(path);
        match self.kind {
            Kind::Containers => engine(path),
            Kind::Kubernetes => cluster(path),
            _ => VECTOR.to_owned(),
        }
    }

    /// The text of a number that is judged.
    fn number(self) -> &'static str {
        match self.kind {
            Kind::Containers => r#""RestartCount":2"#,
            Kind::Kubernetes => r#""restartCount":2"#,
            _ => r#""0.5""#,
        }
    }

    /// The same with another value.
    fn other_number(self, value: &'static str) -> Case<Fails> {
        let from = self.number();
        let head = from.split_once(':').map(|(head, _)| format!("{head}:"));
        let to = head.map_or_else(|| format!("\"{value}\""), |head| format!("{head}{value}"));
        assert!(self.texts().contains(from), "{from}");
        let target = Target::routes(move |path| {
            let text = self.healthy_answer(path).replace(from, &to);
            target::json(200, &text)
        });
        self.on("another number", "error", &target, self.expect)
    }

    fn no_data(self) -> Vec<Case<Fails>> {
        let mut cases = vec![self.answered("closed without a byte", Vec::new())];
        cases.extend(match self.kind {
            Kind::Containers => {
                let none = || self.with(r#"[{"Id":"c1"}]"#, "[]");
                vec![
                    self.on("no container", "inconclusive", &none(), self.expect),
                    self.on(
                        "no container, and none is ill",
                        "inconclusive",
                        &none(),
                        "size(unhealthy) == 0",
                    ),
                    self.on(
                        "no container, and none too many",
                        "inconclusive",
                        &none(),
                        "count < 9",
                    ),
                    self.on(
                        "no digest",
                        "fail",
                        &self.with("", ""),
                        "containers.all(c, c.digest != 'x')",
                    ),
                    self.on(
                        "no image",
                        "fail",
                        &self.with(r#""Architecture""#, r#""Arch""#),
                        "containers.all(c, c.platform != 'x')",
                    )
                    .ends_in("error"),
                ]
            }
            Kind::Kubernetes => {
                let none = || self.with(r#""items":[{"#, r#""items":[],"rest":[{"#);
                vec![
                    self.on("no pod", "inconclusive", &none(), self.expect),
                    self.on(
                        "no pod, and none fails",
                        "inconclusive",
                        &none(),
                        "size(failing) == 0",
                    ),
                ]
            }
            _ => vec![
                self.changed("nothing", "inconclusive", VECTOR, NOTHING),
                self.changed("a null", "error", r#""value":[1,"0.5"]"#, r#""value":null"#),
            ],
        });
        cases
    }

    fn clock_skew(self) -> Cell {
        if self.kind == Kind::Resources {
            return NO_CLOCK;
        }
        // Ended and begun again in the run, by the target's own clock: not overlooked because that is wrong.
        Cell::Runs(
            CLOCKS
                .into_iter()
                .map(|(name, date, later)| {
                    let target = Target::routes(move |path| {
                        let text = self.healthy_answer(path).replace("2000-06-01T00:00:00Z", later);
                        target::with_headers(
                            &format!("Content-Type: application/json\r\nDate: {date}\r\nConnection: close\r\n"),
                            text.as_bytes(),
                        )
                    });
                    self.on(name, "fail", &target, "size(restarted) == 0")
                })
                .collect(),
        )
    }

    fn cell(self, fault: Fault) -> Cell {
        let length = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n".to_vec();
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let short = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{\"Version\": \"1\"";
        let loops = "HTTP/1.1 302 Found\r\nLocation: /version\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        Cell::Runs(match fault {
            Fault::NoData => self.no_data(),
            Fault::NotANumber => vec![self.other_number("NaN")],
            Fault::Infinite => vec![self.other_number("-Infinity"), self.other_number("-1e999")],
            Fault::Empty => vec![
                self.answered("an empty page", target::json(200, "")),
                self.answered("an empty object", target::json(200, "{}")),
                self.answered("an empty list", target::json(200, "[]")),
            ],
            Fault::Timeout => vec![
                self.stuck("no answer", b""),
                self.stuck(
                    "half an answer",
                    b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"V",
                ),
            ],
            Fault::Refused => {
                vec![self.asking(Case::new("nobody listens", "error"), &refusing(), json!({}))]
            }
            Fault::Dns => vec![self.asking(
                Case::new("no such name", "error"),
                &format!("http://{NO_SUCH_HOST}"),
                json!({"timeout": "3s"}),
            )],
            Fault::Tls => super::http::tls(|case, url| self.asking(case, url, json!({}))),
            Fault::RedirectLoop => vec![self.answered("to itself", loops.as_bytes().to_vec())],
            Fault::Truncated => vec![
                self.answered("shorter than announced", short.as_bytes().to_vec()),
                self.answered("it breaks off", target::json(200, "{\"Version\": \"1\"")),
            ],
            Fault::WrongType => vec![
                self.answered(
                    "a page",
                    answer(200, "text/html", b"<html>maintenance</html>"),
                ),
                self.answered("no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
                self.answered("another API", target::json(200, r#"{"status": "ok"}"#)),
                self.other_number("\\\"many\\\""),
            ],
            Fault::Overflow => vec![
                self.answered("ten thousand levels", target::json(200, &deep)),
                self.answered("a length beyond all", length),
                self.other_number("-99999999999999999999e999"),
            ],
            Fault::ToolAbsent => {
                let mut cases = vec![self.answered(
                    "the target has no such page",
                    answer(404, "text/plain", b"not found"),
                )];
                if self.kind == Kind::Containers {
                    cases.push(self.asking(
                        Case::new("no engine here", "error"),
                        "unix:///no/such/engine.sock",
                        json!({}),
                    ));
                }
                cases
            }
            Fault::Denied => vec![
                self.answered("401", target::json(401, r#"{"message": "no"}"#)),
                self.answered("403", target::json(403, r#"{"message": "no"}"#)),
            ],
            Fault::Panic => return PANIC,
            Fault::ClockSkew => return self.clock_skew(),
        })
    }

    fn hold(self) {
        let target = self.with("", "");
        let healthy = self.asking(Case::healthy(), &target.url(), json!({}));
        hold(self.kind, healthy, |fault| self.cell(fault));
    }
}

fn engine(path: &str) -> String {
    let json = match path {
        "/version" => json!({"Version": "28.2.2", "ApiVersion": "1.50"}),
        "/containers/json" => json!([{"Id": "c1"}]),
        "/containers/c1/json" => json!({
            "Id": "c1", "Name": "/shop-web-1", "Created": "2000-01-01T00:00:00Z", "Image": "i1", "RestartCount": 2,
            "State": {"Status": "running", "ExitCode": 0, "StartedAt": "2000-06-01T00:00:00Z"},
            "Config": {"Image": "shop:1"}
        }),
        _ => json!({"Id": "i1", "Architecture": "amd64", "Os": "linux", "Size": 1}),
    };
    json.to_string()
}

fn cluster(path: &str) -> String {
    let container = json!({
        "name": "app", "ready": true, "restartCount": 2, "state": {"running": {}},
        "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2000-06-01T00:00:00Z"}}
    });
    let json = match path.rsplit('/').next().unwrap_or("") {
        "version" => json!({"gitVersion": "v1.31.2"}),
        "deployments" => json!({"kind": "DeploymentList", "items": [{
            "metadata": {"name": "web"}, "spec": {"replicas": 0, "template": {"spec": {}}}
        }]}),
        "statefulsets" => json!({"kind": "StatefulSetList"}),
        "daemonsets" => json!({"kind": "DaemonSetList"}),
        _ => json!({"kind": "PodList", "items": [{
            "metadata": {"name": "web-1"}, "spec": {},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [container]}
        }]}),
    };
    json.to_string()
}

const VECTOR: &str = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"0.5"]}]}}"#;
const NOTHING: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

#[test]
fn no_fault_of_a_container_engine_is_a_pass() {
    CONTAINERS.hold();
}

#[test]
fn no_fault_of_a_kubernetes_cluster_is_a_pass() {
    KUBERNETES.hold();
}

#[test]
fn no_fault_of_what_measures_resources_is_a_pass() {
    RESOURCES.hold();
}
