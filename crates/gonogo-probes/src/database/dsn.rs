//! The address of a PostgreSQL, as a URL or as `key=value`, read so that what is wrong can be said without showing the
//! password: a wrongly written one is where such texts break.

use std::path::PathBuf;

/// Where a server is and as whom to go there. Holds a password, so it cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Dsn {
    /// Host or socket folder.
    pub(crate) place: Place,
    /// Port; part of a socket's name too.
    pub(crate) port: u16,
    /// Role; the target may give it apart.
    pub(crate) user: Option<String>,
    /// Password.
    pub(crate) password: Option<String>,
    /// Database; the role's name where none is written, as everywhere with PostgreSQL.
    pub(crate) database: Option<String>,
    /// `sslmode`, as written.
    pub(crate) sslmode: Option<SslMode>,
    /// `sslrootcert`.
    pub(crate) ca: Option<String>,
    /// `options` for the server.
    pub(crate) options: Option<String>,
}

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A host name or address.
    Host(String),
    /// The folder of a Unix socket.
    Socket(PathBuf),
    /// No host was written: this machine's usual socket folders.
    UsualSocket,
}

/// How to use TLS. Wherever it is used, the certificate and its name are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SslMode {
    /// Never.
    Disable,
    /// Not on this machine, else as `require`.
    Prefer,
    /// Always.
    Require,
}

const DEFAULT_PORT: u16 = 5432;
/// Accepted and without effect here: the check's own time limit and the socket's defaults rule.
const WITHOUT_EFFECT: [&str; 11] = [
    "application_name",
    "fallback_application_name",
    "connect_timeout",
    "client_encoding",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "channel_binding",
    "gssencmode",
];

impl Dsn {
    /// Reads `postgres://user:password@host:port/database?key=value` or `host=… user=…`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let dsn = match text.split_once("://") {
            Some(("postgres" | "postgresql", rest)) => Self::from_url(rest)?,
            Some((scheme, _))
                if scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '+') =>
            {
                return Err(format!(
                    "`{scheme}://` is not PostgreSQL; write `postgres://user@host:5432/database`"
                ));
            }
            _ => Self::from_pairs(text)?,
        };
        Ok(dsn)
    }

    /// `host:port`, nothing for a socket.
    pub(crate) fn host_and_port(&self) -> Option<String> {
        match &self.place {
            Place::Host(host) if host.contains(':') => Some(format!("[{host}]:{}", self.port)),
            Place::Host(host) => Some(format!("{host}:{}", self.port)),
            Place::Socket(_) | Place::UsualSocket => None,
        }
    }

    /// For a record: no password, and no folder of this machine.
    pub(crate) fn shown(&self) -> String {
        let place = self.host_and_port().unwrap_or_default();
        let database = self.database.as_deref().or(self.user.as_deref());
        let database = database.unwrap_or_default();
        let socket = if place.is_empty() {
            " (local socket)"
        } else {
            ""
        };
        format!("postgres://{place}/{database}{socket}")
    }

    fn empty() -> Self {
        Self {
            place: Place::UsualSocket,
            port: DEFAULT_PORT,
            user: None,
            password: None,
            database: None,
            sslmode: None,
            ca: None,
            options: None,
        }
    }

    fn from_url(rest: &str) -> Result<Self, String> {
        let mut dsn = Self::empty();
        let (authority, after) = split_before(rest, &['/', '?', '#']);
        if unescaped_in_credentials(authority, after) {
            let bad = after.chars().next().unwrap_or('/');
            return Err(must_be_escaped(bad));
        }
        let (credentials, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        if credentials.contains('@') {
            return Err(must_be_escaped('@'));
        }
        if !credentials.is_empty() {
            let (user, password) = match credentials.split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (credentials, None),
            };
            dsn.user = Some(decoded(user, "the user's name")?).filter(|u| !u.is_empty());
            dsn.password = password
                .map(|p| decoded(p, "the password"))
                .transpose()?
                .filter(|p| !p.is_empty());
        }
        dsn.host_of_url(host)?;
        let (path, query) = after.split_once('?').unwrap_or((after, ""));
        if after.contains('#') {
            return Err("a `#` in an address must be written `%23`".to_owned());
        }
        let database = decoded(path.trim_start_matches('/'), "the database's name")?;
        dsn.database = Some(database).filter(|d| !d.is_empty());
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            let (key, value) = pair
                .split_once('=')
                .ok_or("after `?` stand pairs such as `sslmode=require`, joined by `&`")?;
            let key = decoded(key, "a key after `?`")?;
            let value = decoded(value, &format!("`{key}`"))?;
            dsn.set(&key, value)?;
        }
        Ok(dsn)
    }

    fn host_of_url(&mut self, text: &str) -> Result<(), String> {
        if text.is_empty() {
            return Ok(());
        }
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, port) = rest
                .split_once(']')
                .ok_or("an IPv6 address stands in brackets, and here the closing one is missing")?;
            (host, port.strip_prefix(':').unwrap_or(port))
        } else {
            text.split_once(':').unwrap_or((text, ""))
        };
        if !port.is_empty() {
            self.port = port_number(port)?;
        }
        let host = decoded(host, "the host")?;
        if !host.is_empty() {
            self.set("host", host)?;
        }
        Ok(())
    }

    fn from_pairs(text: &str) -> Result<Self, String> {
        let mut dsn = Self::empty();
        for (key, value) in pairs(text)? {
            dsn.set(&key, value)?;
        }
        Ok(dsn)
    }

    fn set(&mut self, key: &str, value: String) -> Result<(), String> {
        match key {
            "host" if value.contains(',') => {
                return Err(
                    "here are several hosts; evidence is taken from one: name it".to_owned(),
                );
            }
            "host" if value.starts_with('/') => self.place = Place::Socket(value.into()),
            "host" if value.is_empty() => {}
            "host" => self.place = Place::Host(value),
            "port" => self.port = port_number(&value)?,
            "user" => self.user = Some(value),
            "password" => self.password = Some(value),
            "dbname" => self.database = Some(value),
            "options" => self.options = Some(value),
            "sslrootcert" => self.ca = Some(value),
            "sslmode" => self.sslmode = Some(ssl_mode(&value)?),
            key if WITHOUT_EFFECT.contains(&key) => {}
            key => {
                return Err(format!(
                    "`{key}` is not known in an address; known are host, port, dbname, user, password, sslmode, \
                     sslrootcert and options"
                ));
            }
        }
        Ok(())
    }
}

