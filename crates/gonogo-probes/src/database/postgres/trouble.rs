//! What went wrong between us and a server: its own refusal of a statement, or why there was no answer.

use std::error::Error as _;
use std::io;

use gonogo_core::record::{Cause, NotObserved};
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition};

use super::connect::Session;
use crate::database::Asking;
use crate::database::Refusal;
use crate::database::dsn::Dsn;
use crate::database::sqlstate;

/// The server's refusal of a statement; nothing where the error means that the session is over.
pub(crate) fn refusal(error: &Error) -> Option<Refusal> {
    let said = error
        .as_db_error()
        .filter(|said| !ends_session(said) && !is_poolers(said))?;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Some(Refusal {
        sqlstate: said.code().code().to_owned(),
        message: said.message().to_owned(),
        detail: owned(said.detail()),
        hint: owned(said.hint()),
        constraint: owned(said.constraint()),
        table: owned(said.table()),
        column: owned(said.column()),
        schema: owned(said.schema()),
        datatype: owned(said.datatype()),
        position: match said.position() {
            Some(ErrorPosition::Original(at)) => usize::try_from(*at).ok(),
            _ => None,
        },
    })
}

/// Connection exceptions, shutdowns, and idle time-outs.
fn ends_session(said: &DbError) -> bool {
    let code = said.code().code();
    code.starts_with("08")
        || code.starts_with("57P")
        || matches!(code, "25P03" | "25P04")
        || matches!(said.severity(), "FATAL" | "PANIC")
}

/// A statement that was prepared on one connection to the server and asked for on another. No check prepares or
/// executes any itself, so it is none's answer.
fn is_poolers(said: &DbError) -> bool {
    matches!(said.code().code(), "26000" | "42P05")
}

/// Whether it is PgBouncer that refuses a session's settings.
pub(super) fn knows_no_settings(error: &Error) -> bool {
    let said = error.as_db_error();
    said.is_some_and(|said| {
        said.code().code() == "08P01" && said.message().contains("unsupported startup parameter")
    })
}

/// Why an open session gave no answer.
pub(crate) fn not_observed(ask: &Asking<'_>, session: &Session, error: &Error) -> NotObserved {
    if session.is_over_budget() {
        return ask.failed_with_help(
            Cause::TooLarge,
            "a row is larger than 64 MiB and is not read",
            "select its length or its hash instead",
        );
    }
    if let Some(said) = error.as_db_error().filter(|said| is_poolers(said)) {
        return ask.failed_with_help(
            Cause::Protocol,
            format!("a pooler stands in between and takes each transaction elsewhere: {}", words(said)),
            "give the address of the server itself; or set `max_prepared_statements` of PgBouncer (1.21 or newer)",
        );
    }
    if let Some(said) = error.as_db_error() {
        let cause = if ends_session(said) {
            Cause::Closed
        } else {
            Cause::Denied
        };
        return ask.failed(cause, words(said));
    }
    let (cause, what) = match kind(error) {
        Kind::Closed => (Cause::Closed, "the server closed the connection"),
        Kind::Network => (Cause::Network, "the connection failed"),
        Kind::Parameter => (Cause::BadOptions, "a bound value could not be sent"),
        _ => (
            Cause::Protocol,
            "the server's answer could not be understood",
        ),
    };
    ask.failed(cause, format!("{what}: {}", chain(error)))
}

/// Why no session came about.
pub(crate) fn not_connected(ask: &Asking<'_>, dsn: &Dsn, error: &Error) -> NotObserved {
    let place = dsn.shown();
    if let Some(said) = error.as_db_error() {
        return refused_sign_in(ask, dsn, said);
    }
    let text = chain(error);
    match kind(error) {
        Kind::Tls => ask.failed_with_help(Cause::Tls, format!("{place}: {text}"), tls_help(&text)),
        Kind::SignIn => ask.failed_with_help(
            Cause::Denied,
            format!("{place}: the sign-in failed: {text}"),
            "does the target give the right password?",
        ),
        Kind::Closed => ask.failed_with_help(
            Cause::Closed,
            format!("{place} closed the connection during the sign-in: {text}"),
            "does something else than PostgreSQL listen there? The server's log says more",
        ),
        Kind::Network => ask.failed(Cause::Network, format!("{place}: {text}")),
        Kind::Parameter | Kind::Protocol => ask.failed_with_help(
            Cause::Protocol,
            format!("{place} does not answer like PostgreSQL: {text}"),
            "does something else listen on that port?",
        ),
    }
}

fn refused_sign_in(ask: &Asking<'_>, dsn: &Dsn, said: &DbError) -> NotObserved {
    let code = said.code().code();
    let place = dsn.shown();
    if code == "28P01" {
        let message = format!("{place}: {}", words(said));
        return ask.failed_with_help(Cause::Denied, message, dsn.password_help());
    }
    let (cause, help) = match code {
        "28000" if said.message().contains("no encryption") => {
            (Cause::Denied, "the server wants TLS: `sslmode: require`")
        }
        code if code.starts_with("28") => (
            Cause::Denied,
            "`pg_hba.conf` on the server says who may come from where",
        ),
        "3D000" => (
            Cause::Missing,
            "`psql -l` lists the databases that are there",
        ),
        "53300" => (Cause::Refused, "the server has no connection left to give"),
        "57P03" => (Cause::Refused, "the server is starting up or shutting down"),
        _ => (Cause::Refused, "the server's log says more"),
    };
    ask.failed_with_help(cause, format!("{place}: {}", words(said)), help)
}

fn words(said: &DbError) -> String {
    let code = said.code().code();
    format!("{} ({code}: {})", said.message(), sqlstate::name(code))
}

fn tls_help(text: &str) -> &'static str {
    let lower = text.to_ascii_lowercase();
    if lower.contains("does not support tls") {
        "the server has no TLS: `ssl = on` in postgresql.conf, or `sslmode: disable` where the network is trusted"
    } else if lower.contains("expired") {
        "the certificate, or the CA that signed it, has expired: renew it on the server"
    } else if lower.contains("unknownissuer") {
        "the certificate's issuer is not trusted: give its CA with `ca: FILE` on the target"
    } else if lower.contains("notvalidforname") || lower.contains("not valid for name") {
        "the certificate is for another host than the target's"
    } else {
        "`openssl s_client -starttls postgres -connect HOST:PORT` shows the handshake"
    }
}

enum Kind {
    Tls,
    SignIn,
    Closed,
    Network,
    Parameter,
    Protocol,
}

/// The driver tells its kinds apart only in words.
fn kind(error: &Error) -> Kind {
    if error.is_closed() {
        return Kind::Closed;
    }
    let text = error.to_string();
    if text.starts_with("error performing TLS") {
        return Kind::Tls;
    }
    if text.starts_with("authentication error") || text.starts_with("invalid configuration") {
        return Kind::SignIn;
    }
    if text.starts_with("error serializing parameter") {
        return Kind::Parameter;
    }
    let io = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>());
    match io.map(io::Error::kind) {
        Some(
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe,
        ) => Kind::Closed,
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other)
        | None => Kind::Protocol,
        Some(_) => Kind::Network,
    }
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
