//! The files beside the plan, as the faults leave them.

use super::{Fault, Faults};

/// A file of the case's folder, by its name, with the faults in it.
pub fn changed(name: &str, text: &str, faults: &Faults) -> String {
    if name == "checklist.yaml" && faults.contains(&Fault::ChecklistPartial) {
        return as_it_was(text);
    }
    text.to_owned()
}

/// What the document said stands in the file too, behind `# was: `.
fn as_it_was(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let kept = match line.split_once("  # was: ") {
            Some((now, was)) => {
                let indent = &now[..now.len() - now.trim_start().len()];
                format!("{indent}{was}")
            }
            None => line.to_owned(),
        };
        out.push_str(&kept);
        out.push('\n');
    }
    out
}