fn ssl_mode(text: &str) -> Result<SslMode, String> {
    match text {
        "disable" => Ok(SslMode::Disable),
        "allow" | "prefer" => Ok(SslMode::Prefer),
        "require" | "verify-ca" | "verify-full" => Ok(SslMode::Require),
        _ => Err(format!(
            "`{text}` is no `sslmode`; there are disable, prefer, require and verify-full"
        )),
    }
}

/// Whether the `/`, `?` or `#` that ends the authority stands inside the credentials: an `@` comes after it.
fn unescaped_in_credentials(authority: &str, after: &str) -> bool {
    let (path, _) = split_before(after, &['?']);
    if path.is_empty() {
        let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
        return after.contains('@') && !port.is_empty() && port.parse::<u16>().is_err();
    }
    path.contains('@')
}

/// Every byte percent-encoded.
pub(crate) fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
        out.push('%');
        out.extend([byte >> 4, byte & 15].map(|half| digit(half).to_ascii_uppercase()));
        out
    })
}

fn must_be_escaped(bad: char) -> String {
    let escaped = escaped(&bad.to_string());
    format!(
        "the password in `postgres://user:[secret]@host` holds `{bad}`, which must be written `{escaped}`"
    )
}

fn split_before<'a>(text: &'a str, ends: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// Undoes percent-encoding. The message never holds the text: it may be a password.
fn decoded(text: &str, what: &str) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'%' => {
                let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
                let byte = hex.and_then(|two| u8::from_str_radix(two, 16).ok());
                out.push(byte.ok_or_else(|| {
                    format!(
                        "{what} holds a `%` that no two hex digits follow; it must be written `%25`"
                    )
                })?);
                rest = &after[2..];
            }
            b if b.is_ascii_whitespace() => {
                return Err(format!(
                    "{what} holds a blank, which must be written `%{b:02X}`"
                ));
            }
            b => out.push(*b),
        }
    }
    String::from_utf8(out).map_err(|_| format!("{what} is not UTF-8 once `%` is undone"))
}

fn port_number(text: &str) -> Result<u16, String> {
    // What stands there may be the end of a password that was not escaped, so it is not shown.
    text.parse().ok().filter(|p| *p > 0).ok_or_else(|| {
        "the port is not a number from 1 to 65535; if the password holds `:` or `/`, write `%3A` or `%2F`"
            .to_owned()
    })
}

/// `key=value key='va lue'`, as libpq reads it.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut out: Vec<(String, String)> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = split_before(rest, &['=', ' ', '\t', '\n']);
        let Some(after) = after.trim_start().strip_prefix('=') else {
            return Err(match out.last() {
                Some((last, _)) if last == "password" => {
                    "after `password=[secret]` stands a text without `=`; a password with a blank is written in \
                     single quotes: `password='…'`"
                        .to_owned()
                }
                Some((last, _)) => {
                    format!("after `{last}` stands a text without `=`; write `key=value` pairs or a URL")
                }
                None => "this is no address; write `postgres://user@host:5432/database`".to_owned(),
            });
        };
        let (value, after) = value(key, after.trim_start())?;
        out.push((key.to_owned(), value));
        rest = after.trim_start();
    }
    Ok(out)
}

fn value<'a>(key: &str, text: &'a str) -> Result<(String, &'a str), String> {
    let quoted = text.strip_prefix('\'');
    let mut chars = quoted.unwrap_or(text).chars();
    let mut out = String::new();
    loop {
        let before = chars.as_str();
        match (chars.next(), quoted.is_some()) {
            (Some('\\'), _) => out.extend(chars.next()),
            (Some('\''), true) => return Ok((out, chars.as_str())),
            (None, true) => {
                return Err(format!(
                    "the value of `{key}` opens with `'` and does not end with one; a `'` in it is written `\\'`, a \
                     `\\` is written `\\\\`"
                ));
            }
            (None, false) => return Ok((out, "")),
            (Some(c), false) if c.is_whitespace() => return Ok((out, before)),
            (Some(c), _) => out.push(c),
        }
    }
}
