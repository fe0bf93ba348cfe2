//! Messages in fragments: one flag byte, then as much of the message as a value of a characteristic holds.
//!
//! Source: ISO/IEC 18013-5:2021, 8.3.3.1.1.6.

use core::fmt;

use crate::cbor::Item;
use crate::limits::Limits;

/// The largest value of a characteristic, whatever the MTU (Bluetooth Core 5.4, Vol 3, Part F, 3.2.9).
const LARGEST_VALUE: u16 = 512;
/// The MTU of a connection on which none was negotiated.
const DEFAULT_MTU: u16 = 23;
/// What ATT has in front of a value that is written or notified.
const HEAD: u16 = 3;

const LAST: u8 = 0;
const MORE: u8 = 1;

/// How many bytes a fragment may have, the flag included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Room(u16);

impl Room {
    /// For writing to a server on BlueZ up to 5.68, which drops values of 511 and 512 bytes without a word.
    pub const BLUEZ_SERVER: Self = Self(510);

    /// What the negotiated ATT MTU allows: three bytes less, and at most 512. An MTU below 23, which there cannot be,
    /// counts as 23.
    #[must_use]
    pub const fn of_mtu(mtu: u16) -> Self {
        let mtu = if mtu < DEFAULT_MTU { DEFAULT_MTU } else { mtu };
        let room = mtu - HEAD;
        Self(if room > LARGEST_VALUE { LARGEST_VALUE } else { room })
    }

    /// The smaller of both.
    #[must_use]
    pub const fn at_most(self, other: Self) -> Self {
        if other.0 < self.0 { other } else { self }
    }

    /// The number of bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.0.into()
    }
}

/// A message on its way out, fragment by fragment.
#[derive(Debug, Clone)]
pub struct Fragments {
    message: Vec<u8>,
    sent: usize,
    room: Room,
}

impl Fragments {
    /// Cuts a message. One that is empty has no fragment: there are no such messages.
    #[must_use]
    pub const fn new(message: Vec<u8>, room: Room) -> Self {
        Self {
            message,
            sent: 0,
            room,
        }
    }

    /// Whether there are fragments left.
    #[must_use]
    pub const fn is_unfinished(&self) -> bool {
        self.sent < self.message.len()
    }
}

impl Iterator for Fragments {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let rest = self.message.get(self.sent..).filter(|rest| !rest.is_empty())?;
        let payload = rest.get(..self.room.bytes() - 1).unwrap_or(rest);
        let flag = if payload.len() == rest.len() { LAST } else { MORE };
        self.sent += payload.len();
        let mut fragment = Vec::with_capacity(1 + payload.len());
        fragment.push(flag);
        fragment.extend_from_slice(payload);
        Some(fragment)
    }
}

/// Why what came is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// A fragment without its flag.
    Empty,
    /// The flag is neither 0 nor 1.
    Flag(u8),
    /// The message ends before it has a byte.
    NoMessage,
    /// The message is larger than it may be, in bytes.
    TooLarge(usize),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a fragment is empty"),
            Self::Flag(flag) => write!(
                f,
                "a fragment begins with {flag:#04x} where 0x00 or 0x01 is expected"
            ),
            Self::NoMessage => f.write_str("a message ends before it has begun"),
            Self::TooLarge(most) => write!(f, "a message is larger than {most} bytes"),
        }
    }
}

impl core::error::Error for FrameError {}

/// A message on its way in. Fragments of any length are taken: some wallets send up to 515 bytes.
///
/// After an error nothing of the message is left; what follows belongs to no message, and the link is to be ended.
#[derive(Debug, Default)]
pub struct Joiner {
    /// Personal data only in encrypted form.
    collected: Vec<u8>,
}

impl Joiner {
    /// Takes a fragment; gives the message if it was the last of one.
    ///
    /// # Errors
    /// [`FrameError`] if it is no fragment, or the message is larger than `limits.message`.
    pub fn push(&mut self, fragment: &[u8], limits: &Limits) -> Result<Option<Vec<u8>>, FrameError> {
        let joined = self.joined(fragment, limits);
        if joined.is_err() {
            self.collected = Vec::new();
        }
        joined
    }

    fn joined(&mut self, fragment: &[u8], limits: &Limits) -> Result<Option<Vec<u8>>, FrameError> {
        let (flag, payload) = fragment.split_first().ok_or(FrameError::Empty)?;
        if !matches!(*flag, LAST | MORE) {
            return Err(FrameError::Flag(*flag));
        }
        if self.collected.len() + payload.len() > limits.message {
            return Err(FrameError::TooLarge(limits.message));
        }
        self.collected.extend_from_slice(payload);
        match *flag {
            LAST if self.collected.is_empty() => Err(FrameError::NoMessage),
            LAST => Ok(Some(core::mem::take(&mut self.collected))),
            _ => Ok(None),
        }
    }

    /// Whether a message has begun and not ended.
    #[must_use]
    pub const fn is_within(&self) -> bool {
        !self.collected.is_empty()
    }

