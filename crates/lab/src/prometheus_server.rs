//! A Prometheus of its own for a while, in a temporary folder.

use crate::watched::{NoServer, Watched, is_installed, on_a_free_port, shell};

const SERVER: &str = "Prometheus";

/// `$1` port; the input begins with the configuration as one line, which YAML's flow style allows.
/// Prometheus itself says when it answers.
const SCRIPT: &str = r#"
umask 077
read -r configuration || exit 1
trap : INT TERM HUP
PATH=$PATH:/usr/sbin:/usr/bin
folder=$(mktemp -d "${TMPDIR:-/tmp}/lab-prometheus-XXXXXX") && cd "$folder" || exit 1
printf '%s\n' "$configuration" > prometheus.yml
{
  sh -c 'echo $$ > pid; exec prometheus "$@"' sh --config.file=prometheus.yml --storage.tsdb.path=data \
    --storage.tsdb.retention.time=30d --web.listen-address="127.0.0.1:$1" < /dev/null 2>&1
} | {
  while read -r line; do
    case $line in *"Server is ready to receive web requests"*) echo ready; exec 1>/dev/null;; *) echo "$line" >> log;; esac
  done
  tail -n 5 log >&2
  echo ended
} &
while read -r _; do :; done
[ -s pid ] && kill -9 "$(cat pid)" 2>/dev/null
wait
cd / && rm -rf "$folder"
"#;

/// A Prometheus that runs until it is dropped, on a free port of the loopback.
pub struct PrometheusServer {
    port: u16,
    _watched: Watched,
}

impl PrometheusServer {
    /// Starts one with this configuration.
    pub fn start(configuration: &serde_json::Value) -> Result<Self, NoServer> {
        if !is_installed("prometheus") {
            return Err(NoServer::NotInstalled {
                server: SERVER,
                program: "prometheus",
                packages: "prometheus",
            });
        }
        let line = configuration.to_string();
        on_a_free_port(SERVER, |port| {
            let mut command = shell(SCRIPT);
            command.arg(port.to_string());
            Ok(Self {
                port,
                _watched: Watched::start(SERVER, command, &line)?,
            })
        })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_healthy_when_it_is_started_and_gone_when_it_is_dropped() {
        let prometheus =
            PrometheusServer::start(&json!({ "scrape_configs": [], "global": {} })).unwrap();
        let at = ("127.0.0.1", prometheus.port());
        let mut connection = TcpStream::connect(at).unwrap();
        connection
            .write_all(b"GET /-/healthy HTTP/1.0\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(" 200 OK"), "{answer}");
        drop(prometheus);
        assert!(TcpStream::connect(at).is_err());
    }

    #[test]
    fn what_is_wrong_with_its_configuration_is_told() {
        let error = PrometheusServer::start(&json!({ "scrap_configs": [] }))
            .map(drop)
            .unwrap_err()
            .to_string();
        assert!(error.contains("scrap_configs"), "{error}");
    }
}
