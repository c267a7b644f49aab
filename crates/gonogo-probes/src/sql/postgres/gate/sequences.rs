//! Sequences: what they stand at, and holding them, so that the rollback undoes `nextval` and `setval` too.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_core::Value;
use gonogo_core::record::{Cause, NotObserved};
use serde_json::json;

use super::reach::{Catalogue, Sequence};
use super::{one_text, quoted};
use crate::database::Asking;
use crate::database::postgres::{Reading, Session};

/// So many are read.
const MOST: usize = 2_000;

/// What each sequence stands at, as text; by its place in the catalogue's list.
pub(super) type Stands = BTreeMap<usize, String>;

/// Reads what all readable sequences stand at, in one question.
pub(super) async fn stands(
    reading: &mut Reading,
    asking: &Asking<'_>,
    catalogue: &Catalogue,
    wanted: &BTreeSet<usize>,
) -> Result<Stands, NotObserved> {
    let all = catalogue.sequences.iter().enumerate();
    let parts: Vec<String> = all
        .filter(|(at, sequence)| sequence.readable && wanted.contains(at))
        .take(MOST)
        .map(|(at, sequence)| {
            let name = quoted(&sequence.schema, &sequence.name);
            format!("select {at}::int8 as at, last_value || ' ' || is_called as stands from {name}")
        })
        .collect();
    if parts.is_empty() {
        return Ok(Stands::new());
    }
    let rows = reading
        .rows(asking, &parts.join(" union all "), &[])
        .await?;
    let mut stands = Stands::new();
    for row in rows {
        if let (Some(Value::Int(at)), Some(Value::String(text))) =
            (row.get("at"), row.get("stands"))
        {
            stands.insert(*at as usize, text.clone());
        }
    }
    Ok(stands)
}

/// `ALTER SEQUENCE` by its own increment changes nothing and gives the sequence a new file: what is drawn from then on
/// goes into that one, which a rollback throws away. Others who draw wait until the gate ends.
const HOLD: &str = r"do $gonogo$
declare
  wanted record;
  failed jsonb := '[]';
begin
  set local lock_timeout = '500ms';
  for wanted in
    select n.nspname, c.relname, q.seqincrement, h.at
    from jsonb_to_recordset(current_setting('gonogo.hold')::jsonb) as h (at int, s text, n text)
    join pg_catalog.pg_namespace n on n.nspname = h.s
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = h.n
    join pg_catalog.pg_sequence q on q.seqrelid = c.oid
    order by c.oid
  loop
    begin
      execute format('alter sequence %I.%I increment by %s', wanted.nspname, wanted.relname, wanted.seqincrement);
    exception when others then
      failed := failed || jsonb_build_array(jsonb_build_object('at', wanted.at, 'why', sqlerrm));
    end;
  end loop;
  perform set_config('gonogo.not_held', failed::text, true);
end
$gonogo$";

/// Holds sequences until the transaction ends; those that could not be, with the reason.
pub(super) async fn hold(
    session: &mut Session,
    asking: &Asking<'_>,
    sequences: &[(usize, &Sequence)],
) -> Result<BTreeMap<usize, String>, NotObserved> {
    let wanted: Vec<_> = sequences
        .iter()
        .map(|(at, s)| json!({"at": at, "s": s.schema, "n": s.name}))
        .collect();
    let wanted = json!(wanted).to_string();
    let give = "select set_config('gonogo.hold', $1, true)";
    one_text(session, asking, give, &[&wanted]).await?;
    session.say_or_break(asking, HOLD).await?;
    let told = one_text(
        session,
        asking,
        "select current_setting('gonogo.not_held')",
        &[],
    )
    .await?;
    let told: Vec<Failed> = serde_json::from_str(&told.unwrap_or_default()).map_err(|e| {
        asking.failed(
            Cause::Protocol,
            format!("which sequences are held was not understood: {e}"),
        )
    })?;
    Ok(told.into_iter().map(|f| (f.at, f.why)).collect())
}

#[derive(serde::Deserialize)]
struct Failed {
    at: usize,
    why: String,
}
