//! A Redis of the test's own.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{free_port, out};

/// A Redis on a free port of the loopback and a socket in its folder; stopped and removed at the end.
pub struct RedisServer {
    folder: PathBuf,
    port: u16,
    child: Child,
}

impl RedisServer {
    /// Starts one with further lines of its configuration. Fails the test where Redis is not installed.
    pub fn start(configuration: &[&str]) -> Self {
        let folder = PathBuf::from(out(
            Command::new("mktemp").args(["-d", "/tmp/gonogo-redis-XXXXXX"])
        ));
        let port = free_port();
        let shown = folder.display();
        let mut lines = vec![
            "bind 127.0.0.1".to_owned(),
            format!("port {port}"),
            format!("dir {shown}"),
            format!("unixsocket {shown}/redis.sock"),
            "supervised systemd".to_owned(),
            "save 3600 1".to_owned(),
        ];
        lines.extend(configuration.iter().map(|line| (*line).to_owned()));
        let file = folder.join("redis.conf");
        std::fs::write(&file, lines.join("\n")).unwrap();
        // It says itself when it is ready (`sd_notify(3)`), so nobody has to ask again and again.
        let notices = UnixDatagram::bind(folder.join("notify.sock")).unwrap();
        notices
            .set_read_timeout(Some(Duration::from_mins(1)))
            .unwrap();
        let child = Command::new("redis-server")
            .arg(&file)
            .env("NOTIFY_SOCKET", folder.join("notify.sock"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("this test needs Redis: apt-get install -y redis-server");
        let server = Self {
            folder,
            port,
            child,
        };
        let mut notice = [0u8; 1024];
        loop {
            let length = notices.recv(&mut notice).expect("Redis did not get ready");
            let ready = String::from_utf8_lossy(&notice[..length]).contains("READY=1");
            if ready {
                return server;
            }
        }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its socket.
    pub fn socket(&self) -> String {
        self.folder.join("redis.sock").display().to_string()
    }

    /// Calls `redis-cli` and gives what it prints.
    pub fn cli(&self, arguments: &[&str]) -> String {
        out(Command::new("redis-cli")
            .arg("--no-auth-warning")
            .args(["-p", &self.port.to_string()])
            .args(arguments))
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
