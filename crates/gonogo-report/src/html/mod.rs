//! `report.html`: one file that needs no network and no script, for the person who decides.

mod evidence;
mod first;
mod performance;
mod pieces;
mod proof;
mod statements;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use gonogo_core::judged::Judged;
use sha2::{Digest as _, Sha256};

use crate::markup::Markup;
use crate::wording::minute;

const CSS: &str = include_str!("page.css");

/// Renders the page. Its policy allows its own style and nothing else, so that even markup that slipped through an
/// escape could load, run or send nothing.
pub fn render(judged: &Judged) -> String {
    let mut page = Markup::html();
    head(&mut page, judged);
    first::render(&mut page, judged);
    page.raw("<nav aria-label=\"On this page\"><ul>");
    for (id, name) in sections(judged) {
        page.put("<li><a href=\"#{}\">{}</a></li>", &[id, name]);
    }
    page.raw("</ul></nav>\n");
    statements::render(&mut page, judged);
    proof::findings(&mut page, judged);
    performance::render(&mut page, judged);
    evidence::render(&mut page, judged);
    proof::render(&mut page, judged);
    page.put(
        "<footer>gonogo {} · run <span class=\"mono\">{}</span> · decided as of {}</footer>\n",
        &[
            &judged.about.gonogo,
            &judged.run,
            &minute(judged.about.as_of),
        ],
    );
    page.raw("</main>\n</body>\n</html>\n");
    page.into_text()
}

fn sections(judged: &Judged) -> Vec<(&'static str, &'static str)> {
    let mut sections: Vec<(&'static str, &'static str)> = crate::statements::parts(judged)
        .iter()
        .map(|part| (part.id, part.title))
        .collect();
    if !judged.findings.is_empty() {
        sections.push(("findings", "Findings"));
    }
    if performance::is_there(judged) {
        sections.push(("performance", "Performance"));
    }
    sections.extend([
        ("evidence", "Evidence"),
        ("verify", "How to verify"),
        ("confidence", "Computed confidence"),
        ("policy", "Policy and run"),
    ]);
    sections
}

fn head(page: &mut Markup, judged: &Judged) {
    let hash = BASE64.encode(Sha256::digest(CSS.as_bytes()));
    page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.put(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'\">\n",
        &[&hash],
    );
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.raw("<meta name=\"referrer\" content=\"no-referrer\">\n");
    let (word, _) = crate::first_screen::verdict(judged);
    page.put(
        "<title>{} · {} · {}</title>\n",
        &[&word, &judged.about.plan, &judged.about.environment],
    );
    page.raw("<style>")
        .raw(CSS)
        .raw("</style>\n</head>\n<body>\n");
}

#[cfg(test)]
mod tests;
