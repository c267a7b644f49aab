//! A gate's transaction that is rolled back: opened by the first check, one savepoint for each, undone at the end, and
//! proved to have left nothing.

mod catalogue;
mod proof;
mod reach;
mod sequences;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use gonogo_core::Value;
use gonogo_core::record::{Cause, NotObserved, RollbackProof};
use serde_json::json;
use tokio::sync::oneshot;

use self::proof::Schema;
use self::reach::{Catalogue, Reached};
use self::sequences::Stands;
use super::make;
use crate::ctx::Ctx;
use crate::database::dsn::Dsn;
use crate::database::postgres::{Reading, Session, not_observed, open};
use crate::database::{Asking, Place};
use crate::probe::{GateEnd, Seen};
use crate::sql::observed::{Said, observed};
use crate::sql::run::{Ask, Held};
use crate::sql::statement::gate::{Examined, examine};

/// How long the end of a gate waits for the server.
const END_WITHIN: Duration = Duration::from_secs(10);
/// How long the proof may take.
const PROVE_WITHIN: Duration = Duration::from_mins(1);
/// How often it is asked who blocks a session of the gate.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The session of the checks that name none.
pub(in crate::sql) const MAIN: &str = "main";

/// A gate's open transactions on one target, and what was there before.
pub(in crate::sql) struct Gate {
    ctx: Ctx,
    target: String,
    dsn: Arc<Dsn>,
    sessions: BTreeMap<String, Member>,
    /// A snapshot of the database before the gate, kept to compare with.
    before: Reading,
    began_at: String,
    schema: Schema,
    catalogue: Catalogue,
    stands: Stands,
    /// Sequences of which the rollback undoes what is drawn; why not, for the others.
    held: BTreeMap<usize, Result<(), String>>,
    /// What the statements made so far may have changed.
    reached: Reached,
    /// Some check of the gate names a session.
    has_sessions: bool,
}

/// When the gate began. The session that keeps the snapshot waits long, which must not end it.
const BEGUN: &str = "select clock_timestamp()::text as at, \
    set_config('idle_in_transaction_session_timeout', '0', true) as idle, \
    set_config('statement_timeout', '60s', true) as longest";

struct Member {
    session: Session,
    pid: i32,
}

/// Makes a statement in the gate's transaction, which the first one opens.
pub(in crate::sql) async fn make_in_gate(
    ask: &Ask<'_>,
    dsn: &Arc<Dsn>,
    held: &mut Held<Gate>,
    has_sessions: bool,
) -> Result<Seen, NotObserved> {
    let examined = examined(ask)?;
    let mut gate = match held.take() {
        Held::Open(gate) => gate,
        Held::Lost => {
            return Err(ask.failed(
                Cause::Closed,
                "the gate's transaction was lost in an earlier check, and what it had done is gone",
            ));
        }
        Held::Unopened => {
            // Until it is open nothing was done, so the next check may try again.
            *held = Held::Unopened;
            let gate = Gate::open(ask, dsn, has_sessions).await?;
            *held = Held::Lost;
            gate
        }
    };
    let seen = gate.make(ask, &examined).await;
    if gate.is_whole() {
        *held = Held::Open(gate);
    }
    seen
}

/// Looks at each statement as it will be sent: with the names that its places take.
fn examined(ask: &Ask<'_>) -> Result<Vec<Examined>, NotObserved> {
    let named = |key: &str| ask.options.identifiers.get(key).map(String::as_str);
    let parts = ask.script.parts.iter();
    parts
        .map(|part| {
            examine(&part.rendered(named).sql)
                .map_err(|no| ask.failed_with_help(Cause::BadOptions, no.why, no.help))
        })
        .collect()
}

impl Gate {
    async fn open(ask: &Ask<'_>, dsn: &Arc<Dsn>, has_sessions: bool) -> Result<Self, NotObserved> {
        let mut before = Reading::open(ask, dsn).await?;
        let begun = before.rows(ask, BEGUN, &[]).await?;
        let began_at = begun.first().map(|row| proof::text(row, "at"));
        // What is read takes locks, which would be in the gate's way; going back gives them up, and keeps the snapshot.
        before.rows(ask, "savepoint looked", &[]).await?;
        let catalogue = catalogue::read(&mut before, ask).await?;
        let schema = proof::schema(&mut before, ask).await?;
        let all = (0..catalogue.sequences.len()).collect();
        let stands = sequences::stands(&mut before, ask, &catalogue, &all).await?;
        before
            .rows(ask, "rollback to savepoint looked", &[])
            .await?;
        let mut gate = Self {
            ctx: ask.ctx.clone(),
            target: ask.target.to_owned(),
            dsn: Arc::clone(dsn),
            sessions: BTreeMap::new(),
            before,
            began_at: began_at.unwrap_or_default(),
            schema,
            catalogue,
            stands,
            held: BTreeMap::new(),
            reached: Reached::default(),
            has_sessions,
        };
        gate.join(ask, MAIN).await?;
        Ok(gate)
    }

