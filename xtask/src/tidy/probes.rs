//! A probe is one folder and one line.

use super::{House, Untidy};

const FOLDER: &str = "crates/gonogo-probes/src/";

/// Every probe has its parts, and is listed.
pub(super) fn every_probe_folder_is_complete(house: &House) -> Vec<Untidy> {
    let list = house
        .text("crates/gonogo-probes/src/lib.rs")
        .unwrap_or_default();
    let mut found = Vec::new();
    for probe in folders(house) {
        let folder = format!("{FOLDER}{probe}");
        for part in ["mod.rs", "syntax.rs", "run.rs", "tests.rs"] {
            let stem = part.trim_end_matches(".rs");
            if !house.has(&format!("{folder}/{part}"))
                && !house.has(&format!("{folder}/{stem}/mod.rs"))
            {
                found.push(Untidy::new(&folder, format!("the probe has no {part}")));
            }
        }
        if !list.contains(&format!("&{probe}::")) {
            found.push(Untidy::new(
                &folder,
                "the probe is not in the list in lib.rs",
            ));
        }
    }
    found
}

fn folders(house: &House) -> Vec<String> {
    let mut folders: Vec<String> = house
        .sources(FOLDER)
        .filter(|(_, text)| text.contains("impl Probe for "))
        .filter_map(|(path, _)| Some(path.strip_prefix(FOLDER)?.split_once('/')?.0.to_owned()))
        .collect();
    folders.dedup();
    folders
}
