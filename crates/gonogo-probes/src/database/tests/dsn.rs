use proptest::prelude::*;

use crate::database::dsn::{Dsn, Language, Place, SslMode, escaped};
use crate::database::sqlite_path;

fn parsed(text: &str) -> Dsn {
    Dsn::parse(text, Language::Postgres).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn refused(text: &str) -> String {
    match Dsn::parse(text, Language::Postgres) {
        Ok(_) => panic!("{text} was read"),
        Err(e) => e,
    }
}

#[test]
fn a_url_and_pairs_say_the_same() {
    for text in [
        "postgres://ops:p%40ss@db.example:6432/app?sslmode=verify-full&application_name=x",
        "postgresql://ops:p%40ss@db.example:6432/app?sslmode=require",
        "host=db.example port=6432 user=ops password=p@ss dbname=app sslmode=require",
        "host = db.example port= 6432 user ='ops' password='p@ss' dbname=app sslmode=require",
    ] {
        let dsn = parsed(text);
        assert_eq!(dsn.place, Place::Host("db.example".to_owned()));
        assert_eq!(dsn.port, 6432);
        assert_eq!(dsn.user.as_deref(), Some("ops"));
        assert_eq!(dsn.password.as_deref(), Some("p@ss"));
        assert_eq!(dsn.database.as_deref(), Some("app"));
        assert_eq!(dsn.sslmode, Some(SslMode::Require));
        assert_eq!(dsn.shown(), "postgres://db.example:6432/app");
    }
}

#[test]
fn sockets_and_ipv6_are_read() {
    let dsn = parsed("postgres:///postgres?user=lab&host=/tmp/x");
    assert_eq!(dsn.place, Place::Socket("/tmp/x".into()));
    assert_eq!(dsn.host_and_port(), None);
    assert!(!dsn.shown().contains("/tmp"), "no folder of this machine");
    assert_eq!(
        parsed("postgres://u@%2Ftmp%2Fx/d").place,
        Place::Socket("/tmp/x".into())
    );
    assert_eq!(parsed("user=u dbname=d").place, Place::UsualSocket);
    let dsn = parsed("postgres://u@[::1]:5433/d");
    assert_eq!(dsn.host_and_port().as_deref(), Some("[::1]:5433"));
}

#[test]
fn a_password_that_was_not_escaped_is_named_and_not_shown() {
    for (text, wanted) in [
        ("postgres://u:hunter@2@host/d", "%40"),
        ("postgres://u:hunter/2@host/d", "%2F"),
        ("postgres://u:12/34hunter@host/d", "%2F"),
        ("postgres://u:hunter?2@host/d", "%3F"),
        ("postgres://u:hunter#2@host/d", "%23"),
        ("postgres://u:hunter%zz@host/d", "%25"),
        ("postgres://u:hunter 2@host/d", "%20"),
        ("host=h user=u password=hunter 2", "single quotes"),
        ("host=h user=u password='hunter", "`'`"),
        ("postgres://u:hunter@host:hunter/d", "port"),
    ] {
        let message = refused(text);
        assert!(message.contains(wanted), "{text}: {message}");
        assert!(!message.contains("hunter"), "{text}: {message}");
    }
}

/// The messages as they are read; `hunter` and its like are the passwords.
#[test]
fn a_bad_address_is_explained() {
    for (text, wanted) in [
        (
            "postgres://ops:hunt@r#two@db:5432/app",
            "the password holds `@` (its character 5) and `#` (its character 7), which must be percent-encoded: \
             `postgres://ops:[secret]%40[secret]%23[secret]@db:5432/app`; as `password:` of the target nothing needs \
             escaping",
        ),
        (
            "postgresql://ops:hunt/er@db/app?sslmode=require",
            "the password holds `/` (its character 5), which must be percent-encoded: \
             `postgresql://ops:[secret]%2F[secret]@db/app?sslmode=require`; as `password:` of the target nothing needs \
             escaping",
        ),
        (
            "postgres://ops:hunter 2%zz@db/app",
            "the password holds a blank (its character 7) and `%` (its character 9), which must be percent-encoded: \
             `postgres://ops:[secret]%20[secret]%25[secret]@db/app`; as `password:` of the target nothing needs escaping",
        ),
        // So little would stay hidden that only the kinds are named.
        (
            "postgres://ops:@#/x?@db/app",
            "the password holds `#`, `/`, `?` and `@`, which must be percent-encoded: \
             `postgres://ops:[secret]@db/app`; as `password:` of the target nothing needs escaping",
        ),
        (
            "postgres://ops@azure:hunter@db/app",
            "the user's name holds `@` (character 4), which must be percent-encoded: \
             `postgres://ops%40azure:[secret]@db/app`; as `password:` of the target nothing needs escaping",
        ),
        (
            "\"postgres://ops:hunter@db/app\"",
            "the address stands in quotes that belong to the file it was copied from; leave them out",
        ),
        (
            "DATABASE_URL=postgres://ops:hunter@db/app",
            "the address begins only at `postgres://`; leave out what stands before it, such as `DATABASE_URL=`",
        ),
        (
            "psql postgres://ops:hunter@db/app",
            "the address begins only at `postgres://`; leave out what stands before it, such as `DATABASE_URL=`",
        ),
        (
            "postgresql+asyncpg://ops:hunter@db/app",
            "the `+asyncpg` of `postgresql+asyncpg://` names a driver of SQLAlchemy; leave it out and write \
             `postgresql://`, the rest as it is",
        ),
        (
            "jdbc:postgresql://db/app?user=ops&password=hunter",
            "`jdbc:` is how Java writes an address; leave it out, write `postgres://user@host:5432/database`",
        ),
        (
            "mysql://ops:hunter@db/app",
            "`mysql://` is MySQL, and this target is PostgreSQL; write `postgres://user@host:5432/database`",
        ),
        (
            "postgres://ops:${DB_PASSWORD}@db/app",
            "the address holds a `${…}` or `{{…}}` that nobody replaced; in a password, `$` is written `%24` and `{` \
             `%7B`",
        ),
        (
            "postgres://ops:hunter@db/app?currentSchema=x",
            "`currentSchema` has no meaning here; write `options=-csearch_path%3DNAME`; known are host, port, dbname, \
             user, password, sslmode, sslrootcert and options",
        ),
        (
            "postgres://ops:hunter@db/app?sslmod=require",
            "the address has a parameter that is not known; did you mean `sslmode`?",
        ),
        (
            "",
            "the address is empty; write `postgres://user@host:5432/database`",
        ),
    ] {
        assert_eq!(refused(text), wanted, "{text}");
    }
}

#[test]
fn the_end_of_a_files_line_is_not_part_of_an_address() {
    let dsn = parsed(" postgres://ops:hunter@db/app\r\n");
    assert_eq!(dsn.database.as_deref(), Some("app"));
}

#[test]
fn where_a_password_is_refused_what_may_have_changed_it_is_named() {
    let help = |text: &str| parsed(text).password_help();
    assert!(help("postgres://u:hun$$ter@h/d").contains("compose file"));
    assert!(help("host=h user=u password=hun$$ter").contains("compose file"));
    let shell = help("postgres://u:hunter!2$x@h/d");
    assert!(shell.contains("`!` and `$`"), "{shell}");
    assert!(!shell.contains("hunt"), "{shell}");
    assert!(help("postgres://u:hunter@h/d").contains("percent-encoded"));
    assert!(help("postgres://u@h/d").contains("no password"));
}

#[test]
fn mysqls_addresses_are_read_by_the_same_rules() {
    for (text, host, mode) in [
        ("mysql://ops:p%40ss@db/app", "db", None),
        (
            "mariadb://ops:p%40ss@db/app?ssl-mode=REQUIRED",
            "db",
            Some(SslMode::Require),
        ),
        (
            "mysql://ops:p%40ss@db/app?ssl-mode=VERIFY_IDENTITY&charset=utf8mb4",
            "db",
            Some(SslMode::Require),
        ),
    ] {
        let dsn = Dsn::parse(text, Language::MySql).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(dsn.place, Place::Host(host.to_owned()));
        assert_eq!((dsn.port, dsn.sslmode), (3306, mode));
        assert_eq!(dsn.password.as_deref(), Some("p@ss"));
        assert_eq!(dsn.shown(), "mysql://db:3306/app");
    }
    let socket = Dsn::parse("mysql://u@localhost/d?socket=/run/x.sock", Language::MySql);
    assert_eq!(
        socket.map(|dsn| dsn.place),
        Ok(Place::Socket("/run/x.sock".into()))
    );
    for text in [
        "host=h user=u",
        "mysql+pymysql://u@h/d",
        "mysql2://u@h/d",
        "postgres://u@h/d",
    ] {
        assert!(Dsn::parse(text, Language::MySql).is_err(), "{text}");
    }
}

#[test]
fn what_is_not_understood_is_said() {
    for text in [
        "",
        "hello",
        "mysql://u@h/d",
        "postgres://u@a,b/d",
        "postgres://u@h:0/d",
        "postgres://u@h/d?sslmode=maybe",
        "postgres://u@h/d?sslcompression=1",
        "postgres://u@[::1/d",
    ] {
        assert!(
            Dsn::parse(text, Language::Postgres).is_err() || text.is_empty(),
            "{text}"
        );
    }
}

#[test]
fn the_forms_of_a_sqlite_address_name_a_path() {
    for (text, path) in [
        ("app.db", "app.db"),
        ("sqlite:app.db", "app.db"),
        ("sqlite://data/app.db", "data/app.db"),
        ("sqlite:///srv/app.db", "/srv/app.db"),
        ("file:/srv/my%20app.db?mode=ro", "/srv/my app.db"),
        ("100%.db", "100%.db"),
    ] {
        assert_eq!(sqlite_path(text).as_deref(), Ok(path), "{text}");
    }
    assert!(sqlite_path(":memory:").is_err());
    assert!(sqlite_path("sqlite:").is_err());
}

proptest! {
    #[test]
    fn any_password_goes_through_a_url_and_through_quotes(password in "\\PC{1,20}") {
        let escaped = escaped(&password);
        let url = parsed(&format!("postgres://u:{escaped}@h/d"));
        prop_assert_eq!(url.password.as_deref(), Some(password.as_str()));
        let quoted = password.replace('\\', "\\\\").replace('\'', "\\'");
        let pairs = parsed(&format!("host=h password='{quoted}' user=u"));
        prop_assert_eq!(pairs.password.as_deref(), Some(password.as_str()));
    }

    #[test]
    fn no_text_makes_the_reader_stumble_or_show_a_password(text in "\\PC*", secret in "[a-z]{12}") {
        drop(Dsn::parse(&text, Language::Postgres));
        if let Err(message) = Dsn::parse(&format!("postgres://u:{secret}{text}@h/d"), Language::Postgres) {
            prop_assert!(!message.contains(&secret));
        }
        if let Err(message) = Dsn::parse(&format!("password={secret}{text} host=h"), Language::Postgres) {
            prop_assert!(!message.contains(&secret));
        }
    }

    /// Of capitals that no message of ours holds four of in a row, and of everything that breaks an address.
    #[test]
    fn no_message_holds_four_characters_of_a_password(
        password in "[QXZJKV@/?#%: $!&=+\\[\\]\\{\\}'\"\\\\é0-9]{1,24}",
        shape in 0..6_usize,
    ) {
        let text = match shape {
            0 => format!("postgres://u:{password}@h/d"),
            1 => format!("postgres://u:{password}@h:5432/d?sslmode=require"),
            // Without a host, what stands after an `@` can only be read as one.
            2 => format!("postgres://u:{}", password.replace('@', "")),
            3 => format!("host=h password={password} user=u"),
            4 => format!("mysql://u:{password}@h/d"),
            _ => format!("\"postgres://u:{password}@h/d\""),
        };
        let language = if shape == 4 { Language::MySql } else { Language::Postgres };
        let said = match Dsn::parse(&text, language) {
            Err(message) => message,
            Ok(dsn) => dsn.password_help(),
        };
        let chars: Vec<char> = password.chars().collect();
        for part in chars.windows(4) {
            let part: String = part.iter().collect();
            // Four digits or escapes are found in any text.
            prop_assert!(
                !said.contains(&part) || part.chars().all(|c| c.is_ascii_digit() || "% @:/?#".contains(c)),
                "{part} of {password} in {said}"
            );
        }
    }
}
