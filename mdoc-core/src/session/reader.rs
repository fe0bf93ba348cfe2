//! The reader's side.

use core::fmt;

use zeroize::Zeroizing;

use super::cipher::{Ciphers, Side};
use super::message::{SessionData, SessionEstablishment, Status};
use super::{Ended, Why};
use crate::cbor::embed;
use crate::cose::key;
use crate::crypto::{Backend, CryptoRng, Curve, SecretKey};
use crate::engagement::{CIPHER_SUITE, DeviceEngagement};
use crate::limits::Limits;
use crate::transcript::{Handover, SessionTranscript};
use crate::verify::Inputs;

/// A session as its reader has it; `S` is [`MayAsk`] or [`Waiting`].
pub struct ReaderSession<S> {
    common: Common,
    state: S,
}

/// It is the reader's turn.
pub struct MayAsk {
    /// Our key as it stands in the transcript, which the first message takes with it.
    e_reader_key_bytes: Option<Vec<u8>>,
}

/// A request is under way.
pub struct Waiting;

struct Common {
    key: SecretKey,
    transcript: SessionTranscript,
    ciphers: Ciphers,
}

impl<S> fmt::Debug for ReaderSession<S> {
    /// Without its keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReaderSession({})", core::any::type_name::<S>())
    }
}

impl<S> ReaderSession<S> {
    /// What reader authentication, device authentication and the keys of this session are tied to.
    #[must_use]
    pub const fn transcript(&self) -> &SessionTranscript {
        &self.common.transcript
    }

    /// The message that ends the session; with it the keys are gone.
    #[must_use]
    pub fn terminate(self) -> Vec<u8> {
        SessionData::status(Status::Termination).encode()
    }

    /// The message that ends the session because what was decrypted does not decode.
    #[must_use]
    pub fn refuse(self) -> Vec<u8> {
        SessionData::status(Status::DecodingError).encode()
    }
}

impl ReaderSession<MayAsk> {
    /// A session with the mdoc whose QR code was scanned, with a new ephemeral key on the curve of the mdoc's.
    ///
    /// # Errors
    /// [`Ended`] if the engagement has a key or a cipher suite that we cannot use. Nothing is owed then: nobody is
    /// connected yet.
    pub fn open(
        engagement: &DeviceEngagement<'_>,
        rng: &mut dyn CryptoRng,
        backend: &dyn Backend,
    ) -> Result<Self, Ended> {
        Self::open_after(engagement, &Handover::Qr, rng, backend)
    }

    /// The same after any handover.
    ///
    /// # Errors
    /// As [`ReaderSession::open`].
    pub fn open_after(
        engagement: &DeviceEngagement<'_>,
        handover: &Handover<'_>,
        rng: &mut dyn CryptoRng,
        backend: &dyn Backend,
    ) -> Result<Self, Ended> {
        let key = |curve| SecretKey::generate(curve, rng);
        Self::open_with(engagement, handover, key, backend).map_err(|why| Ended { why, owed: None })
    }

    /// The same with the ephemeral key that `key` makes for a curve, and which must be used for this session alone.
    pub(super) fn open_with(
        engagement: &DeviceEngagement<'_>,
        handover: &Handover<'_>,
        key: impl FnOnce(Curve) -> SecretKey,
        backend: &dyn Backend,
    ) -> Result<Self, Why> {
        if engagement.cipher_suite != CIPHER_SUITE {
            return Err(Why::CipherSuite(engagement.cipher_suite));
        }
        let peer = engagement
            .e_device_key
            .as_ref()
            .map_err(|fault| Why::Key(fault.clone()))?;
        let key = key(peer.curve());
        let e_reader_key_bytes = embed(&key::encode(key.public_key()));
        let transcript =
            SessionTranscript::proximity(&embed(engagement.raw()), &e_reader_key_bytes, handover);
        let ciphers = Ciphers::derive(Side::Reader, &key, peer, &transcript, backend).map_err(Why::Agree)?;
        Ok(Self {
            common: Common {
                key,
                transcript,
                ciphers,
            },
            state: MayAsk {
                e_reader_key_bytes: Some(e_reader_key_bytes),
            },
        })
    }

    /// Sends an encoded `DeviceRequest`: as `SessionEstablishment` if it is the first, else as `SessionData`.
    ///
    /// # Errors
    /// [`Ended`] with [`Why::Exhausted`] after 2³² − 1 requests.
    pub fn ask(
        mut self,
        request: &[u8],
        backend: &dyn Backend,
    ) -> Result<(ReaderSession<Waiting>, Vec<u8>), Ended> {
        let data = self
            .common
            .ciphers
            .seal(request, backend)
            .map_err(Ended::because)?;
        let message = match &self.state.e_reader_key_bytes {
            Some(key) => SessionEstablishment::encode(key, &data),
            None => {
                let data = Some(data.into());
                SessionData { data, status: None }.encode()
            }
        };
        let session = ReaderSession {
            common: self.common,
            state: Waiting,
        };
        Ok((session, message))
    }
}

impl ReaderSession<Waiting> {
    /// Takes the answer to what was asked.
    ///
    /// # Errors
    /// [`Ended`] if the mdoc has ended the session without a response (it may have been declined), or its message
    /// does not decode or decrypt.
    pub fn receive(
        mut self,
        message: &[u8],
        limits: &Limits,
        backend: &dyn Backend,
    ) -> Result<Received, Ended> {
        let SessionData { data, status } =
            SessionData::decode(message, limits).map_err(|error| Ended::because(Why::Decode(error)))?;
        let last = match (status, &data) {
            (None, _) => false,
            (Some(Status::Termination), Some(_)) => true,
            (Some(status), _) => return Err(Ended::because(Why::ByPeer(status))),
        };
        let data = data.unwrap_or_default();
        let bytes = self.common.ciphers.open(&data, backend).map_err(Ended::because)?;
        let Common { key, transcript, .. } = &self.common;
        let response = Response {
            bytes,
            transcript: transcript.clone(),
            key: key.clone(),
        };
        if last {
            return Ok(Received::Last(response));
        }
        let session = ReaderSession {
            common: self.common,
            state: MayAsk {
                e_reader_key_bytes: None,
            },
        };
        Ok(Received::More(session, response))
    }

    /// As if all messages but the last had been sent.
    #[cfg(test)]
    pub(super) fn wear_out(&mut self) {
        self.common.ciphers.wear_out();
    }
}

/// An answer, and whether the session goes on.
#[derive(Debug)]
pub enum Received {
    /// The mdoc waits for another request, or for the end.
    More(ReaderSession<MayAsk>, Response),
    /// The mdoc has ended the session with it.
    Last(Response),
}

/// A decrypted `DeviceResponse` with what it takes to verify it. Drop it when that is done: it holds the ephemeral key.
pub struct Response {
    bytes: Zeroizing<Vec<u8>>,
    transcript: SessionTranscript,
    key: SecretKey,
}

impl fmt::Debug for Response {
    /// Without what is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} bytes)", self.bytes.len())
    }
}

impl Response {
    /// The encoded `DeviceResponse`.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The transcript of the session.
    #[must_use]
    pub const fn transcript(&self) -> &SessionTranscript {
        &self.transcript
    }

    /// Inputs of a verification, with this session's transcript and key.
    #[must_use]
    pub const fn inputs<'a>(&'a self, inputs: Inputs<'a>) -> Inputs<'a> {
        Inputs {
            transcript: Some(&self.transcript),
            reader_key: Some(&self.key),
            ..inputs
        }
    }
}
