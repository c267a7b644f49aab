//! Whether a statement may be made in PostgreSQL inside a gate that is rolled back.

use super::mentions::{Mentions, mentions};
use super::piece::pieces;
use super::tree::Tree;
use super::{Dialect, Mode, Refused, Statement};

/// A statement that may be sent, as far as it itself goes: what it calls and touches is the catalogue's to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sql) struct Examined {
    /// What it names.
    pub(in crate::sql) mentions: Mentions,
    /// It only looks, unless something that it calls does more.
    pub(in crate::sql) only_looks: bool,
    /// Event triggers act on it.
    pub(in crate::sql) defines: bool,
}

/// The parser's time grows with the square of how deep a text nests.
const MAX_PIECES: usize = 4_000;

const PUT_OUTSIDE: &str =
    "put it in a gate without `transaction: rollback`, with `writes: true`, where it may stay";

/// Asks both opinions; either may refuse.
pub(in crate::sql) fn examine(sql: &str) -> Result<Examined, Refused> {
    let by_words = Statement::read(sql, Dialect::Postgres)
        .map_err(|why| Refused::new(why, "a check of such a gate makes one statement"))?;
    by_words.permit(Mode::Gate)?;
    if pieces(sql).is_ok_and(|pieces| pieces.len() > MAX_PIECES) {
        return Err(Refused::new(
            format!(
                "the statement has more than {MAX_PIECES} words and signs, which is not read in a gate with `transaction: rollback`"
            ),
            "bind its values, such as one JSON text with `jsonb_to_recordset($1)`",
        ));
    }
    let tree = Tree::read(sql).map_err(|not| {
        let place = not
            .at
            .map(|(line, column)| format!(" (line {line}, column {column})"))
            .unwrap_or_default();
        Refused::new(
            format!(
                "the statement is not understood{place}: {}; in a gate with `transaction: rollback` only what is understood is sent",
                not.message
            ),
            "write it in PostgreSQL's plain grammar, or put it in a gate without `transaction: rollback`, with `writes: true`",
        )
    })?;
    if let Some(name) = tree.first_outside() {
        return Err(Refused::new(
            format!("`{name}` is not undone by a rollback"),
            PUT_OUTSIDE,
        ));
    }
    let mentions = mentions(sql);
    if let Some(why) = &mentions.escape {
        return Err(Refused::new(
            format!("what a rollback does not undo: {why}"),
            PUT_OUTSIDE,
        ));
    }
    Ok(Examined {
        only_looks: tree.only_looks(),
        defines: tree.defines(),
        mentions,
    })
}

/// What of a statement is known to be refused in such a gate whatever the database, and whichever it is.
pub(in crate::sql) fn refused_anywhere(sql: &str) -> Option<Refused> {
    let statement = Statement::read(sql, Dialect::Postgres).ok()?;
    if let Err(refused) = statement.permit(Mode::Gate) {
        return Some(refused);
    }
    // SQLite's dialect is another one: what only PostgreSQL's grammar does not know is told when it is sent.
    let is_long = pieces(sql).is_ok_and(|pieces| pieces.len() > MAX_PIECES);
    if is_long || Tree::read(sql).is_err() {
        return None;
    }
    examine(sql).err()
}
