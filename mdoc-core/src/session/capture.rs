//! Sessions that were captured: each message opened by itself, with keys and a counter that are given.
//!
//! For looking into what went wrong, by who has the keys. A session that goes on is [`super::ReaderSession`] or
//! [`super::DeviceSession`], which count themselves.

use core::fmt;

use zeroize::Zeroizing;

use super::cipher::Side;
use crate::crypto::{Backend, CryptoError, PublicKey, SecretKey};
use crate::scrub::scrubbed;
use crate::transcript::SessionTranscript;

/// Who has sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sender {
    /// The reader: requests.
    Reader,
    /// The mdoc: responses.
    Mdoc,
}

impl Sender {
    /// The one who receives it.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Reader => Self::Mdoc,
            Self::Mdoc => Self::Reader,
        }
    }

    const fn side(self) -> Side {
        match self {
            Self::Reader => Side::Reader,
            Self::Mdoc => Side::Device,
        }
    }
}

/// SKReader and SKDevice, as far as they are known. Wiped when dropped.
#[derive(Default)]
pub struct CapturedKeys {
    reader: Option<Box<Zeroizing<[u8; 32]>>>,
    mdoc: Option<Box<Zeroizing<[u8; 32]>>>,
}

impl fmt::Debug for CapturedKeys {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |key: &Option<_>| if key.is_some() { "not shown" } else { "none" };
        let (reader, mdoc) = (known(&self.reader), known(&self.mdoc));
        write!(f, "CapturedKeys(reader: {reader}, mdoc: {mdoc})")
    }
}

impl CapturedKeys {
    /// The keys of the session between the owner of a private key, whichever side that is, and the other side.
    ///
    /// # Errors
    /// [`CryptoError`] if the two keys cannot agree on a secret.
    pub fn agree(
        own: &SecretKey,
        peer: &PublicKey,
        transcript: &SessionTranscript,
        backend: &dyn Backend,
    ) -> Result<Self, CryptoError> {
        let shared = scrubbed(|| backend.agree(own, peer))?;
        Ok(Self::of_shared_secret(&shared, transcript, backend))
    }

    /// The keys from the secret on which the ephemeral keys agree (ZAB).
    #[must_use]
    pub fn of_shared_secret(shared: &[u8], transcript: &SessionTranscript, backend: &dyn Backend) -> Self {
        let salt = transcript.salt(backend);
        let key = |sender: Sender| {
            scrubbed(|| {
                Some(Box::new(backend.hkdf_sha256(
                    shared,
                    salt.as_ref(),
                    sender.side().info(),
                )))
            })
        };
        Self {
            reader: key(Sender::Reader),
            mdoc: key(Sender::Mdoc),
        }
    }

    /// Puts in the key of one side's messages, SKReader or SKDevice.
    #[must_use]
    pub fn with(mut self, sender: Sender, key: Box<Zeroizing<[u8; 32]>>) -> Self {
        match sender {
            Sender::Reader => self.reader = Some(key),
            Sender::Mdoc => self.mdoc = Some(key),
        }
        self
    }

    /// Whether the key of that side's messages is known.
    #[must_use]
    pub const fn has(&self, sender: Sender) -> bool {
        match sender {
            Sender::Reader => self.reader.is_some(),
            Sender::Mdoc => self.mdoc.is_some(),
        }
    }

    /// Opens the data of a message: the `counter`-th that this side has encrypted, from 1. None if the key is not known.
    ///
    /// # Errors
    /// [`CryptoError::BadTag`] if it was encrypted with another key or counter, or was changed.
    pub fn open(
        &self,
        sender: Sender,
        counter: u32,
        data: &[u8],
        backend: &dyn Backend,
    ) -> Option<Result<Zeroizing<Vec<u8>>, CryptoError>> {
        let key = match sender {
            Sender::Reader => self.reader.as_ref(),
            Sender::Mdoc => self.mdoc.as_ref(),
        }?;
        let iv = sender.side().iv(counter);
        Some(scrubbed(|| backend.open(key, &iv, data)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cbor::{Item, embed};
    use crate::cose::key;
    use crate::crypto::fastest;
    use crate::limits::Limits;
    use crate::session::{SessionData, SessionEstablishment};

    macro_rules! annex_d {
        ($name:literal) => {
            include_bytes!(concat!("../../../tests/vectors/annex-d/", $name)).as_slice()
        };
    }

    /// ISO/IEC 18013-5:2021, D.5.1, with each of the private keys and with the shared secret.
    #[test]
    fn the_session_of_annex_d_opens_from_either_side() {
        let limits = Limits::DEFAULT;
        let jwk = |text: &[u8]| crate::keys::secret_from_jwk(core::str::from_utf8(text).unwrap()).unwrap();
        let (device, reader) = (
            jwk(annex_d!("e_device_key.jwk.json")),
            jwk(annex_d!("e_reader_key.jwk.json")),
        );
        let transcript =
            SessionTranscript::decode(annex_d!("D.4.1.2_device_response.transcript.cbor"), &limits).unwrap();
        let asked =
            SessionEstablishment::decode(annex_d!("D.5.1_session_establishment.cbor"), &limits).unwrap();
        let answered = SessionData::decode(annex_d!("D.5.1_session_data.cbor"), &limits).unwrap();
        let peer = key::decode(asked.e_reader_key_bytes.item(&limits).unwrap()).unwrap();
        let shared = fastest().agree(&reader, device.public_key()).unwrap();
        for keys in [
            CapturedKeys::agree(&device, &peer, &transcript, fastest()).unwrap(),
            CapturedKeys::agree(&reader, device.public_key(), &transcript, fastest()).unwrap(),
            CapturedKeys::of_shared_secret(&shared, &transcript, fastest()),
        ] {
            let open = |sender, counter, data| keys.open(sender, counter, data, fastest()).unwrap();
            let request = open(Sender::Reader, 1, &asked.data).unwrap();
            assert_eq!(request.as_slice(), annex_d!("D.4.1.1_device_request.cbor"));
            let data = answered.data.as_ref().unwrap();
            let response = open(Sender::Mdoc, 1, data).unwrap();
            assert!(
                Item::parse(&response, &limits)
                    .unwrap()
                    .get("documents")
                    .is_some()
            );
            assert_eq!(open(Sender::Mdoc, 2, data), Err(CryptoError::BadTag));
            assert_eq!(open(Sender::Reader, 1, data), Err(CryptoError::BadTag));
            assert!(!format!("{keys:?}").contains(|c: char| c.is_ascii_digit()));
        }
        let none = CapturedKeys::default();
        assert!(none.open(Sender::Mdoc, 1, &embed(&[]), fastest()).is_none() && !none.has(Sender::Mdoc));
    }

    #[test]
    fn one_key_opens_one_side() {
        let key = Box::new(Zeroizing::new([7; 32]));
        let sealed = fastest().seal(&key, &Sender::Reader.side().iv(3), b"asked");
        let keys = CapturedKeys::default().with(Sender::Reader, key);
        let opened = keys.open(Sender::Reader, 3, &sealed, fastest()).unwrap().unwrap();
        assert_eq!(opened.as_slice(), b"asked");
        assert!(keys.has(Sender::Reader) && !keys.has(Sender::Mdoc));
        assert!(keys.open(Sender::Mdoc, 3, &sealed, fastest()).is_none());
    }
}
