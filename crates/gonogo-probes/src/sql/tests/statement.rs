use proptest::prelude::*;

use crate::sql::statement::{Dialect, Mode, Statement};

fn permitted(sql: &str, mode: Mode) -> bool {
    Statement::read(sql, Dialect::Postgres).is_ok_and(|statement| statement.permit(mode).is_ok())
}

#[test]
fn transaction_control_is_refused_however_it_is_written() {
    for sql in [
        "commit",
        "COMMIT AND CHAIN",
        "/* a /* b */ c */ Commit",
        "-- begin\n;;  end;",
        "--\rcommit",
        "rollback to savepoint gonogo",
        "release gonogo",
        "savepoint x",
        "begin",
        "start transaction",
        "abort",
        "prepare transaction 'x'",
        "set transaction read write",
        "set session characteristics as transaction read write",
        "set local transaction isolation level serializable",
        "set session session characteristics as transaction read only",
        "set constraints all deferred",
        "\u{b}commit",
    ] {
        for mode in [Mode::Read, Mode::Gate, Mode::Write] {
            assert!(!permitted(sql, mode), "{sql:?} in {mode:?}");
        }
    }
}

#[test]
fn a_word_in_a_text_a_name_or_a_comment_is_no_statement() {
    for sql in [
        "select 'commit; rollback'",
        "select \"commit;\" from t",
        "select $tag$; commit; $tag$",
        "select $$;$$, $1",
        "select E'it\\'s; commit'",
        "select 1 /* ; commit */ -- ; commit",
        "(select 1)",
        "with x as (delete from t returning *) select * from x",
    ] {
        assert!(permitted(sql, Mode::Gate), "{sql:?}");
    }
}

#[test]
fn several_statements_are_one_too_many() {
    for sql in ["select 1; commit", "select 1;select 2;", "select ';' ; x"] {
        assert!(Statement::read(sql, Dialect::Postgres).is_err(), "{sql:?}");
    }
    assert!(Statement::read("select 1;; -- end", Dialect::Postgres).is_ok());
}

#[test]
fn what_a_rollback_does_not_undo_is_refused_in_a_rolled_back_gate() {
    for sql in [
        "copy t to program 'rm -rf /'",
        "copy (select 1) to '/tmp/x'",
        "vacuum",
        "create database x",
        "alter system set x = 1",
        "drop tablespace x",
        "load 'x'",
        "listen x",
        "discard all",
        "execute x",
        "declare c cursor for select 1",
    ] {
        assert!(!permitted(sql, Mode::Gate), "{sql:?}");
        assert!(!permitted(sql, Mode::Read), "{sql:?}");
    }
    assert!(permitted("vacuum", Mode::Write));
    assert!(!permitted("copy t from stdin", Mode::Write));
    assert!(permitted("create table t (a int)", Mode::Gate));
    assert!(!permitted("create table t (a int)", Mode::Read));
    assert!(!permitted("do $$ begin end $$", Mode::Read));
}

#[test]
fn the_verb_behind_with_decides_whether_rows_are_changed() {
    let changes = |sql| {
        Statement::read(sql, Dialect::Postgres)
            .unwrap()
            .changes_rows()
    };
    assert!(changes(
        "with x as (select 1) insert into t select * from x"
    ));
    assert!(!changes(
        "with x as (insert into t values (1) returning *) select * from x"
    ));
    assert!(changes("delete from t"));
    assert!(!changes("select 1"));
}

#[test]
fn the_dialects_end_their_comments_differently() {
    let sql = "/* /* */ commit -- */ select 1";
    let read = |dialect| Statement::read(sql, dialect).unwrap();
    assert!(read(Dialect::Sqlite).permit(Mode::Write).is_err());
    assert!(read(Dialect::Postgres).permit(Mode::Read).is_ok());
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_stumble(sql in "\\PC*", cut in 0usize..40) {
        let made = format!("{}{sql}", &"select $tag$ 'x' \"y\" /* -- */ E'\\\\'"[..cut.min(35)]);
        for dialect in [Dialect::Postgres, Dialect::Sqlite] {
            drop(Statement::read(&made, dialect));
        }
    }

    #[test]
    fn blanks_and_comments_before_it_never_hide_a_commit(
        before in proptest::collection::vec(
            prop_oneof!["[ \t\r\n]", Just("-- select\n".to_owned()), Just("/* select */".to_owned()), Just(";".to_owned())],
            0..8,
        ),
        upper in any::<bool>(),
    ) {
        let word = if upper { "COMMIT" } else { "commit" };
        let sql = format!("{}{word}", before.concat());
        prop_assert!(!permitted(&sql, Mode::Write));
    }
}
