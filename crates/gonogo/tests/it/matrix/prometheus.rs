//! The rows of `prometheus`: an exposition that is scraped, and a Prometheus that is asked for now or for a time.

use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::target::{self, NO_SUCH_HOST, Target};
use super::{Cell, Fault, Kind, PANIC, hold};
use crate::rig::{answer, refusing};

/// An hour's first second, long ago and far ahead: no sample of either is fresh.
const LONG_AGO: i64 = 978_307_200;
const FAR_AHEAD: i64 = 4_007_664_000;
/// The scripted Prometheus' own clock.
const NOW: i64 = 1_790_000_000;

#[derive(Clone, Copy, PartialEq)]
enum Deed {
    Scrape,
    Query,
    Range,
}

impl Deed {
    fn asking<E>(self, case: Case<E>, url: &str, options: Json) -> Case<E> {
        let (kind, key, expect, more) = match self {
            Self::Scrape => (
                "http",
                "scrape /metrics",
                "value < 100.0",
                json!({"select": "queue_length"}),
            ),
            Self::Query => (
                "prometheus",
                "query queue_length",
                "value < 100.0",
                json!({}),
            ),
            Self::Range => (
                "prometheus",
                "range queue_length",
                "series.all(s, s.max < 100.0)",
                json!({"last": "1m"}),
            ),
        };
        let mut all = more;
        for (name, value) in options.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        case.target(format!("api: {{ {kind}: '{url}' }}")).check(
            "prometheus",
            json!(key),
            all,
            &[expect],
        )
    }

    fn answered(self, name: &'static str, ends: &'static str, bytes: Vec<u8>) -> Case<Fails> {
        let target = Target::always(bytes);
        self.asking(Case::new(name, ends), &target.url(), json!({}))
    }

    /// One sample of that value at that time, as this deed is answered.
    fn one_sample(self, value: &str, at: i64) -> Target {
        match self {
            Self::Scrape => {
                let time = if at == NOW {
                    String::new()
                } else {
                    format!(" {at}000")
                };
                exposition(&format!(
                    "# TYPE queue_length gauge\nqueue_length {value}{time}\n"
                ))
            }
            Self::Query => api(
                format!(
                    r#"{{"resultType":"vector","result":[{{"metric":{{"__name__":"queue_length"}},"value":[{NOW},"{value}"]}}]}}"#
                ),
                at,
            ),
            Self::Range => api(
                format!(
                    r#"{{"resultType":"matrix","result":[{{"metric":{{"__name__":"queue_length"}},"values":[[{at},"{value}"]]}}]}}"#
                ),
                at,
            ),
        }
    }

    fn sample(self, name: &'static str, ends: &'static str, value: &str) -> Case<Fails> {
        let target = self.one_sample(value, NOW);
        self.asking(Case::new(name, ends), &target.url(), json!({}))
    }

