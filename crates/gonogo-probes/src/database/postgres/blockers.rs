//! Who holds the lock that a statement waits for.

use tokio_postgres::SimpleQueryMessage;

use super::connect::{Session, connect};
use crate::database::Asking;

/// Asks on a second connection while the session waits: afterwards the server does not know any more. Whatever goes
/// wrong here, the statement's own answer is what counts.
pub(crate) async fn blockers(asking: &Asking<'_>, session: &Session) -> Option<String> {
    let pid = session.pid()?;
    let other = connect(asking, session.route()).await.ok()?;
    let sql = format!(
        "select pid, application_name, usename, \
         to_char(xact_start at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), state, left(query, 200) \
         from pg_catalog.pg_stat_activity where pid = any(pg_catalog.pg_blocking_pids({pid})) order by xact_start limit 3"
    );
    let said = other.client().simple_query(&sql).await.ok()?;
    let each = said.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(one(&|index| row.get(index).unwrap_or(""))),
        _ => None,
    });
    let each: Vec<String> = each.collect();
    (!each.is_empty()).then(|| each.join("; "))
}

/// `process 4711 (psql, user app), in a transaction since …, idle in transaction, last statement: …`
fn one<'a>(column: &dyn Fn(usize) -> &'a str) -> String {
    let mut text = format!("process {}", column(0));
    let who: Vec<String> = [column(1).to_owned(), column(2).to_owned()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    if !who.is_empty() {
        text.push_str(&format_args!(" ({})", who.join(", user ")).to_string());
    }
    if !column(3).is_empty() {
        text.push_str(&format_args!(", in a transaction since {}", column(3)).to_string());
    }
    if !column(4).is_empty() {
        text.push_str(&format_args!(", {}", column(4)).to_string());
    }
    let statement = column(5).split_whitespace().collect::<Vec<_>>().join(" ");
    if !statement.is_empty() {
        let head: String = statement.chars().take(80).collect();
        let more = if head.len() < statement.len() {
            "…"
        } else {
            ""
        };
        text.push_str(&format_args!(", last statement `{head}{more}`").to_string());
    }
    text
}
