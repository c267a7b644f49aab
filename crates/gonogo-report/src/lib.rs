//! Renders a judged run: for a terminal, a pull request, a browser, a CI page and a program.
//!
//! Pure: no I/O, no clock. The same judged run gives the same bytes, which is how `gonogo verify` checks reports.

pub mod capacity;
mod chart;
pub mod escape;
mod facts;
mod first_screen;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
mod markup;
mod statements;
pub mod terminal;
mod way_back;
mod wording;

#[cfg(test)]
mod fixtures;

use gonogo_core::judged::Judged;

/// Every report of a bundle: file name and text.
pub fn render_all(judged: &Judged) -> Vec<(&'static str, String)> {
    vec![
        ("verdict.json", json::render(judged)),
        ("report.md", markdown::render(judged)),
        ("report.html", html::render(judged)),
        ("junit.xml", junit::render(judged)),
    ]
}

#[cfg(test)]
mod tests;
