//! How fast bytes pass: `cargo bench -p gonogo-core --bench bytes [FILE_OR_FOLDER]`. Prints MB per CPU second, the best
//! of several rounds. Without a path it reads this crate's own sources.
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::hint::black_box;
use std::path::{Path, PathBuf};

use gonogo_core::redact::Redactor;
use gonogo_core::shapes::{RULES, Scanner};

fn main() {
    let given = std::env::args().skip(1).find(|a| !a.starts_with("--"));
    let root = given.map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        PathBuf::from,
    );
    let mut files = Vec::new();
    read(&root, &mut files);
    let total: usize = files.iter().map(Vec::len).sum();
    println!("{} files, {} bytes", files.len(), total);

    let scanner = Scanner::new(RULES, Vec::new());
    let mut count = 0;
    best("secret shapes", total, || {
        let mut out = Vec::new();
        files.iter().for_each(|f| scanner.scan("x.rs", f, &mut out));
        count = out.len();
    });
    println!("  {count} findings with {} rules", RULES.len());

    let mut redactor = Redactor::new();
    for secret in [
        "q83hL-Zk2vQ91/LmTzXy",
        "postgres://app:s3cr-Pw0rd@db/shop",
        "8d1f0e7c55aa43d2b1907c66",
    ] {
        assert!(redactor.register(secret, secret).warning.is_none());
    }
    best("redactor", total, || {
        for file in &files {
            black_box(redactor.redact_bytes(file));
        }
    });
}

fn read(path: &Path, out: &mut Vec<Vec<u8>>) {
    if let Ok(entries) = std::fs::read_dir(path) {
        let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        paths.sort();
        paths.iter().for_each(|p| read(p, out));
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

fn best(what: &str, bytes: usize, mut run: impl FnMut()) {
    let rounds = (1 << 28) / bytes.max(1) + 1;
    let fastest = (0..rounds.min(20))
        .map(|_| {
            let before = cpu_ns();
            run();
            cpu_ns() - before
        })
        .min()
        .unwrap_or(1)
        .max(1);
    println!(
        "{what}: {:.0} MB per CPU-s",
        bytes as f64 * 1000.0 / fastest as f64
    );
}
