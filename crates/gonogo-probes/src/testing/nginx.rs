//! An nginx of the test's own, as a server of TLS.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::{free_port, out};

/// An nginx with TLS on a free port of the loopback; stopped and removed at the end.
pub struct NginxServer {
    folder: PathBuf,
    port: u16,
    child: Child,
}

impl NginxServer {
    /// Starts one with a chain and a key in PEM, and further lines of its `server` block. Fails the test where nginx is
    /// not installed.
    pub fn start(chain: &str, key: &str, configuration: &[&str]) -> Self {
        let folder = PathBuf::from(out(
            Command::new("mktemp").args(["-d", "/tmp/gonogo-nginx-XXXXXX"])
        ));
        let port = free_port();
        std::fs::write(folder.join("chain.pem"), chain).unwrap();
        std::fs::write(folder.join("key.pem"), key).unwrap();
        let shown = folder.display();
        let more = configuration.join("\n    ");
        let text = format!(
            "daemon off;\nmaster_process off;\npid {shown}/pid;\nerror_log stderr notice;\nevents {{}}\nhttp {{\n  access_log off;\n  client_body_temp_path {shown}/a;\n  proxy_temp_path {shown}/b;\n  fastcgi_temp_path {shown}/c;\n  uwsgi_temp_path {shown}/d;\n  scgi_temp_path {shown}/e;\n  server {{\n    listen 127.0.0.1:{port} ssl;\n    ssl_certificate {shown}/chain.pem;\n    ssl_certificate_key {shown}/key.pem;\n    {more}\n    location / {{ return 200 \"well\\n\"; }}\n  }}\n}}\n"
        );
        std::fs::write(folder.join("nginx.conf"), text).unwrap();
        let mut child = Command::new("nginx")
            .arg("-c")
            .arg(folder.join("nginx.conf"))
            .arg("-p")
            .arg(&folder)
            // What the machine allows of TLS is not what the test is about.
            .env("OPENSSL_CONF", "/dev/null")
            .env(
                "PATH",
                format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this test needs nginx: apt-get install -y nginx-light");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        // It says so after it has begun to listen.
        while let Some(Ok(line)) = lines.next() {
            let ready = line.contains("event method");
            said.push(line);
            if ready {
                std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
                return Self {
                    folder,
                    port,
                    child,
                };
            }
        }
        drop(child.wait());
        panic!("nginx did not start: {}", said.join("\n"));
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder, in which `chain.pem` lies.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }
}

impl Drop for NginxServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// A self-signed certificate with a key that only OpenSSL makes, such as `rsa:1024`, and its key, both in PEM.
pub fn openssl_certificate(key: &str, name: &str) -> (String, String) {
    let folder = out(Command::new("mktemp").args(["-d", "/tmp/gonogo-openssl-XXXXXX"]));
    let (certificate, private) = (format!("{folder}/c.pem"), format!("{folder}/k.pem"));
    let configuration = format!("{folder}/conf");
    // Not one of a CA: such a certificate may not stand for a server.
    let text = format!(
        "[req]\ndistinguished_name = dn\nx509_extensions = ext\nprompt = no\n[dn]\nCN = {name}\n[ext]\nbasicConstraints = critical,CA:FALSE\nsubjectAltName = DNS:{name}\n"
    );
    std::fs::write(&configuration, text).unwrap();
    out(Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "30", "-newkey", key])
        .args(["-config", &configuration])
        .args(["-keyout", &private, "-out", &certificate]));
    let made = (
        std::fs::read_to_string(&certificate).unwrap(),
        std::fs::read_to_string(&private).unwrap(),
    );
    drop(std::fs::remove_dir_all(&folder));
    made
}