    /// Opens a transaction of the gate under a name, where there is none yet.
    async fn join(&mut self, ask: &Ask<'_>, name: &str) -> Result<(), NotObserved> {
        if self.sessions.contains_key(name) {
            return Ok(());
        }
        let session = open(ask, &self.dsn).await?;
        session.say(ask, "begin read write").await?;
        let pid = one_text(&session, ask, "select pg_backend_pid()::text", &[]).await?;
        let pid = pid.and_then(|pid| pid.parse().ok()).ok_or_else(|| {
            ask.failed(
                Cause::Protocol,
                "the server did not say which process it is",
            )
        })?;
        self.sessions
            .insert(name.to_owned(), Member { session, pid });
        Ok(())
    }

    fn is_whole(&self) -> bool {
        self.sessions
            .values()
            .all(|member| member.session.is_whole())
    }

    async fn make(&mut self, ask: &Ask<'_>, examined: &[Examined]) -> Result<Seen, NotObserved> {
        let mut reached = Reached::default();
        for one in examined {
            let more = self.catalogue.reach(one);
            let more =
                more.map_err(|no| ask.failed_with_help(Cause::BadOptions, no.why, no.help))?;
            reached.tables.extend(more.tables);
            reached.sequences.extend(more.sequences);
        }
        let name = ask.options.session.as_deref().unwrap_or(MAIN);
        self.join(ask, name).await?;
        self.hold(ask, name, &reached).await?;
        self.reached.tables.extend(reached.tables);
        self.reached.sequences.extend(reached.sequences);
        let begun = ask.ctx.now();
        let (said, blocked_by) = self.in_savepoint(ask, name).await?;
        let said = said?;
        let Some(member) = self.sessions.get(name) else {
            return Err(ask.failed(Cause::Bug, "the gate lost a session"));
        };
        let place = Place {
            target: ask.target.to_owned(),
            address: self.dsn.shown(),
            engine: member.session.engine().to_owned(),
        };
        if let Said::Refusal(failed) = &said {
            let waited = begun.elapsed() >= ask.lock_wait().mul_f64(0.95);
            let of_lock = failed.refusal.sqlstate == "55P03" && self.has_sessions;
            if of_lock && blocked_by.is_none() && waited {
                return Err(ask.failed_with_help(
                    Cause::Timeout,
                    "a lock was not given in time, and no session of this gate holds it",
                    "`select * from pg_locks where not granted` shows who waits",
                ));
            }
        }
        let mut seen = observed(place, said);
        if let Some(blocked_by) = blocked_by {
            seen.facts
                .insert("blocked_by".to_owned(), blocked_by.into());
        }
        Ok(seen)
    }

    /// Holds what the statement may draw from. With several sessions none is held: they would wait for one another.
    async fn hold(
        &mut self,
        ask: &Ask<'_>,
        name: &str,
        reached: &Reached,
    ) -> Result<(), NotObserved> {
        let new: Vec<usize> = reached
            .sequences
            .iter()
            .copied()
            .filter(|at| !self.held.contains_key(at))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        if self.has_sessions {
            let why = "the gate has several sessions, which would wait for one another";
            self.held
                .extend(new.into_iter().map(|at| (at, Err(why.to_owned()))));
            return Ok(());
        }
        let wanted: Vec<_> = new
            .iter()
            .filter_map(|at| Some((*at, self.catalogue.sequences.get(*at)?)))
            .collect();
        let Some(member) = self.sessions.get_mut(name) else {
            return Ok(());
        };
        let mut failed = sequences::hold(&mut member.session, ask, &wanted).await?;
        for at in new {
            let held = failed.remove(&at).map_or(Ok(()), Err);
            self.held.insert(at, held);
        }
        Ok(())
    }

