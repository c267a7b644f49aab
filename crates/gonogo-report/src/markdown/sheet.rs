//! Text of bounded length.

use super::MOST_BYTES;

/// Kept free for the line that says what was cut.
const RESERVE: usize = 400;

/// Markdown under construction.
pub(super) struct Sheet {
    out: String,
}

impl Sheet {
    pub(super) fn new() -> Self {
        Self { out: String::new() }
    }

    /// Appends what must be there; its writers bound it.
    pub(super) fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// A section's head.
    pub(super) fn head(&mut self, title: &str) {
        self.out.push_str("\n## ");
        self.out.push_str(title);
        self.out.push_str("\n\n");
    }

    /// Appends lines while they fit in so many bytes, each with how much it stands for; gives what did not fit.
    pub(super) fn put_within(
        &mut self,
        most: usize,
        lines: impl Iterator<Item = (String, usize)>,
    ) -> usize {
        let end = self.out.len() + most;
        let mut left = 0;
        for (line, weight) in lines {
            if left == 0 && self.out.len() + line.len() <= end {
                self.out.push_str(&line);
            } else {
                left += weight;
            }
        }
        left
    }

    /// Appends a part that may be left out, if it fits.
    pub(super) fn put_if_room(&mut self, part: &str) -> bool {
        let fits = self.out.len() + part.len() + RESERVE <= MOST_BYTES;
        if fits {
            self.out.push_str(part);
        }
        fits
    }

    pub(super) fn into_text(self) -> String {
        debug_assert!(self.out.len() < MOST_BYTES, "{} bytes", self.out.len());
        self.out
    }
}
