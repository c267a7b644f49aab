//! A disk in memory that can be cut off, filled up or broken at any call.
//!
//! It keeps apart what a program sees (the live state) and what a power cut would leave (the durable state plus any part of what
//! was not synced). Names and contents are made durable separately, by [`Disk::sync_folder`] and [`DiskFile::sync`], as POSIX
//! allows; a failed sync *loses* its data while still showing them, as Linux does.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile, Entry, FileId, Kind, Lock, Metadata};

mod state;

use state::{Node, State};

/// The calls that are counted and can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// [`Disk::create_folder`]
    CreateFolder,
    /// [`Disk::create_new`]
    CreateNew,
    /// [`Disk::open_append`]
    OpenAppend,
    /// [`Disk::read`]
    Read,
    /// [`Disk::list`]
    List,
    /// [`Disk::metadata`]
    Metadata,
    /// [`Disk::rename`]
    Rename,
    /// [`Disk::remove`]
    Remove,
    /// [`DiskFile::write`]
    Write,
    /// [`DiskFile::sync`]
    Sync,
    /// [`Disk::sync_folder`]
    SyncFolder,
    /// [`Disk::try_lock`]
    Lock,
}

impl Call {
    /// Whether a full disk can refuse it.
    pub fn needs_space(self) -> bool {
        matches!(
            self,
            Self::CreateFolder | Self::CreateNew | Self::Write | Self::Sync | Self::Rename
        )
    }
}

/// What goes wrong at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call does nothing and returns this `errno`.
    Errno(i32),
    /// A write takes half of its bytes (at least one) and says so; other calls are unharmed.
    ShortWrite,
    /// The disk is full: half of the bytes of a write fit, then `ENOSPC`.
    Full,
}

/// `EIO`, for [`Fault::Errno`].
pub const EIO: i32 = 5;
/// `ENOSPC`
pub const ENOSPC: i32 = 28;

/// Where the power goes, or the process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before the call did anything.
    Before,
    /// In a write, after so many thousandths of its bytes; in any other call as [`Cut::After`].
    Within(u16),
    /// In a write, when so many bytes were still to go; in any other call as [`Cut::After`].
    AllBut(usize),
    /// After the call did its work, before its caller heard of it.
    After,
}

/// What of the unsynced state is found after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survives {
    /// All of it: the process died, the machine did not.
    Everything,
    /// Nothing: what was not synced is gone.
    Nothing,
    /// Contents but no names.
    Contents,
    /// Names but no contents: files are as long as was synced.
    Names,
    /// Names and lengths, zeros where contents were not synced.
    NamesAndLengths,
    /// Of each file only its last write, the earlier ones being holes; all names.
    LastWrites,
    /// Of each file only its first unsynced write; all names.
    FirstWrites,
    /// Each sector and each name by lot.
    Chance(u64),
}

/// The disk. Clones are handles on the same one.
#[derive(Clone, Debug)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl SimDisk {
    /// An empty, healthy disk: one root folder, `/`.
    pub fn new() -> Self {
        Self::around(State::new())
    }

    fn around(state: State) -> Self {
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls were made so far.
    pub fn call_count(&self) -> usize {
        self.state().calls.len()
    }

    /// The calls made so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// Cuts the power at the call with this index (from 0, over the disk's whole life).
    pub fn cut_at(&self, call: usize, cut: Cut) {
        self.state().cut = Some((call, cut));
    }

    /// Lets a call fail, and with `forever` each one after it as well.
    pub fn fail_at(&self, call: usize, fault: Fault, forever: bool) {
        self.state().faults.push((call, fault, forever));
    }

    /// Takes all planted faults away.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// Whether the power was cut. From then on every call fails.
    pub fn is_off(&self) -> bool {
        self.state().off
    }

    /// The machine after a restart: what was durable, and of the rest what `survives`. This disk is off from now on.
    #[must_use]
    pub fn restart(&self, survives: Survives) -> Self {
        let mut state = self.state();
        state.off = true;
        Self::around(state.after_restart(survives))
    }

    /// Lets go of all locks although their owners live, as a network file system does after a partition.
    pub fn lose_locks(&self) {
        self.state().locks.clear();
    }

    /// Overwrites a file's content, live and durable: rot, or a hand in the file.
    pub fn tamper(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let inode = state.find(path)?;
        match state.node(inode)? {
            Node::File(file) => {
                file.live = bytes.to_vec();
                file.durable = bytes.to_vec();
                file.pending.clear();
                Ok(())
            }
            Node::Folder(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }
}

impl Disk for SimDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.state()
            .run(Call::CreateFolder, |state| {
                state.create(path, Node::Folder(state::Folder::default()))
            })
            .map(drop)
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.state().run(Call::CreateNew, |state| {
            state.create(path, Node::File(state::File::default()))
        })?;
        Ok(self.open_file(inode))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.state().run(Call::OpenAppend, |state| {
            let inode = state.find(path)?;
            state.file(inode)?;
            Ok(inode)
        })?;
        Ok(self.open_file(inode))
    }

    fn read(&self, path: &Path, at_most: u64) -> io::Result<Vec<u8>> {
        self.state().run(Call::Read, |state| {
            let inode = state.find(path)?;
            let file = state.file(inode)?;
            if file.live.len() as u64 > at_most {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            Ok(file.live.clone())
        })
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        self.state().run(Call::List, |state| {
            let inode = state.find(folder)?;
            let names = state.folder(inode)?.live.clone();
            names
                .into_iter()
                .map(|(name, inode)| {
                    let kind = state.kind(inode)?;
                    Ok(Entry { name, kind })
                })
                .collect()
        })
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.state().run(Call::Metadata, |state| {
            let inode = state.find(path)?;
            let kind = state.kind(inode)?;
            let len = match kind {
                Kind::File => state.file(inode)?.live.len() as u64,
                Kind::Folder | Kind::Other => 0,
            };
            let id = FileId { device: 1, inode };
            Ok(Metadata { kind, len, id })
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state()
            .run(Call::Rename, |state| state.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().run(Call::Remove, |state| {
            let inode = state.find(path)?;
            state.file(inode)?;
            state.remove(path)
        })
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.state().run(Call::SyncFolder, |state| {
            let inode = state.find(folder)?;
            state.folder(inode)?.sync();
            Ok(())
        })
    }

    fn try_lock(&self, folder: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        let taken = self.state().run(Call::Lock, |state| {
            let inode = state.find(folder)?;
            state.folder(inode)?;
            let holder = state.next_holder();
            Ok(match state.locks.entry(inode) {
                std::collections::btree_map::Entry::Occupied(_) => None,
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert(holder);
                    Some((inode, holder))
                }
            })
        })?;
        Ok(taken.map(|(inode, holder)| {
            Box::new(SimLock {
                disk: self.clone(),
                inode,
                holder,
            }) as Box<dyn Lock>
        }))
    }
}

impl SimDisk {
    fn open_file(&self, inode: u64) -> Box<dyn DiskFile> {
        Box::new(SimFile {
            disk: self.clone(),
            inode,
        })
    }
}

struct SimFile {
    disk: SimDisk,
    inode: u64,
}

impl DiskFile for SimFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.state().write(self.inode, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.state().sync(self.inode)
    }

    fn id(&self) -> io::Result<FileId> {
        Ok(FileId {
            device: 1,
            inode: self.inode,
        })
    }
}

struct SimLock {
    disk: SimDisk,
    inode: u64,
    holder: u64,
}

impl Lock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.locks.get(&self.inode) == Some(&self.holder) {
            state.locks.remove(&self.inode);
        }
    }
}
