//! The load engine from the command line, for `scripts/bench` only: with histogram, checks and raw samples kept, as
//! the `load` probe uses it. Also the server that stalls.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a development program that prints figures"
)]

mod stall;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::ToSocketAddrs;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use gonogo_core::series::{self, LatencyHistogram, SeriesBuilder, SeriesHeader};
use gonogo_probes::load::engine::{Arrivals, Config, Model, Request, Sample, Sink, Summary, run};
use gonogo_probes::load::series::record;
use rustix::time::{ClockId, clock_gettime};

const USAGE: &str = "usage:
  load run URL [--rate R [--seed N]] [--users N] [--pace-ms N] [--connections N] [--threads N]
               [--requests N] [--seconds S] [--raw FILE]
  load stalls [--seconds S]      a server that stalls 200 ms each second; prints its address first
Without --rate the load is closed: users ask again as soon as they are answered.";

/// Raw samples are written when so many bytes wait.
const FLUSH: usize = 256 * 1024;

fn main() -> ExitCode {
    // `cargo bench` and `cargo test` pass flags of their own.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench" && word != "--test")
        .collect();
    let done = match words.first().map(String::as_str) {
        Some("run") => load(&words[1..]),
        Some("stalls") => stalls(&words[1..]),
        _ => {
            println!("{USAGE}");
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}\n{USAGE}");
            ExitCode::from(64)
        }
    }
}

fn stalls(words: &[String]) -> Result<(), String> {
    let flags = Flags::parse(words)?;
    let seconds = flags.get("seconds")?.unwrap_or(60.0);
    stall::serve(Duration::from_secs_f64(seconds), |address| {
        println!("{address}");
        let _shown = std::io::stdout().flush();
    })
    .map_err(|error| format!("the stalling server failed: {error}"))
}

fn load(words: &[String]) -> Result<(), String> {
    let (url, rest) = words.split_first().ok_or("a URL is missing")?;
    let flags = Flags::parse(rest)?;
    let config = config(url, &flags)?;
    let mut kept = Kept::new(&config, flags.text("raw").unwrap_or("/dev/null"))?;
    let before = cpu_s();
    let summary = run(&config, &mut kept, &AtomicBool::new(false)).map_err(|e| e.to_string())?;
    let (latency, bytes) = kept.finish()?;
    print(&summary, &latency, cpu_s() - before, bytes);
    Ok(())
}

fn config(url: &str, flags: &Flags) -> Result<Config, String> {
    let rest = url
        .strip_prefix("http://")
        .ok_or("the URL must begin with http://")?;
    let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let with_port = if host.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let address = with_port
        .to_socket_addrs()
        .map_err(|error| format!("{host}: {error}"))?
        .next()
        .ok_or("the host has no address")?;
    let request = Request::new("GET", path, host, &[], b"").map_err(|e| e.to_string())?;
    let model = match flags.get("rate")? {
        Some(rate) => Model::Open {
            rate,
            arrivals: match flags.get("seed")? {
                Some(seed) => Arrivals::Poisson { seed },
                None => Arrivals::Constant,
            },
        },
        None => Model::Closed {
            users: flags.get("users")?.unwrap_or(64),
            pace: flags.get("pace-ms")?.map(Duration::from_millis),
        },
    };
    let mut config = Config::new(address, request, model);
    config.requests = flags.get("requests")?;
    config.duration = flags.get("seconds")?.map(Duration::from_secs_f64);
    if let Some(connections) = flags.get("connections")? {
        config.connections = connections;
    }
    if let Some(threads) = flags.get("threads")? {
        config.threads = threads;
    }
    Ok(config)
}

/// `--name value` pairs.
struct Flags(BTreeMap<String, String>);

impl Flags {
    fn parse(words: &[String]) -> Result<Self, String> {
        let mut flags = BTreeMap::new();
        for pair in words.chunks(2) {
            let name = pair[0]
                .strip_prefix("--")
                .ok_or_else(|| format!("`{}` is no flag", pair[0]))?;
            let value = pair
                .get(1)
                .ok_or_else(|| format!("--{name} needs a value"))?;
            flags.insert(name.to_owned(), value.clone());
        }
        Ok(Self(flags))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn get<T: FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        self.text(name)
            .map(|value| {
                value
                    .parse()
                    .map_err(|_| format!("--{name}: `{value}` is no such value"))
            })
            .transpose()
    }
}

