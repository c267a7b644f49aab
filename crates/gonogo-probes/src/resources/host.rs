//! `resources: host`: the machine that gonogo runs on, as Linux tells (`proc(5)`, `statvfs(3)`).

use std::time::Duration;

use gonogo_core::record::{Absence, Cause, NotObserved, Shown, TargetSeen};
use gonogo_core::{Map, Value};

use super::syntax::ResourcesOptions;
use crate::ctx::Ctx;
use crate::probe::{Call, Seen};

pub(super) async fn observe(
    call: &Call<'_>,
    options: &ResourcesOptions,
    over: Duration,
) -> Result<Seen, NotObserved> {
    let before = Ticks::of(&read(call.ctx, "/proc/stat")?);
    tokio::time::sleep(over).await;
    let after = Ticks::of(&read(call.ctx, "/proc/stat")?);
    let memory = Memory::of(&read(call.ctx, "/proc/meminfo")?);
    let mut facts = Map::new();
    let mut absent = Vec::new();
    let mut put = |name: &str, value: Option<Value>, why: &str| match value {
        Some(value) => drop(facts.insert(name.to_owned(), value)),
        None => absent.push(Absence {
            fact: name.to_owned(),
            why: why.to_owned(),
        }),
    };
    let busy = before.zip(after).and_then(|(b, a)| a.busy_since(&b));
    put(
        "cpu",
        busy.map(Value::Double),
        "/proc/stat does not tell the processors' time",
    );
    let used = memory.map(|m| m.share());
    put(
        "memory",
        used.map(Value::Double),
        "/proc/meminfo does not tell the memory",
    );
    if let Some(memory) = memory {
        put("memory_bytes", Some(memory.facts()), "");
    }
    let load = load(&read(call.ctx, "/proc/loadavg")?);
    put("load", load, "/proc/loadavg does not tell the load");
    let folders: Vec<&str> = match &options.disks.0[..] {
        [] => vec!["/"],
        some => some.iter().map(String::as_str).collect(),
    };
    let mut disks = Vec::with_capacity(folders.len());
    for folder in folders {
        disks.push((folder, Disk::of(call.ctx, folder)?));
    }
    // Of one that has no size, such as `/proc`, the fullest is not known either.
    let shares: Option<Vec<f64>> = disks.iter().map(|(_, d)| d.share()).collect();
    let fullest = shares.and_then(|all| all.into_iter().max_by(f64::total_cmp));
    put(
        "disk",
        fullest.map(Value::Double),
        "a folder that was named lies on a file system without a size",
    );
    let all = disks.iter().map(|(f, d)| ((*f).to_owned(), d.facts()));
    put("disks", Some(Value::Map(all.collect())), "");
    let name = read(call.ctx, "/proc/sys/kernel/hostname")?
        .trim()
        .to_owned();
    put("machine", Some(name.as_str().into()), "");
    let shares = [("cpu", busy), ("memory", used), ("disk", fullest)];
    Ok(Seen {
        facts,
        absent,
        target: Some(TargetSeen {
            name: "this machine".to_owned(),
            address: name,
            engine: None,
        }),
        shown: vec![table(&shares)],
        ..Seen::default()
    })
}

fn table(shares: &[(&str, Option<f64>)]) -> Shown {
    let row = |(name, share): &(&str, Option<f64>)| {
        let share = share.map_or_else(|| "not known".to_owned(), |s| format!("{:.1} %", s * 100.0));
        vec![(*name).to_owned(), share]
    };
    Shown::Table {
        title: "Resources".to_owned(),
        head: ["measure", "used"].map(str::to_owned).to_vec(),
        rows: shares.iter().map(row).collect(),
    }
}

fn read(ctx: &Ctx, path: &str) -> Result<String, NotObserved> {
    std::fs::read_to_string(path).map_err(|e| {
        let mut failed = ctx.not_observed(
            "resources host",
            Cause::Missing,
            format!("{path} cannot be read: {e}"),
        );
        failed.help = Some("this works on Linux; elsewhere ask a Prometheus".to_owned());
        failed
    })
}

