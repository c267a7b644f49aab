//! The system's containers: the compose project that its compose file describes, on a real engine.
//!
//! Each is a shell that does nothing but stand for its service, with a health check that really asks: the API's for the service's own
//! `/health`, the database's and Redis's for their ports.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Fault, Faults};
use crate::{ContainerEngine, NoServer, health};

/// The project, as compose would name it.
pub const PROJECT: &str = "ai-agents";

/// The services of the compose file.
pub const SERVICES: [&str; 11] = [
    "api",
    "postgres",
    "redis",
    "worker",
    "hmac-proxy",
    "streamlit",
    "litellm-proxy",
    "prometheus",
    "grafana",
    "jaeger",
    "alertmanager",
];

/// What a container may use of one processor, and of the memory.
const PROCESSOR: f64 = 0.1;
const MEMORY: u64 = 64 << 20;

/// How often the engine starts a container again that ends.
const RESTARTS: u32 = 3;

/// The unit of `/proc/PID/stat`, which is the same wherever Linux runs today.
const TICKS_PER_SECOND: f64 = 100.0;

/// The main process works or waits for work; one that is stopped or dead does neither.
const LIVES: &str = "/bin/bash -c '[[ $(</proc/1/stat) == *\") \"[SR]\" \"* ]]'";

/// Where the services really listen, on this machine.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// The API's.
    pub api: u16,
    /// PostgreSQL's.
    pub postgres: u16,
    /// Redis's.
    pub redis: u16,
    /// Prometheus's.
    pub prometheus: u16,
    /// Grafana's.
    pub grafana: u16,
    /// Jaeger's.
    pub jaeger: u16,
}

/// The running project.
pub struct Containers {
    engine: Arc<ContainerEngine>,
    ports: Ports,
    used: Used,
}

impl Containers {
    /// Starts all of them and looks at the health of each.
    pub fn start(
        engine: &Arc<ContainerEngine>,
        ports: Ports,
        used: Used,
        faults: &Faults,
    ) -> Result<Self, NoServer> {
        let containers = Self {
            engine: Arc::clone(engine),
            ports,
            used,
        };
        for service in SERVICES {
            containers.begin(service, faults)?;
        }
        containers.look()?;
        Ok(containers)
    }

    /// Starts the containers anew that a fault is about; without it they are as they should be.
    pub fn replace(&self, about: Fault, faults: &Faults) -> Result<(), NoServer> {
        let Some(service) = concerned(about) else {
            return Ok(());
        };
        self.end(service)?;
        self.begin(service, faults)?;
        self.look()
    }

    fn begin(&self, service: &'static str, faults: &Faults) -> Result<(), NoServer> {
        let has = |fault: Fault| faults.contains(&fault) && concerned(fault) == Some(service);
        if has(Fault::ContainerMissing) {
            return Ok(());
        }
        let check = self.check(service, faults);
        let restarts = format!("on-failure:{RESTARTS}");
        let memory = MEMORY.to_string();
        let mut options = health(&check).to_vec();
        options.extend(["--memory", &memory]);
        // The one that spins is kept from taking the machine: twice its share shows well enough.
        options.extend(["--cpus", "0.2", "--restart", &restarts]);
        let command: &[&str] = if has(Fault::CrashLoop) {
            &["/bin/sh", "-c", "exit 1"]
        } else if has(Fault::CpuAboveThreshold) {
            &["/bin/sh", "-c", "while :; do :; done"]
        } else {
            &[]
        };
        let name = self.engine.run(PROJECT, service, &options, command)?;
        if has(Fault::CrashLoop) {
            // It comes back when the engine has given the container up.
            self.engine.podman(&["wait", &name])?;
            return Ok(());
        }
        self.engine.check_health(&name).map(drop)
    }

    /// Finds the processes of all of them.
    fn look(&self) -> Result<(), NoServer> {
        let label = format!("label=com.docker.compose.project={PROJECT}");
        let format = "{{.Names}} {{.Pid}}";
        let told = self
            .engine
            .podman(&["ps", "--filter", &label, "--format", format])?;
        for service in SERVICES {
            let name = format!("{PROJECT}-{service}-1 ");
            let pid = told.lines().find_map(|line| line.strip_prefix(&name));
            self.used.set(service, pid.and_then(|pid| pid.parse().ok()));
        }
        Ok(())
    }

    fn end(&self, service: &'static str) -> Result<(), NoServer> {
        self.used.set(service, None);
        let name = format!("{PROJECT}-{service}-1");
        // One that is missing need not be ended.
        self.engine
            .podman(&["rm", "-f", "-i", "-t", "0", &name])
            .map(drop)
    }

