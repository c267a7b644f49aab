//! From bytes to families: one pass, a line at a time.

use std::collections::BTreeMap;

use super::error::{At, ExpositionError, Fault, quoted};
use super::groups::{Groups, Member};
use super::lexis::{self, LABEL, LABEL_START, METRIC, METRIC_START};
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

struct Parser<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    format: Format,
    limits: Limits,
    families: Vec<FamilyAt>,
    samples: Vec<SampleAt>,
    /// Each name that a family has used: a family that was left is not entered again.
    owners: BTreeMap<&'t [u8], usize>,
    /// Whether the last family may still get samples.
    open: bool,
    /// Roles that the open family has had.
    roles_seen: u16,
    /// The last sample's name, its hash and role: most samples have the name of the one before.
    name: Span,
    name_hash: u64,
    role: Role,
    series: Series,
    groups: Groups,
    /// The label names of the current sample.
    label_names: Vec<Span>,
}

/// What the labels of a sample come to.
#[derive(Clone, Copy, Default)]
struct LabelSet {
    span: Span,
    /// Of all labels, in any order.
    hash: u64,
    /// The value of `le` or `quantile`, and the hash of that label.
    bound: Option<(f64, u64)>,
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
            return Err(self.fault(Fault::Truncated, "the text ends without `# EOF`"));
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

    // --- lines that begin with `#` ---------------------------------------------------------------------------

    /// One comment line. True at the end of an OpenMetrics text.
    fn comment(&mut self) -> Result<bool, At> {
        let start = self.at;
        let rest = &self.bytes[start..];
        let len = rest.iter().position(|b| *b == b'\n');
        let line = &self.text[start..start + len.unwrap_or(rest.len())];
        if self.format == Format::OpenMetrics {
            if line == "# EOF" {
                self.at = start + line.len() + usize::from(len.is_some());
                return Ok(true);
            }
            if len.is_none() {
                return Err(self.fault(Fault::Truncated, "the text ends without `# EOF`"));
            }
            self.metadata_line(start, line)?;
        } else {
            if len.is_none() {
                let end = self.bytes.len();
                return Err(self.fault_at(
                    Fault::Truncated,
                    end,
                    "the text ends within a line: its last line lacks the line feed",
                ));
            }
            self.metadata_line(start, line)?;
        }
        self.at = start + line.len() + 1;
        Ok(false)
    }

