//! What a server says beside its answers: `RAISE NOTICE`, warnings.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_postgres::error::DbError;

use crate::database::{Heard, Notice};

/// How many characters of one.
const LONGEST: usize = 2000;

/// The notices of a connection since they were last taken.
#[derive(Clone, Default)]
pub(super) struct Notices(Arc<Mutex<Heard>>);

impl Notices {
    pub(super) fn add(&self, said: &DbError) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.kept.len() >= Heard::MOST {
            heard.more += 1;
            return;
        }
        // The severity's word is in the server's language; the parsed one is not.
        let severity = said
            .parsed_severity()
            .map_or_else(|| said.severity().to_owned(), |s| s.to_string());
        let mut message: String = said.message().chars().take(LONGEST).collect();
        if message.len() < said.message().len() {
            message.push('…');
        }
        heard.kept.push(Notice {
            severity,
            sqlstate: said.code().code().to_owned(),
            message,
        });
    }

    pub(super) fn take(&self) -> Heard {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