/// The processors' time so far, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticks {
    total: u64,
    idle: u64,
}

impl Ticks {
    /// From the first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice.
    pub(super) fn of(text: &str) -> Option<Self> {
        let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks: Vec<u64> = line
            .split_whitespace()
            .map(|word| word.parse().ok())
            .collect::<Option<_>>()?;
        let idle = ticks.get(3)?.checked_add(*ticks.get(4)?)?;
        // Guests' time is in user's already.
        let total = ticks
            .iter()
            .take(8)
            .try_fold(0u64, |sum, t| sum.checked_add(*t))?;
        Some(Self { total, idle })
    }

    /// The share that was busy; nothing where no tick passed.
    pub(super) fn busy_since(&self, before: &Self) -> Option<f64> {
        let total = self.total.checked_sub(before.total).filter(|t| *t > 0)?;
        // `iowait` may fall (proc(5)).
        let idle = self.idle.saturating_sub(before.idle).min(total);
        Some((total - idle) as f64 / total as f64)
    }
}

/// Memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    total: u64,
    available: u64,
}

impl Memory {
    /// From `/proc/meminfo`.
    pub(super) fn of(text: &str) -> Option<Self> {
        let bytes = |name: &str| {
            let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
            let number = rest.trim_start_matches(':').split_whitespace().next()?;
            number.parse::<u64>().ok()?.checked_mul(1024)
        };
        let memory = Self {
            total: bytes("MemTotal")?,
            available: bytes("MemAvailable")?,
        };
        (memory.total > 0 && memory.available <= memory.total).then_some(memory)
    }

    /// The share that programs could not have any more.
    pub(super) fn share(&self) -> f64 {
        (self.total - self.available) as f64 / self.total as f64
    }

    fn facts(self) -> Value {
        let fields = [
            ("used", self.total - self.available),
            ("available", self.available),
            ("total", self.total),
        ];
        Value::Map(
            fields
                .map(|(n, v)| (n.to_owned(), v.into()))
                .into_iter()
                .collect(),
        )
    }
}

fn load(text: &str) -> Option<Value> {
    let mut numbers = text.split_whitespace().map(|w| w.parse::<f64>().ok());
    let mut one = || numbers.next().flatten().map(Value::Double);
    let fields = [("one", one()?), ("five", one()?), ("fifteen", one()?)];
    Some(Value::Map(
        fields.map(|(n, v)| (n.to_owned(), v)).into_iter().collect(),
    ))
}

/// A file system.
struct Disk {
    total: u64,
    free: u64,
    available: u64,
    files: u64,
    files_free: u64,
}

impl Disk {
    fn of(ctx: &Ctx, folder: &str) -> Result<Self, NotObserved> {
        let stat = rustix::fs::statvfs(ctx.path(folder)).map_err(|e| {
            ctx.not_observed(
                "resources host",
                Cause::Missing,
                format!("the file system of `{folder}` cannot be looked at: {e}"),
            )
        })?;
        Ok(Self {
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
            free: stat.f_bfree.saturating_mul(stat.f_frsize),
            available: stat.f_bavail.saturating_mul(stat.f_frsize),
            files: stat.f_files,
            files_free: stat.f_ffree,
        })
    }

    /// As `df` counts it: what is used, of what is used or may be.
    fn share(&self) -> Option<f64> {
        let used = self.total.saturating_sub(self.free);
        share(used, used.saturating_add(self.available))
    }

    fn facts(&self) -> Value {
        let files = share(self.files.saturating_sub(self.files_free), self.files);
        let fields = [
            ("total", Some(Value::from(self.total))),
            ("used", Some(self.total.saturating_sub(self.free).into())),
            ("available", Some(self.available.into())),
            ("share", self.share().map(Value::Double)),
            ("files", files.map(Value::Double)),
        ];
        let there = fields
            .into_iter()
            .filter_map(|(n, v)| Some((n.to_owned(), v?)));
        Value::Map(there.collect())
    }
}

/// Nothing of nothing is not known.
fn share(used: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| used as f64 / of as f64)
}
