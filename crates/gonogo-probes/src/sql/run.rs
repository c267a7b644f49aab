//! The observing: which database, in which mode, and the transaction that a gate's checks share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gonogo_core::duration::parse_duration_ns;
use gonogo_core::record::{Cause, NotObserved};

use super::script::{Script, Wrong};
use super::statement::{Dialect, Mode, Statement, shortened};
use super::syntax::{SqlOptions, SqlText, name_is_possible, text_of};
use super::{mysql, postgres, sqlite};
use crate::ctx::{Ctx, GateScope};
use crate::database::{self, Asking, Kind};
use crate::probe::{Call, GateEnd, ResolvedTarget, Seen};

/// How long a session of a gate with several waits for a lock, by default.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// Statements, ready to be made.
pub(super) struct Ask<'a> {
    /// Who asks, and for how long.
    asking: Asking<'a>,
    /// What the check says.
    pub(super) options: &'a SqlOptions,
    /// What is asked.
    pub(super) script: &'a Script,
    /// The language.
    pub(super) dialect: Dialect,
    /// What it may do.
    pub(super) mode: Mode,
}

impl<'a> std::ops::Deref for Ask<'a> {
    type Target = Asking<'a>;

    fn deref(&self) -> &Asking<'a> {
        &self.asking
    }
}

impl Ask<'_> {
    /// How long a session of a gate with several waits for a lock.
    pub(super) fn lock_wait(&self) -> Duration {
        let written = self.options.lock_wait.as_deref();
        let ns = written.and_then(|text| parse_duration_ns(text).ok());
        ns.map_or(LOCK_WAIT, |ns| Duration::from_nanos(ns.unsigned_abs()))
    }

    /// How many rows are kept.
    pub(super) fn max_rows(&self) -> usize {
        self.options.max_rows.map_or(1000, |n| n as usize)
    }

    /// Whether a statement may be sent: asked of each before anything is, its names as they are written, and again
    /// of one whose names were put in.
    pub(super) fn permitted(&self, sql: &str, line: usize) -> Result<Statement, NotObserved> {
        let line = if self.script.many {
            format!("line {line}: ")
        } else {
            String::new()
        };
        let refused = |why: String| self.failed(Cause::BadOptions, format!("{line}{why}"));
        let statement = Statement::read(sql, self.dialect).map_err(refused)?;
        statement.permit(self.mode).map_err(|no| {
            let mut failed = refused(no.why);
            failed.help = Some(no.help.to_owned());
            failed
        })?;
        Ok(statement)
    }
}

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let bad = |message: String| call.ctx.not_observed("sql", Cause::BadOptions, message);
    let options: SqlOptions =
        serde_json::from_value(call.options.clone()).map_err(|e| bad(e.to_string()))?;
    let target = call
        .target
        .ok_or_else(|| bad("the environment has no database target".to_owned()))?;
    let dialect = match Kind::of(target).map_err(bad)? {
        Kind::Sqlite => Dialect::Sqlite,
        Kind::Postgres => Dialect::Postgres,
        Kind::MySql => {
            let mode = mode(call.scope, &options);
            return mysql::observe(&call, &options, target, mode).await;
        }
    };
    let mode = mode(call.scope, &options);
    if options.session.is_some() && mode != Mode::Gate {
        let why = "`session` stands only in a gate with `transaction: rollback`";
        return Err(bad(why.to_owned()));
    }
    if options.session.is_some() && dialect == Dialect::Sqlite {
        let why = "SQLite has one writer at a time, so `session` means nothing there";
        return Err(bad(why.to_owned()));
    }
    let (text, many) = match &options.sql {
        SqlText::Text(text) => (text.clone(), options.script),
        SqlText::File(named) => (file(call.ctx, &named.file)?, true),
    };
    let tried = match &options.sql {
        SqlText::Text(text) => shortened(text),
        SqlText::File(named) => named.file.clone(),
    };
    for (key, name) in &options.identifiers {
        name_is_possible(name).map_err(|why| bad(format!("the name under `{key}` {why}")))?;
    }
    let wrong = |wrong: Wrong| {
        let mut failed = call
            .ctx
            .not_observed(tried.clone(), Cause::BadOptions, wrong.why);
        failed.help = Some(wrong.help.to_owned());
        failed
    };
    let script = Script::read(&text, dialect, many).map_err(wrong)?;
    let ask = Ask {
        asking: Asking {
            ctx: call.ctx,
            target: &target.name,
            tried: tried.clone(),
            writes: mode == Mode::Write,
        },
        options: &options,
        script: &script,
        dialect,
        mode,
    };
    for part in &script.parts {
        ask.permitted(&part.written(), part.line)?;
    }
    match dialect {
        Dialect::Sqlite => observe_sqlite(&ask, target, call.scope).await,
        Dialect::Postgres => observe_postgres(&ask, target, call.scope).await,
    }
}

