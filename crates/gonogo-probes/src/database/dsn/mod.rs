//! The address of a database server, as a URL or as `key=value`, read so that what is wrong can be said without showing
//! the password: a wrongly written one is where such texts break.

mod explain;

use std::path::PathBuf;

use super::ssh::SshHost;

/// Whose addresses are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// PostgreSQL's, as libpq reads them.
    Postgres,
    /// MySQL's and MariaDB's.
    MySql,
}

impl Language {
    fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MySQL or MariaDB",
        }
    }

    /// The first is the one that is shown.
    fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["postgres", "postgresql"],
            Self::MySql => &["mysql", "mariadb"],
        }
    }

    /// The scheme that is shown.
    pub(super) fn scheme(self) -> &'static str {
        self.schemes()[0]
    }

    fn port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            Self::MySql => 3306,
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Postgres => "postgres://user@host:5432/database",
            Self::MySql => "mysql://user@host:3306/database",
        }
    }

    /// The one name of a parameter that has several.
    fn canonical(self, key: &str) -> &str {
        match (self, key) {
            (Self::MySql, "socket" | "unix_socket") => "host",
            (Self::MySql, "ssl-mode" | "ssl_mode") => "sslmode",
            (Self::MySql, "ssl-ca" | "ssl_ca") => "sslrootcert",
            (Self::MySql, "database") => "dbname",
            _ => key,
        }
    }
}

/// Where a server is and as whom to go there. Holds a password, so it cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Dsn {
    /// Whose address it is.
    pub(crate) language: Language,
    /// The host on the way, from which the server is reached.
    pub(crate) ssh: Option<SshHost>,
    /// What may have changed the password on its way here.
    pub(crate) doubtful: Option<String>,
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

/// How to use TLS. Wherever it is used, the certificate is verified, and its name too but for `VerifyCa`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SslMode {
    /// Never.
    Disable,
    /// Not on this machine, else as `require`.
    Prefer,
    /// Always.
    Require,
    /// Always; the certificate must come from the CA that is given, whatever its name.
    VerifyCa,
}

/// Accepted and without effect here: the check's own time limit and the socket's defaults rule.
const WITHOUT_EFFECT: [&str; 14] = [
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
    "sslnegotiation",
    "target_session_attrs",
    "charset",
];
/// All parameters that a message may name: what else stands there may be the end of a password.
const PARAMETERS: [&str; 45] = [
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "options",
    "sslrootcert",
    "sslmode",
    "socket",
    "unix_socket",
    "ssl-mode",
    "ssl_mode",
    "ssl-ca",
    "ssl_ca",
    "database",
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
    "sslnegotiation",
    "target_session_attrs",
    "charset",
    "hostaddr",
    "passfile",
    "service",
    "sslcert",
    "sslkey",
    "sslcrl",
    "sslpassword",
    "sslcompression",
    "sslsni",
    "requirepeer",
    "require_auth",
    "krbsrvname",
    "load_balance_hosts",
    "schema",
    "currentSchema",
    "ssl",
];

