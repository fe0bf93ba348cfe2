//! The mdoc's side.

use core::fmt;

use zeroize::Zeroizing;

use super::cipher::{Ciphers, Side};
use super::message::{SessionData, SessionEstablishment, Status};
use super::{Ended, Why};
use crate::cbor::embed;
use crate::cose::key;
use crate::crypto::{Backend, CryptoRng, Curve, PublicKey, SecretKey};
use crate::engagement::{BleOptions, encode_ble, to_uri};
use crate::limits::Limits;
use crate::transcript::{Handover, SessionTranscript};

/// A session as the mdoc has it; `S` is [`Engaged`], [`Asked`] or [`Answered`].
pub struct DeviceSession<S> {
    state: S,
}

/// The engagement is shown, and nobody has asked yet.
pub struct Engaged {
    key: SecretKey,
    engagement: Vec<u8>,
}

/// The reader waits for an answer.
pub struct Asked {
    open: Open,
}

/// The answer is sent; the reader may ask again.
pub struct Answered {
    open: Open,
}

struct Open {
    ciphers: Ciphers,
    transcript: SessionTranscript,
    reader_key: PublicKey,
}

impl<S> fmt::Debug for DeviceSession<S> {
    /// Without its keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceSession({})", core::any::type_name::<S>())
    }
}

impl DeviceSession<Engaged> {
    /// A new ephemeral key, and the engagement that tells a reader of it and how the mdoc is reached.
    #[must_use]
    pub fn engage(curve: Curve, options: &BleOptions, rng: &mut dyn CryptoRng) -> Self {
        let key = SecretKey::generate(curve, rng);
        let engagement = encode_ble(key.public_key(), options);
        Self::engaged(key, engagement)
    }

    /// The same with an ephemeral key and an engagement that tells of it, which must be used for this session alone.
    #[must_use]
    pub const fn engaged(key: SecretKey, engagement: Vec<u8>) -> Self {
        Self {
            state: Engaged { key, engagement },
        }
    }

    /// The encoded `DeviceEngagement`.
    #[must_use]
    pub fn engagement(&self) -> &[u8] {
        &self.state.engagement
    }

    /// The text of the QR code.
    #[must_use]
    pub fn uri(&self) -> String {
        to_uri(&self.state.engagement)
    }

    /// Takes the reader's first message; gives the encoded `DeviceRequest`.
    ///
    /// # Errors
    /// [`Ended`] if it does not decode or decrypt, or the reader's key is of no use. A new engagement is needed then.
    pub fn accept(
        self,
        message: &[u8],
        limits: &Limits,
        backend: &dyn Backend,
    ) -> Result<(DeviceSession<Asked>, Zeroizing<Vec<u8>>), Ended> {
        self.accept_after(&Handover::Qr, message, limits, backend)
    }

    /// The same after any handover.
    ///
    /// # Errors
    /// As [`DeviceSession::accept`].
    pub fn accept_after(
        self,
        handover: &Handover<'_>,
        message: &[u8],
        limits: &Limits,
        backend: &dyn Backend,
    ) -> Result<(DeviceSession<Asked>, Zeroizing<Vec<u8>>), Ended> {
        self.established(handover, message, limits, backend)
            .map_err(Ended::because)
    }

    fn established(
        self,
        handover: &Handover<'_>,
        message: &[u8],
        limits: &Limits,
        backend: &dyn Backend,
    ) -> Result<(DeviceSession<Asked>, Zeroizing<Vec<u8>>), Why> {
        let Engaged { key, engagement } = self.state;
        let establishment = match SessionEstablishment::decode(message, limits) {
            Ok(establishment) => establishment,
            // A reader that gives up before it has asked.
            Err(error) => {
                return Err(match SessionData::decode(message, limits) {
                    Ok(SessionData {
                        status: Some(status), ..
                    }) => Why::ByPeer(status),
                    _ => Why::Decode(error),
                });
            }
        };
        let bytes = &establishment.e_reader_key_bytes;
        let item = bytes
            .item(limits)
            .map_err(|error| Why::Decode(error.within("eReaderKey")))?;
        let reader_key = key::decode(item).map_err(Why::Key)?;
        let transcript = SessionTranscript::proximity(&embed(&engagement), bytes.raw(), handover);
        let mut ciphers =
            Ciphers::derive(Side::Device, &key, &reader_key, &transcript, backend).map_err(Why::Agree)?;
        let request = ciphers.open(&establishment.data, backend)?;
        let open = Open {
            ciphers,
            transcript,
            reader_key,
        };
        let state = Asked { open };
        Ok((DeviceSession { state }, request))
    }
}

