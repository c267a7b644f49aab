//! Every part of an observation through the redactor, before anything else sees it.

use gonogo_core::record::{Observation, Shown};
use gonogo_core::redact::Redactor;
use gonogo_core::shapes::Scanner;
use gonogo_core::{Map, Value};
use gonogo_probes::probe::RawBlob;

/// Masks every text of an observation and notes where secrets stood.
pub(super) fn mask(redactor: &Redactor, observation: &mut Observation) {
    let mut seen = Vec::new();
    for (name, value) in &mut observation.facts {
        redactor.redact_value(value, name, &mut seen);
    }
    for cut in &observation.cut {
        if let Some(Value::String(text)) = observation.facts.get_mut(&cut.fact) {
            redactor.trim_cut(text);
        }
    }
    let text = |text: &mut String| *text = redactor.redact_str(text).into_owned();
    for shown in &mut observation.shown {
        match shown {
            Shown::Table { title, head, rows } => {
                text(title);
                head.iter_mut().for_each(text);
                rows.iter_mut().flatten().for_each(text);
            }
            Shown::Text { title, text: body } => {
                text(title);
                text(body);
            }
        }
    }
    if let Some(target) = &mut observation.target {
        text(&mut target.address);
        if let Some(engine) = &mut target.engine {
            text(engine);
        }
    }
    observation.absent.iter_mut().for_each(|a| text(&mut a.why));
    observation.cut.iter_mut().for_each(|c| text(&mut c.why));
    seen.sort();
    seen.dedup();
    observation.secrets_seen = seen;
}

/// Masks bytes.
pub(super) fn bytes(redactor: &Redactor, bytes: &[u8]) -> Vec<u8> {
    redactor.redact_bytes(bytes).0.into_owned()
}

/// Makes known what has a secret's shape in parts that are too large to be facts.
pub(super) fn register_blobs(
    redactor: &mut Redactor,
    scanner: Option<&Scanner>,
    blobs: &[RawBlob],
) {
    let Some(scanner) = scanner else { return };
    for blob in blobs.iter().filter(|blob| blob.redact) {
        let text = String::from_utf8_lossy(&blob.bytes).into_owned();
        let held = Map::from([(blob.role.clone(), Value::String(text))]);
        redactor.register_shapes(scanner, &held);
    }
}
