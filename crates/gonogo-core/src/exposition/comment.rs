//! Lines that begin with `#`: what they say of the family that follows.

use super::error::{At, Fault, quoted};
use super::lexis::{self, METRIC, METRIC_START};
use super::metadata;
use super::parser::Parser;
use super::{Format, Kind, Span};

impl Parser<'_> {
    /// One comment line. True at the end of an OpenMetrics text.
    pub(super) fn comment(&mut self) -> Result<bool, At> {
        let start = self.at;
        let rest = &self.bytes[start..];
        let len = rest.iter().position(|b| *b == b'\n');
        let end = start + len.unwrap_or(rest.len());
        if self.format == Format::OpenMetrics && &self.text[start..end] == "# EOF" {
            self.at = end + usize::from(len.is_some());
            return Ok(true);
        }
        if len.is_none() {
            let why = self.cut_off();
            return Err(self.fault_at(Fault::Truncated, end, why));
        }
        self.metadata_line(start, end)?;
        self.at = end + 1;
        Ok(false)
    }

    /// `# HELP name text`, `# TYPE name kind`, `# UNIT name unit`; in the text format any other comment is passed over.
    fn metadata_line(&mut self, start: usize, end: usize) -> Result<(), At> {
        let text = self.text;
        let open = self.format == Format::OpenMetrics;
        let keyword_at = self.word(start + 1, end);
        let keyword = keyword_at.of(text);
        if !matches!(keyword, "HELP" | "TYPE") && (!open || keyword != "UNIT") {
            if !open {
                return Ok(());
            }
            let why = format!(
                "{} is not a line of OpenMetrics: only HELP, TYPE, UNIT and EOF may follow `# `",
                quoted(&text[start..end])
            );
            return Err(self.fault_at(Fault::Syntax, start, why));
        }
        let name_at = self.word(keyword_at.end(), end);
        let name = name_at.of(text);
        if name.is_empty() || lexis::name_len(name.as_bytes(), METRIC_START, METRIC) != name.len() {
            let why = format!("{} is not a metric's name", quoted(name));
            return Err(self.fault_at(Fault::Syntax, name_at.start as usize, why));
        }
        let value = Span::new(self.word(name_at.end(), end).start as usize, end);
        let family = self.family_for_metadata(keyword, name_at)?;
        let had = match keyword {
            "TYPE" => {
                let kind = self.kind(value)?;
                self.families[family].kind.replace(kind).is_some()
            }
            "HELP" => {
                self.help_escapes(value)?;
                self.families[family].help.replace(value).is_some()
            }
            _ => {
                let unit = value.of(text);
                if !unit.is_empty() && !name.ends_with(&format!("_{unit}")) {
                    let why = format!("the name {} must end with its unit", quoted(name));
                    return Err(self.fault_at(Fault::Value, name_at.start as usize, why));
                }
                self.families[family].unit.replace(value).is_some()
            }
        };
        if had {
            let why = format!("a second {keyword} line of {}", quoted(name));
            return Err(self.fault_at(Fault::Duplicate, start, why));
        }
        Ok(())
    }

    /// The next word of a line, after the blanks that the format allows before it.
    fn word(&self, from: usize, end: usize) -> Span {
        let open = self.format == Format::OpenMetrics;
        let blank = |at: usize| matches!(self.bytes[at], b' ' | b'\t');
        let mut start = from;
        while start < end && blank(start) && !(open && start > from) {
            start += 1;
        }
        let after = (start..end).find(|at| blank(*at)).unwrap_or(end);
        Span::new(start, after)
    }

    fn kind(&self, at: Span) -> Result<Kind, At> {
        let word = at.of(self.text);
        let word = match self.format {
            Format::Text => word.trim_end_matches([' ', '\t']),
            Format::OpenMetrics => word,
        };
        metadata::kind(word, self.format).ok_or_else(|| {
            let why = format!("{} is not a type of metric", quoted(word));
            self.fault_at(Fault::Syntax, at.start as usize, why)
        })
    }

    fn help_escapes(&self, help: Span) -> Result<(), At> {
        if self.format == Format::OpenMetrics {
            return Ok(());
        }
        let mut bytes = help.of(self.text).bytes().enumerate();
        while let Some((i, byte)) = bytes.next() {
            if byte == b'\\' && !matches!(bytes.next(), Some((_, b'\\' | b'n'))) {
                return Err(self.fault_at(
                    Fault::Syntax,
                    help.start as usize + i,
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
}