    fn nothing(self) -> Vec<Case<Fails>> {
        let url = match self {
            Self::Scrape => exposition("# TYPE queue_length gauge\n# TYPE other gauge\nother 1\n"),
            Self::Query => api(r#"{"resultType":"vector","result":[]}"#.to_owned(), NOW),
            Self::Range => api(r#"{"resultType":"matrix","result":[]}"#.to_owned(), NOW),
        }
        .url();
        vec![
            self.answered("closed without a byte", "error", Vec::new()),
            self.asking(Case::new("no such sample", "inconclusive"), &url, json!({})),
        ]
    }

    fn empty(self) -> Vec<Case<Fails>> {
        let json = target::json(200, "{}");
        match self {
            Self::Scrape => vec![
                self.answered(
                    "an empty page",
                    "inconclusive",
                    answer(200, "text/plain", b""),
                ),
                self.answered("an empty object", "error", json),
            ],
            Self::Query | Self::Range => vec![
                self.answered("an empty page", "error", target::json(200, "")),
                self.answered("an empty object", "error", json),
            ],
        }
    }

    fn truncated(self) -> Vec<Case<Fails>> {
        let text: &[u8] = match self {
            Self::Scrape => b"# TYPE queue_length gauge\nqueue_length 1",
            Self::Query | Self::Range => {
                br#"{"status":"success","data":{"resultType":"vector","result":[{"#
            }
        };
        let short = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 900\r\n\r\n{}",
            String::from_utf8_lossy(text)
        );
        let whole = self.one_sample("1", NOW);
        vec![
            self.answered("shorter than announced", "error", short.into_bytes()),
            self.answered("it breaks off", "error", answer(200, "text/plain", text)),
            self.asking(
                Case::new("cut at our own cap", "error"),
                &whole.url(),
                json!({"max_body": 30}),
            ),
        ]
    }

    fn wrong_type(self) -> Vec<Case<Fails>> {
        let page = answer(200, "text/html", b"<html>maintenance</html>");
        let mut cases = vec![
            self.answered("a page", "error", page),
            self.answered("no HTTP", "error", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
            self.sample("a text for a number", "error", "many"),
        ];
        let other = match self {
            Self::Scrape => return cases,
            Self::Query => r#"{"resultType":"matrix","result":[]}"#,
            Self::Range => r#"{"resultType":"vector","result":[]}"#,
        };
        let other = api(other.to_owned(), NOW);
        cases.push(self.asking(
            Case::new("the other kind of result", "error"),
            &other.url(),
            json!({}),
        ));
        cases
    }

    fn overflow(self) -> Vec<Case<Fails>> {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let deep = format!(r#"{{"status":"success","data":{deep}}}"#);
        let length = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n".to_vec();
        vec![
            // A reader that takes it for an infinity must not call that little.
            self.sample("beyond a double", "error", "-1e999"),
            self.answered("ten thousand levels", "error", target::json(200, &deep)),
            self.answered("a length beyond all", "error", length),
        ]
    }

    fn clock_skew(self) -> Vec<Case<Fails>> {
        let fresh = json!({"max_age": "5m"});
        [("long ago", LONG_AGO), ("far ahead", FAR_AHEAD)]
            .into_iter()
            .map(|(name, at)| {
                let target = self.one_sample("1", at);
                self.asking(
                    Case::new(name, "inconclusive"),
                    &target.url(),
                    fresh.clone(),
                )
            })
            .collect()
    }

    fn cell(self, fault: Fault) -> Cell {
        let stuck = |name, bytes| {
            let target = Target::stuck_after(bytes);
            self.asking(
                Case::new(name, "error"),
                &target.url(),
                json!({"timeout": "1s"}),
            )
        };
        Cell::Runs(match fault {
            Fault::NoData => self.nothing(),
            Fault::NotANumber => vec![self.sample("NaN", "error", "NaN")],
            Fault::Infinite => vec![
                self.sample("-Inf", "error", "-Inf"),
                self.sample("+Inf", "error", "+Inf"),
            ],
            Fault::Empty => self.empty(),
            Fault::Timeout => vec![
                stuck("no answer", b""),
                stuck("half an answer", b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nqueue"),
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
            Fault::RedirectLoop => vec![self.answered(
                "to itself",
                "error",
                b"HTTP/1.1 302 Found\r\nLocation: /metrics\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
            )],
            Fault::Truncated => self.truncated(),
            Fault::WrongType => self.wrong_type(),
            Fault::Overflow => self.overflow(),
            Fault::ToolAbsent => vec![self.answered(
                "the target has no such page",
                "error",
                answer(404, "text/plain", b"not found"),
            )],
            Fault::Denied => vec![
                self.answered("401", "error", target::json(401, "{}")),
                self.answered("403", "error", answer(403, "text/plain", b"queue_length 1\n")),
            ],
            Fault::Panic => return PANIC,
            Fault::ClockSkew => self.clock_skew(),
        })
    }
}

fn exposition(text: &str) -> Target {
    Target::always(answer(200, "text/plain; version=0.0.4", text.as_bytes()))
}

/// A Prometheus with that answer, whose samples are of that time.
fn api(data: String, at: i64) -> Target {
    Target::routes(move |path| {
        let data = if path.contains("timestamp") {
            format!(
                r#"{{"resultType":"vector","result":[{{"metric":{{}},"value":[{NOW},"{at}"]}}]}}"#
            )
        } else if path.contains("query=time") {
            format!(r#"{{"resultType":"scalar","result":[{NOW},"{NOW}"]}}"#)
        } else {
            data.clone()
        };
        target::json(200, &format!(r#"{{"status":"success","data":{data}}}"#))
    })
}

fn row(kind: Kind, deed: Deed) {
    let target = deed.one_sample("1", NOW);
    let fresh = if deed == Deed::Scrape {
        json!({})
    } else {
        json!({"max_age": "5m"})
    };
    let healthy = deed.asking(Case::healthy(), &target.url(), fresh);
    hold(kind, healthy, |fault| deed.cell(fault));
}

#[test]
fn no_fault_of_an_exposition_is_a_pass() {
    row(Kind::Scrape, Deed::Scrape);
}

#[test]
fn no_fault_of_a_prometheus_asked_for_now_is_a_pass() {
    row(Kind::Query, Deed::Query);
}

#[test]
fn no_fault_of_a_prometheus_asked_for_a_time_is_a_pass() {
    row(Kind::Range, Deed::Range);
}
