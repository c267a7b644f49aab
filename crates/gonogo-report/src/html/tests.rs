use proptest::prelude::*;

use super::*;
use crate::fixtures::{self, HOSTILE};

#[test]
fn whole_reports_read_as_before() {
    for (name, judged) in fixtures::all() {
        insta::assert_snapshot!(name, render(&judged));
    }
}

#[test]
fn the_policy_allows_the_pages_own_style_alone() {
    let page = render(&fixtures::go());
    let (_, rest) = page.split_once("<style>").unwrap();
    let (css, _) = rest.split_once("</style>").unwrap();
    let hash = BASE64.encode(Sha256::digest(css.as_bytes()));
    assert!(page.contains(&format!(
        "content=\"default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'\""
    )));
}

#[test]
fn the_page_loads_runs_and_sends_nothing() {
    for (name, judged) in fixtures::all() {
        let page = render(&judged);
        for element in [
            "script", "link", "img", "iframe", "object", "embed", "form", "base", "video", "audio",
        ] {
            assert!(!page.contains(&format!("<{element}")), "{name}: {element}");
        }
        for attribute in [
            " style=\"",
            " src=\"",
            " srcset=\"",
            " onclick=\"",
            " onload=\"",
        ] {
            assert!(!page.contains(attribute), "{name}: {attribute}");
        }
        let links: Vec<&str> = page
            .split(" href=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        assert!(
            links.iter().all(|link| link.starts_with('#')),
            "{name}: {links:?}"
        );
        assert!(!CSS.contains("url(") && !CSS.contains("@import"));
    }
}

#[test]
fn every_link_leads_to_one_place() {
    for (name, judged) in fixtures::all() {
        let page = render(&judged);
        for rest in page.split(" href=\"#").skip(1) {
            let id = rest.split('"').next().unwrap();
            assert_eq!(
                page.matches(&format!(" id=\"{id}\"")).count(),
                1,
                "{name}: #{id}"
            );
        }
    }
}

/// Names of elements in the order of their tags; an error where they do not nest.
fn nests(page: &str) -> Result<usize, String> {
    const VOID: [&str; 2] = ["meta", "!doctype"];
    let mut open: Vec<&str> = Vec::new();
    let mut seen = 0;
    let (before, rest) = page.split_once("<style>").ok_or("no style")?;
    let (_, after) = rest.split_once("</style>").ok_or("no style")?;
    for tail in [before, after]
        .into_iter()
        .flat_map(|part| part.split('<').skip(1))
    {
        let tag = tail.split('>').next().unwrap_or("");
        let name = tag.split([' ', '/']).find(|n| !n.is_empty()).unwrap_or("");
        seen += 1;
        if tag.starts_with('/') {
            let last = open.pop();
            if last != Some(name) {
                return Err(format!("</{name}> closes {last:?}"));
            }
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    if open.is_empty() {
        Ok(seen)
    } else {
        Err(format!("{open:?}"))
    }
}

#[test]
fn elements_nest() {
    for (name, judged) in fixtures::all() {
        assert!(
            nests(&render(&judged)).is_ok(),
            "{name}: {:?}",
            nests(&render(&judged))
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn data_adds_no_element(text in any::<String>()) {
        let mut judged = fixtures::no_go();
        let elements = nests(&render(&judged)).unwrap();
        let hostile = format!("{HOSTILE}{text}").replace('`', "'");
        judged.about.plan = hostile.clone();
        judged.gates[0].title = hostile.clone();
        judged.gates[0].checks[0].ask = hostile.clone();
        judged.findings[0].seen = hostile;
        prop_assert_eq!(nests(&render(&judged)), Ok(elements));
    }
}

#[test]
fn the_parts_stand_in_their_order() {
    let page = render(&fixtures::no_go());
    let at: Vec<usize> = [
        "<h1>",
        "<dt>service</dt>",
        "class=\"because\"",
        "<h2>What blocks",
        "<h2>Not evaluated",
        "<h2>Since the last GO",
        "<h2>Conditions and waivers",
        "<h2>The way back",
        "<h2>Gates",
        "<h2>Findings",
        "<h2>Performance",
        "<h2>Evidence",
        "<h2>How to verify",
        "<h2>Computed confidence",
        "<h2>Policy as applied",
    ]
    .iter()
    .map(|part| page.find(part).unwrap_or_else(|| panic!("{part}")))
    .collect();
    assert!(at.is_sorted(), "{at:?}");
}

#[test]
fn what_came_back_secret_is_named_and_not_shown() {
    let page = render(&fixtures::no_go());
    assert!(page.contains("A secret came back:"));
    assert!(page.contains("body.debug.authorization"));
}

/// Relative luminance and contrast as WCAG 2 defines them.
fn contrast(a: &str, b: &str) -> f64 {
    let luminance = |hex: &str| -> f64 {
        let hex = hex.trim_start_matches('#');
        let hex = if hex.len() == 3 {
            hex.chars().flat_map(|c| [c, c]).collect::<String>()
        } else {
            hex.to_owned()
        };
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn colours(block: &str) -> std::collections::BTreeMap<&str, &str> {
    block
        .split(';')
        .filter_map(|rule| rule.split_once(':'))
        .filter(|(name, value)| name.starts_with("--") && value.starts_with('#'))
        .map(|(name, value)| (name, value.trim_end_matches('}')))
        .collect()
}

#[test]
fn text_is_legible_in_light_and_dark() {
    let blocks: Vec<&str> = CSS
        .split(":root{")
        .skip(1)
        .take(2)
        .map(|rest| rest.split('}').next().unwrap())
        .collect();
    for block in blocks {
        let colour = colours(block);
        for (ink, paper) in [
            ("--ink", "--page"),
            ("--ink", "--card"),
            ("--ink", "--soft"),
            ("--quiet", "--page"),
            ("--quiet", "--card"),
            ("--quiet", "--soft"),
            ("--link", "--card"),
            ("--link", "--page"),
            ("--go", "--go-soft"),
            ("--hold", "--hold-soft"),
            ("--no-go", "--no-go-soft"),
            ("--no-go", "--card"),
            ("--hold", "--card"),
            ("--go", "--card"),
        ] {
            let ratio = contrast(colour[ink], colour[paper]);
            assert!(ratio >= 4.5, "{ink} on {paper}: {ratio:.2}");
        }
    }
    for banner in ["#0e6b39", "#855100", "#a51d17", "#5b2b91", "#333840"] {
        assert!(
            CSS.contains(banner) && contrast("#fff", banner) >= 4.5,
            "{banner}"
        );
    }
}
