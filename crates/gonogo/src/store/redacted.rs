//! The only shape in which anything reaches the disk.

/// Bytes from which every known secret was masked.
///
/// The store takes nothing else, so that a path around the redactor does not compile.
#[derive(Clone, PartialEq, Eq)]
pub struct RedactedBytes(Vec<u8>);

impl RedactedBytes {
    /// Vouches for bytes that passed the redactor, or that cannot hold a secret (gonogo's own file heads).
    pub fn vouched(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for RedactedBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RedactedBytes({} bytes)", self.0.len())
    }
}