    /// Makes the statement so that an error undoes it alone. Deferred constraints are asked for at once: they would
    /// fire at a commit, and none comes. Says too which session of the gate was in the way, where one was.
    async fn in_savepoint(
        &mut self,
        ask: &Ask<'_>,
        name: &str,
    ) -> Result<(Result<Said, NotObserved>, Option<String>), NotObserved> {
        let others: BTreeMap<i32, String> = self
            .sessions
            .iter()
            .filter(|(other, _)| *other != name)
            .map(|(other, member)| (member.pid, other.clone()))
            .collect();
        let Some(member) = self.sessions.get_mut(name) else {
            return Err(ask.failed(Cause::Bug, "the gate lost a session"));
        };
        let (session, pid) = (&mut member.session, member.pid);
        let ms = session.limit_ms(ask);
        let lock_ms = if self.has_sessions {
            ms.min(
                u64::try_from(ask.lock_wait().as_millis())
                    .unwrap_or(u64::MAX)
                    .max(1),
            )
        } else {
            ms
        };
        // Between two checks of a gate the transaction is idle; that must not end it soon, but at last it must. How texts
        // are read must be as they were examined.
        let begin = format!(
            "savepoint gonogo; set local statement_timeout = {ms}; set local lock_timeout = {lock_ms}; \
             set local idle_in_transaction_session_timeout = '1h'; set local standard_conforming_strings = on"
        );
        session.say_or_break(ask, &begin).await?;
        let (done, ended) = oneshot::channel::<()>();
        let (mut said, blocked_by) = if others.is_empty() {
            (make::within_time(session, ask).await, None)
        } else {
            let making = async {
                let said = make::within_time(session, ask).await;
                drop(done);
                said
            };
            tokio::join!(making, blocker(&mut self.before, ask, pid, &others, ended))
        };
        let session = match self.sessions.get_mut(name) {
            Some(member) if member.session.is_whole() => &mut member.session,
            _ => return Ok((said, blocked_by)),
        };
        if matches!(said, Ok(Said::Answer(_))) {
            match make::deferred_constraints(session, ask).await {
                Ok(None) => {}
                Ok(Some(refusal)) => said = said.map(|said| said.refused(refusal)),
                Err(failed) => said = Err(failed),
            }
        }
        let end = match &said {
            Ok(Said::Answer(_)) => "release savepoint gonogo",
            _ => "rollback to savepoint gonogo; release savepoint gonogo",
        };
        // A savepoint that is not there any more means that the transaction is not either.
        session.say_or_break(ask, end).await?;
        // Only a statement that did not get its lock was blocked for good.
        let refused =
            matches!(&said, Ok(Said::Refusal(failed)) if failed.refusal.sqlstate == "55P03");
        Ok((said, blocked_by.filter(|_| refused)))
    }
}

