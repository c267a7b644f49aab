//! The files of a plan: in its folder, or in a bundle.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gonogo_core::plan::Files;

use super::{FILES, PLAN};
use crate::world::Disk;

/// Largest file that a plan may include or refer to.
const MAX: u64 = 16 * 1024 * 1024;

/// Files in the plan's folder.
pub struct DiskFiles {
    base: PathBuf,
}

impl DiskFiles {
    /// Files below this folder.
    pub fn new(base: &Path) -> Self {
        Self {
            base: base.to_owned(),
        }
    }
}

impl Files for DiskFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        read(&self.base.join(path))
    }
}

/// Files as a bundle keeps them.
pub struct BundleFiles {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    main: String,
}

impl BundleFiles {
    /// The files of the bundle whose plan was called `main`.
    pub fn new(disk: &Arc<dyn Disk>, folder: &Path, main: &str) -> Self {
        Self {
            disk: Arc::clone(disk),
            folder: folder.to_owned(),
            main: main.to_owned(),
        }
    }

    /// Where a plan's file stands in a bundle, relative to its folder.
    pub fn place(main: &str, path: &str) -> String {
        if path == main {
            PLAN.to_owned()
        } else {
            format!("{FILES}/{path}")
        }
    }
}

impl Files for BundleFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let place = self.folder.join(Self::place(&self.main, path));
        self.disk.read(&place, MAX).map_err(|e| e.to_string())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let meta = std::fs::metadata(path).map_err(|e| e.to_string())?;
    if !meta.is_file() {
        return Err("it is not a file".to_owned());
    }
    if meta.len() > MAX {
        return Err(format!(
            "it has {} bytes, more than the {MAX} that are read",
            meta.len()
        ));
    }
    std::fs::read(path).map_err(|e| e.to_string())
}
