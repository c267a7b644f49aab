//! A database behind an SSH host: the system's `ssh` carries the connection, with the user's own keys, known hosts, jump
//! hosts and agent. It never asks, and it opens nothing that anybody else on this machine could use.

mod trouble;
mod tunnel;

use std::fmt;

pub(crate) use tunnel::{Far, Tunnel, Way, socket, through};

const DEFAULT_PORT: u16 = 22;

/// A host to go through, as `ssh` itself is told it: a name or an alias, with or without user and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SshHost {
    /// Who signs in, where the target says so.
    pub(crate) user: Option<String>,
    /// Name, alias or address.
    pub(crate) host: String,
    /// The port, where the target says so.
    pub(crate) port: Option<u16>,
}

impl SshHost {
    /// Reads `user@host`, `user@host:port`, `alias` or `ssh://user@host:port`. Only plain characters: the text goes to
    /// a program, and through it into the user's own configuration.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let whole = text.strip_prefix("ssh://").unwrap_or(text);
        let whole = whole.strip_suffix('/').unwrap_or(whole);
        let example = "write `user@host`, `user@host:22` or the name of a `Host` in ~/.ssh/config";
        let (user, address) = match whole.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => {
                return Err(format!(
                    "`ssh` takes no password in its address, only keys: {example}"
                ));
            }
            Some((user, address)) => (Some(user), address),
            None => (None, whole),
        };
        let (host, port) = host_and_port(address);
        let port = match port {
            None => None,
            Some(port) => Some(
                port.parse::<u16>()
                    .ok()
                    .filter(|port| *port > 0)
                    .ok_or("the port of `ssh` is not a number from 1 to 65535")?,
            ),
        };
        let plain = |text: &str, more: &str| {
            !text.is_empty()
                && !text.starts_with('-')
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        if !plain(host, "._-:") || user.is_some_and(|user| !plain(user, "._-")) {
            return Err(format!(
                "`ssh` names no host: {example}; keys, jump hosts and other options belong into ~/.ssh/config"
            ));
        }
        Ok(Self {
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port,
        })
    }

    /// Where packets go, as far as it is known without the user's configuration.
    pub(crate) fn host_and_port(&self) -> String {
        let port = self.port.unwrap_or(DEFAULT_PORT);
        if self.host.contains(':') {
            format!("[{}]:{port}", self.host)
        } else {
            format!("{}:{port}", self.host)
        }
    }

    /// The port that the list of allowed hosts knows.
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(DEFAULT_PORT)
    }
}

/// As a person writes it.
impl fmt::Display for SshHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match (self.host.contains(':'), self.port) {
            (true, Some(port)) => write!(f, "[{}]:{port}", self.host),
            (false, Some(port)) => write!(f, "{}:{port}", self.host),
            (_, None) => f.write_str(&self.host),
        }
    }
}

fn host_and_port(address: &str) -> (&str, Option<&str>) {
    if let Some(rest) = address.strip_prefix('[') {
        let (host, port) = rest.split_once(']').unwrap_or((rest, ""));
        return (host, port.strip_prefix(':'));
    }
    match address.matches(':').count() {
        1 => {
            let (host, port) = address.split_once(':').unwrap_or((address, ""));
            (host, Some(port))
        }
        // Several are an IPv6 address.
        _ => (address, None),
    }
}

#[cfg(test)]
mod tests;