impl DeviceSession<Asked> {
    /// What reader authentication and device authentication are tied to.
    #[must_use]
    pub const fn transcript(&self) -> &SessionTranscript {
        &self.state.open.transcript
    }

    /// The reader's ephemeral key, for a device MAC.
    #[must_use]
    pub const fn reader_key(&self) -> &PublicKey {
        &self.state.open.reader_key
    }

    /// Sends an encoded `DeviceResponse`; the reader may ask again.
    ///
    /// # Errors
    /// [`Ended`] with [`Why::Exhausted`] after 2³² − 1 responses.
    pub fn answer(
        mut self,
        response: &[u8],
        backend: &dyn Backend,
    ) -> Result<(DeviceSession<Answered>, Vec<u8>), Ended> {
        let message = self.sealed(response, None, backend)?;
        let open = self.state.open;
        let state = Answered { open };
        Ok((DeviceSession { state }, message))
    }

    /// Sends an encoded `DeviceResponse` and ends the session with it.
    ///
    /// # Errors
    /// As [`DeviceSession::answer`].
    pub fn answer_and_end(mut self, response: &[u8], backend: &dyn Backend) -> Result<Vec<u8>, Ended> {
        self.sealed(response, Some(Status::Termination), backend)
    }

    /// The message that ends the session without an answer.
    #[must_use]
    pub fn decline(self) -> Vec<u8> {
        SessionData::status(Status::Termination).encode()
    }

    /// The message that ends the session because what was decrypted is no `DeviceRequest`.
    #[must_use]
    pub fn refuse(self) -> Vec<u8> {
        SessionData::status(Status::DecodingError).encode()
    }

    fn sealed(
        &mut self,
        response: &[u8],
        status: Option<Status>,
        backend: &dyn Backend,
    ) -> Result<Vec<u8>, Ended> {
        let data = self.state.open.ciphers.seal(response, backend);
        let data = Some(data.map_err(Ended::because)?.into());
        Ok(SessionData { data, status }.encode())
    }

    /// As if all responses but the last had been sent.
    #[cfg(test)]
    pub(super) fn wear_out(&mut self) {
        self.state.open.ciphers.wear_out();
    }
}

impl DeviceSession<Answered> {
    /// Takes the reader's next message; gives the encoded `DeviceRequest`.
    ///
    /// # Errors
    /// [`Ended`]: with [`Status::Termination`] of the reader that is how sessions end well.
    pub fn receive(
        mut self,
        message: &[u8],
        limits: &Limits,
        backend: &dyn Backend,
    ) -> Result<(DeviceSession<Asked>, Zeroizing<Vec<u8>>), Ended> {
        let read =
            SessionData::decode(message, limits).map_err(|error| Ended::because(Why::Decode(error)))?;
        if let Some(status) = read.status {
            return Err(Ended::because(Why::ByPeer(status)));
        }
        let data = read.data.unwrap_or_default();
        let request = self.state.open.ciphers.open(&data, backend);
        let request = request.map_err(Ended::because)?;
        let open = self.state.open;
        Ok((
            DeviceSession {
                state: Asked { open },
            },
            request,
        ))
    }

    /// The message that ends the session.
    #[must_use]
    pub fn terminate(self) -> Vec<u8> {
        SessionData::status(Status::Termination).encode()
    }
}