    /// `# HELP name text`, `# TYPE name kind`, `# UNIT name unit`; in the text format any other comment is passed over.
    fn metadata_line(&mut self, start: usize, line: &'t str) -> Result<(), At> {
        let open = self.format == Format::OpenMetrics;
        let blank = |c: char| c == ' ' || (c == '\t' && !open);
        let skip = |text: &'t str| {
            if open {
                text.strip_prefix(' ').unwrap_or(text)
            } else {
                text.trim_start_matches(blank)
            }
        };
        let word = |text: &'t str| {
            let end = text.find(blank).unwrap_or(text.len());
            text.split_at(end)
        };
        let (keyword, rest) = word(skip(&line[1..]));
        let known = matches!(keyword, "HELP" | "TYPE") || (open && keyword == "UNIT");
        if !known {
            if open {
                let why = format!(
                    "{} is not a line of OpenMetrics: only HELP, TYPE, UNIT and EOF may follow `# `",
                    quoted(line)
                );
                return Err(self.fault_at(Fault::Syntax, start, why));
            }
            return Ok(());
        }
        let (name, value) = word(skip(rest));
        let offset = |part: &str| start + (part.as_ptr() as usize - line.as_ptr() as usize);
        if name.is_empty() || lexis::name_len(name.as_bytes(), METRIC_START, METRIC) != name.len() {
            let why = format!("{} is not a metric's name", quoted(name));
            return Err(self.fault_at(Fault::Syntax, offset(name), why));
        }
        let value = skip(value);
        let value_span = Span::new(offset(value), offset(value) + value.len());
        let name_span = Span::new(offset(name), offset(name) + name.len());
        let family = self.family_for_metadata(keyword, name_span)?;
        match keyword {
            "TYPE" => {
                let word = if open {
                    value
                } else {
                    value.trim_end_matches(blank)
                };
                let Some(kind) = metadata::kind(word, self.format) else {
                    let why = format!("{} is not a type of metric", quoted(word));
                    return Err(self.fault_at(Fault::Syntax, offset(value), why));
                };
                let had = self.families[family].kind.replace(kind).is_some();
                self.once(had, keyword, name, start)
            }
            "HELP" => {
                self.help_escapes(value, offset(value))?;
                let had = self.families[family].help.replace(value_span).is_some();
                self.once(had, keyword, name, start)
            }
            _ => {
                let fits = value.is_empty() || name.ends_with(&format!("_{value}"));
                if !fits {
                    let why = format!("the name {} must end with its unit", quoted(name));
                    return Err(self.fault_at(Fault::Value, offset(name), why));
                }
                let had = self.families[family].unit.replace(value_span).is_some();
                self.once(had, keyword, name, start)
            }
        }
    }

    fn once(&self, had: bool, keyword: &str, name: &str, start: usize) -> Result<(), At> {
        if !had {
            return Ok(());
        }
        let why = format!("a second {keyword} line of {}", quoted(name));
        Err(self.fault_at(Fault::Duplicate, start, why))
    }

    fn help_escapes(&self, help: &str, offset: usize) -> Result<(), At> {
        let open = self.format == Format::OpenMetrics;
        let mut bytes = help.bytes().enumerate();
        while let Some((i, byte)) = bytes.next() {
            if byte != b'\\' || open {
                continue;
            }
            if !matches!(bytes.next(), Some((_, b'\\' | b'n'))) {
                return Err(self.fault_at(
                    Fault::Syntax,
                    offset + i,
                    "a help text knows the escapes `\\\\` and `\\n` only",
                ));
            }
        }
        Ok(())
    }

    /// The family that a line of metadata speaks of: the open one while it has no samples, or a new one.
    fn family_for_metadata(&mut self, keyword: &str, name: Span) -> Result<usize, At> {
        let text = self.text;
        let start = name.start as usize;
        if let Some(last) = self.families.last()
            && self.open
            && last.name.of(text) == name.of(text)
        {
            if last.first < self.samples.len() {
                let why = format!(
                    "the {keyword} line of {} must stand before its samples",
                    quoted(name.of(text))
                );
                return Err(self.fault_at(Fault::Order, start, why));
            }
            return Ok(self.families.len() - 1);
        }
        self.leave()?;
        self.begin_family(name)
    }

    // --- families ----------------------------------------------------------------------------------------------

    /// Ends the open family.
    fn leave(&mut self) -> Result<(), At> {
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

    fn begin_family(&mut self, name: Span) -> Result<usize, At> {
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
            None if self.format == Format::OpenMetrics => {
                return Err(self.fault(Fault::Truncated, "the text ends without `# EOF`"));
            }
            None => {
                let why = "the text ends within a line: its last line lacks the line feed";
                return Err(self.fault(Fault::Truncated, why));
            }
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

    /// The labels, braces included.
    fn labels(&mut self) -> Result<LabelSet, At> {
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

    fn value(&mut self) -> Result<f64, At> {
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
    fn timestamp(&mut self) -> Result<i64, At> {
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

    /// An exemplar (OpenMetrics): ` # {labels} value [timestamp]`, of buckets and counters only.
    fn exemplar(&mut self) -> Result<(), At> {
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
        let braces = super::sample::Sample::new(
            self.text,
            SampleAt {
                name: Span::default(),
                labels: span,
                value: 0.0,
                time_ms: NO_TIME,
            },
        );
        let characters: usize = braces
            .labels()
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
        let hash = fold_series(self.name_hash, labels.hash);
        let mut later = false;
        match self.series.enter(self.text, &self.samples, hash) {
            Entered::New => {}
            Entered::Twice(other) => {
                let other = self.samples[other];
                // OpenMetrics allows several points of a series, at growing times.
                later = self.format == Format::OpenMetrics
                    && other.time_ms != NO_TIME
                    && other.time_ms < time_ms;
                if !later {
                    let series = super::Sample::new(self.text, other).series();
                    let why = format!("a second sample of {}", quoted(&series));
                    return Err(self.fault_at(Fault::Duplicate, start, why));
                }
            }
            Entered::TooManyCollisions => {
                let why = "the labels collide too often to be told apart in time";
                return Err(self.fault_at(Fault::Limit, start, why));
            }
        }
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

    // --- small parts -------------------------------------------------------------------------------------------

    fn blanks(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Blanks where the text format allows them and OpenMetrics does not.
    fn loose(&mut self) {
        if self.format == Format::Text {
            self.blanks();
        }
    }

    fn one_space(&mut self, before: &str) -> Result<(), At> {
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

    fn byte(&mut self, byte: u8, name: &str) -> Result<(), At> {
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

    fn fault(&self, fault: Fault, message: impl Into<String>) -> At {
        self.fault_at(fault, self.at, message)
    }

    #[expect(clippy::unused_self, reason = "reads as its sibling")]
    fn fault_at(&self, fault: Fault, offset: usize, message: impl Into<String>) -> At {
        At {
            fault,
            offset,
            message: message.into(),
        }
    }

    /// Something else stands where this was due.
    fn unexpected(&self, due: &str) -> At {
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

fn fold_series(name: u64, labels: u64) -> u64 {
    lexis::fold(name, labels)
}
