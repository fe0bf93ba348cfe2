//! What a link is told, what it asks for, and how it ends.

use core::fmt;

use super::super::Characteristic;
use super::super::frame::{FrameError, Room};

/// A peer of a server, by a number that the radio gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Peer(pub u64);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The peer is connected and, for a client, its service was found.
    Connected {
        /// Who.
        peer: Peer,
        /// How much goes into one value.
        room: Room,
    },
    /// A larger or smaller MTU was negotiated.
    Resized {
        /// With whom.
        peer: Peer,
        /// How much goes into one value from now on.
        room: Room,
    },
    /// What a client read from Ident; none if the service has no such characteristic.
    Ident(Option<Vec<u8>>),
    /// A client's subscription has been made, or a peer has subscribed to our server.
    Subscribed {
        /// Who.
        peer: Peer,
        /// To what.
        characteristic: Characteristic,
    },
    /// A value was written to us, or notified.
    Value {
        /// By whom.
        peer: Peer,
        /// Of which characteristic.
        characteristic: Characteristic,
        /// The value.
        value: Vec<u8>,
    },
    /// A channel is open: the one that a client asked for, or one that was opened to our server. A client that knows its
    /// number may say so instead of [`Input::Connected`].
    Channel {
        /// With whom.
        peer: Peer,
    },
    /// What [`Action::OpenChannel`] asked for cannot be had.
    NoChannel,
    /// Bytes came over a channel.
    Bytes {
        /// From whom.
        peer: Peer,
        /// As they came, cut anywhere.
        bytes: Vec<u8>,
    },
    /// What the last [`Action::Put`] or [`Action::Send`] had is on its way: there is room for another.
    Sent,
    /// What the last action asked for cannot be done.
    Failed,
    /// The connection is gone.
    Lost {
        /// With whom.
        peer: Peer,
    },
    /// Time has passed.
    Tick,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Server: offer the service and advertise it.
    Advertise,
    /// Server: stop advertising; nobody else is wanted.
    StopAdvertising,
    /// Client: look for the service, and connect to who has it.
    Seek,
    /// Client: read Ident.
    ReadIdent,
    /// Client: open a channel if the other side offers one, and say whether it is open.
    OpenChannel,
    /// Client: subscribe, and say when it is done.
    Subscribe(Characteristic),
    /// Write without response, or notify; one at a time, until [`Input::Sent`].
    Put(Peer, Characteristic, Vec<u8>),
    /// Write to the channel; one at a time, until [`Input::Sent`].
    Send(Peer, Vec<u8>),
    /// Close the connection.
    Disconnect(Peer),
    /// For the caller: messages can be sent.
    Ready,
    /// For the caller: a message has come.
    Message(Vec<u8>),
    /// For the caller: something is not as it should be and was put up with.
    Note(Oddity),
    /// For the caller: it is over. Nothing comes after it.
    Over(Ending),
}

/// What a peer did that the standard does not have, and that was put up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Oddity {
    /// A message before Start.
    MessageBeforeStart,
    /// The last fragment of a message says that more follows.
    UnfinishedMessage,
    /// A state that is neither Start nor End.
    UnknownState,
    /// Start from the server, or a second one.
    Start,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// We ended it.
    ByUs,
    /// The peer said End between messages.
    ByPeer,
    /// The peer disconnected between messages, which is how some end.
    Disconnected,
    /// The connection was lost, or the peer said End, within a message or while something was to be sent: a new
    /// transaction is needed.
    Lost,
    /// The connection was lost before Start: it may be tried again.
    LostBeforeStart,
    /// Nobody came.
    NoPeer,
    /// The peer was there, and did not get as far as Start.
    NotSetUp,
    /// Nothing came or went for too long.
    Idle,
    /// The reader's Ident is another one, or it has none: it is not ours.
    WrongIdent,
    /// What came is no message.
    Frame(FrameError),
    /// The radio could not do what was asked of it.
    Radio,
}

impl Ending {
    /// Stable for ever: for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ByUs => "link.ended",
            Self::ByPeer => "link.ended-by-peer",
            Self::Disconnected => "link.disconnected",
            Self::Lost => "link.lost",
            Self::LostBeforeStart => "link.lost-before-start",
            Self::NoPeer => "link.no-peer",
            Self::NotSetUp => "link.not-set-up",
            Self::Idle => "link.idle",
            Self::WrongIdent => "link.wrong-ident",
            Self::Frame(_) => "link.frame",
            Self::Radio => "link.radio",
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByUs => f.write_str("the transaction was ended"),
            Self::ByPeer => f.write_str("the other side ended the transaction"),
            Self::Disconnected => f.write_str("the other side disconnected"),
            Self::Lost => f.write_str("the connection was lost, or broken off, before everything was said"),
            Self::LostBeforeStart => f.write_str("the connection was lost before the transaction began"),
            Self::NoPeer => f.write_str("the other side was not found in time"),
            Self::NotSetUp => f.write_str("the other side was found, and did not begin in time"),
            Self::Idle => f.write_str("nothing came from the other side for too long"),
            Self::WrongIdent => f.write_str("what was found is another reader"),
            Self::Frame(error) => write!(f, "what came is no message: {error}"),
            Self::Radio => f.write_str("the radio could not do what was asked of it"),
        }
    }
}
