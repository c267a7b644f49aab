//! What a statement is by PostgreSQL's grammar: the first of two opinions.

use squawk_syntax::ast::{AstNode as _, Stmt};
use squawk_syntax::{SourceFile, SyntaxKind as Kind, SyntaxNode};

/// A longer statement is not read: the parser would need too much memory for it.
const MAX_BYTES: usize = 1 << 20;
/// Nothing that a person writes nests deeper, and the parser goes down as deep.
const STACK: usize = 64 << 20;

/// One statement by its tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tree {
    /// The kinds of the statement and of all statements in it.
    kinds: Vec<Kind>,
}

/// Why a text is no statement of PostgreSQL's, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotUnderstood {
    /// For a person.
    pub(super) message: String,
    /// Line and column, from one.
    pub(super) at: Option<(usize, usize)>,
}

impl Tree {
    /// Reads a text that holds one statement.
    pub(super) fn read(sql: &str) -> Result<Self, NotUnderstood> {
        let whole = |message: &str| NotUnderstood {
            message: message.to_owned(),
            at: None,
        };
        if sql.len() > MAX_BYTES {
            return Err(whole("the statement is longer than is read"));
        }
        let text = sql.to_owned();
        // A stack of its own: the parser goes down as deep as the text nests. A panic of it is an answer too.
        let read = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || read(&text))
            .map_err(|_| whole("there is no memory to read the statement"))?;
        read.join()
            .unwrap_or_else(|_| Err(whole("the statement could not be read")))
    }

    /// The first statement in it that a gate may not make, by its name.
    pub(super) fn first_outside(&self) -> Option<String> {
        let outside = self.kinds.iter().find(|kind| !IN_GATES.contains(kind))?;
        Some(format!("{outside:?}").replace('_', " "))
    }

    /// Whether it only looks, as far as the statement itself goes.
    pub(super) fn only_looks(&self) -> bool {
        self.kinds.iter().all(|kind| LOOKING.contains(kind))
    }

    /// Whether it defines, changes or drops something, so that event triggers act.
    pub(super) fn defines(&self) -> bool {
        let rows = [Kind::INSERT, Kind::UPDATE, Kind::DELETE, Kind::MERGE];
        let plain = [
            Kind::SET,
            Kind::SET_ROLE,
            Kind::SET_SESSION_AUTH,
            Kind::RESET,
            Kind::RESET_ROLE,
            Kind::LOCK,
        ];
        let mut kinds = self.kinds.iter();
        !kinds.all(|kind| LOOKING.contains(kind) || rows.contains(kind) || plain.contains(kind))
    }
}

fn read(sql: &str) -> Result<Tree, NotUnderstood> {
    let parsed = SourceFile::parse(sql);
    let root = parsed.syntax_node();
    if let Some(error) = parsed.errors().first() {
        let at = usize::from(error.range().start());
        return Err(NotUnderstood {
            message: error.message().to_owned(),
            at: Some(line_and_column(sql, at)),
        });
    }
    Ok(Tree {
        kinds: kinds(&root),
    })
}

fn kinds(root: &SyntaxNode) -> Vec<Kind> {
    let statements = root.descendants().filter_map(Stmt::cast);
    statements
        .map(|statement| statement.syntax().kind())
        .filter(|kind| *kind != Kind::EMPTY_STMT)
        .collect()
}

fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

const LOOKING: &[Kind] = &[
    Kind::SELECT,
    Kind::COMPOUND_SELECT,
    Kind::PAREN_SELECT,
    Kind::VALUES,
    Kind::TABLE,
    Kind::EXPLAIN,
    Kind::SHOW,
];

