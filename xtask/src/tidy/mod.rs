//! `cargo xtask tidy`: the rules of the house that a machine can hold. It reads text and compiles nothing.

mod files;
mod leftovers;
mod names;
mod pages;
mod probes;
mod sizes;
mod walls;

use std::path::Path;

use anyhow::Result;

pub(crate) use files::House;
#[cfg(all(test, feature = "generate"))]
pub(crate) use pages::is_page;
#[cfg(feature = "generate")]
pub(crate) use pages::test_names;

/// One place where the house is not as it should be.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Untidy {
    /// File, and line where there is one: `crates/lab/src/lib.rs:12`.
    at: String,
    /// What is wrong and what to do.
    what: String,
}

impl Untidy {
    fn new(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            at: at.into(),
            what: what.into(),
        }
    }
}

/// Every rule; a new one is one line here.
const RULES: &[fn(&House) -> Vec<Untidy>] = &[
    walls::crates_keep_their_dependencies,
    walls::every_dependency_is_used,
    walls::every_dependency_was_decided,
    walls::sources_keep_to_their_side,
    walls::one_integration_program_per_crate,
    sizes::sizes_only_shrink,
    names::names_say_what_they_mean,
    leftovers::nothing_is_left_undone,
    leftovers::no_path_of_one_machine,
    probes::every_probe_folder_is_complete,
    pages::architecture_names_what_is_there,
    pages::the_changelog_keeps_its_form,
    pages::relative_links_resolve,
];

/// All that is untidy, in the order of the files.
fn all(house: &House) -> Vec<Untidy> {
    let mut found: Vec<Untidy> = RULES.iter().flat_map(|rule| rule(house)).collect();
    found.sort();
    found
}

/// Looks at the whole repository and says what it found. True where nothing was.
pub(crate) fn tidy(root: &Path, shrink: bool) -> Result<bool> {
    if shrink {
        let house = House::read(root)?;
        std::fs::write(root.join(sizes::RATCHET), sizes::shrunk(&house))?;
    }
    let house = House::read(root)?;
    let found = all(&house);
    for one in &found {
        println!("{}: {}", one.at, one.what);
    }
    println!(
        "{} files, {} untidy places",
        house.files().count(),
        found.len()
    );
    Ok(found.is_empty())
}

#[cfg(test)]
mod tests;
