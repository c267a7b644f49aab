//! What has passed the redactor, as a type.

use super::Redactor;
use crate::record::{NotObserved, Observation, Shown};
use crate::value::{Map, Value};

/// A value in which every registered secret is masked. Only the redactor makes one, so what demands this type cannot be
/// given anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// The masked value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> AsRef<T> for Redacted<T> {
    fn as_ref(&self) -> &T {
        &self.0
    }
}

/// What the redactor can mask as a whole.
pub trait Redactable: Sized {
    /// The same with every secret masked.
    #[must_use]
    fn redacted(self, redactor: &Redactor) -> Self;
}

impl Redactor {
    /// Masks every secret in a value and marks it as done.
    pub fn seal<T: Redactable>(&self, value: T) -> Redacted<T> {
        Redacted(value.redacted(self))
    }
}

impl Redactable for String {
    fn redacted(self, redactor: &Redactor) -> Self {
        match redactor.redact_str(&self) {
            std::borrow::Cow::Borrowed(_) => self,
            std::borrow::Cow::Owned(masked) => masked,
        }
    }
}

impl Redactable for Vec<u8> {
    fn redacted(self, redactor: &Redactor) -> Self {
        match redactor.redact_bytes(&self).0 {
            std::borrow::Cow::Borrowed(_) => self,
            std::borrow::Cow::Owned(masked) => masked,
        }
    }
}

impl<T: Redactable> Redactable for Option<T> {
    fn redacted(self, redactor: &Redactor) -> Self {
        self.map(|value| value.redacted(redactor))
    }
}

impl Redactable for Value {
    fn redacted(mut self, redactor: &Redactor) -> Self {
        redactor.redact_value(&mut self, "", &mut Vec::new());
        self
    }
}

impl Redactable for Map {
    fn redacted(mut self, redactor: &Redactor) -> Self {
        redactor.redact_map(&mut self, "", &mut Vec::new());
        self
    }
}

impl Redactable for Shown {
    fn redacted(mut self, redactor: &Redactor) -> Self {
        redactor.redact_shown(&mut self);
        self
    }
}

impl Redactable for NotObserved {
    fn redacted(self, redactor: &Redactor) -> Self {
        Self {
            tried: self.tried.redacted(redactor),
            message: self.message.redacted(redactor),
            help: self.help.redacted(redactor),
            ..self
        }
    }
}

impl Redactable for Observation {
    /// Also notes in `secrets_seen` which secrets its facts held.
    fn redacted(mut self, redactor: &Redactor) -> Self {
        redactor.redact_map(&mut self.facts, "", &mut self.secrets_seen);
        self.shown
            .iter_mut()
            .for_each(|shown| redactor.redact_shown(shown));
        if let Some(target) = &mut self.target {
            target.address = std::mem::take(&mut target.address).redacted(redactor);
            target.engine = target.engine.take().redacted(redactor);
        }
        for absence in &mut self.absent {
            absence.why = std::mem::take(&mut absence.why).redacted(redactor);
        }
        for cut in &mut self.cut {
            cut.why = std::mem::take(&mut cut.why).redacted(redactor);
        }
        self
    }
}
