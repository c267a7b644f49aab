//! What the published rules lack, statement by statement.

use squawk_syntax::ast::{self, AstNode as _};

use super::{Effect, Found, Manner, plpgsql, start_of};

/// What a statement is read with.
pub(super) struct Around<'a> {
    pub(super) manner: &'a Manner,
    /// How many blocks it lies in.
    pub(super) within: usize,
    /// Whether a transaction is open.
    pub(super) in_transaction: bool,
    /// Whether it is the only one of its text.
    pub(super) is_alone: bool,
}

/// Holds one statement against our own rules.
pub(super) fn hold(
    statement: &ast::Stmt,
    around: &Around<'_>,
    found: &mut Found<'_>,
    effect: &mut Effect,
) {
    let at = start_of(statement.syntax());
    if around.in_transaction && needs_none(statement, around.is_alone) {
        found.hit("not-in-a-transaction", at, None, None);
    }
    let rule = match statement {
        ast::Stmt::Truncate(_) => "truncate",
        ast::Stmt::Delete(delete) if delete.where_clause_or_current_of().is_none() => {
            "delete-every-row"
        }
        ast::Stmt::Update(update) if update.where_clause_or_current_of().is_none() => {
            "update-every-row"
        }
        ast::Stmt::Lock(_) => "explicit-lock",
        ast::Stmt::Refresh(refresh) if refresh.concurrently_token().is_none() => {
            "refresh-without-concurrently"
        }
        ast::Stmt::Cluster(_) => "rewrites-table",
        ast::Stmt::Vacuum(vacuum) if vacuum.is_full() => "rewrites-table",
        ast::Stmt::AlterTable(table) => match table.actions().find(rewrites) {
            Some(action) => {
                return found.hit("rewrites-table", start_of(action.syntax()), None, None);
            }
            None => return,
        },
        ast::Stmt::Call(_) => {
            let why = "What the procedure does is not in this file.";
            return found.hit("not-understood", at, Some(why.to_owned()), None);
        }
        ast::Stmt::Execute(_) => {
            let why = "It runs a prepared statement, whose text is not here.";
            return found.hit("not-understood", at, Some(why.to_owned()), None);
        }
        ast::Stmt::Do(block) => {
            return plpgsql::read(block, around.manner, around.within, found, effect);
        }
        _ => return,
    };
    found.hit(rule, at, None, None);
}

fn rewrites(action: &ast::AlterTableAction) -> bool {
    matches!(
        action,
        ast::AlterTableAction::SetLogged(_)
            | ast::AlterTableAction::SetUnlogged(_)
            | ast::AlterTableAction::SetTablespace(_)
            | ast::AlterTableAction::SetAccessMethod(_)
    )
}

/// Whether PostgreSQL refuses a statement inside a transaction.
fn needs_none(statement: &ast::Stmt, is_alone: bool) -> bool {
    match statement {
        // With others in its text it has a published rule.
        ast::Stmt::CreateIndex(index) => is_alone && index.concurrently_token().is_some(),
        ast::Stmt::DropIndex(index) => index.concurrently_token().is_some(),
        ast::Stmt::Reindex(reindex) => reindex.is_concurrently(),
        ast::Stmt::AlterTable(table) => table.actions().any(|action| {
            let ast::AlterTableAction::DetachPartition(detach) = action else {
                return false;
            };
            let text = detach.syntax().text().to_string();
            text.to_ascii_lowercase().contains("concurrently")
        }),
        ast::Stmt::Vacuum(_)
        | ast::Stmt::CreateDatabase(_)
        | ast::Stmt::DropDatabase(_)
        | ast::Stmt::CreateTablespace(_)
        | ast::Stmt::DropTablespace(_)
        | ast::Stmt::AlterSystem(_) => true,
        _ => false,
    }
}
