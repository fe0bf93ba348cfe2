//! Bluetooth Low Energy, as far as it is bytes: services and characteristics, Ident, and messages in fragments.
//!
//! Modes are named after the mdoc: in *mdoc peripheral server mode* the mdoc advertises and is the GATT server, in
//! *mdoc central client mode* the reader is. No radio is touched here.
//!
//! Source: ISO/IEC 18013-5:2021, 8.3.3.1.1.

pub mod frame;
pub mod l2cap;
pub mod link;

use core::fmt;

use crate::crypto::Backend;

/// A 128-bit UUID, in network order (RFC 9562).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// A UUID of a characteristic: these four bytes, then `-A123-48CE-896B-4C76973373E6`.
    const fn of_the_standard(first: u32) -> Self {
        let [a, b, c, d] = first.to_be_bytes();
        Self([
            a, b, c, d, 0xa1, 0x23, 0x48, 0xce, 0x89, 0x6b, 0x4c, 0x76, 0x97, 0x33, 0x73, 0xe6,
        ])
    }
}

impl fmt::Display for Uuid {
    /// With hyphens and small letters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who is the GATT server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// The mdoc: mdoc peripheral server mode.
    Mdoc,
    /// The reader: mdoc central client mode.
    Reader,
}

impl Service {
    /// The mode in which this one is the server, stable for ever: for programs and logs.
    #[must_use]
    pub const fn mode(self) -> &'static str {
        match self {
            Self::Mdoc => "peripheral-server",
            Self::Reader => "central-client",
        }
    }
}

impl fmt::Display for Service {
    /// The mode, in the words of the standard.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mdoc => "mdoc peripheral server mode",
            Self::Reader => "mdoc central client mode",
        })
    }
}

/// The characteristics of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Characteristic {
    /// Start and end: written without response by the client, notified by the server.
    State,
    /// Messages of the client: written without response.
    Client2Server,
    /// Messages of the server: notified.
    Server2Client,
    /// Of the reader's service alone: what tells the mdoc that it has found its reader. Read.
    Ident,
    /// The channel (PSM) for L2CAP, if it is offered. Read.
    L2cap,
}

impl Characteristic {
    /// Its UUID in the service of that server; none if the service has no such characteristic.
    ///
    /// Source: ISO/IEC 18013-5:2021, 8.3.3.1.1.4, Tables 5 and 6; L2CAP from its Annex A and the second edition.
    #[must_use]
    pub const fn uuid(self, service: Service) -> Option<Uuid> {
        Some(Uuid::of_the_standard(match (service, self) {
            (Service::Mdoc, Self::State) => 1,
            (Service::Mdoc, Self::Client2Server) => 2,
            (Service::Mdoc, Self::Server2Client) => 3,
            (Service::Mdoc, Self::L2cap) => 0x0a,
            (Service::Mdoc, Self::Ident) => return None,
            (Service::Reader, Self::State) => 5,
            (Service::Reader, Self::Client2Server) => 6,
            (Service::Reader, Self::Server2Client) => 7,
            (Service::Reader, Self::Ident) => 8,
            (Service::Reader, Self::L2cap) => 0x0b,
        }))
    }
}

/// What is written to, or notified by, [`Characteristic::State`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// 0x01, by the client: it is ready.
    Start,
    /// 0x02, by either side: the transaction is over.
    End,
}

impl State {
    /// The byte on the wire.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Start => 1,
            Self::End => 2,
        }
    }

    /// The state that a value says; none if it is neither. Bytes after the first are passed over.
    #[must_use]
    pub const fn of(value: &[u8]) -> Option<Self> {
        match value {
            [1, ..] => Some(Self::Start),
            [2, ..] => Some(Self::End),
            _ => None,
        }
    }
}

/// What the reader serves as Ident. `e_device_key_bytes` is the whole tag 24 item of the engagement.
///
/// Source: ISO/IEC 18013-5:2021, 8.3.3.1.1.3.
#[must_use]
pub fn ident(e_device_key_bytes: &[u8], backend: &dyn Backend) -> [u8; 16] {
    let long = backend.hkdf_sha256(e_device_key_bytes, &[], b"BLEIdent");
    let (ident, _) = long.split_first_chunk().unwrap_or((&[0; 16], &[]));
    *ident
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{RustCrypto, fastest};
    use crate::engagement::DeviceEngagement;
    use crate::limits::Limits;

    /// Facts, 5.2: of both services, all of them, as they stand there.
    #[test]
    fn uuids_are_those_of_the_standard() {
        use Characteristic::{Client2Server, Ident, L2cap, Server2Client, State};
        for (service, characteristic, uuid) in [
            (Service::Mdoc, State, Some("00000001-a123-48ce-896b-4c76973373e6")),
            (
                Service::Mdoc,
                Client2Server,
                Some("00000002-a123-48ce-896b-4c76973373e6"),
            ),
            (
                Service::Mdoc,
                Server2Client,
                Some("00000003-a123-48ce-896b-4c76973373e6"),
            ),
            (Service::Mdoc, Ident, None),
            (Service::Mdoc, L2cap, Some("0000000a-a123-48ce-896b-4c76973373e6")),
            (
                Service::Reader,
                State,
                Some("00000005-a123-48ce-896b-4c76973373e6"),
            ),
            (
                Service::Reader,
                Client2Server,
                Some("00000006-a123-48ce-896b-4c76973373e6"),
            ),
            (
                Service::Reader,
                Server2Client,
                Some("00000007-a123-48ce-896b-4c76973373e6"),
            ),
            (
                Service::Reader,
                Ident,
                Some("00000008-a123-48ce-896b-4c76973373e6"),
            ),
            (
                Service::Reader,
                L2cap,
                Some("0000000b-a123-48ce-896b-4c76973373e6"),
            ),
        ] {
            let shown = characteristic.uuid(service).map(|uuid| uuid.to_string());
            assert_eq!(shown.as_deref(), uuid, "{service}, {characteristic:?}");
        }
    }

    #[test]
    fn states_are_one_byte() {
        for state in [State::Start, State::End] {
            assert_eq!(State::of(&[state.byte()]), Some(state));
            assert_eq!(State::of(&[state.byte(), 0]), Some(state));
        }
        assert_eq!(
            (State::of(&[]), State::of(&[0]), State::of(&[3])),
            (None, None, None)
        );
    }

    /// Facts, appendix A.2.
    #[test]
    fn trap_60_the_known_ident_is_over_the_whole_item() {
        let engagement = base16ct::lower::decode_vec(concat!(
            "a30063312e30018201d818584ba401022001215820a4716ca7439c75fdb35863c1a2a58935374d6ce82306f827705a2d71b6ccf1f0",
            "225820028e80abaaae7e289cbbc8055b79a48bffad6c075975cd44044f648fd193a0120281830201a400f501f50a500f0e0d0c0b0a",
            "400988070605040302010b5000112233445540669788aabbccddeeff"
        ));
        let engagement = engagement.unwrap();
        let read = DeviceEngagement::decode(&engagement, &Limits::DEFAULT).unwrap();
        let key = read.e_device_key_bytes.raw();
        let known = "a3db75549caa24dbc97b6d3da3660e19";
        assert_eq!(base16ct::lower::encode_string(&ident(key, fastest())), known);
        assert_eq!(base16ct::lower::encode_string(&ident(key, &RustCrypto)), known);
    }
}
