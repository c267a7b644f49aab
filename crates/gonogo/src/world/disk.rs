//! What the store may ask of a disk. Small on purpose: each call is a place where a crash or an error is injected.

use std::io;
use std::path::Path;

/// Names a file by what it *is*, not by where it lies: a file that was replaced has another identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    /// The device it lies on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}

/// What kind of thing a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, device, socket: never followed, never opened.
    Other,
}

/// What is known of a name without opening it. Links are not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// File, folder or neither.
    pub kind: Kind,
    /// Length in bytes, of a file.
    pub len: u64,
    /// Its identity.
    pub id: FileId,
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, without the folder. Names that are not UTF-8 are shown with replacement characters.
    pub name: String,
    /// What it stands for.
    pub kind: Kind,
}

/// An open file that is written at its end.
pub trait DiskFile: Send {
    /// Writes some of `bytes` at the end and says how many; may be fewer than given.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Returns once the content is on stable storage. After an error nothing is known, and trying again proves nothing.
    fn sync(&mut self) -> io::Result<()>;
    /// The identity of the open file, whatever its name is by now.
    fn id(&self) -> io::Result<FileId>;
}

/// Held as long as it lives; the kernel lets go when the process ends, however it ends.
pub trait Lock: Send + Sync {}

/// Files and folders. All calls block; the engine makes them on a thread of their own.
///
/// A name that was created, renamed or removed is durable only after [`Disk::sync_folder`] on its folder.
pub trait Disk: Send + Sync {
    /// Makes a folder; `AlreadyExists` if the name is taken.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes a file that was not there; `AlreadyExists` if the name is taken, even by a link.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens an existing regular file to write at its end.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// The whole content of a regular file; `FileTooLarge` if it is longer than `at_most` bytes.
    fn read(&self, path: &Path, at_most: u64) -> io::Result<Vec<u8>>;
    /// All names in a folder, sorted.
    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>>;
    /// Kind, length and identity of a name.
    fn metadata(&self, path: &Path) -> io::Result<Metadata>;
    /// Renames, replacing what had the new name, in one step.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Returns once the folder's names are on stable storage.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Takes the one lock of a folder, without waiting; `None` if another owner holds it.
    fn try_lock(&self, folder: &Path) -> io::Result<Option<Box<dyn Lock>>>;
}

impl std::fmt::Debug for dyn Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Disk")
    }
}
