//! From bytes to families: one pass, a line at a time.

use std::collections::BTreeMap;

use super::error::{At, ExpositionError, Fault, quoted};
use super::groups::{Groups, Member};
use super::labels::LabelSet;
use super::lexis::{self, METRIC, METRIC_START};
use super::metadata::{self, Role};
use super::sample::{NO_TIME, SampleAt};
use super::series::{Entered, Series};
use super::{Exposition, FamilyAt, Format, Kind, Limits, Span};

/// Parses and validates a text of a format.
pub(super) fn parse<'t>(
    text: &'t [u8],
    format: Format,
    limits: &Limits,
) -> Result<Exposition<'t>, ExpositionError> {
    let refused = |fault, offset, message| At {
        fault,
        offset,
        message,
    };
    if text.len() > limits.bytes.min(u32::MAX as usize) {
        let why = format!("the text is longer than {} bytes", limits.bytes);
        return Err(refused(Fault::Limit, 0, why).in_text(text));
    }
    let utf8 = std::str::from_utf8(text).map_err(|e| {
        let why = "this is not UTF-8".to_owned();
        refused(Fault::Syntax, e.valid_up_to(), why).in_text(text)
    })?;
    let mut parser = Parser::new(utf8, format, *limits);
    match parser.text() {
        Ok(()) => Ok(Exposition {
            text: utf8,
            format,
            families: parser.families,
            samples: parser.samples,
        }),
        Err(at) => Err(at.in_text(text)),
    }
}

