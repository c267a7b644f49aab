//! PostgreSQL: one connection, what goes over it, and a session that only reads.

mod bind;
mod blockers;
mod connect;
mod decode;
mod idle;
mod json;
mod literal;
mod notices;
mod read;
mod tls;
mod trouble;
mod wire;
mod wording;

pub(crate) use bind::{Text, bytes_of, parameter};
pub(crate) use blockers::blockers;
#[cfg(test)]
pub(crate) use connect::application_name;
pub(crate) use connect::{Route, Session, connect, is_secured};
pub(crate) use read::{Reading, begin_reading, end_reading, kept, open, open_reading, reused};
pub(crate) use trouble::{not_observed, refusal};

pub(crate) use idle::keep as keep_idle;
