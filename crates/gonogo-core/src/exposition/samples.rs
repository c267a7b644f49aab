//! Goes through an exposition sample by sample and checks it on the way.

use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasherDefault;

use memchr::memchr;

use super::family::{FamilyHead, Kind, Role};
use super::histogram::Histograms;
use super::label::{self, LabelSet, Labels, Reader, unescape};
use super::line::{Cursor, Wrong, is_name_byte, text};
use super::rules::{Hashed, check_help, check_quantile, is_series, sorted};
use super::{Exemplar, ExpositionError, Format, Limits, Sample, number};

/// A sample as it stands in the exposition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRef<'a> {
    /// The whole name.
    pub name: &'a str,
    /// Index of its family in [`Samples::families`].
    pub family: usize,
    /// Its labels.
    pub labels: Labels<'a>,
    /// Its value.
    pub value: f64,
    /// When it was taken, in milliseconds since 1970.
    pub timestamp_ms: Option<i64>,
    /// Its exemplar.
    pub exemplar: Option<ExemplarRef<'a>>,
    /// Its line, from 1.
    pub line: usize,
}

/// An exemplar as it stands in the exposition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExemplarRef<'a> {
    /// Its labels.
    pub labels: Labels<'a>,
    /// Its value.
    pub value: f64,
    /// When, in milliseconds since 1970.
    pub timestamp_ms: Option<i64>,
}

impl SampleRef<'_> {
    pub(super) fn to_owned(self) -> Sample {
        Sample {
            name: self.name.to_owned(),
            labels: self.labels.to_owned(),
            value: self.value,
            timestamp_ms: self.timestamp_ms,
            exemplar: self.exemplar.map(|e| Exemplar {
                labels: e.labels.to_owned(),
                value: e.value,
                timestamp_ms: e.timestamp_ms,
            }),
        }
    }
}

/// What a sample's name may have after its family's.
const ENDINGS: [&str; 9] = [
    "", "_total", "_bucket", "_sum", "_count", "_created", "_info", "_gsum", "_gcount",
];

/// An exemplar's labels are at most so long together.
const EXEMPLAR_MAX: usize = 128;

/// So many equal hashes of different series are looked into.
const CHANCES_MAX: usize = 16;

/// Gives the samples of an exposition one after the other. An error is the end: nothing after it can be believed.
pub struct Samples<'a> {
    format: Format,
    limits: Limits,
    rest: &'a [u8],
    line: usize,
    families: Vec<FamilyHead<'a>>,
    by_name: BTreeMap<&'a str, usize>,
    /// The family that the last line belonged to.
    current: Option<usize>,
    /// Every series so far, by a hash of name and labels.
    series: HashSet<u64, BuildHasherDefault<Hashed>>,
    /// How often two series had one hash by chance.
    chance_count: usize,
    sample_count: usize,
    histograms: Histograms,
    labels: Reader<'a>,
    /// The last sample's name and its hash.
    last_name: (&'a str, u64),
    whole: &'a str,
    /// Where in it the line at hand begins.
    line_start: usize,
    is_ended: bool,
}

impl<'a> Samples<'a> {
    /// Begins. Bytes that are not UTF-8, or more than the limit, are refused at once.
    pub fn new(format: Format, bytes: &'a [u8], limits: Limits) -> Result<Self, ExpositionError> {
        if bytes.len() > limits.bytes {
            return Err(ExpositionError {
                line: 1,
                column: 1,
                message: format!("larger than the limit of {} bytes", limits.bytes),
            });
        }
        let whole = std::str::from_utf8(bytes).map_err(|broken| {
            let before = &bytes[..broken.valid_up_to()];
            let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
            ExpositionError {
                line: memchr::memchr_iter(b'\n', before).count() + 1,
                column: before.len() - line_start + 1,
                message: "not UTF-8".to_owned(),
            }
        })?;
        Ok(Self {
            format,
            limits,
            rest: bytes,
            line: 0,
            families: Vec::new(),
            by_name: BTreeMap::new(),
            current: None,
            series: HashSet::default(),
            chance_count: 0,
            sample_count: 0,
            histograms: Histograms::default(),
            labels: Reader::default(),
            last_name: ("", 0),
            whole,
            line_start: 0,
            is_ended: false,
        })
    }

    /// The families so far, in order.
    pub fn families(&self) -> &[FamilyHead<'a>] {
        &self.families
    }