/// What is known half-way through a text. `comment` and `labels` hold the rest of its reading.
pub(super) struct Parser<'t> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    pub(super) at: usize,
    pub(super) format: Format,
    pub(super) limits: Limits,
    pub(super) families: Vec<FamilyAt>,
    pub(super) samples: Vec<SampleAt>,
    /// Each name that a family has used: a family that was left is not entered again.
    pub(super) owners: BTreeMap<&'t [u8], usize>,
    /// Whether the last family may still get samples.
    pub(super) open: bool,
    /// Roles that the open family has had.
    pub(super) roles_seen: u16,
    /// The last sample's name, its hash and role: most samples have the name of the one before.
    pub(super) name: Span,
    pub(super) name_hash: u64,
    pub(super) role: Role,
    pub(super) series: Series,
    pub(super) groups: Groups,
    /// The label names of the current sample.
    pub(super) label_names: Vec<Span>,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, format: Format, limits: Limits) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            format,
            limits,
            families: Vec::new(),
            samples: Vec::with_capacity((text.len() / 128).min(limits.samples)),
            owners: BTreeMap::new(),
            open: false,
            roles_seen: 0,
            name: Span::default(),
            name_hash: 0,
            role: Role::Plain,
            series: Series::new(),
            groups: Groups::default(),
            label_names: Vec::new(),
        }
    }

    fn text(&mut self) -> Result<(), At> {
        while self.at < self.bytes.len() {
            if self.format == Format::Text {
                self.blanks();
            }
            match self.bytes.get(self.at) {
                Some(b'#') => {
                    if self.comment()? {
                        return self.end_of_text();
                    }
                }
                Some(b'\n') if self.format == Format::Text => self.at += 1,
                _ => self.sample()?,
            }
        }
        if self.format == Format::OpenMetrics {
            return Err(self.fault(Fault::Truncated, self.cut_off()));
        }
        self.leave()
    }

    /// After `# EOF` nothing may follow.
    fn end_of_text(&mut self) -> Result<(), At> {
        if self.at < self.bytes.len() {
            return Err(self.fault(Fault::Order, "something follows `# EOF`"));
        }
        self.leave()
    }

    // --- families ----------------------------------------------------------------------------------------------

    /// Ends the open family.
    pub(super) fn leave(&mut self) -> Result<(), At> {
        self.name = Span::default();
        let Some(family) = self.families.last_mut().filter(|_| self.open) else {
            return Ok(());
        };
        self.open = false;
        family.end = self.samples.len();
        let kind = family.kind.unwrap_or(Kind::Untyped);
        self.groups
            .finish(kind, self.format, self.text, &self.samples)
    }

    pub(super) fn begin_family(&mut self, name: Span) -> Result<usize, At> {
        let index = self.families.len();
        self.own(name, index)?;
        self.families.push(FamilyAt {
            name,
            kind: None,
            help: None,
            unit: None,
            first: self.samples.len(),
            end: self.samples.len(),
        });
        self.open = true;
        self.roles_seen = 0;
        self.series.begin(self.samples.len());
        self.groups.begin();
        Ok(index)
    }

    /// Notes that a name is the family's.
    fn own(&mut self, name: Span, family: usize) -> Result<(), At> {
        let text = self.text;
        match self.owners.insert(name.of(text).as_bytes(), family) {
            Some(other) if other != family => {
                let of = self.families[other].name.of(text);
                let why = format!(
                    "the lines of {} must stand together, and these are apart from those above",
                    quoted(of)
                );
                Err(self.fault_at(Fault::Order, name.start as usize, why))
            }
            _ => Ok(()),
        }
    }

    /// The role of a name in the open family, which is left where the name is none of its.
    fn enter_name(&mut self, name: Span) -> Result<(), At> {
        let text = self.text;
        let in_open = self.families.last().filter(|_| self.open).and_then(|f| {
            let suffix = name.of(text).strip_prefix(f.name.of(text))?;
            let kind = f.kind.unwrap_or(Kind::Untyped);
            metadata::role(kind, self.format, suffix.as_bytes())
        });
        let role = if let Some(role) = in_open {
            role
        } else {
            let bare = self
                .families
                .last()
                .filter(|f| self.open && f.name.of(text) == name.of(text));
            if let Some(family) = bare {
                let kind = family.kind.unwrap_or(Kind::Untyped).as_str();
                let why = format!("a {kind} has no sample of its bare name");
                return Err(self.fault_at(Fault::Syntax, name.start as usize, why));
            }
            self.leave()?;
            self.begin_family(name)?;
            Role::Plain
        };
        if self.roles_seen & role.bit() == 0 {
            self.roles_seen |= role.bit();
            self.own(name, self.families.len() - 1)?;
        }
        self.name = name;
        self.name_hash = lexis::hash(name.of(text).as_bytes(), 0);
        self.role = role;
        Ok(())
    }

    // --- samples -----------------------------------------------------------------------------------------------

    fn sample(&mut self) -> Result<(), At> {
        if self.samples.len() >= self.limits.samples {
            let why = format!("there are more than {} samples", self.limits.samples);
            return Err(self.fault(Fault::Limit, why));
        }
        let start = self.at;
        let name = self.sample_name()?;
        let after_name = self.at;
        self.loose();
        let labels = match self.bytes.get(self.at) {
            Some(b'{') => self.labels()?,
            Some(b' ') => LabelSet::default(),
            _ if self.at > after_name => LabelSet::default(),
            _ => return Err(self.unexpected("a blank or `{`")),
        };
        if self.format == Format::Text {
            self.blanks();
        } else {
            self.one_space("the value")?;
        }
        let value = self.value()?;
        let time_ms = self.timestamp()?;
        self.exemplar()?;
        match self.bytes.get(self.at) {
            Some(b'\n') => self.at += 1,
            None => return Err(self.fault(Fault::Truncated, self.cut_off())),
            Some(_) => return Err(self.unexpected("the end of the line")),
        }
        self.samples.push(SampleAt {
            name,
            labels: labels.span,
            value,
            time_ms,
        });
        self.check_sample(start, labels, value, time_ms)
    }

    fn sample_name(&mut self) -> Result<Span, At> {
        let start = self.at;
        let rest = &self.bytes[start..];
        let before = self.name.of(self.text).as_bytes();
        if !before.is_empty()
            && rest.starts_with(before)
            && rest
                .get(before.len())
                .is_none_or(|b| !lexis::is(*b, METRIC))
        {
            self.at += before.len();
            return Ok(Span::new(start, self.at));
        }
        let len = lexis::name_len(rest, METRIC_START, METRIC);
        if len == 0 {
            return Err(self.unexpected("a metric's name"));
        }
        let name = Span::new(start, start + len);
        self.enter_name(name)?;
        self.at += len;
        Ok(name)
    }

    pub(super) fn value(&mut self) -> Result<f64, At> {
        let token = self.token();
        let Some(value) = lexis::number(token) else {
            if token.is_empty() {
                return Err(self.unexpected("a value"));
            }
            let why = format!("{} is not a value", quoted(&String::from_utf8_lossy(token)));
            return Err(self.fault(Fault::Syntax, why));
        };
        self.at += token.len();
        Ok(value)
    }

    /// The timestamp in milliseconds, where there is one.
    pub(super) fn timestamp(&mut self) -> Result<i64, At> {
        let before = self.at;
        if self.format == Format::Text {
            self.blanks();
        } else if self.bytes.get(self.at) == Some(&b' ')
            && self.bytes.get(self.at + 1) != Some(&b'#')
        {
            self.at += 1;
            if self.token().is_empty() {
                return Err(self.unexpected("a timestamp"));
            }
        }
        let token = self.token();
        if token.is_empty() || self.at == before {
            return Ok(NO_TIME);
        }
        let text = std::str::from_utf8(token).unwrap_or("");
        let time = match self.format {
            Format::Text => text.parse::<i64>().ok(),
            Format::OpenMetrics => lexis::number(token)
                .map(|seconds| (seconds * 1000.0).round())
                .filter(|ms| ms.abs() < 9.0e15)
                .map(|ms| ms as i64),
        };
        let Some(time) = time.filter(|t| *t != NO_TIME) else {
            let why = format!("{} is not a timestamp", quoted(text));
            return Err(self.fault(Fault::Syntax, why));
        };
        self.at += token.len();
        if self.format == Format::Text {
            self.blanks();
        }
        Ok(time)
    }

    /// What a sample must be to its family and to those before it.
    fn check_sample(
        &mut self,
        start: usize,
        labels: LabelSet,
        value: f64,
        time_ms: i64,
    ) -> Result<(), At> {
        let kind = self
            .families
            .last()
            .and_then(|f| f.kind)
            .unwrap_or(Kind::Untyped);
        if let Some(why) = metadata::value_problem(kind, self.role, self.format, value) {
            let why = format!("{why}, and this is {value}");
            return Err(self.fault_at(Fault::Value, start, why));
        }
        let hash = lexis::fold(self.name_hash, labels.hash);
        let later = self.enter_series(start, hash, time_ms)?;
        let grouped = matches!(kind, Kind::Histogram | Kind::GaugeHistogram | Kind::Summary);
        if !grouped {
            return Ok(());
        }
        if let (Some(label), None) = (self.role.group_label(), labels.bound) {
            let label = String::from_utf8_lossy(label);
            let why = format!("this sample needs the label `{label}`");
            return Err(self.fault_at(Fault::Syntax, start, why));
        }
        let member = Member {
            index: self.samples.len() - 1,
            role: self.role,
            value,
            bound: labels.bound.map(|(bound, _)| bound),
            hash: labels
                .hash
                .wrapping_sub(labels.bound.map_or(0, |(_, hash)| hash)),
            later,
        };
        self.groups
            .enter(member, self.format)
            .map_err(|(fault, why)| self.fault_at(fault, start, why))
    }

    /// Enters the last sample's series. True where it is a later point of one that was there.
    fn enter_series(&mut self, start: usize, hash: u64, time_ms: i64) -> Result<bool, At> {
        match self.series.enter(self.text, &self.samples, hash) {
            Entered::New => Ok(false),
            Entered::Twice(other) => {
                let other = self.samples[other];
                // OpenMetrics allows several points of a series, at growing times.
                let later = self.format == Format::OpenMetrics
                    && other.time_ms != NO_TIME
                    && other.time_ms < time_ms;
                if later {
                    return Ok(true);
                }
                let series = super::Sample::new(self.text, other).series();
                let why = format!("a second sample of {}", quoted(&series));
                Err(self.fault_at(Fault::Duplicate, start, why))
            }
            Entered::TooManyCollisions => {
                let why = "the labels collide too often to be told apart in time";
                Err(self.fault_at(Fault::Limit, start, why))
            }
        }
    }

    // --- small parts -------------------------------------------------------------------------------------------

    fn blanks(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Blanks where the text format allows them and OpenMetrics does not.
    pub(super) fn loose(&mut self) {
        if self.format == Format::Text {
            self.blanks();
        }
    }

    pub(super) fn one_space(&mut self, before: &str) -> Result<(), At> {
        match (self.bytes.get(self.at), self.bytes.get(self.at + 1)) {
            (Some(b' '), Some(b' ' | b'\t')) | (Some(b'\t'), _) => {
                let why = format!("OpenMetrics has exactly one space before {before}");
                Err(self.fault(Fault::Syntax, why))
            }
            (Some(b' '), _) => {
                self.at += 1;
                Ok(())
            }
            _ => Err(self.unexpected(before)),
        }
    }

    pub(super) fn byte(&mut self, byte: u8, name: &str) -> Result<(), At> {
        if self.bytes.get(self.at) == Some(&byte) {
            self.at += 1;
            return Ok(());
        }
        Err(self.unexpected(name))
    }

    /// The bytes up to the next blank or line end.
    fn token(&self) -> &'t [u8] {
        let rest = &self.bytes[self.at..];
        let end = rest
            .iter()
            .position(|b| matches!(b, b' ' | b'\t' | b'\n'))
            .unwrap_or(rest.len());
        &rest[..end]
    }

    pub(super) fn fault(&self, fault: Fault, message: impl Into<String>) -> At {
        self.fault_at(fault, self.at, message)
    }

    #[expect(clippy::unused_self, reason = "reads as its sibling")]
    pub(super) fn fault_at(&self, fault: Fault, offset: usize, message: impl Into<String>) -> At {
        At {
            fault,
            offset,
            message: message.into(),
        }
    }

    /// That the text breaks off, said for its format.
    pub(super) fn cut_off(&self) -> &'static str {
        match self.format {
            Format::Text => "the text ends within a line: its last line lacks the line feed",
            Format::OpenMetrics => "the text ends without `# EOF`",
        }
    }

    /// Something else stands where this was due.
    pub(super) fn unexpected(&self, due: &str) -> At {
        match self
            .text
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
        {
            None => self.fault(
                Fault::Truncated,
                format!("the text ends where {due} was due"),
            ),
            Some(found) => self.fault(
                Fault::Syntax,
                format!("{found:?} stands where {due} was due"),
            ),
        }
    }
}
