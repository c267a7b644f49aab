use proptest::prelude::*;

use crate::database::dsn::{Dsn, Place, SslMode, escaped};
use crate::database::sqlite_path;

fn parsed(text: &str) -> Dsn {
    Dsn::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn refused(text: &str) -> String {
    match Dsn::parse(text) {
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
        assert!(Dsn::parse(text).is_err() || text.is_empty(), "{text}");
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
        drop(Dsn::parse(&text));
        if let Err(message) = Dsn::parse(&format!("postgres://u:{secret}{text}@h/d")) {
            prop_assert!(!message.contains(&secret));
        }
        if let Err(message) = Dsn::parse(&format!("password={secret}{text} host=h")) {
            prop_assert!(!message.contains(&secret));
        }
    }
}
