//! Files that appear whole under their name, or not at all.

use std::io;
use std::path::{Path, PathBuf};

use super::{StoreError, failed, unconfirmed};
use crate::world::{Disk, DiskFile, FileId, Kind};

/// How the names of half-written files begin.
pub(super) const TEMPORARY: &str = ".tmp-";

/// Writes all bytes; an error leaves any part of them behind.
pub(super) fn write_all(
    file: &mut dyn DiskFile,
    mut bytes: &[u8],
    path: &Path,
) -> Result<(), StoreError> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => {
                return Err(failed("write", path, io::ErrorKind::WriteZero.into()));
            }
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed("write", path, error)),
        }
    }
    Ok(())
}

/// Puts `bytes` under a name: temporary file, sync, `permitted`, rename, sync of the folder.
///
/// `permitted` is asked last, so that an owner that lost the folder meanwhile leaves it as it is. Gives the open file.
pub(super) fn write_file_atomically(
    disk: &dyn Disk,
    path: &Path,
    bytes: &[u8],
    permitted: impl FnOnce() -> Result<(), StoreError>,
) -> Result<Box<dyn DiskFile>, StoreError> {
    let folder = folder_of(path)?;
    let (file, temporary) = write_temporary(disk, path, bytes)?;
    let placed = permitted().and_then(|()| {
        disk.rename(&temporary, path)
            .map_err(|error| failed("rename", path, error))
    });
    if let Err(error) = placed {
        // Only tidiness: what stays behind is removed when the folder is next opened.
        drop(disk.remove(&temporary));
        return Err(error);
    }
    sync_folder(disk, folder)?;
    Ok(file)
}

/// Writes and syncs a file under the temporary form of its later name.
pub(super) fn write_temporary(
    disk: &dyn Disk,
    path: &Path,
    bytes: &[u8],
) -> Result<(Box<dyn DiskFile>, PathBuf), StoreError> {
    let folder = folder_of(path)?;
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let temporary = folder.join(format!("{TEMPORARY}{name}"));
    let created = match disk.create_new(&temporary) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            disk.remove(&temporary)
                .map_err(|error| failed("remove", &temporary, error))?;
            disk.create_new(&temporary)
        }
        created => created,
    };
    let mut file = created.map_err(|error| failed("create", &temporary, error))?;
    let written = write_all(file.as_mut(), bytes, &temporary)
        .and_then(|()| file.sync().map_err(|error| unconfirmed(&temporary, error)));
    match written {
        Ok(()) => Ok((file, temporary)),
        Err(error) => {
            drop(disk.remove(&temporary));
            Err(error)
        }
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(disk: &dyn Disk, folder: &Path) -> Result<(), StoreError> {
    disk.sync_folder(folder)
        .map_err(|error| unconfirmed(folder, error))
}

/// Removes what crashed writers left half-written, in a folder and those below it.
pub(super) fn remove_temporaries(disk: &dyn Disk, folder: &Path) -> Result<(), StoreError> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        folders.append(&mut remove_temporaries_here(disk, &folder)?);
    }
    Ok(())
}

/// As [`remove_temporaries`] for one folder only; gives the folders in it.
pub(super) fn remove_temporaries_here(
    disk: &dyn Disk,
    folder: &Path,
) -> Result<Vec<PathBuf>, StoreError> {
    let entries = disk
        .list(folder)
        .map_err(|error| failed("list", folder, error))?;
    let mut below = Vec::new();
    let mut removed = false;
    for entry in entries {
        let path = folder.join(&entry.name);
        match entry.kind {
            Kind::Folder => below.push(path),
            Kind::File if entry.name.starts_with(TEMPORARY) => {
                disk.remove(&path)
                    .map_err(|error| failed("remove", &path, error))?;
                removed = true;
            }
            Kind::File | Kind::Other => {}
        }
    }
    if removed {
        sync_folder(disk, folder)?;
    }
    Ok(below)
}

/// Whether a name still stands for the file that was opened under it.
pub(super) fn still_names(disk: &dyn Disk, path: &Path, id: FileId) -> bool {
    disk.metadata(path).is_ok_and(|found| found.id == id)
}

fn folder_of(path: &Path) -> Result<&Path, StoreError> {
    path.parent().ok_or_else(|| StoreError::BadName {
        name: path.display().to_string(),
    })
}
