//! A scratch database: made to restore a backup into, and dropped again whatever happens.

use std::sync::Arc;
use std::time::Duration;

use gonogo_core::record::{Cause, NotObserved};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::catalogue::text;
use crate::ctx::Ctx;
use crate::database::Asking;
use crate::database::dsn::Dsn;
use crate::database::postgres::{self, Reading, Session};

/// How long dropping it may take.
const DROP_WITHIN: Duration = Duration::from_secs(10);

/// Whether the role may make databases, and how to make one like the target's.
const WAY: &str = "\
select r.rolsuper or r.rolcreatedb as may, r.rolname::text as role, \
 extract(epoch from clock_timestamp())::int8::text as now, pg_is_in_recovery() as standby, \
 format('template template0 encoding %L lc_collate %L lc_ctype %L', pg_encoding_to_char(d.encoding), d.datcollate, d.datctype) \
   || case when to_jsonb(d) ->> 'datlocprovider' = 'i' \
     then format(' locale_provider icu icu_locale %L', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')) \
     when to_jsonb(d) ->> 'datlocprovider' = 'b' \
     then format(' locale_provider builtin builtin_locale %L', to_jsonb(d) ->> 'datlocale') \
     else '' end as settings \
from pg_roles r, pg_database d where r.rolname = current_user and d.datname = current_database()";

/// Scratch databases of this role that nobody works in, made more than a minute ago: those of runs that were killed. A
/// run that lives has a session in its own from the moment after it is made.
const LEFTOVERS: &str = "\
select d.datname::text as name from pg_database d join pg_roles r on r.oid = d.datdba \
where r.rolname = current_user and d.datname ~ '^gonogo_scratch_[0-9]{1,12}_[0-9a-f]{16}$' \
 and extract(epoch from clock_timestamp()) - split_part(d.datname, '_', 3)::int8 > 60 \
 and not exists (select from pg_stat_activity a where a.datid = d.oid)";

/// A scratch database. Dropped by [`Scratch::end`]; where that is not reached, when the value is.
pub(super) struct Scratch {
    name: String,
    server: Arc<Dsn>,
    own: Arc<Dsn>,
    /// A session in it: it tells other runs that it is in use.
    anchor: Option<Session>,
    ctx: Ctx,
    target: String,
    /// What earlier runs had left, now dropped.
    pub(super) leftovers: Vec<String>,
}

impl Scratch {
    /// Makes one on the target's server.
    pub(super) async fn make(
        asking: &Asking<'_>,
        dsn: &Arc<Dsn>,
        reading: &mut Reading,
    ) -> Result<Self, NotObserved> {
        let way = reading.rows(asking, WAY, &[]).await?;
        let way = way.into_iter().next().unwrap_or_default();
        let is = |key: &str| way.get(key) == Some(&gonogo_core::Value::Bool(true));
        let role = text(&way, "role");
        if is("standby") {
            return Err(asking.failed_with_help(
                Cause::Denied,
                "the server is a standby: nothing can be restored there",
                "give a target on the primary, or another server, with `target:`",
            ));
        }
        if !is("may") {
            return Err(asking.failed_with_help(
                Cause::Denied,
                format!("the role `{role}` may not make a scratch database"),
                format!("`alter role {role} createdb`, or sign in as a role that may"),
            ));
        }
        let session = postgres::open(asking, dsn).await?;
        let leftovers = drop_leftovers(asking, reading, &session).await?;
        let name = name(asking, &text(&way, "now"))?;
        let mut own = Dsn::clone(dsn);
        own.database = Some(name.clone());
        let mut scratch = Self {
            name,
            server: Arc::clone(dsn),
            own: Arc::new(own),
            anchor: None,
            ctx: asking.ctx.clone(),
            target: asking.target.to_owned(),
            leftovers,
        };
        // The settings are quoted by the server itself; the name is of letters, digits and `_`.
        let make = format!(
            "create database {} {}",
            scratch.name,
            text(&way, "settings")
        );
        session.say(asking, &make).await?;
        scratch.anchor = Some(postgres::open(asking, &scratch.own).await?);
        Ok(scratch)
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A session that only reads, in it.
    pub(super) async fn read(&self, asking: &Asking<'_>) -> Result<Reading, NotObserved> {
        Reading::open(asking, &self.own).await
    }

    /// Drops it.
    pub(super) async fn end(mut self) -> Result<(), NotObserved> {
        drop(self.anchor.take());
        let name = std::mem::take(&mut self.name);
        drop_database(&self.ctx, &self.target, &self.server, &name).await
    }
}

/// The check was given up from outside: the drop goes on by itself. Where not even that is possible, the next run drops it.
impl Drop for Scratch {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if name.is_empty() {
            return;
        }
        drop(self.anchor.take());
        let (ctx, target, server) = (
            self.ctx.clone(),
            self.target.clone(),
            Arc::clone(&self.server),
        );
        drop(runtime.spawn(async move {
            let _dropped = drop_database(&ctx, &target, &server, &name).await.is_ok();
        }));
    }
}

async fn drop_database(
    ctx: &Ctx,
    target: &str,
    server: &Arc<Dsn>,
    name: &str,
) -> Result<(), NotObserved> {
    let ctx = ctx.again(DROP_WITHIN);
    let asking = Asking {
        ctx: &ctx,
        target,
        tried: format!("drop the scratch database {name}"),
        writes: true,
    };
    let dropped = async {
        let session = postgres::open(&asking, server).await?;
        let forced = session
            .say(
                &asking,
                &format!("drop database if exists {name} with (force)"),
            )
            .await;
        match forced {
            // Before PostgreSQL 13 sessions are ended one by one.
            Err(e) if e.message.contains("42601") => {
                let end = format!(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
                );
                session.say(&asking, &end).await?;
                session
                    .say(&asking, &format!("drop database if exists {name}"))
                    .await
            }
            other => other,
        }
    };
    dropped.await.map_err(|mut failed| {
        failed.message = format!(
            "the scratch database {name} is still there: {}",
            failed.message
        );
        failed.help = Some(format!(
            "drop it by hand: `drop database {name}`; the next restore of the same role does so too"
        ));
        failed
    })
}

async fn drop_leftovers(
    asking: &Asking<'_>,
    reading: &mut Reading,
    session: &Session,
) -> Result<Vec<String>, NotObserved> {
    let mut dropped = Vec::new();
    for row in reading.rows(asking, LEFTOVERS, &[]).await? {
        let name = text(&row, "name");
        // Without force: who came into it meanwhile keeps it. The pattern leaves nothing that needs quoting.
        let drop = format!("drop database if exists {name}");
        if session.say(asking, &drop).await.is_ok() {
            dropped.push(name);
        }
    }
    Ok(dropped)
}

/// `gonogo_scratch_1790000000_0123456789abcdef`: when by the server's clock, and unguessable.
fn name(asking: &Asking<'_>, now: &str) -> Result<String, NotObserved> {
    let mut bytes = [0; 8];
    let drawn = SystemRandom::new().fill(&mut bytes);
    drawn.map_err(|_| asking.failed(Cause::Bug, "the system gave no random bytes"))?;
    let random: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    if now.is_empty() || !now.bytes().all(|b| b.is_ascii_digit()) {
        return Err(asking.failed(Cause::Protocol, "the server does not say what time it is"));
    }
    Ok(format!("gonogo_scratch_{now}_{random}"))
}
