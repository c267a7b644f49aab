//! `DO` blocks: the statements in them are read like all others, in a text in which everything else is blank, so that
//! places stay what they are. What a block puts together as text when it runs cannot be read.

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::{Effect, Found, Manner, read_here, start_of};

/// The most blocks within blocks.
const MOST_WITHIN: usize = 3;

/// Reads one block.
pub(super) fn read(
    block: &ast::Do,
    manner: &Manner,
    within: usize,
    found: &mut Found<'_>,
    effect: &mut Effect,
) {
    let at = start_of(block.syntax());
    let mut refuse = |found: &mut Found<'_>, at: usize, why: &str| {
        *effect = Effect::unknown();
        found.hit("not-understood", at, Some(why.to_owned()), None);
    };
    let Some(body) = block.plpgsql() else {
        return refuse(
            found,
            at,
            "The block is not written in PL/pgSQL, or has no body.",
        );
    };
    if within >= MOST_WITHIN {
        return refuse(
            found,
            at,
            "It lies in too many blocks within blocks to be read.",
        );
    }
    for error in body.errors() {
        let at = usize::from(error.range().start());
        let why = format!("The block cannot be parsed: {}.", error.message());
        refuse(found, at, &why);
    }
    let root = body.syntax();
    for node in root.descendants().filter(|node| is_dynamic(node.kind())) {
        let place = usize::from(body.source_range(node.text_range()).start());
        refuse(
            found,
            place,
            "EXECUTE puts its statement together when it runs, so that it cannot be read here.",
        );
    }
    let inner = read_here(
        &only_statements(&root, body.text()),
        &Manner {
            in_transaction: Some(true),
            also: manner.also.clone(),
        },
        within + 1,
    );
    for mut hit in inner.hits {
        // The file around it is asked for the timeout.
        if hit.rule == "require-lock-timeout" {
            continue;
        }
        let last = sql(&root).take_while(|node| usize::from(node.text_range().start()) <= hit.at);
        if let Some(node) = last.last() {
            hit.at = usize::from(body.source_range(node.text_range()).start());
        }
        hit.line = found.line(hit.at);
        found.hits.push(hit);
    }
    *effect = effect.and(inner.effect);
}

fn is_dynamic(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::PLPGSQL_DYN_EXECUTE_STMT
            | SyntaxKind::PLPGSQL_FOR_DYN_STMT
            | SyntaxKind::PLPGSQL_RETURN_QUERY_EXECUTE_STMT
            | SyntaxKind::PLPGSQL_OPEN_EXECUTE
            | SyntaxKind::PLPGSQL_CALL_STMT
    )
}

/// The body with everything but its statements of SQL blanked.
fn only_statements(root: &SyntaxNode, text: &str) -> String {
    let mut kept = vec![false; text.len()];
    for (nodes, keep) in [
        (sql(root).collect::<Vec<_>>(), true),
        // PL/pgSQL's own INTO, which fills a variable, is none of SQL.
        (
            root.descendants()
                .filter(|n| n.kind() == SyntaxKind::PLPGSQL_INTO_CLAUSE)
                .collect(),
            false,
        ),
    ] {
        for node in nodes {
            let range = node.text_range();
            if let Some(part) = kept.get_mut(usize::from(range.start())..usize::from(range.end())) {
                part.fill(keep);
            }
        }
    }
    let blanked = text.bytes().zip(kept).map(
        |(byte, kept)| {
            if kept || byte == b'\n' { byte } else { b' ' }
        },
    );
    String::from_utf8_lossy(&blanked.collect::<Vec<u8>>()).into_owned()
}

fn sql(root: &SyntaxNode) -> impl Iterator<Item = SyntaxNode> {
    root.descendants().filter(|node| {
        matches!(
            node.kind(),
            SyntaxKind::PLPGSQL_EXEC_SQL_STMT | SyntaxKind::PLPGSQL_DO_STMT
        )
    })
}