/// Which session of the gate a waiting one waits for, asked until its statement has ended.
async fn blocker(
    before: &mut Reading,
    ask: &Ask<'_>,
    pid: i32,
    others: &BTreeMap<i32, String>,
    mut ended: oneshot::Receiver<()>,
) -> Option<String> {
    let asked = "select unnest(pg_catalog.pg_blocking_pids($1::int)) as pid";
    loop {
        tokio::select! {
            _ = &mut ended => return None,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let rows = before.rows(ask, asked, &[json!(pid)]).await.ok()?;
        let found = rows.iter().find_map(|row| match row.get("pid") {
            Some(Value::Int(pid)) => others.get(&i32::try_from(*pid).ok()?),
            _ => None,
        });
        if let Some(name) = found {
            return Some(name.clone());
        }
    }
}

/// Rolls the gate's transactions back and proves that nothing of them is left.
pub(in crate::sql) async fn end(held: Held<Gate>) -> Option<GateEnd> {
    let gate = match held {
        Held::Unopened => return None,
        Held::Lost => return Some(GateEnd::lost()),
        Held::Open(gate) => gate,
    };
    Some(gate.end().await)
}

/// What the transactions say of themselves before they are rolled back.
#[derive(Default)]
struct Last {
    xids: Vec<i64>,
    touched: BTreeSet<String>,
    pids: Vec<i32>,
}

impl Gate {
    async fn end(mut self) -> GateEnd {
        let ctx = self.ctx.again(END_WITHIN);
        let target = self.target.clone();
        let asking = Asking {
            ctx: &ctx,
            target: &target,
            tried: "the rollback of the gate".to_owned(),
            writes: false,
        };
        let mut last = Last::default();
        let mut confirmed = true;
        for member in self.sessions.values() {
            confirmed &= roll_back(member, &asking, &mut last).await;
        }
        if !confirmed {
            return GateEnd::lost();
        }
        let ctx = self.ctx.again(PROVE_WITHIN);
        let asking = Asking {
            ctx: &ctx,
            tried: "the proof that nothing was left behind".to_owned(),
            ..asking
        };
        let proof = match self.prove(&asking, last).await {
            Ok(proof) => proof,
            Err(failed) => RollbackProof {
                differences: vec![format!(
                    "what is there now could not be compared with what was there before: {}",
                    failed.message
                )],
                ..RollbackProof::default()
            },
        };
        GateEnd {
            confirmed,
            proof: Some(proof),
        }
    }

    async fn prove(
        &mut self,
        asking: &Asking<'_>,
        last: Last,
    ) -> Result<RollbackProof, NotObserved> {
        let mut proof = RollbackProof::default();
        let mut after = Reading::open(asking, &self.dsn).await?;
        let bind = [json!(last.pids), json!(self.began_at), json!(last.xids)];
        for row in after.rows(asking, proof::LEFT, &bind).await? {
            proof.differences.push(proof::text(&row, "what"));
        }
        let schema = proof::schema(&mut after, asking).await?;
        proof::compare_schemas(&self.schema, &schema, &mut proof);
        let tables = proof::tables(
            &mut self.before,
            asking,
            &self.reached.tables,
            &last.touched,
            &mut proof.notes,
        )
        .await?;
        if proof.schema {
            let was = proof::figures(&mut self.before, asking, &tables).await?;
            let is = proof::figures(&mut after, asking, &tables).await?;
            proof::compare_rows(&tables, &was, &is, &self.catalogue.means, &mut proof);
        }
        self.compare_sequences(asking, &mut after, &mut proof)
            .await?;
        after.close(asking).await;
        Ok(proof)
    }

    async fn compare_sequences(
        &self,
        asking: &Asking<'_>,
        after: &mut Reading,
        proof: &mut RollbackProof,
    ) -> Result<(), NotObserved> {
        // One that is gone shows in the schema.
        if !proof.schema {
            return Ok(());
        }
        let all = (0..self.catalogue.sequences.len()).collect();
        let now = sequences::stands(after, asking, &self.catalogue, &all).await?;
        for (at, was) in &self.stands {
            let (Some(is), Some(sequence)) = (now.get(at), self.catalogue.sequences.get(*at))
            else {
                continue;
            };
            let shown = sequence.shown();
            proof.sequences += u32::from(self.held.contains_key(at) && was == is);
            match self.held.get(at) {
                _ if was == is => {}
                Some(Err(why)) => proof.moved.push(format!(
                    "{shown} stood at {was} and stands at {is}; it could not be held, so a rollback does not restore it: {why}"
                )),
                Some(Ok(())) | None => proof.notes.push(format!(
                    "{shown} stood at {was} and stands at {is}: drawn from by somebody else"
                )),
            }
        }
        for (at, held) in &self.held {
            let sequence = self.catalogue.sequences.get(*at);
            if let (Err(why), Some(sequence)) = (held, sequence) {
                proof
                    .notes
                    .push(format!("{} was not held: {why}", sequence.shown()));
            }
        }
        Ok(())
    }
}

const TOUCHED: &str = "select coalesce(string_agg(schemaname || '.' || relname, E'\\n'), '') \
    from pg_catalog.pg_stat_xact_user_tables where n_tup_ins + n_tup_upd + n_tup_del > 0";

/// Rolls one transaction back and asks the server whether none is left.
async fn roll_back(member: &Member, asking: &Asking<'_>, last: &mut Last) -> bool {
    let asked = async {
        let session = &member.session;
        let xid = one_text(
            session,
            asking,
            "select txid_current_if_assigned()::text",
            &[],
        )
        .await?;
        let touched = one_text(session, asking, TOUCHED, &[]).await?;
        session.say(asking, "rollback").await?;
        // Outside a transaction nothing has a number, unless this very statement took one.
        let none = "select (txid_current_if_assigned() is null)::text";
        let none = one_text(session, asking, none, &[]).await?;
        Ok::<_, NotObserved>((xid, touched, none))
    };
    let Ok((xid, touched, none)) = asked.await else {
        return false;
    };
    last.pids.push(member.pid);
    last.xids
        .extend(xid.and_then(|xid| xid.parse::<i64>().ok()));
    let touched = touched.unwrap_or_default();
    let tables = touched.lines().filter(|name| !name.is_empty());
    last.touched.extend(tables.map(str::to_owned));
    none.as_deref() == Some("true")
}

/// The one text that a question of our own gives.
async fn one_text(
    session: &Session,
    asking: &Asking<'_>,
    sql: &str,
    bind: &[&String],
) -> Result<Option<String>, NotObserved> {
    let parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = bind
        .iter()
        .map(|text| *text as &(dyn tokio_postgres::types::ToSql + Sync))
        .collect();
    let left = session.leave_none(asking);
    let asked = session.client().query_one(sql, &parameters);
    match tokio::time::timeout(asking.ctx.remaining(), asked).await {
        Err(_) => Err(asking.timed_out("the server did not answer")),
        Ok(Ok(row)) => {
            left.done();
            row.try_get(0)
                .map_err(|e| not_observed(asking, session, &e))
        }
        Ok(Err(error)) => {
            left.done();
            Err(not_observed(asking, session, &error))
        }
    }
}

/// A name as the server reads it, whatever is in it.
fn quoted(schema: &str, name: &str) -> String {
    let quote = |part: &str| format!("\"{}\"", part.replace('"', "\"\""));
    format!("{}.{}", quote(schema), quote(name))
}