fn mode(scope: &GateScope, options: &SqlOptions) -> Mode {
    match (scope.rollback(), options.writes) {
        (true, _) => Mode::Gate,
        (false, true) => Mode::Write,
        (false, false) => Mode::Read,
    }
}

/// The text of a script beside the plan, as it was when the plan was loaded.
fn file(ctx: &Ctx, name: &str) -> Result<String, NotObserved> {
    let failed = |cause, why: String| {
        let mut failed = ctx.not_observed(name, cause, format!("`{name}`: {why}"));
        failed.help = Some("a relative path starts from the plan's folder".to_owned());
        failed
    };
    let bytes = ctx
        .plan_file(name)
        .ok_or_else(|| failed(Cause::Missing, "it is no file of the plan".to_owned()))?;
    text_of(bytes)
        .map(str::to_owned)
        .map_err(|why| failed(Cause::BadOptions, why))
}

async fn observe_sqlite(
    ask: &Ask<'_>,
    target: &ResolvedTarget,
    scope: &GateScope,
) -> Result<Seen, NotObserved> {
    let file =
        database::sqlite_file(target, ask.ctx).map_err(|e| ask.failed(Cause::BadOptions, e))?;
    if ask.mode != Mode::Gate {
        return sqlite::once(ask, &file).await;
    }
    let shared = shared::<sqlite::Open>(scope, "sqlite", ask.target);
    let mut held = lock(ask, &shared).await?;
    sqlite::in_gate(ask, &file, &mut held).await
}

async fn observe_postgres(
    ask: &Ask<'_>,
    target: &ResolvedTarget,
    scope: &GateScope,
) -> Result<Seen, NotObserved> {
    let dsn = database::postgres_dsn(target).map_err(|e| ask.failed(Cause::BadOptions, e))?;
    match ask.mode {
        Mode::Read => postgres::read(ask, &dsn).await,
        Mode::Write => postgres::write(ask, &dsn).await,
        Mode::Gate => {
            let shared = shared::<postgres::Gate>(scope, "postgres", ask.target);
            let mut held = lock(ask, &shared).await?;
            postgres::make_in_gate(ask, &dsn, &mut held, scope.has_sessions()).await
        }
    }
}

/// The transaction of a gate on one target.
pub(super) enum Held<T> {
    /// No check has asked for it yet.
    Unopened,
    /// Open.
    Open(T),
    /// It is gone, and what earlier checks did in it is too: a new one would not be the same.
    Lost,
}

impl<T> Held<T> {
    /// Takes it out; until it is put back it counts as lost, so that a check that is cancelled loses it.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Lost)
    }
}

/// What the gate's checks share.
pub(super) type Shared<T> = Arc<tokio::sync::Mutex<Held<T>>>;

/// What the gate's checks share of a target, made by the first of them.
pub(super) fn shared<T: Send + 'static>(scope: &GateScope, kind: &str, target: &str) -> Shared<T> {
    // Looking and putting back are two calls of the scope; two checks must not both find nothing.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let key = format!("sql {kind} {target}");
    let shared = scope
        .take::<Shared<T>>(&key)
        .unwrap_or_else(|| Arc::new(tokio::sync::Mutex::new(Held::Unopened)));
    scope.keep(&key, Arc::clone(&shared));
    shared
}

/// Waits for the checks that use it now.
pub(super) async fn lock<'a, T>(
    ask: &Asking<'_>,
    shared: &'a Shared<T>,
) -> Result<tokio::sync::MutexGuard<'a, Held<T>>, NotObserved> {
    tokio::time::timeout(ask.ctx.remaining(), shared.lock())
        .await
        .map_err(|_| ask.timed_out("another check of the gate held its transaction too long"))
}

/// Rolls back what the gate's checks did, on every target.
pub(super) async fn end_gate(scope: &GateScope) -> Option<GateEnd> {
    let mut whole: Option<GateEnd> = None;
    for key in scope.keys() {
        let end = if let Some(shared) = scope.take::<Shared<sqlite::Open>>(&key) {
            let held = shared.lock().await.take();
            sqlite::end(held).await
        } else if let Some(shared) = scope.take::<Shared<postgres::Gate>>(&key) {
            let held = shared.lock().await.take();
            postgres::end(held).await
        } else {
            mysql::end_of(scope, &key).await.map(GateEnd::only)
        };
        whole = match (whole, end) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        };
    }
    whole
}
