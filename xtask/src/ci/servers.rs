//! The programs that tests start. A test that needs one fails without it: none is passed over in silence.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;

/// One program, where it comes from on Debian, and which tests start it.
struct Server {
    program: &'static str,
    package: &'static str,
    tests: &'static str,
}

/// All of them: the one list.
const SERVERS: &[Server] = &[
    Server {
        program: "pg_ctl",
        package: "postgresql",
        tests: "the `sql` probe, the lab and case S1 on PostgreSQL (package(gonogo-probes), package(lab), package(gonogo))",
    },
    Server {
        program: "mariadbd",
        package: "mariadb-server",
        tests: "the `sql`, `schema` and `capacity` probes on MariaDB (package(gonogo-probes), package(gonogo))",
    },
    Server {
        program: "sshd",
        package: "openssh-server",
        tests: "a database behind an SSH host (package(gonogo-probes), package(gonogo))",
    },
    Server {
        program: "ssh",
        package: "openssh-client",
        tests: "a database behind an SSH host (package(gonogo-probes), package(gonogo))",
    },
    Server {
        program: "prometheus",
        package: "prometheus",
        tests: "the `prometheus` probe against a real server, and case S2 (package(gonogo-probes), package(lab), package(gonogo))",
    },
    Server {
        program: "promtool",
        package: "prometheus",
        tests: "expositions as Prometheus itself checks them (package(gonogo-probes))",
    },
    Server {
        program: "podman",
        package: "podman",
        tests: "the `containers` and `resources` probes against a real engine, the lab's containers, cases S2 and S5 (package(gonogo-probes), package(lab), package(gonogo))",
    },
    Server {
        program: "runc",
        package: "runc",
        tests: "the same: Podman starts its containers with it",
    },
    Server {
        program: "redis-server",
        package: "redis-server",
        tests: "the `redis` probe against a real server, and case S2 (package(gonogo-probes), package(lab), package(gonogo))",
    },
    Server {
        program: "nginx",
        package: "nginx-light",
        tests: "the `cors`, `security-headers`, `rate-limit` and `tls` probes against a real server (package(gonogo-probes), package(gonogo))",
    },
    Server {
        program: "git",
        package: "git",
        tests: "the `git`, `rollback`, `migrations` and `secrets` probes over a history, and cases S1 and S5 (package(gonogo-probes), package(lab), package(gonogo))",
    },
    Server {
        program: "pytest-3",
        package: "python3-pytest",
        tests: "case S5, whose recorded counts are held against the suites themselves (package(gonogo))",
    },
    Server {
        program: "openssl",
        package: "openssl",
        tests: "RSA keys for the server of the `tls` probe (package(gonogo-probes), package(gonogo))",
    },
    Server {
        program: "strace",
        package: "strace",
        tests: "runs that are killed, or whose disk fails, at each system call (package(gonogo))",
    },
];

/// Installs what is missing where that is possible; else says what to install and which tests fail without it.
pub(super) fn install() -> Result<bool> {
    let missing: Vec<&Server> = SERVERS.iter().filter(|s| !is_there(s.program)).collect();
    if missing.is_empty() {
        let names: Vec<&str> = SERVERS.iter().map(|s| s.program).collect();
        println!("all there: {}", names.join(", "));
        return Ok(true);
    }
    let mut packages: Vec<&str> = missing.iter().map(|s| s.package).collect();
    packages.dedup();
    let debian = Path::new("/etc/debian_version").exists() && found("apt-get");
    if debian && is_root()? {
        println!("installing {}", packages.join(", "));
        if apt(&["update"])? {
            let mut args = vec!["install", "-y", "--no-install-recommends"];
            args.extend(&packages);
            apt(&args)?;
        }
    }
    let missing: Vec<&Server> = SERVERS.iter().filter(|s| !is_there(s.program)).collect();
    for server in &missing {
        println!(
            "missing: {} – without it these tests fail: {}",
            server.program, server.tests
        );
    }
    if !missing.is_empty() {
        let packages = packages.join(" ");
        println!(
            "help: on Debian or Ubuntu, as root: apt-get install -y --no-install-recommends {packages}"
        );
        println!("      elsewhere: install the programs named above and put them on the PATH");
    }
    Ok(missing.is_empty())
}

fn apt(args: &[&str]) -> Result<bool> {
    let status = Command::new("apt-get")
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // Tests start their own servers; the packages' services stay down.
        .env("RUNLEVEL", "1")
        .stdin(Stdio::null())
        .status()?;
    Ok(status.success())
}

fn is_root() -> Result<bool> {
    let said = Command::new("id").arg("-u").output()?;
    Ok(said.stdout.trim_ascii() == b"0")
}

fn is_there(program: &str) -> bool {
    found(program) || Path::new("/usr/sbin").join(program).is_file() || in_postgresql(program)
}

fn found(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Debian keeps the server's programs of each PostgreSQL version in a folder of their own.
fn in_postgresql(program: &str) -> bool {
    let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") else {
        return false;
    };
    versions
        .flatten()
        .any(|v| v.path().join("bin").join(program).is_file())
}