/// Keeps what the probe keeps: the histogram in memory, the raw samples in a file.
struct Kept {
    latency: LatencyHistogram,
    series: SeriesBuilder,
    raw: std::fs::File,
    bytes: u64,
    failed: Option<std::io::Error>,
}

impl Kept {
    fn new(config: &Config, raw: &str) -> Result<Self, String> {
        let (model, planned_rate) = match config.model {
            Model::Open { rate, arrivals } => {
                let arrivals = match arrivals {
                    Arrivals::Constant => series::Arrivals::Constant,
                    Arrivals::Poisson { seed } => series::Arrivals::Poisson { seed },
                };
                (series::Model::Open { arrivals }, Some(rate))
            }
            Model::Closed { users, .. } => (series::Model::Closed { users }, None),
        };
        let header = SeriesHeader {
            model,
            planned_rate,
            started_at_ms: 0,
            warm_up: 0,
            timeout_ns: config.timeout.as_nanos() as u64,
        };
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(raw);
        Ok(Self {
            latency: LatencyHistogram::new(),
            series: SeriesBuilder::new(&header).map_err(|e| e.to_string())?,
            raw: file.map_err(|error| format!("{raw}: {error}"))?,
            bytes: 0,
            failed: None,
        })
    }

    fn finish(mut self) -> Result<(LatencyHistogram, u64), String> {
        let rest = self.series.finish();
        self.bytes += rest.len() as u64;
        let written = self.raw.write_all(&rest);
        match self.failed.or(written.err()) {
            Some(error) => Err(format!("the raw samples could not be kept: {error}")),
            None => Ok((self.latency, self.bytes)),
        }
    }
}

impl Sink for Kept {
    fn sample(&mut self, sample: &Sample) {
        let sample = record(sample);
        self.latency.add(&sample);
        self.series.push(sample);
        let pending = self.series.pending();
        if pending >= FLUSH {
            self.bytes += pending as u64;
            if let Err(error) = self.series.flush_to(&mut self.raw) {
                self.failed.get_or_insert(error);
            }
        }
    }
}

fn print(summary: &Summary, latency: &LatencyHistogram, cpu_s: f64, bytes: u64) {
    let us = |ns: u64| ns as f64 / 1000.0;
    let per_100k = 1e5 * cpu_s / summary.sent.max(1) as f64;
    println!("requests {}", summary.scheduled);
    println!("elapsed_s {:.4}", summary.elapsed.as_secs_f64());
    println!("offered_per_s {:.1}", summary.offered_per_s.unwrap_or(0.0));
    println!("achieved_per_s {:.1}", summary.achieved_per_s);
    println!("cpu_s_per_100k {per_100k:.4}");
    println!("p50_us {:.1}", us(latency.value_at(0.5)));
    println!("p95_us {:.1}", us(latency.value_at(0.95)));
    println!("p99_us {:.1}", us(latency.value_at(0.99)));
    if let Some(lag) = summary.lag {
        println!("lag_p50_us {:.1}", lag.p50.as_secs_f64() * 1e6);
        println!("lag_p99_us {:.1}", lag.p99.as_secs_f64() * 1e6);
        println!("lag_max_us {:.1}", lag.max.as_secs_f64() * 1e6);
    }
    println!(
        "connections {} high {}",
        summary.connections, summary.connections_high
    );
    println!("raw_bytes {bytes}");
    println!("memory_high_kib {}", memory_high_kib());
    for (end, count) in &summary.ends {
        println!("end_{} {count}", end.as_str());
    }
}

/// CPU time of this process.
fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The most memory this process held, as the kernel counts it; 0 where it does not say.
fn memory_high_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next())
        .and_then(|kib| kib.parse().ok())
        .unwrap_or(0)
}