    /// The next sample; nothing at the end of a whole exposition.
    pub fn next_sample(&mut self) -> Result<Option<SampleRef<'a>>, ExpositionError> {
        loop {
            if self.rest.is_empty() {
                let end = self.end();
                return end.map(|()| None).map_err(|wrong| self.error(wrong));
            }
            self.line += 1;
            let Some(len) = memchr(b'\n', self.rest) else {
                return self.torn();
            };
            let line = &self.rest[..len];
            self.line_start = self.whole.len() - self.rest.len();
            self.rest = &self.rest[len + 1..];
            match self.read_line(line) {
                Ok(None) => {}
                Ok(sample) => return Ok(sample),
                Err(wrong) => {
                    self.rest = &[];
                    self.is_ended = true;
                    return Err(self.error(wrong));
                }
            }
        }
    }

    /// A last line without its end may be half a line: `12` of `1234`.
    fn torn(&mut self) -> Result<Option<SampleRef<'a>>, ExpositionError> {
        let line = std::mem::take(&mut self.rest);
        if self.format == Format::OpenMetrics && line == b"# EOF" {
            self.is_ended = true;
            return self
                .finish_family()
                .map(|()| None)
                .map_err(|wrong| self.error(wrong));
        }
        self.is_ended = true;
        Err(self.error(Wrong {
            at: line.len(),
            message: "the last line is cut: it has no line end".to_owned(),
        }))
    }

    fn error(&self, wrong: Wrong) -> ExpositionError {
        ExpositionError {
            line: self.line.max(1),
            column: wrong.at + 1,
            message: wrong.message,
        }
    }

    fn end(&mut self) -> Result<(), Wrong> {
        if self.format == Format::OpenMetrics && !self.is_ended {
            self.is_ended = true;
            return Err(Wrong {
                at: 0,
                message: "cut: `# EOF` is missing at the end".to_owned(),
            });
        }
        self.finish_family()
    }

    fn read_line(&mut self, line: &'a [u8]) -> Result<Option<SampleRef<'a>>, Wrong> {
        let mut cursor = Cursor::new(line);
        if self.format == Format::OpenMetrics && self.is_ended {
            return Err(cursor.wrong("nothing may follow `# EOF`"));
        }
        if line.last() == Some(&b'\r') {
            return Err(Wrong::new(line.len() - 1, "lines end in a line feed only"));
        }
        let blanks = cursor.skip_blanks();
        match cursor.peek() {
            None if self.format == Format::OpenMetrics => {
                Err(cursor.wrong("a line may not be empty"))
            }
            None => Ok(None),
            Some(_) if self.format == Format::OpenMetrics && blanks > 0 => {
                Err(Wrong::new(0, "a line begins without blanks"))
            }
            Some(b'#') => self.read_comment(cursor).map(|()| None),
            Some(_) => self.read_sample(cursor).map(Some),
        }
    }

    fn read_comment(&mut self, mut cursor: Cursor<'a>) -> Result<(), Wrong> {
        let is_open = self.format == Format::OpenMetrics;
        if is_open && cursor.line == b"# EOF" {
            self.is_ended = true;
            return Ok(());
        }
        cursor.at += 1;
        cursor.skip_blanks();
        let keyword_at = cursor.at;
        let keyword = cursor.word();
        let is_known = matches!(keyword, b"HELP" | b"TYPE") || is_open && keyword == b"UNIT";
        if !is_known {
            return if is_open {
                Err(Wrong::new(
                    keyword_at,
                    "HELP, TYPE, UNIT or EOF was expected",
                ))
            } else {
                Ok(())
            };
        }
        cursor.skip_blanks();
        let name_at = cursor.at;
        let name = self.read_name(&mut cursor)?;
        let family = self.family(name, name_at)?;
        if cursor.peek().is_some() && cursor.skip_blanks() == 0 {
            return Err(cursor.wrong("a blank was expected after the name"));
        }
        let is_sampled = self.families[family].is_sampled;
        match keyword {
            b"HELP" => {
                check_help(cursor, is_open)?;
                let head = &mut self.families[family];
                if head.help.replace(unescape(text(cursor.rest()))).is_some() {
                    return Err(Wrong::new(name_at, format!("a second HELP for {name:?}")));
                }
            }
            b"UNIT" => self.families[family].unit = Some(text(cursor.rest())),
            _ => {
                let word = text(cursor.rest()).trim_end_matches([' ', '\t']);
                let kind = Kind::parse(word, self.format)
                    .ok_or_else(|| cursor.wrong(format!("no such type: {word:?}")))?;
                if is_sampled {
                    return Err(Wrong::new(
                        name_at,
                        format!("TYPE of {name:?} after its samples"),
                    ));
                }
                if let Some(part) = self.sampled_part(name, kind) {
                    return Err(Wrong::new(
                        name_at,
                        format!("TYPE of {name:?} after its sample {part:?}"),
                    ));
                }
                let head = &mut self.families[family];
                if head.is_typed {
                    return Err(Wrong::new(name_at, format!("a second TYPE for {name:?}")));
                }
                head.is_typed = true;
                head.kind = kind;
            }
        }
        Ok(())
    }

    /// A sample of the family that stood before its TYPE.
    fn sampled_part(&self, name: &str, kind: Kind) -> Option<&'a str> {
        ["_bucket", "_sum", "_count"]
            .iter()
            .filter(|ending| kind.role(ending, self.format).is_some())
            .filter_map(|ending| self.by_name.get(format!("{name}{ending}").as_str()))
            .map(|index| &self.families[*index])
            .find(|head| head.is_sampled)
            .map(|head| head.name)
    }

    /// A piece of the line at hand. It is cut at ASCII bytes, so it is text.
    fn text(&self, start: usize, end: usize) -> &'a str {
        self.whole
            .get(self.line_start + start..self.line_start + end)
            .unwrap_or_default()
    }

    fn read_name(&self, cursor: &mut Cursor<'a>) -> Result<&'a str, Wrong> {
        let name = cursor.take_while(is_name_byte);
        if name.is_empty() || name[0].is_ascii_digit() {
            return Err(Wrong::new(
                cursor.at - name.len(),
                "a metric's name was expected here",
            ));
        }
        Ok(self.text(cursor.at - name.len(), cursor.at))
    }

    /// The family of a name, made where there is none, and now the current one.
    fn family(&mut self, name: &'a str, at: usize) -> Result<usize, Wrong> {
        let known = self.by_name.get(name).copied();
        if known.is_some() && known == self.current {
            return Ok(known.unwrap_or_default());
        }
        self.finish_family()
            .map_err(|wrong| Wrong { at, ..wrong })?;
        let index = match known {
            Some(index)
                if self.format == Format::OpenMetrics && self.families[index].is_sampled =>
            {
                return Err(Wrong::new(at, format!("lines of {name:?} stand apart")));
            }
            Some(index) => index,
            None => {
                if self.families.len() >= self.limits.families {
                    return Err(Wrong::new(
                        at,
                        format!("more than {} families", self.limits.families),
                    ));
                }
                self.families.push(FamilyHead::new(name));
                self.by_name.insert(name, self.families.len() - 1);
                self.families.len() - 1
            }
        };
        self.current = Some(index);
        Ok(index)
    }

    fn finish_family(&mut self) -> Result<(), Wrong> {
        self.current = None;
        self.histograms
            .end()
            .map_err(|message| Wrong { at: 0, message })
    }

    fn read_sample(&mut self, mut cursor: Cursor<'a>) -> Result<SampleRef<'a>, Wrong> {
        let name_at = cursor.at;
        let name = self.read_name(&mut cursor)?;
        let (family, role) = self.family_of_sample(name, name_at)?;
        let blanks = cursor.skip_blanks();
        let mut set = LabelSet::default();
        if cursor.peek() == Some(b'{') {
            cursor.at += 1;
            set = self.labels.read(&mut cursor, self.limits.labels)?;
            cursor.skip_blanks();
        } else if blanks == 0 {
            return Err(cursor.wrong("`{` or a blank was expected after the name"));
        }
        let value_at = cursor.at;
        let value = number::value(cursor.word())
            .ok_or_else(|| Wrong::new(value_at, "a number was expected here"))?;
        let timestamp_ms = self.read_timestamp(&mut cursor)?;
        let exemplar = self.read_exemplar(&mut cursor, role)?;
        if cursor.peek().is_some() {
            return Err(cursor.wrong("the line was expected to end here"));
        }
        self.check_sample(family, role, &set, value)
            .map_err(|message| Wrong::new(name_at, message))?;
        self.check_series(name, &set)
            .map_err(|message| Wrong::new(name_at, message))?;
        self.families[family].is_sampled = true;
        Ok(SampleRef {
            name,
            family,
            labels: Labels(self.text(set.place.0, set.place.1)),
            value,
            timestamp_ms,
            exemplar,
            line: self.line,
        })
    }

    /// The family that a sample belongs to, by its name and the family before it.
    fn family_of_sample(&mut self, name: &'a str, at: usize) -> Result<(usize, Role), Wrong> {
        if let Some(found) = self
            .current
            .and_then(|family| Some((family, self.role_in(family, name)?)))
        {
            return Ok(found);
        }
        // Lines may stand apart in 0.0.4, and a family's name is the sample's without one of these.
        for ending in ENDINGS {
            let Some(base) = name.strip_suffix(ending) else {
                continue;
            };
            if let Some(index) = self.by_name.get(base).copied()
                && let Some(role) = self.role_in(index, name)
            {
                let family = self.family(base, at)?;
                return Ok((family, role));
            }
        }
        if let Some(index) = self.by_name.get(name).copied() {
            let kind = self.families[index].kind.name();
            return Err(Wrong::new(
                at,
                format!("a {kind} has no sample of the name {name:?}"),
            ));
        }
        Ok((self.family(name, at)?, Role::Value))
    }

    fn role_in(&self, family: usize, name: &str) -> Option<Role> {
        let head = &self.families[family];
        head.kind.role(name.strip_prefix(head.name)?, self.format)
    }

    fn read_timestamp(&self, cursor: &mut Cursor<'a>) -> Result<Option<i64>, Wrong> {
        let had_blank = cursor.skip_blanks() > 0;
        if !had_blank || matches!(cursor.peek(), None | Some(b'#')) {
            return Ok(None);
        }
        let at = cursor.at;
        let word = cursor.word();
        let ms = match self.format {
            Format::Text => number::milliseconds(word),
            Format::OpenMetrics => number::seconds(word),
        };
        cursor.skip_blanks();
        ms.map(Some)
            .ok_or_else(|| Wrong::new(at, "a timestamp was expected here"))
    }

    fn read_exemplar(
        &mut self,
        cursor: &mut Cursor<'a>,
        role: Role,
    ) -> Result<Option<ExemplarRef<'a>>, Wrong> {
        if cursor.peek() != Some(b'#') || self.format == Format::Text {
            return Ok(None);
        }
        let start = cursor.at;
        if !matches!(role, Role::Bucket | Role::Total) {
            return Err(cursor.wrong("only buckets and counters have exemplars"));
        }
        cursor.at += 1;
        cursor.skip_blanks();
        cursor.expect(b'{', "an exemplar's labels were expected here")?;
        let set = Reader::default().read(cursor, self.limits.labels)?;
        if set.len > EXEMPLAR_MAX {
            return Err(Wrong::new(
                start,
                "an exemplar's labels have at most 128 characters",
            ));
        }
        cursor.skip_blanks();
        let at = cursor.at;
        let value = number::value(cursor.word())
            .ok_or_else(|| Wrong::new(at, "an exemplar's value was expected here"))?;
        Ok(Some(ExemplarRef {
            labels: Labels(self.text(set.place.0, set.place.1)),
            value,
            timestamp_ms: self.read_timestamp(cursor)?,
        }))
    }

    /// What the family's type demands of a sample.
    fn check_sample(
        &mut self,
        family: usize,
        role: Role,
        set: &LabelSet<'a>,
        value: f64,
    ) -> Result<(), String> {
        self.sample_count += 1;
        if self.sample_count > self.limits.samples {
            return Err(format!("more than {} samples", self.limits.samples));
        }
        let kind = self.families[family].kind;
        match role {
            Role::Total if value < 0.0 => Err("a counter is negative".to_owned()),
            Role::Total if value.is_nan() && self.format == Format::OpenMetrics => {
                Err("a counter is not NaN".to_owned())
            }
            Role::Count if value.is_nan() || value < 0.0 => {
                Err("a count is neither negative nor NaN".to_owned())
            }
            Role::Bucket => {
                self.histograms
                    .bucket(set.group, set.le, value, kind == Kind::GaugeHistogram)
            }
            Role::Count if matches!(kind, Kind::Histogram | Kind::GaugeHistogram) => {
                self.histograms.count(set.group, value)
            }
            Role::Quantile => check_quantile(set),
            Role::Value => match kind {
                Kind::Info if value.total_cmp(&1.0).is_ne() => Err("an info is 1".to_owned()),
                Kind::StateSet
                    if value.total_cmp(&1.0).is_ne() && value.total_cmp(&0.0).is_ne() =>
                {
                    Err("a state is 0 or 1".to_owned())
                }
                _ => Ok(()),
            },
            Role::Total | Role::Count | Role::Sum | Role::Created => Ok(()),
        }
    }

    /// No series stands there twice.
    fn check_series(&mut self, name: &'a str, set: &LabelSet<'a>) -> Result<(), String> {
        if self.last_name.0 != name {
            self.last_name = (name, label::bytes_hash(name.as_bytes()));
        }
        let key = label::mix(self.last_name.1, set.hash);
        if self.series.insert(key) {
            return Ok(());
        }
        // Two hashes may be equal by chance: now every line before is compared.
        let here = sorted(Labels(self.text(set.place.0, set.place.1)));
        let is_twice = self.whole[..self.line_start]
            .split('\n')
            .any(|before| is_series(before, name, &here));
        if is_twice {
            return Err(format!(
                "the series {name:?} stands here twice with these labels"
            ));
        }
        // By chance this happens once in billions of expositions; often, only by somebody's design.
        self.chance_count += 1;
        if self.chance_count > CHANCES_MAX {
            return Err("labels made to be slow to compare".to_owned());
        }
        Ok(())
    }
}

impl<'a> Iterator for Samples<'a> {
    type Item = Result<SampleRef<'a>, ExpositionError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_sample().transpose()
    }
}
