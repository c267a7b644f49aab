//! placeholder
use gonogo_core::judged::Judged;
pub mod escape { pub fn terminal(t: &str) -> String { t.chars().map(|c| if c.is_control() {'?'} else {c}).collect() } }
pub mod terminal { use super::*; pub struct Look { pub colour: bool, pub width: usize, pub folder: Option<String> }
 pub fn render(j: &Judged, _l: &Look) -> String { let mut s = format!("{} {}\n{}\n", j.verdict.word(), j.counts.sentence(), j.because); for g in &j.gates { s += &format!("{:?} {} {} | {}\n", g.outcome, g.id, g.target, g.result); for c in &g.checks { if !c.outcome.is_good() { s += &format!("    {:?} {} {}\n", c.outcome, c.id, c.message); } } } for f in &j.findings { s += &format!("finding {} {:?}\n", f.check, f.cause);} for r in &j.reasons { s += &format!("reason {r}\n"); } s }
 pub fn check(_g: &str, c: &gonogo_core::judged::CheckJudged, _w: usize) -> String { format!("{c:?}") } }
pub mod markdown { use super::*; pub fn render(_: &Judged) -> String { String::new() } }
pub mod html { use super::*; pub fn render(_: &Judged) -> String { String::new() } }
pub mod junit { use super::*; pub fn render(_: &Judged) -> String { String::new() } }
pub mod json { use super::*; pub fn document(j: &Judged, f: Option<&str>) -> serde_json::Value { let mut v = serde_json::to_value(j).unwrap(); if let Some(f) = f { v["run"] = f.into(); } v } pub fn render(j: &Judged) -> String { serde_json::to_string_pretty(&document(j, None)).unwrap() } }
pub fn render_all(j: &Judged) -> Vec<(&'static str, String)> { vec![("verdict.json", json::render(j))] }
