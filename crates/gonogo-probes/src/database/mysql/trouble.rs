//! What went wrong between us and a MySQL or MariaDB server.

use gonogo_core::record::{Cause, NotObserved};
use mysql_async::{DriverError, Error, IoError, ServerError};

use crate::database::dsn::Dsn;
use crate::database::{Asking, Refusal, sqlstate};

/// The server's errors that mean the same as a condition of PostgreSQL, by whose name a plan may expect them.
const CONDITIONS: [(u16, &str); 50] = [
    (1022, "unique_violation"),
    (1062, "unique_violation"),
    (1586, "unique_violation"),
    (1216, "foreign_key_violation"),
    (1217, "foreign_key_violation"),
    (1451, "foreign_key_violation"),
    (1452, "foreign_key_violation"),
    (1048, "not_null_violation"),
    (1364, "not_null_violation"),
    (3819, "check_violation"),
    (4025, "check_violation"),
    (1146, "undefined_table"),
    (1051, "undefined_table"),
    (1054, "undefined_column"),
    (1305, "undefined_function"),
    (1630, "undefined_function"),
    (1091, "undefined_object"),
    (1050, "duplicate_table"),
    (1060, "duplicate_column"),
    (1061, "duplicate_object"),
    (1826, "duplicate_object"),
    (1052, "ambiguous_column"),
    (1064, "syntax_error"),
    (1149, "syntax_error"),
    (1205, "lock_not_available"),
    (3572, "lock_not_available"),
    (1213, "deadlock_detected"),
    (1044, "insufficient_privilege"),
    (1142, "insufficient_privilege"),
    (1143, "insufficient_privilege"),
    (1227, "insufficient_privilege"),
    (1370, "insufficient_privilege"),
    (1792, "read_only_sql_transaction"),
    (1290, "read_only_sql_transaction"),
    (1264, "numeric_value_out_of_range"),
    (1690, "numeric_value_out_of_range"),
    (1406, "string_data_right_truncation"),
    (1265, "invalid_text_representation"),
    (1366, "invalid_text_representation"),
    (1292, "invalid_datetime_format"),
    (3140, "invalid_text_representation"),
    (1365, "division_by_zero"),
    (1242, "cardinality_violation"),
    (1172, "cardinality_violation"),
    (1049, "invalid_catalog_name"),
    (1317, "query_canceled"),
    (1969, "query_canceled"),
    (3024, "query_canceled"),
    (1644, "raise_exception"),
    (1136, "syntax_error"),
];
/// The server gave a statement up for its own time limit: MariaDB, MySQL.
const TIME_IS_OVER: [u16; 2] = [1969, 3024];
/// A lock was not given in time.
const NO_LOCK: u16 = 1205;
/// The session is over: shutdown, killed, idle for too long.
const OVER: [u16; 5] = [1053, 1927, 4031, 1159, 1161];

/// What an error of a statement means.
pub(crate) enum Told {
    /// The server's answer.
    Refusal(Box<Refusal>),
    /// None.
    Nothing(Box<NotObserved>),
}

/// What an error of a statement means; `by_limit`: it came when our own time limits end.
pub(crate) fn told(ask: &Asking<'_>, error: &Error, by_limit: bool) -> Told {
    let nothing = |failed: NotObserved| Told::Nothing(Box::new(failed));
    match error {
        Error::Server(said) if OVER.contains(&said.code) => {
            nothing(ask.failed(Cause::Closed, words(said)))
        }
        Error::Server(said) if by_limit && TIME_IS_OVER.contains(&said.code) => {
            nothing(ask.failed(
                Cause::Timeout,
                "the statement did not end within the check's time limit",
            ))
        }
        Error::Server(said) if by_limit && said.code == NO_LOCK => nothing(ask.failed_with_help(
            Cause::Timeout,
            "a lock was not given within the check's time limit",
            "`show engine innodb status` shows who holds it",
        )),
        Error::Server(said) => Told::Refusal(Box::new(refusal(said))),
        Error::Driver(DriverError::PacketTooLarge) => nothing(ask.failed_with_help(
            Cause::TooLarge,
            "a row is larger than 64 MiB and is not read",
            "select its length or its hash instead",
        )),
        Error::Io(_) | Error::Driver(DriverError::ConnectionClosed) => nothing(ask.failed(
            Cause::Closed,
            format!("the server closed the connection: {error}"),
        )),
        other => nothing(ask.failed(
            Cause::Protocol,
            format!("the server's answer could not be understood: {other}"),
        )),
    }
}

