//! Labels of samples and exemplars.

use super::error::{At, Fault, quoted};
use super::lexis::{self, LABEL, LABEL_START};
use super::metadata::Role;
use super::parser::Parser;
use super::sample::Labels;
use super::{Format, Span};

/// What the labels of a sample come to.
#[derive(Clone, Copy, Default)]
pub(super) struct LabelSet {
    pub(super) span: Span,
    /// Of all labels, in any order.
    pub(super) hash: u64,
    /// The value of `le` or `quantile`, and the hash of that label.
    pub(super) bound: Option<(f64, u64)>,
}

impl Parser<'_> {
    /// The labels, braces included.
    pub(super) fn labels(&mut self) -> Result<LabelSet, At> {
        let open = self.format == Format::OpenMetrics;
        let mut set = LabelSet::default();
        let brace = self.at;
        self.at += 1;
        self.label_names.clear();
        loop {
            self.loose();
            if self.bytes.get(self.at) == Some(&b'}') {
                let after_comma = self.bytes[self.at - 1] == b',';
                if open && after_comma {
                    return Err(self.unexpected("a label's name"));
                }
                self.at += 1;
                break;
            }
            self.label(&mut set)?;
            self.loose();
            match self.bytes.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b'}') => {}
                _ => return Err(self.unexpected("`,` or `}`")),
            }
        }
        set.span = Span::new(brace, self.at);
        Ok(set)
    }

    /// One label: `name="value"`.
    fn label(&mut self, set: &mut LabelSet) -> Result<(), At> {
        let start = self.at;
        let len = lexis::name_len(&self.bytes[start..], LABEL_START, LABEL);
        if len == 0 {
            return Err(self.unexpected("a label's name"));
        }
        let name = &self.bytes[start..start + len];
        self.new_label_name(Span::new(start, start + len))?;
        self.at += len;
        self.loose();
        self.byte(b'=', "`=`")?;
        self.loose();
        self.byte(b'"', "`\"`")?;
        let seed = lexis::hash(name, 0);
        let value_start = self.at;
        let hash = self.label_value(seed)?;
        let value = &self.text[value_start..self.at];
        self.at += 1;
        if !value.is_empty() {
            set.hash = set.hash.wrapping_add(hash);
        }
        if self.role.group_label() == Some(name) {
            let Some(bound) = lexis::number(value.as_bytes()) else {
                let why = format!("{} is not a number", quoted(value));
                return Err(self.fault_at(Fault::Value, value_start, why));
            };
            set.bound = Some((bound, hash));
        }
        Ok(())
    }

    fn new_label_name(&mut self, name: Span) -> Result<(), At> {
        let text = self.text;
        let found = name.of(text);
        let start = name.start as usize;
        if self.label_names.iter().any(|other| other.of(text) == found) {
            let why = format!("the label {} stands twice", quoted(found));
            return Err(self.fault_at(Fault::Duplicate, start, why));
        }
        if found == "__name__" {
            return Err(self.fault_at(Fault::Syntax, start, "`__name__` is not a label's name"));
        }
        if self.label_names.len() >= self.limits.labels {
            let why = format!("more than {} labels", self.limits.labels);
            return Err(self.fault_at(Fault::Limit, start, why));
        }
        self.label_names.push(name);
        Ok(())
    }

    /// Up to the closing quote; the hash of what the value stands for.
    fn label_value(&mut self, seed: u64) -> Result<u64, At> {
        let start = self.at;
        let mut escaped = false;
        loop {
            let Some((len, hash)) = lexis::plain_value(&self.bytes[self.at..], seed) else {
                let why = "the text ends within a label's value";
                return Err(self.fault_at(Fault::Truncated, self.bytes.len(), why));
            };
            self.at += len;
            match self.bytes[self.at] {
                b'"' if !escaped => return Ok(hash),
                b'"' => {
                    let value = lexis::unescape(&self.text[start..self.at]);
                    return Ok(lexis::hash(value.as_bytes(), seed));
                }
                b'\n' => {
                    let why = "the line ends within a label's value";
                    return Err(self.fault(Fault::Syntax, why));
                }
                _ => {
                    escaped = true;
                    match self.bytes.get(self.at + 1) {
                        Some(b'\\' | b'"' | b'n') => self.at += 2,
                        Some(b'\n') | None => self.at += 1,
                        Some(_) if self.format == Format::OpenMetrics => self.at += 1,
                        Some(_) => {
                            let why =
                                "a label's value knows the escapes `\\\\`, `\\\"` and `\\n` only";
                            return Err(self.fault(Fault::Syntax, why));
                        }
                    }
                }
            }
        }
    }

    /// An exemplar (OpenMetrics): ` # {labels} value [timestamp]`, of buckets and counters only.
    pub(super) fn exemplar(&mut self) -> Result<(), At> {
        if self.format == Format::Text || !self.bytes[self.at..].starts_with(b" # ") {
            return Ok(());
        }
        if !matches!(self.role, Role::Bucket | Role::Total) {
            let why = "only buckets and counters have exemplars";
            return Err(self.fault(Fault::Syntax, why));
        }
        self.at += 3;
        if self.bytes.get(self.at) != Some(&b'{') {
            return Err(self.unexpected("an exemplar's labels"));
        }
        let role = std::mem::replace(&mut self.role, Role::Plain);
        let labels = self.labels();
        self.role = role;
        let span = labels?.span;
        let characters: usize = Labels::within(span.of(self.text))
            .map(|(name, value)| name.chars().count() + value.chars().count())
            .sum();
        if characters > 128 {
            let why = "an exemplar's labels have more than 128 characters";
            return Err(self.fault_at(Fault::Limit, span.start as usize, why));
        }
        self.one_space("the exemplar's value")?;
        self.value()?;
        self.timestamp()?;
        Ok(())
    }
}
