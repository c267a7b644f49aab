//! The service's way to Redis: a few commands whose answers are one line each.

use std::time::Duration;

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where Redis is, and how one gets in.
pub(crate) struct Redis {
    port: u16,
    password: String,
}

impl Redis {
    pub(crate) fn new(port: u16, password: &str) -> Self {
        Self {
            port,
            password: password.to_owned(),
        }
    }

    /// Whether it answers.
    pub(crate) async fn is_up(&self) -> bool {
        self.told("PING").await.is_ok_and(|line| line == "+PONG")
    }

    /// Remembers a word of hexadecimal digits for ten minutes; false where it was remembered already.
    pub(crate) async fn is_new(&self, word: &str) -> Result<bool, String> {
        let line = self
            .told(&format!("SET webhook:{word} 1 NX EX 600"))
            .await?;
        Ok(line == "+OK")
    }

    /// The answer's line to a command in one line.
    async fn told(&self, command: &str) -> Result<String, String> {
        let asked = async {
            let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            let mut stream = BufReader::new(stream);
            let words = format!("AUTH {}\r\n{command}\r\n", self.password);
            stream.write_all(words.as_bytes()).await?;
            let mut lines = stream.lines();
            lines.next_line().await?;
            Ok::<_, std::io::Error>(lines.next_line().await?.unwrap_or_default())
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(line)) if line.starts_with('-') => Err(line),
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err("Redis did not answer".to_owned()),
        }
    }
}
