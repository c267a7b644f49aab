//! Servers for tests: real ones, from the machine's packages, on free ports and in folders of their own.
#![expect(
    clippy::disallowed_methods,
    reason = "a database server is a program that must be started"
)]
#![expect(
    clippy::unwrap_used,
    reason = "only tests use it, and they are to stop where they stand"
)]

mod mariadb;
mod nginx;
mod podman;
mod postgres;
mod redis;
mod sshd;

use std::net::TcpListener;
use std::process::Command;

pub use mariadb::MariaDbServer;
pub use nginx::{NginxServer, openssl_certificate};
pub use podman::{IMAGE, PodmanEngine, health};
pub use postgres::{PASSWORD, PASSWORD_IN_URL, PostgresServer, USER};
pub use redis::RedisServer;
pub use sshd::SshServer;

/// A port on which nobody listens just now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A command as somebody whom the server lets be its owner: not root.
fn as_user(user: &str, program: &str) -> Command {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", user, "--", program]).current_dir("/");
    command
}

fn out(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