/// The name of the condition is PostgreSQL's where it means the same, so that a plan reads alike on both.
fn refusal(said: &ServerError) -> Refusal {
    let condition = CONDITIONS.iter().find(|(code, _)| *code == said.code);
    // Some names stand for a warning too, which comes first in the list.
    let known = condition
        .and_then(|(_, name)| sqlstate::code(name))
        .filter(|code| !code.starts_with("01"));
    let mut refusal = Refusal {
        sqlstate: known.unwrap_or(&said.state).to_owned(),
        message: said.message.clone(),
        detail: Some(format!("the server's error {} ({})", said.code, said.state)),
        ..Refusal::default()
    };
    let message = &said.message;
    match said.code {
        // `Duplicate entry 'x' for key 'name'`, with MySQL `'table.name'`
        1062 | 1586 => {
            let key = message
                .rsplit_once("for key ")
                .and_then(|(_, key)| quoted(key));
            refusal.constraint = key.map(|key| key.rsplit('.').next().unwrap_or(key).to_owned());
        }
        // `… (`db`.`t`, CONSTRAINT `name` FOREIGN KEY …`, `CONSTRAINT `name` failed for `db`.`t``
        1451 | 1452 | 4025 => {
            let name = message.split_once("CONSTRAINT ").map(|(_, rest)| rest);
            refusal.constraint = name.and_then(quoted).map(str::to_owned);
        }
        // `Column 'name' cannot be null`, `Field 'name' doesn't have a default value`
        1048 | 1364 => {
            let name = message.split_once(' ').map(|(_, rest)| rest);
            refusal.column = name.and_then(quoted).map(str::to_owned);
        }
        // `Check constraint 'name' is violated.`
        3819 => {
            let name = message
                .split_once("constraint ")
                .and_then(|(_, rest)| quoted(rest));
            refusal.constraint = name.map(str::to_owned);
        }
        _ => {}
    }
    refusal
}

/// What stands between the first two quotes.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().find(|c| ['\'', '`'].contains(c))?;
    text.split(quote).nth(1)
}

/// Why no session came about.
pub(super) fn not_connected(ask: &Asking<'_>, dsn: &Dsn, error: &Error) -> NotObserved {
    let place = dsn.shown();
    let with_help = |cause, message: String, help: &str| ask.failed_with_help(cause, message, help);
    match error {
        Error::Server(said) => {
            let message = format!("{place}: {}", words(said));
            match said.code {
                1045 | 1698 => ask.failed_with_help(Cause::Denied, message, dsn.password_help()),
                1044 | 1130 => with_help(
                    Cause::Denied,
                    message,
                    "`show grants` on the server says who may come from where",
                ),
                1049 => with_help(
                    Cause::Missing,
                    message,
                    "`show databases` lists those that are there",
                ),
                1040 | 1203 => with_help(
                    Cause::Refused,
                    message,
                    "the server has no connection left to give",
                ),
                _ => with_help(Cause::Refused, message, "the server's log says more"),
            }
        }
        Error::Driver(DriverError::NoClientSslFlagFromServer) => with_help(
            Cause::Tls,
            format!("{place}: the server offers no TLS"),
            "`ssl_cert` and `ssl_key` on the server, or `sslmode: disable` where the network is trusted",
        ),
        Error::Io(IoError::Tls(e)) => with_help(Cause::Tls, format!("{place}: {e}"), TLS_HELP),
        Error::Io(IoError::Io(e)) if e.to_string().contains("certificate") => {
            with_help(Cause::Tls, format!("{place}: {e}"), TLS_HELP)
        }
        Error::Io(e) => with_help(
            Cause::Closed,
            format!("{place} closed the connection during the sign-in: {e}"),
            "does something else than MySQL or MariaDB listen there?",
        ),
        other => with_help(
            Cause::Protocol,
            format!("{place} does not answer like MySQL or MariaDB: {other}"),
            "does something else listen on that port?",
        ),
    }
}

const TLS_HELP: &str = "is the certificate of the CA in `ca: FILE`, or of one that the system trusts, and for this host?";

fn words(said: &ServerError) -> String {
    format!("{} ({}, {})", said.message, said.code, said.state)
}
