//! What a script does to the schema, as far as a rollback must know it.

use std::collections::BTreeSet;

use squawk_syntax::ast::{self, AstNode as _};

/// Both are false where it cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Effect {
    /// It only adds: tables, columns that are nullable or have a default, indexes that are not unique, and such. The
    /// version before runs on what it leaves.
    pub(in super::super) adds_only: bool,
    /// It takes nothing away and renames nothing.
    pub(in super::super) drops_nothing: bool,
}

impl Default for Effect {
    /// Of a script without statements.
    fn default() -> Self {
        Self {
            adds_only: true,
            drops_nothing: true,
        }
    }
}

impl Effect {
    /// Nothing can be told.
    pub(in super::super) fn unknown() -> Self {
        Self {
            adds_only: false,
            drops_nothing: false,
        }
    }

    /// Both together.
    pub(in super::super) fn and(self, other: Self) -> Self {
        Self {
            adds_only: self.adds_only && other.adds_only,
            drops_nothing: self.drops_nothing && other.drops_nothing,
        }
    }

    /// Of a script's statements.
    pub(super) fn of(statements: &[ast::Stmt]) -> Self {
        let made: BTreeSet<String> = statements.iter().filter_map(made).collect();
        statements
            .iter()
            .map(|statement| one(statement, &made))
            .fold(Self::default(), Self::and)
    }
}

fn made(statement: &ast::Stmt) -> Option<String> {
    let ast::Stmt::CreateTable(table) = statement else {
        return None;
    };
    Some(
        table
            .table_name()?
            .path()?
            .segment()?
            .text()
            .as_str()
            .to_owned(),
    )
}

fn named(table: Option<ast::TableRelationName>) -> Option<String> {
    let path = table?.table_name_ref()?.path_ref()?;
    Some(path.segment()?.text().as_str().to_owned())
}

fn one(statement: &ast::Stmt, made: &BTreeSet<String>) -> Effect {
    let is_new = |table| named(table).is_some_and(|name| made.contains(&name));
    let adds = |adds_only| Effect {
        adds_only,
        drops_nothing: true,
    };
    match statement {
        ast::Stmt::AlterTable(table) if is_new(table.table_relation_name()) => adds(true),
        ast::Stmt::AlterTable(table) => table
            .actions()
            .map(|action| of_action(&action))
            .fold(Effect::default(), Effect::and),
        ast::Stmt::CreateIndex(index) => {
            adds(index.unique_token().is_none() || is_new(index.table_relation_name()))
        }
        ast::Stmt::CreateFunction(function) => adds(function.or_replace().is_none()),
        ast::Stmt::CreateView(view) => adds(view.or_replace().is_none()),
        ast::Stmt::CreateTable(_)
        | ast::Stmt::CreateTableAs(_)
        | ast::Stmt::CreateSchema(_)
        | ast::Stmt::CreateSequence(_)
        | ast::Stmt::CreateType(_)
        | ast::Stmt::CreateDomain(_)
        | ast::Stmt::CreateExtension(_)
        | ast::Stmt::CreateMaterializedView(_)
        | ast::Stmt::CreateStatistics(_)
        | ast::Stmt::CreateRole(_)
        | ast::Stmt::CreateUser(_)
        | ast::Stmt::CommentOn(_)
        | ast::Stmt::Grant(_)
        | ast::Stmt::Analyze(_)
        | ast::Stmt::Begin(_)
        | ast::Stmt::Commit(_)
        | ast::Stmt::Set(_)
        | ast::Stmt::Reset(_)
        | ast::Stmt::Show(_)
        // Of its body is told where it is read.
        | ast::Stmt::Do(_) => adds(true),
        ast::Stmt::Insert(_)
        | ast::Stmt::CreateTrigger(_)
        | ast::Stmt::CreatePolicy(_)
        | ast::Stmt::CreateRule(_)
        | ast::Stmt::CreateProcedure(_)
        | ast::Stmt::CreateAggregate(_)
        | ast::Stmt::AlterSequence(_)
        | ast::Stmt::Refresh(_)
        | ast::Stmt::Reindex(_)
        | ast::Stmt::Vacuum(_) => adds(false),
        ast::Stmt::Update(_) => adds(false),
        ast::Stmt::AlterType(kind) => match kind.action() {
            Some(ast::AlterTypeAction::AddValue(_)) => adds(false),
            _ => Effect::unknown(),
        },
        _ => Effect::unknown(),
    }
}

fn of_action(action: &ast::AlterTableAction) -> Effect {
    let adds = |adds_only| Effect {
        adds_only,
        drops_nothing: true,
    };
    match action {
        ast::AlterTableAction::AddColumn(column) => adds(is_optional(column)),
        ast::AlterTableAction::ValidateConstraint(_)
        | ast::AlterTableAction::SetOptions(_)
        | ast::AlterTableAction::ResetOptions(_)
        | ast::AlterTableAction::ClusterOn(_)
        | ast::AlterTableAction::SetWithoutCluster(_) => adds(true),
        ast::AlterTableAction::AlterColumn(column) => match column.option() {
            Some(ast::AlterColumnOption::SetStatistics(_)) => adds(true),
            Some(
                ast::AlterColumnOption::SetDefault(_)
                | ast::AlterColumnOption::SetNotNull(_)
                | ast::AlterColumnOption::AddGenerated(_),
            ) => adds(false),
            _ => Effect::unknown(),
        },
        ast::AlterTableAction::AddConstraint(_)
        | ast::AlterTableAction::AttachPartition(_)
        | ast::AlterTableAction::EnableRls(_)
        | ast::AlterTableAction::ForceRls(_)
        | ast::AlterTableAction::EnableTrigger(_)
        | ast::AlterTableAction::OwnerTo(_)
        | ast::AlterTableAction::SetLogged(_)
        | ast::AlterTableAction::SetUnlogged(_)
        | ast::AlterTableAction::SetTablespace(_)
        | ast::AlterTableAction::SetAccessMethod(_) => adds(false),
        _ => Effect::unknown(),
    }
}

/// Whether the version before, which does not know the column, can still insert and update.
fn is_optional(column: &ast::AddColumn) -> bool {
    let mut required = false;
    let mut filled = false;
    for constraint in column.constraints() {
        match constraint {
            ast::Constraint::NotNullConstraint(_) => required = true,
            ast::Constraint::DefaultConstraint(_) | ast::Constraint::GeneratedConstraint(_) => {
                filled = true;
            }
            ast::Constraint::NullConstraint(_) | ast::Constraint::ReferencesConstraint(_) => {}
            // A unique column with a default holds one row; a check may refuse the default.
            _ => return false,
        }
    }
    let serial = column.ty().is_some_and(|ty| {
        let name = ty.syntax().text().to_string().trim().to_ascii_lowercase();
        name.ends_with("serial")
    });
    !required || filled || serial
}
