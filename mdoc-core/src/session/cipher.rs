//! The two keys of a session, each with its counter.

use zeroize::Zeroizing;

use crate::crypto::{Backend, CryptoError, PublicKey, SecretKey};
use crate::scrub::scrubbed;
use crate::session::Why;
use crate::transcript::SessionTranscript;

/// Which side this is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Reader,
    Device,
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::Reader => Self::Device,
            Self::Device => Self::Reader,
        }
    }

    /// What the key of this side's messages is derived for.
    pub(super) const fn info(self) -> &'static [u8] {
        match self {
            Self::Reader => b"SKReader",
            Self::Device => b"SKDevice",
        }
    }

    /// The initialisation vector of a message of this side: eight bytes of identifier, four of counter.
    pub(super) const fn iv(self, counter: u32) -> [u8; 12] {
        let [a, b, c, d] = counter.to_be_bytes();
        [0, 0, 0, 0, 0, 0, 0, self.identifier(), a, b, c, d]
    }

    /// The last of the eight bytes before the counter.
    const fn identifier(self) -> u8 {
        match self {
            Self::Reader => 0,
            Self::Device => 1,
        }
    }
}

/// AES-256-GCM in both directions.
///
/// Source: ISO/IEC 18013-5:2021, 9.1.1.5.
pub(super) struct Ciphers {
    ours: Direction,
    theirs: Direction,
}

/// One key: never on the stack for longer than it takes, and wiped when dropped.
struct Direction {
    key: Box<Zeroizing<[u8; 32]>>,
    side: Side,
    /// Of the next message; none when all are used up.
    counter: Option<u32>,
}

impl Ciphers {
    /// Agrees on the keys.
    pub(super) fn derive(
        side: Side,
        own: &SecretKey,
        peer: &PublicKey,
        transcript: &SessionTranscript,
        backend: &dyn Backend,
    ) -> Result<Self, CryptoError> {
        let salt = transcript.salt(backend);
        scrubbed(|| {
            let shared = backend.agree(own, peer)?;
            let direction = |side: Side| Direction {
                key: Box::new(backend.hkdf_sha256(&shared, salt.as_ref(), side.info())),
                side,
                counter: Some(1),
            };
            Ok(Self {
                ours: direction(side),
                theirs: direction(side.other()),
            })
        })
    }

    /// Encrypts our next message.
    pub(super) fn seal(&mut self, message: &[u8], backend: &dyn Backend) -> Result<Vec<u8>, Why> {
        let iv = self.ours.next_iv().ok_or(Why::Exhausted)?;
        Ok(scrubbed(|| backend.seal(&self.ours.key, &iv, message)))
    }

    /// Decrypts their next message.
    pub(super) fn open(&mut self, sealed: &[u8], backend: &dyn Backend) -> Result<Zeroizing<Vec<u8>>, Why> {
        let iv = self.theirs.next_iv().ok_or(Why::Exhausted)?;
        scrubbed(|| backend.open(&self.theirs.key, &iv, sealed)).map_err(|_| Why::Decrypt)
    }

    /// As if all messages but the last had been sent.
    #[cfg(test)]
    pub(super) fn wear_out(&mut self) {
        self.ours.counter = Some(u32::MAX);
        self.theirs.counter = Some(u32::MAX);
    }
}

impl Direction {
    fn next_iv(&mut self) -> Option<[u8; 12]> {
        let counter = self.counter?;
        self.counter = counter.checked_add(1);
        Some(self.side.iv(counter))
    }
}