impl Dsn {
    /// Reads `postgres://user:password@host:port/database?key=value` or `host=… user=…`. What stands around it, such as
    /// the end of a file's line, is none of it.
    pub(crate) fn parse(text: &str, language: Language) -> Result<Self, String> {
        let text = text.trim();
        if let Some(why) = explain::copied(text, language) {
            return Err(why);
        }
        let url = text.split_once("://").filter(|(scheme, _)| {
            scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '+')
        });
        match url {
            Some((scheme, rest)) if language.schemes().contains(&scheme) => {
                Self::from_url(rest, language)
                    .map_err(|why| explain::unescaped(text).unwrap_or(why))
            }
            None if language == Language::Postgres => Self::from_pairs(text)
                .map_err(|why| explain::preceded(text, language).unwrap_or(why)),
            _ => Err(format!(
                "this is no address of {}; write `{}`",
                language.name(),
                language.example()
            )),
        }
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
        let by = match &self.ssh {
            Some(ssh) => format!(" by ssh {ssh}"),
            None => String::new(),
        };
        let scheme = self.language.scheme();
        format!("{scheme}://{place}/{database}{socket}{by}")
    }

    /// What to do where the server refuses the password.
    pub(crate) fn password_help(&self) -> String {
        let right = "user or password is wrong";
        match (&self.doubtful, &self.password) {
            (Some(doubtful), _) => format!("{right}; {doubtful}"),
            (None, None) => {
                format!("{right}: the target gives no password (`password: ${{inputs.…}}`)")
            }
            (None, Some(_)) => format!(
                "{right}; in a URL a password's `@ : / ? # %` and blanks must be percent-encoded"
            ),
        }
    }

    fn empty(language: Language) -> Self {
        Self {
            language,
            ssh: None,
            doubtful: None,
            place: Place::UsualSocket,
            port: language.port(),
            user: None,
            password: None,
            database: None,
            sslmode: None,
            ca: None,
            options: None,
        }
    }

    fn from_url(rest: &str, language: Language) -> Result<Self, String> {
        let mut dsn = Self::empty(language);
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
            dsn.doubtful = password.and_then(explain::doubtful);
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
            // What is no parameter may be a piece of a password that was not escaped, so it is not shown.
            let of = if PARAMETERS.contains(&key.as_str()) {
                format!("`{key}`")
            } else {
                "a value after `?`".to_owned()
            };
            dsn.set(&key, decoded(value, &of)?)?;
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
        let mut dsn = Self::empty(Language::Postgres);
        for (key, value) in pairs(text)? {
            dsn.set(&key, value)?;
        }
        Ok(dsn)
    }

    fn set(&mut self, key: &str, value: String) -> Result<(), String> {
        match self.language.canonical(key) {
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
            "password" => {
                self.doubtful = explain::doubtful(&value).filter(|_| value.contains("$$"));
                self.password = Some(value);
            }
            "dbname" => self.database = Some(value),
            "options" => self.options = Some(value),
            "sslrootcert" => self.ca = Some(value),
            "sslmode" => self.sslmode = Some(ssl_mode(&value)?),
            key if WITHOUT_EFFECT.contains(&key) => {}
            key => return Err(unknown(key)),
        }
        Ok(())
    }
}

fn unknown(key: &str) -> String {
    let known = "known are host, port, dbname, user, password, sslmode, sslrootcert and options";
    let instead = match key {
        "sslcert" | "sslkey" => "; a client's certificate is not supported yet",
        "schema" | "currentSchema" => "; write `options=-csearch_path%3DNAME`",
        "ssl" => "; write `sslmode=require`",
        "passfile" | "service" => "; the target's `password:` takes an input, which takes a file",
        _ => "",
    };
    if PARAMETERS.contains(&key) {
        return format!("`{key}` has no meaning here{instead}; {known}");
    }
    match gonogo_core::diag::nearest(key, PARAMETERS) {
        Some(near) => {
            format!("the address has a parameter that is not known; did you mean `{near}`?")
        }
        None => format!("the address has a parameter that is not known; {known}"),
    }
}

fn ssl_mode(text: &str) -> Result<SslMode, String> {
    match text.to_ascii_lowercase().replace('_', "-").as_str() {
        "disable" | "disabled" => Ok(SslMode::Disable),
        "allow" | "prefer" | "preferred" => Ok(SslMode::Prefer),
        "require" | "required" | "verify-full" | "verify-identity" => Ok(SslMode::Require),
        "verify-ca" => Ok(SslMode::VerifyCa),
        _ => Err(
            "there is no such `sslmode`; there are disable, prefer, require, verify-ca and verify-full".to_owned(),
        ),
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
                Some((last, _)) if PARAMETERS.contains(&last.as_str()) => {
                    format!("after `{last}` stands a text without `=`; write `key=value` pairs or a URL")
                }
                Some(_) => "a text without `=` stands among `key=value` pairs".to_owned(),
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
                let key = if PARAMETERS.contains(&key) {
                    key
                } else {
                    "…"
                };
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
