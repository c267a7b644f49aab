//! The protocol (RESP2) as far as it is needed: commands out, bounded answers in.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};

/// An answer longer than that is none that was asked for: `INFO` has a few kilobytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;
const MAX_LINE: usize = 64 * 1024;

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// A word, or a text; lossy where it is not UTF-8.
    Text(String),
    /// A refusal in its words: `NOAUTH Authentication required.`
    Refused(String),
    /// A whole number.
    Number(i64),
    /// There is no such thing.
    Nothing,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Broken {
    /// The connection.
    Io(io::Error),
    /// The answer is not the protocol's.
    NotRedis(String),
    /// More than is read.
    TooLong,
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A connection.
pub(super) struct Wire<S> {
    stream: BufReader<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Sends one command and reads its answer.
    pub(super) async fn ask(&mut self, command: &[&str]) -> Result<Reply, Broken> {
        self.stream.write_all(&encoded(command)).await?;
        self.stream.flush().await?;
        self.reply().await
    }

    async fn reply(&mut self) -> Result<Reply, Broken> {
        let line = self.line().await?;
        let Some((kind, rest)) = line.split_at_checked(1) else {
            return Err(Broken::NotRedis("an empty line".to_owned()));
        };
        let number = || {
            rest.parse::<i64>()
                .map_err(|_| Broken::NotRedis(format!("`{}`", shortened(&line))))
        };
        match kind {
            "+" => Ok(Reply::Text(rest.to_owned())),
            "-" => Ok(Reply::Refused(rest.to_owned())),
            ":" => Ok(Reply::Number(number()?)),
            "$" => match number()? {
                -1 => Ok(Reply::Nothing),
                length => self.bulk(length).await,
            },
            _ => Err(Broken::NotRedis(format!("`{}`", shortened(&line)))),
        }
    }

    async fn bulk(&mut self, length: i64) -> Result<Reply, Broken> {
        let length = usize::try_from(length)
            .map_err(|_| Broken::NotRedis(format!("a text of {length} bytes")))?;
        if length > MAX_ANSWER {
            return Err(Broken::TooLong);
        }
        let mut bytes = vec![0u8; length + 2];
        self.stream.read_exact(&mut bytes).await?;
        if !bytes.ends_with(b"\r\n") {
            return Err(Broken::NotRedis("a text without its end".to_owned()));
        }
        bytes.truncate(length);
        Ok(Reply::Text(String::from_utf8_lossy(&bytes).into_owned()))
    }

    async fn line(&mut self) -> Result<String, Broken> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            if line.len() > MAX_LINE {
                return Err(Broken::NotRedis("a line without an end".to_owned()));
            }
            line.push(self.stream.read_u8().await?);
        }
        line.truncate(line.len() - 2);
        Ok(String::from_utf8_lossy(&line).into_owned())
    }
}

/// A command as a list of texts, so that no value can be taken for another command.
pub(super) fn encoded(command: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
    for part in command {
        bytes.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        bytes.extend_from_slice(part.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}
