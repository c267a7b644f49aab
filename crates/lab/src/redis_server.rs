//! A Redis of its own for a while, in a temporary folder.

use crate::watched::{NoServer, Watched, is_installed, on_a_free_port, shell};

const SERVER: &str = "Redis";

/// `$1` port; the password is the first line of the input. Redis itself says when it takes connections.
const SCRIPT: &str = r#"
umask 077
read -r password || exit 1
trap : INT TERM HUP
PATH=$PATH:/usr/sbin:/usr/bin
folder=$(mktemp -d "${TMPDIR:-/tmp}/lab-redis-XXXXXX") && cd "$folder" || exit 1
cat > redis.conf <<END
bind 127.0.0.1
port $1
dir $folder
requirepass $password
save 3600 1
pidfile $folder/pid
END
redis-server redis.conf < /dev/null 2>&1 | {
  while read -r line; do
    case $line in *"Ready to accept connections"*) echo ready; exec 1>/dev/null;; *) echo "$line" >> log;; esac
  done
  tail -n 5 log >&2
  echo ended
} &
while read -r _; do :; done
[ -s pid ] && kill -9 "$(cat pid)" 2>/dev/null
wait
cd / && rm -rf "$folder"
"#;

/// A Redis that runs until it is dropped, on a free port of the loopback.
pub struct RedisServer {
    port: u16,
    password: String,
    _watched: Watched,
}

impl RedisServer {
    /// Starts one that asks for this password, which is one word.
    pub fn start(password: &str) -> Result<Self, NoServer> {
        if !is_installed("redis-server") {
            return Err(NoServer::NotInstalled {
                server: SERVER,
                program: "redis-server",
                packages: "redis-server",
            });
        }
        on_a_free_port(SERVER, |port| {
            let mut command = shell(SCRIPT);
            command.arg(port.to_string());
            Ok(Self {
                port,
                password: password.to_owned(),
                _watched: Watched::start(SERVER, command, password)?,
            })
        })
    }

    /// Its address, without the password.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The password that it asks for.
    pub fn password(&self) -> &str {
        &self.password
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn it_answers_with_the_password_and_is_gone_when_it_is_dropped() {
        let redis = RedisServer::start("s3cret-s3cret").unwrap();
        let at = ("127.0.0.1", redis.port());
        let mut connection = TcpStream::connect(at).unwrap();
        connection
            .write_all(b"PING\r\nAUTH s3cret-s3cret\r\nPING\r\nQUIT\r\n")
            .unwrap();
        let mut answers = String::new();
        connection.read_to_string(&mut answers).unwrap();
        let lines: Vec<&str> = answers.lines().collect();
        assert!(lines[0].starts_with("-NOAUTH"), "{answers}");
        assert_eq!(lines[1..], ["+OK", "+PONG", "+OK"]);
        drop(redis);
        assert!(TcpStream::connect(at).is_err());
    }

    #[test]
    fn what_it_says_when_it_does_not_start_is_told() {
        let error = RedisServer::start("a\" b").map(drop).unwrap_err();
        assert!(matches!(error, NoServer::Failed { .. }), "{error}");
        assert!(error.to_string().contains("Redis did not start"), "{error}");
    }
}
