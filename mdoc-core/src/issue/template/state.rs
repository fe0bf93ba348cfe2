//! A SHA-2 computation that was begun and can be continued more than once.

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::crypto::{Digest, DigestAlgorithm};

/// The state of a hash function after some bytes.
#[derive(Clone)]
pub(super) enum State {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl State {
    pub(super) fn new(algorithm: DigestAlgorithm) -> Self {
        match algorithm {
            DigestAlgorithm::Sha256 => Self::Sha256(Sha256::new()),
            DigestAlgorithm::Sha384 => Self::Sha384(Sha384::new()),
            DigestAlgorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(state) => state.update(bytes),
            Self::Sha384(state) => state.update(bytes),
            Self::Sha512(state) => state.update(bytes),
        }
    }

    /// The digest of the bytes so far and the rest; this state stays as it is.
    pub(super) fn finish(&self, rest: &[u8]) -> Digest {
        match self {
            Self::Sha256(state) => Digest::new(&state.clone().chain_update(rest).finalize()),
            Self::Sha384(state) => Digest::new(&state.clone().chain_update(rest).finalize()),
            Self::Sha512(state) => Digest::new(&state.clone().chain_update(rest).finalize()),
        }
    }
}
