//! HTML and XML text in which data cannot become markup: markup is a literal of the program, all else is escaped.

/// Text under construction.
pub(crate) struct Markup {
    out: String,
    escape: fn(&mut String, &str),
}

impl Markup {
    /// For HTML.
    pub(crate) fn html() -> Self {
        Self {
            out: String::with_capacity(64 * 1024),
            escape: crate::escape::push_html,
        }
    }

    /// For XML 1.0.
    pub(crate) fn xml() -> Self {
        Self {
            out: String::with_capacity(16 * 1024),
            escape: crate::escape::push_xml,
        }
    }

    /// Markup with one `{}` for each text, which is escaped; good for element content and quoted attributes.
    pub(crate) fn put(&mut self, markup: &'static str, texts: &[&str]) -> &mut Self {
        let mut texts = texts.iter();
        let mut rest = markup;
        // Markup has no braces of its own.
        while let Some(at) = rest.bytes().position(|byte| byte == b'{') {
            self.out.push_str(&rest[..at]);
            let text = texts.next();
            debug_assert!(text.is_some(), "a text for each hole of {markup}");
            (self.escape)(&mut self.out, text.unwrap_or(&""));
            rest = &rest[at + 2..];
        }
        debug_assert!(texts.next().is_none(), "a hole for each text of {markup}");
        self.out.push_str(rest);
        self
    }

    /// Markup alone.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.out.push_str(markup);
        self
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    pub(crate) fn into_text(self) -> String {
        self.out
    }
}
