//! The only door to clock, disk and chance for everything that gonogo itself keeps.
//!
//! Time and storage are values handed in, so that a test can stop the clock, fill the disk or cut the power at any call.

use std::sync::Arc;

mod clock;
mod disk;
mod real;
pub mod sim;

pub use clock::{Clock, SimClock, SystemClock};
pub use disk::{Disk, DiskFile, Entry, FileId, Kind, Lock, Metadata};
pub use real::RealDisk;

/// Where unguessable bytes come from.
pub trait Entropy: Send + Sync {
    /// Eight bytes that nobody could foresee.
    fn draw(&self) -> std::io::Result<[u8; 8]>;
}

/// The operating system's random source.
#[derive(Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn draw(&self) -> std::io::Result<[u8; 8]> {
        use ring::rand::SecureRandom;
        let mut bytes = [0; 8];
        ring::rand::SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| std::io::Error::other("the operating system gave no random bytes"))?;
        Ok(bytes)
    }
}

/// Everything outside that the store touches.
#[derive(Clone)]
pub struct World {
    /// Wall time and monotonic time.
    pub clock: Arc<dyn Clock>,
    /// Files and folders.
    pub disk: Arc<dyn Disk>,
    /// Randomness, for names and ownership tokens.
    pub entropy: Arc<dyn Entropy>,
    /// This process, as another one would name it in a message.
    pub pid: u32,
}

impl World {
    /// The real machine.
    pub fn real() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            disk: Arc::new(RealDisk::new()),
            entropy: Arc::new(SystemEntropy),
            pid: std::process::id(),
        }
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

/// An environment variable, where it is set and is text.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the door that the lint points to"
)]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Ends the program without any clean-up: the second signal of an impatient user.
#[expect(clippy::exit, reason = "asked for twice; the journal is made for it")]
pub fn end_at_once(code: i32) -> ! {
    std::process::exit(code)
}

#[cfg(test)]
mod tests;