/// What a rollback undoes. A kind that does not stand here is not sent.
const IN_GATES: &[Kind] = &[
    Kind::SELECT,
    Kind::COMPOUND_SELECT,
    Kind::PAREN_SELECT,
    Kind::VALUES,
    Kind::TABLE,
    Kind::EXPLAIN,
    Kind::SHOW,
    Kind::SELECT_INTO,
    Kind::INSERT,
    Kind::UPDATE,
    Kind::DELETE,
    Kind::MERGE,
    Kind::TRUNCATE,
    Kind::LOCK,
    Kind::CALL,
    Kind::DO,
    Kind::NOTIFY,
    Kind::REFRESH,
    Kind::COMMENT_ON,
    Kind::GRANT,
    Kind::REVOKE,
    Kind::REASSIGN,
    Kind::SECURITY_LABEL,
    Kind::SET,
    Kind::SET_ROLE,
    Kind::SET_SESSION_AUTH,
    Kind::RESET,
    Kind::RESET_ROLE,
    Kind::RESET_SESSION_AUTH,
    Kind::RETURN_STMT,
    Kind::CREATE_AGGREGATE,
    Kind::CREATE_CAST,
    Kind::CREATE_COLLATION,
    Kind::CREATE_DOMAIN,
    Kind::CREATE_FUNCTION,
    Kind::CREATE_GROUP,
    Kind::CREATE_INDEX,
    Kind::CREATE_MATERIALIZED_VIEW,
    Kind::CREATE_OPERATOR,
    Kind::CREATE_OPERATOR_CLASS,
    Kind::CREATE_OPERATOR_FAMILY,
    Kind::CREATE_POLICY,
    Kind::CREATE_PROCEDURE,
    Kind::CREATE_ROLE,
    Kind::CREATE_RULE,
    Kind::CREATE_SCHEMA,
    Kind::CREATE_SEQUENCE,
    Kind::CREATE_STATISTICS,
    Kind::CREATE_TABLE,
    Kind::CREATE_TABLE_AS,
    Kind::CREATE_TEXT_SEARCH_CONFIGURATION,
    Kind::CREATE_TEXT_SEARCH_DICTIONARY,
    Kind::CREATE_TRIGGER,
    Kind::CREATE_TYPE,
    Kind::CREATE_USER,
    Kind::CREATE_VIEW,
    Kind::ALTER_AGGREGATE,
    Kind::ALTER_COLLATION,
    Kind::ALTER_DEFAULT_PRIVILEGES,
    Kind::ALTER_DOMAIN,
    Kind::ALTER_FUNCTION,
    Kind::ALTER_GROUP,
    Kind::ALTER_INDEX,
    Kind::ALTER_LARGE_OBJECT,
    Kind::ALTER_MATERIALIZED_VIEW,
    Kind::ALTER_OPERATOR,
    Kind::ALTER_OPERATOR_CLASS,
    Kind::ALTER_OPERATOR_FAMILY,
    Kind::ALTER_POLICY,
    Kind::ALTER_PROCEDURE,
    Kind::ALTER_ROLE,
    Kind::ALTER_ROUTINE,
    Kind::ALTER_RULE,
    Kind::ALTER_SCHEMA,
    Kind::ALTER_SEQUENCE,
    Kind::ALTER_STATISTICS,
    Kind::ALTER_TABLE,
    Kind::ALTER_TEXT_SEARCH_CONFIGURATION,
    Kind::ALTER_TEXT_SEARCH_DICTIONARY,
    Kind::ALTER_TRIGGER,
    Kind::ALTER_TYPE,
    Kind::ALTER_USER,
    Kind::ALTER_VIEW,
    Kind::DROP_AGGREGATE,
    Kind::DROP_CAST,
    Kind::DROP_COLLATION,
    Kind::DROP_DOMAIN,
    Kind::DROP_EVENT_TRIGGER,
    Kind::DROP_EXTENSION,
    Kind::DROP_FOREIGN_TABLE,
    Kind::DROP_FUNCTION,
    Kind::DROP_GROUP,
    Kind::DROP_INDEX,
    Kind::DROP_MATERIALIZED_VIEW,
    Kind::DROP_OPERATOR,
    Kind::DROP_OPERATOR_CLASS,
    Kind::DROP_OPERATOR_FAMILY,
    Kind::DROP_OWNED,
    Kind::DROP_POLICY,
    Kind::DROP_PROCEDURE,
    Kind::DROP_ROLE,
    Kind::DROP_ROUTINE,
    Kind::DROP_RULE,
    Kind::DROP_SCHEMA,
    Kind::DROP_SEQUENCE,
    Kind::DROP_STATISTICS,
    Kind::DROP_TABLE,
    Kind::DROP_TEXT_SEARCH_CONFIG,
    Kind::DROP_TEXT_SEARCH_DICT,
    Kind::DROP_TRIGGER,
    Kind::DROP_TYPE,
    Kind::DROP_USER,
    Kind::DROP_VIEW,
];