    /// The command by which the health of a service is seen. It runs in the container, with its `bash`.
    fn check(&self, service: &str, faults: &Faults) -> String {
        let ports = self.ports;
        let listens = |port: u16| format!("/bin/bash -c '(exec 3<>/dev/tcp/127.0.0.1/{port})'");
        let answers = |port: u16, path: &str| {
            format!(
                "/bin/bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port} && printf \"GET {path} HTTP/1.0\\r\\n\\r\\n\" >&3 \
                 && read -r line <&3 && [[ $line == *\" 200 \"* ]]'"
            )
        };
        match service {
            "api" => answers(ports.api, "/health"),
            "postgres" => listens(ports.postgres),
            "redis" => listens(ports.redis),
            "prometheus" => answers(ports.prometheus, "/-/healthy"),
            "grafana" => answers(ports.grafana, "/api/health"),
            "jaeger" => answers(ports.jaeger, "/"),
            "worker" if faults.contains(&Fault::HealthCheckEmpty) => "true".to_owned(),
            // The API's own check, which the image brings along: in the worker nobody listens.
            "worker" if faults.contains(&Fault::WorkerUnhealthy) => answers(9, "/health"),
            "alertmanager" if faults.contains(&Fault::AlertmanagerUnhealthy) => {
                has_receiver("route: {}")
            }
            "alertmanager" => has_receiver("route: { receiver: on-call }"),
            _ => LIVES.to_owned(),
        }
    }
}

/// Whether the configuration names a receiver.
fn has_receiver(configuration: &str) -> String {
    format!("/bin/bash -c 'configuration=\"{configuration}\"; [[ $configuration == *receiver:* ]]'")
}

/// The service whose container a fault is about.
fn concerned(fault: Fault) -> Option<&'static str> {
    match fault {
        Fault::WorkerUnhealthy | Fault::HealthCheckEmpty | Fault::CpuAboveThreshold => {
            Some("worker")
        }
        Fault::AlertmanagerUnhealthy => Some("alertmanager"),
        Fault::ContainerMissing => Some("jaeger"),
        Fault::CrashLoop => Some("hmac-proxy"),
        _ => None,
    }
}

/// What the containers use, read where the kernel tells it.
#[derive(Clone, Default)]
pub struct Used {
    /// The first process of each service's container.
    processes: Arc<Mutex<BTreeMap<&'static str, u32>>>,
}

type Told = (&'static str, &'static str, &'static str, Vec<(String, f64)>);

impl Used {
    fn set(&self, service: &'static str, process: Option<u32>) {
        let mut processes = self
            .processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match process {
            Some(process) => drop(processes.insert(service, process)),
            None => drop(processes.remove(service)),
        }
    }

    /// Name, help, kind and values by label of each family.
    pub(super) fn families(&self) -> [Told; 4] {
        let processes = self
            .processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut values: [Vec<(String, f64)>; 4] = Default::default();
        for (service, process) in processes.iter() {
            let place = Path::new("/proc").join(process.to_string());
            let (Some(seconds), Some(bytes)) = (busy(&place), resident(&place)) else {
                continue;
            };
            let labels = format!("{{service=\"{service}\"}}");
            for (list, value) in values
                .iter_mut()
                .zip([seconds, PROCESSOR, bytes, MEMORY as f64])
            {
                list.push((labels.clone(), value));
            }
        }
        let [seconds, processor, bytes, memory] = values;
        [
            (
                "container_cpu_seconds_total",
                "Seconds of a processor that were used.",
                "counter",
                seconds,
            ),
            (
                "container_cpu_given",
                "How much of a processor may be used.",
                "gauge",
                processor,
            ),
            (
                "container_memory_bytes",
                "Memory that is used.",
                "gauge",
                bytes,
            ),
            (
                "container_memory_given_bytes",
                "Memory that may be used.",
                "gauge",
                memory,
            ),
        ]
    }
}

/// The seconds of a processor that a process has used, by itself and in the kernel: the fields 14 and 15 of `proc(5)`.
fn busy(place: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(place.join("stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11).take(2);
    let (user, system): (f64, f64) = (ticks.next()?.parse().ok()?, ticks.next()?.parse().ok()?);
    Some((user + system) / TICKS_PER_SECOND)
}

/// The memory that a process has, in bytes.
fn resident(place: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(place.join("status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024.0)
}
