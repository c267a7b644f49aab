//! The simulated disk's memory, and what a restart makes of it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path};

use super::{Call, Cut, ENOSPC, Fault, Survives};
use crate::world::Kind;

const ROOT: u64 = 1;

#[derive(Clone, Debug, Default)]
pub(super) struct File {
    /// What a reader sees.
    pub(super) live: Vec<u8>,
    /// What a power cut leaves for certain.
    pub(super) durable: Vec<u8>,
    /// Writes since the last sync, with their offsets.
    pub(super) pending: Vec<(usize, Vec<u8>)>,
}

impl File {
    fn append(&mut self, bytes: &[u8]) {
        self.pending.push((self.live.len(), bytes.to_vec()));
        self.live.extend_from_slice(bytes);
    }

    fn sync(&mut self) {
        for (offset, bytes) in std::mem::take(&mut self.pending) {
            lay(&mut self.durable, offset, &bytes);
        }
    }
}

/// Puts `bytes` at `offset`; a gap before them reads as zeros.
fn lay(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

/// One unsynced change of a folder: a name gets a file, a name goes, or (rename) both at once.
#[derive(Clone, Debug)]
struct NameChange {
    gone: Option<String>,
    set: Option<(String, u64)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Folder {
    pub(super) live: BTreeMap<String, u64>,
    durable: BTreeMap<String, u64>,
    pending: Vec<NameChange>,
}

impl Folder {
    fn change(&mut self, change: NameChange) {
        apply(&mut self.live, &change);
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            apply(&mut self.durable, &change);
        }
    }
}

fn apply(names: &mut BTreeMap<String, u64>, change: &NameChange) {
    if let Some(gone) = &change.gone {
        names.remove(gone);
    }
    if let Some((name, inode)) = &change.set {
        names.insert(name.clone(), *inode);
    }
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    File(File),
    Folder(Folder),
}

#[derive(Debug)]
pub(super) struct State {
    nodes: BTreeMap<u64, Node>,
    next_inode: u64,
    holders: u64,
    pub(super) calls: Vec<Call>,
    pub(super) cut: Option<(usize, Cut)>,
    pub(super) faults: Vec<(usize, Fault, bool)>,
    pub(super) off: bool,
    /// Locked folder → who holds it.
    pub(super) locks: BTreeMap<u64, u64>,
}

impl State {
    pub(super) fn new() -> Self {
        Self::with_nodes(
            BTreeMap::from([(ROOT, Node::Folder(Folder::default()))]),
            ROOT + 1,
        )
    }

    fn with_nodes(nodes: BTreeMap<u64, Node>, next_inode: u64) -> Self {
        Self {
            nodes,
            next_inode,
            holders: 0,
            calls: Vec::new(),
            cut: None,
            faults: Vec::new(),
            off: false,
            locks: BTreeMap::new(),
        }
    }

    pub(super) fn next_holder(&mut self) -> u64 {
        self.holders += 1;
        self.holders
    }

    /// Counts a call and makes it, unless the power is off or goes, or a fault was planted.
    pub(super) fn run<T>(
        &mut self,
        call: Call,
        effect: impl FnOnce(&mut Self) -> io::Result<T>,
    ) -> io::Result<T> {
        match self.begin(call)? {
            Some(Cut::Before) => {
                self.off = true;
                Err(power_is_off())
            }
            Some(_) => {
                let outcome = effect(self);
                self.off = true;
                drop(outcome);
                Err(power_is_off())
            }
            None => match self.fault(call) {
                Some(Fault::Errno(errno)) => Err(io::Error::from_raw_os_error(errno)),
                Some(Fault::Full) if call.needs_space() => {
                    Err(io::Error::from_raw_os_error(ENOSPC))
                }
                _ => effect(self),
            },
        }
    }

    fn begin(&mut self, call: Call) -> io::Result<Option<Cut>> {
        if self.off {
            return Err(power_is_off());
        }
        let index = self.calls.len();
        self.calls.push(call);
        Ok(self.cut.filter(|(at, _)| *at == index).map(|(_, cut)| cut))
    }

    fn fault(&self, call: Call) -> Option<Fault> {
        let index = self.calls.len() - 1;
        self.faults
            .iter()
            .filter(|(at, fault, forever)| {
                let due = index == *at || (*forever && index > *at);
                let concerns = match fault {
                    Fault::Errno(ENOSPC) | Fault::Full => call.needs_space(),
                    Fault::Errno(_) => true,
                    Fault::ShortWrite => call == Call::Write,
                };
                due && concerns
            })
            .map(|(_, fault, _)| *fault)
            .next()
    }

    pub(super) fn write(&mut self, inode: u64, bytes: &[u8]) -> io::Result<usize> {
        let cut = self.begin(Call::Write)?;
        let fault = self.fault(Call::Write);
        let file = self.file(inode)?;
        if let Some(cut) = cut {
            let kept = match cut {
                Cut::Before => 0,
                Cut::Within(thousandths) => bytes.len() * usize::from(thousandths) / 1000,
                Cut::AllBut(rest) => bytes.len().saturating_sub(rest),
                Cut::After => bytes.len(),
            };
            file.append(&bytes[..kept]);
            self.off = true;
            return Err(power_is_off());
        }
        match fault {
            Some(Fault::Errno(errno)) => Err(io::Error::from_raw_os_error(errno)),
            Some(Fault::Full) => {
                file.append(&bytes[..bytes.len() / 2]);
                Err(io::Error::from_raw_os_error(ENOSPC))
            }
            Some(Fault::ShortWrite) => {
                let kept = (bytes.len() / 2).max(1).min(bytes.len());
                file.append(&bytes[..kept]);
                Ok(kept)
            }
            None => {
                file.append(bytes);
                Ok(bytes.len())
            }
        }
    }

    pub(super) fn sync(&mut self, inode: u64) -> io::Result<()> {
        let outcome = self.run(Call::Sync, |state| {
            state.file(inode)?.sync();
            Ok(())
        });
        if outcome.is_err() && !self.off {
            // The pages count as clean now: a second sync would succeed and save nothing.
            self.file(inode)?.pending.clear();
        }
        outcome
    }

    pub(super) fn node(&mut self, inode: u64) -> io::Result<&mut Node> {
        self.nodes
            .get_mut(&inode)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn file(&mut self, inode: u64) -> io::Result<&mut File> {
        match self.node(inode)? {
            Node::File(file) => Ok(file),
            Node::Folder(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn folder(&mut self, inode: u64) -> io::Result<&mut Folder> {
        match self.node(inode)? {
            Node::Folder(folder) => Ok(folder),
            Node::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn kind(&mut self, inode: u64) -> io::Result<Kind> {
        Ok(match self.node(inode)? {
            Node::File(_) => Kind::File,
            Node::Folder(_) => Kind::Folder,
        })
    }

    pub(super) fn find(&mut self, path: &Path) -> io::Result<u64> {
        let mut inode = ROOT;
        for part in path.components() {
            match part {
                Component::RootDir => inode = ROOT,
                Component::Normal(name) => {
                    let name = name.to_string_lossy();
                    inode = *self
                        .folder(inode)?
                        .live
                        .get(name.as_ref())
                        .ok_or(io::ErrorKind::NotFound)?;
                }
                Component::CurDir => {}
                Component::ParentDir | Component::Prefix(_) => {
                    return Err(io::ErrorKind::InvalidInput.into());
                }
            }
        }
        Ok(inode)
    }

    fn parent_and_name(&mut self, path: &Path) -> io::Result<(u64, String)> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let parent = self.find(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
        Ok((parent, name.to_string_lossy().into_owned()))
    }

    pub(super) fn create(&mut self, path: &Path, node: Node) -> io::Result<u64> {
        let (parent, name) = self.parent_and_name(path)?;
        if self.folder(parent)?.live.contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = self.next_inode;
        self.next_inode += 1;
        self.nodes.insert(inode, node);
        self.folder(parent)?.change(NameChange {
            gone: None,
            set: Some((name, inode)),
        });
        Ok(inode)
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let inode = self.find(from)?;
        let (from_folder, old) = self.parent_and_name(from)?;
        let (to_folder, new) = self.parent_and_name(to)?;
        if from_folder != to_folder {
            // The store never moves a file between folders, so a rename can be one change of one folder.
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        self.folder(from_folder)?.change(NameChange {
            gone: Some(old),
            set: Some((new, inode)),
        });
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        let (parent, name) = self.parent_and_name(path)?;
        self.folder(parent)?.change(NameChange {
            gone: Some(name),
            set: None,
        });
        Ok(())
    }

    pub(super) fn after_restart(&self, survives: Survives) -> Self {
        let mut lot = Lot::new(match survives {
            Survives::Chance(seed) => seed,
            _ => 0,
        });
        let nodes = self
            .nodes
            .iter()
            .map(|(inode, node)| {
                let left = match node {
                    Node::File(file) => Node::File(file_after(file, survives, &mut lot)),
                    Node::Folder(folder) => Node::Folder(folder_after(folder, survives, &mut lot)),
                };
                (*inode, left)
            })
            .collect();
        Self::with_nodes(nodes, self.next_inode)
    }
}

fn file_after(file: &File, survives: Survives, lot: &mut Lot) -> File {
    let mut content = file.durable.clone();
    match survives {
        Survives::Everything => content.clone_from(&file.live),
        Survives::Nothing | Survives::Names => {}
        Survives::Contents => {
            for (offset, bytes) in &file.pending {
                lay(&mut content, *offset, bytes);
            }
        }
        Survives::NamesAndLengths => content.resize(file.live.len().max(content.len()), 0),
        Survives::LastWrites => {
            if let Some((offset, bytes)) = file.pending.last() {
                lay(&mut content, *offset, bytes);
            }
        }
        Survives::FirstWrites => {
            if let Some((offset, bytes)) = file.pending.first() {
                lay(&mut content, *offset, bytes);
            }
        }
        Survives::Chance(_) => {
            let sector = [16, 64, 512][lot.below(3)];
            for (offset, bytes) in &file.pending {
                for (index, piece) in bytes.chunks(sector).enumerate() {
                    if lot.below(4) > 0 {
                        lay(&mut content, offset + index * sector, piece);
                    }
                }
            }
            if lot.below(4) == 0 {
                content.resize(file.live.len().max(content.len()), 0);
            }
        }
    }
    File {
        live: content.clone(),
        durable: content,
        pending: Vec::new(),
    }
}

fn folder_after(folder: &Folder, survives: Survives, lot: &mut Lot) -> Folder {
    let mut names = folder.durable.clone();
    for change in &folder.pending {
        let kept = match survives {
            Survives::Nothing | Survives::Contents => false,
            Survives::Chance(_) => lot.below(2) == 0,
            Survives::Everything
            | Survives::Names
            | Survives::NamesAndLengths
            | Survives::LastWrites
            | Survives::FirstWrites => true,
        };
        if kept {
            apply(&mut names, change);
        }
    }
    Folder {
        live: names.clone(),
        durable: names,
        pending: Vec::new(),
    }
}

fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}

/// Repeatable chance (splitmix64).
struct Lot(u64);

impl Lot {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (mixed % limit as u64) as usize
    }
}