    /// The message, if what was collected is one whole item of CBOR although no fragment said that it was the last:
    /// some wallets forget it when a message ends with a full fragment. For when nothing has come for some seconds.
    pub fn take_whole(&mut self, limits: &Limits) -> Option<Vec<u8>> {
        Item::parse(&self.collected, limits).ok()?;
        Some(core::mem::take(&mut self.collected))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits::DEFAULT;

    #[test]
    fn trap_55_room_is_bounded_by_the_mtu_and_by_the_largest_value() {
        for (mtu, room) in [
            (23, 20),
            (0, 20),
            (185, 182),
            (514, 511),
            (515, 512),
            (517, 512),
            (u16::MAX, 512),
        ] {
            assert_eq!(Room::of_mtu(mtu).bytes(), room, "{mtu}");
        }
        assert_eq!(Room::of_mtu(517).at_most(Room::BLUEZ_SERVER).bytes(), 510);
        assert_eq!(Room::of_mtu(185).at_most(Room::BLUEZ_SERVER).bytes(), 182);
    }

    #[test]
    fn fragments_are_full_and_the_last_is_not_empty() {
        let cut = |len: usize| Fragments::new(vec![7; len], Room::of_mtu(23)).collect::<Vec<_>>();
        assert_eq!(cut(0).len(), 0);
        assert_eq!(cut(1), [vec![0, 7]]);
        assert_eq!(cut(19), [[&[0][..], &[7; 19]].concat()]);
        assert_eq!(cut(20), [[&[1][..], &[7; 19]].concat(), vec![0, 7]]);
        let two = cut(38);
        assert_eq!((two.len(), two[0][0], two[1][0], two[1].len()), (2, 1, 0, 20));
    }

    #[test]
    fn what_is_no_fragment_is_refused_and_leaves_nothing_behind() {
        let mut joiner = Joiner::default();
        for (fragment, error) in [
            (&[][..], FrameError::Empty),
            (&[2, 1], FrameError::Flag(2)),
            (&[0xff], FrameError::Flag(0xff)),
        ] {
            assert_eq!(joiner.push(&[1, 0xa0], &LIMITS), Ok(None));
            assert!(joiner.is_within());
            assert_eq!(joiner.push(fragment, &LIMITS), Err(error));
            assert!(!joiner.is_within() && !error.to_string().is_empty());
        }
        assert_eq!(joiner.push(&[0], &LIMITS), Err(FrameError::NoMessage));
        // An empty last fragment after a full one is passed over.
        assert_eq!(joiner.push(&[1, 0xa0], &LIMITS), Ok(None));
        assert_eq!(joiner.push(&[0], &LIMITS), Ok(Some(vec![0xa0])));
        let small = Limits { message: 3, ..LIMITS };
        assert_eq!(joiner.push(&[1, 1, 2], &small), Ok(None));
        assert_eq!(joiner.push(&[0, 3, 4], &small), Err(FrameError::TooLarge(3)));
        assert!(!joiner.is_within());
    }

    #[test]
    fn a_message_whose_last_fragment_forgets_to_say_so_is_taken_if_it_is_whole() {
        let mut joiner = Joiner::default();
        assert_eq!(joiner.push(&[1, 0x82, 1], &LIMITS), Ok(None));
        assert_eq!(joiner.take_whole(&LIMITS), None);
        assert_eq!(joiner.push(&[1, 2], &LIMITS), Ok(None));
        assert_eq!(joiner.take_whole(&LIMITS), Some(vec![0x82, 1, 2]));
        assert!(!joiner.is_within());
        assert_eq!(joiner.take_whole(&LIMITS), None);
    }

    proptest! {
        #[test]
        fn however_a_message_is_cut_it_joins_to_the_same_bytes(
            message in proptest::collection::vec(any::<u8>(), 1..3_000),
            mtu in 23_u16..600,
        ) {
            let mut joiner = Joiner::default();
            let room = Room::of_mtu(mtu);
            let fragments: Vec<_> = Fragments::new(message.clone(), room).collect();
            let (last, others) = fragments.split_last().unwrap();
            for fragment in others {
                prop_assert_eq!(fragment.len(), room.bytes());
                prop_assert_eq!(joiner.push(fragment, &LIMITS), Ok(None));
            }
            prop_assert!(last.len() <= room.bytes());
            prop_assert_eq!(joiner.push(last, &LIMITS), Ok(Some(message)));
            prop_assert!(!joiner.is_within());
        }

        #[test]
        fn any_fragments_are_taken_or_refused_and_never_more_is_kept_than_allowed(
            fragments in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..50),
        ) {
            let small = Limits { message: 40, ..LIMITS };
            let mut joiner = Joiner::default();
            for fragment in fragments {
                if let Ok(Some(message)) = joiner.push(&fragment, &small) {
                    prop_assert!(!message.is_empty() && message.len() <= 40);
                }
                prop_assert!(joiner.collected.len() <= 40);
            }
        }
    }
}
