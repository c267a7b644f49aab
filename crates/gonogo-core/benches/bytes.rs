//! How fast bytes pass: `cargo bench -p gonogo-core --bench bytes [FILE_OR_FOLDER [WHAT]]`. Prints MB per CPU second
//! over many rounds. Without a path it reads this crate's own sources.
#![expect(
    clippy::print_stdout,
    clippy::format_push_string,
    reason = "it prints its figures, and writes its input once"
)]

use std::hint::black_box;
use std::path::{Path, PathBuf};

use gonogo_core::exposition::{Format, Limits, parse_as};
use gonogo_core::redact::Redactor;
use gonogo_core::shapes::{RULES, Scanner};

fn main() {
    let only = std::env::args().nth(2).filter(|a| !a.starts_with("--"));
    let is_wanted = |what: &str| only.as_deref().is_none_or(|only| what.contains(only));
    let given = std::env::args().skip(1).find(|a| !a.starts_with("--"));
    let root = given.map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        PathBuf::from,
    );
    let mut files = Vec::new();
    read(&root, &mut files);
    let total: usize = files.iter().map(Vec::len).sum();
    println!("{} files, {} bytes", files.len(), total);

    let finder = memchr::memmem::Finder::new(b"not_to_be_found_anywhere");
    measure(&is_wanted, "secret floor: one literal", total, || {
        for file in &files {
            assert!(finder.find(file).is_none());
        }
    });
    let scanner = Scanner::new(RULES, Vec::new());
    let mut count = 0;
    measure(&is_wanted, "secret shapes", total, || {
        let mut out = Vec::new();
        for file in &files {
            scanner.scan("x.rs", file, &mut out);
        }
        count = out.len();
    });
    println!("  {count} findings with {} rules", RULES.len());

    let text = exposition();
    measure(&is_wanted, "exposition", text.len(), || {
        black_box(parse_as(text.as_bytes(), Format::Text, &Limits::default()).is_ok());
    });
    let count =
        parse_as(text.as_bytes(), Format::Text, &Limits::default()).map(|e| e.sample_count());
    println!("  {} bytes, {count:?} samples", text.len());

    let mut redactor = Redactor::new();
    for secret in [
        "q83hL-Zk2vQ91/LmTzXy",
        "postgres://app:s3cr-Pw0rd@db/shop",
        "8d1f0e7c55aa43d2b1907c66",
    ] {
        assert_eq!(redactor.register(secret, secret).warning, None);
    }
    measure(&is_wanted, "redactor", total, || {
        for file in &files {
            black_box(redactor.redact_bytes(file));
        }
    });
}

/// An exposition as services with many routes give it: counters and histograms with labels.
fn exposition() -> String {
    let mut out = String::new();
    for family in 0..40 {
        out += &format!(
            "# HELP http_request_duration_seconds_{family} How long requests took.\n# TYPE http_request_duration_seconds_{family} histogram\n"
        );
        for series in 0..500 {
            let labels = format!(
                "method=\"GET\",handler=\"/api/v1/things/{series}\",code=\"200\",instance=\"10.0.0.{}:8080\"",
                series % 250
            );
            for (i, le) in [
                "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10",
                "+Inf",
            ]
            .iter()
            .enumerate()
            {
                out += &format!(
                    "http_request_duration_seconds_{family}_bucket{{{labels},le=\"{le}\"}} {}\n",
                    i * 117 + series
                );
            }
            out += &format!(
                "http_request_duration_seconds_{family}_sum{{{labels}}} {}.{series}\n",
                series * 31
            );
            out += &format!(
                "http_request_duration_seconds_{family}_count{{{labels}}} {}\n",
                11 * 117 + series
            );
        }
    }
    out
}

fn read(path: &Path, out: &mut Vec<Vec<u8>>) {
    if let Ok(entries) = std::fs::read_dir(path) {
        let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        paths.sort();
        for path in paths {
            read(&path, out);
        }
    } else if let Ok(bytes) = std::fs::read(path) {
        out.push(bytes);
    }
}

/// CPU time of this thread so far, in nanoseconds; Linux keeps it here.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_ascii_whitespace()
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}

fn measure(is_wanted: &dyn Fn(&str) -> bool, what: &str, bytes: usize, mut run: impl FnMut()) {
    if !is_wanted(what) {
        return;
    }
    // The kernel counts in ticks: only a sum over many rounds is exact.
    let rounds = ((1 << 31) / bytes.max(1)).clamp(2, 60);
    run();
    let before = cpu_ns();
    (0..rounds).for_each(|_| run());
    let spent = (cpu_ns() - before).max(1);
    let speed = (bytes * rounds) as f64 * 1000.0 / spent as f64;
    println!("{what}: {speed:.0} MB per CPU-s");
}
