//! A channel of L2CAP in the place of GATT: its number (PSM), and messages with their length in front.
//!
//! A channel carries bytes in order, cut anywhere. Each message has its length before it, four bytes in network order,
//! which do not count themselves. Stacks that write two zero bytes and a length of two bytes write the same. No State
//! is sent over a channel: a status of the session ends it, or a message of no bytes, as some wallets have it.
//!
//! Source: ISO/IEC 18013-5, second edition, which does not say the order of bytes; that is what is met in the field.

use core::fmt;

use super::frame::FrameError;
use crate::limits::Limits;

/// Bytes of the length before a message.
const HEAD: usize = 4;

/// The most that is given to the radio at once.
const PIECE: usize = 4096;

/// The number of a channel: 0x80 to 0xff, those that are free to take on Bluetooth Low Energy.
///
/// Source: Bluetooth Core 5.4, Vol 3, Part A, 4.22.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Psm(u8);

impl Psm {
    /// The first of them.
    pub const FIRST: Self = Self(0x80);
    /// The last of them.
    pub const LAST: Self = Self(0xff);

    /// The channel of that number, as `BleOptions` have it; none if no channel can have it.
    #[must_use]
    pub fn of_number(number: u64) -> Option<Self> {
        let number = u8::try_from(number).ok()?;
        (number >= Self::FIRST.0).then_some(Self(number))
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0.into()
    }

    /// The value of [`Characteristic::L2cap`](super::Characteristic::L2cap): four bytes in network order.
    #[must_use]
    pub const fn to_value(self) -> [u8; HEAD] {
        [0, 0, 0, self.0]
    }

    /// Of such a value as others write it: one to four bytes in whichever order gives a channel. There is at most one,
    /// since all but one byte are zero, and that one is the first or the last.
    #[must_use]
    pub const fn of_value(value: &[u8]) -> Option<Self> {
        match value {
            [number]
            | [0, number]
            | [number, 0]
            | [0, 0, number]
            | [number, 0, 0]
            | [0, 0, 0, number]
            | [number, 0, 0, 0]
                if *number >= Self::FIRST.0 =>
            {
                Some(Self(*number))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Psm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.0)
    }
}

/// A message on its way out, with its length in front, piece by piece.
#[derive(Debug, Clone)]
pub struct Pieces {
    bytes: Vec<u8>,
    sent: usize,
}

impl Pieces {
    /// Of a message. One that is empty has no pieces: it would end the transaction.
    #[must_use]
    pub fn new(message: &[u8]) -> Self {
        let mut bytes = Vec::new();
        if let Ok(length) = u32::try_from(message.len())
            && length > 0
        {
            bytes.reserve_exact(HEAD + message.len());
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(message);
        }
        Self { bytes, sent: 0 }
    }

    /// Whether there are pieces left.
    #[must_use]
    pub const fn is_unfinished(&self) -> bool {
        self.sent < self.bytes.len()
    }
}

impl Iterator for Pieces {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let rest = self.bytes.get(self.sent..).filter(|rest| !rest.is_empty())?;
        let piece = rest.get(..PIECE).unwrap_or(rest).to_vec();
        self.sent += piece.len();
        Some(piece)
    }
}

/// What has come whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// A message.
    Message(Vec<u8>),
    /// A message of no bytes: the peer ends it.
    End,
}

/// Messages on their way in.
#[derive(Debug, Default)]
pub struct Splitter {
    /// Personal data only in encrypted form.
    collected: Vec<u8>,
    /// How much of it was given away in messages. It goes once there is no other, and not message by message: thousands of
    /// small ones that come at once would each move all that is behind them.
    taken: usize,
}

impl Splitter {
    /// Takes bytes as they come. [`Splitter::next`] is to be asked until it has nothing more before it is given others:
    /// then no more is ever kept than one message and what was given last.
    pub fn push(&mut self, bytes: &[u8]) {
        self.collected.extend_from_slice(bytes);
    }

    /// What has come whole, if anything has.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`] if a message says that it is larger than `limits.message`. Nothing is left then: where the
    /// next message begins is not known.
    pub fn next(&mut self, limits: &Limits) -> Result<Option<Came>, FrameError> {
        let left = self.collected.get(self.taken..).unwrap_or_default();
        let Some((head, rest)) = left.split_first_chunk::<HEAD>() else {
            self.forget();
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes(*head)).unwrap_or(usize::MAX);
        if length > limits.message {
            *self = Self::default();
            return Err(FrameError::TooLarge(limits.message));
        }
        let Some(message) = rest.get(..length) else {
            self.forget();
            return Ok(None);
        };
        let came = if message.is_empty() {
            Came::End
        } else {
            Came::Message(message.to_vec())
        };
        self.taken += HEAD + length;
        Ok(Some(came))
    }

    /// Lets go of what was given away.
    fn forget(&mut self) {
        self.collected.drain(..core::mem::take(&mut self.taken));
    }

    /// Whether a message has begun and not ended.
    #[must_use]
    pub const fn is_within(&self) -> bool {
        self.collected.len() > self.taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits::DEFAULT;

    #[test]
    fn trap_61_a_psm_is_read_in_whichever_way_it_was_written() {
        let psm = |number| Psm::of_number(number).unwrap();
        for (value, number) in [
            // As Multipaz writes it, and as SPRUCE does on both systems.
            (&[0, 0, 0, 0x80][..], Some(0x80)),
            (&[0x81, 0], Some(0x81)),
            (&[0, 0xc1], Some(0xc1)),
            (&[0xff, 0, 0, 0], Some(0xff)),
            (&[0x92], Some(0x92)),
            (&[0, 0, 0xa0], Some(0xa0)),
            (&[], None),
            (&[0, 0, 0, 0], None),
            (&[0, 0, 0, 0x7f], None),
            (&[0, 0, 1, 0x80], None),
            (&[0x80, 0x80], None),
            (&[0, 0x80, 0, 0], None),
            (&[0, 0, 0, 0, 0x80], None),
        ] {
            assert_eq!(Psm::of_value(value), number.map(psm), "{value:?}");
        }
        for number in [0, 0x7f, 0x100, u64::MAX] {
            assert_eq!(Psm::of_number(number), None);
        }
        for number in 0x80..=0xff {
            assert_eq!(Psm::of_value(&psm(number).to_value()), Some(psm(number)));
            assert_eq!(u64::from(psm(number).number()), number);
        }
        assert_eq!(psm(0x80).to_string(), "0x0080");
    }

    #[test]
    fn a_length_is_four_bytes_and_an_empty_message_is_the_end() {
        assert_eq!(Pieces::new(&[]).count(), 0);
        assert_eq!(Pieces::new(&[7; 3]).collect::<Vec<_>>(), [[0, 0, 0, 3, 7, 7, 7]]);
        let mut splitter = Splitter::default();
        splitter.push(&[0, 0, 0]);
        assert_eq!(splitter.next(&LIMITS), Ok(None));
        assert!(splitter.is_within());
        // Two zero bytes and a length of two bytes are the same.
        splitter.push(&[2, 5, 6, 0, 0, 0, 0, 0, 0]);
        assert_eq!(splitter.next(&LIMITS), Ok(Some(Came::Message(vec![5, 6]))));
        assert_eq!(splitter.next(&LIMITS), Ok(Some(Came::End)));
        assert_eq!(splitter.next(&LIMITS), Ok(None));
        assert!(splitter.is_within());
    }

    #[test]
    fn a_million_messages_that_come_at_once_are_not_moved_for_each_of_them() {
        let mut splitter = Splitter::default();
        splitter.push(&[0, 0, 0, 1, 5].repeat(1_000_000));
        splitter.push(&[0, 0]);
        for _ in 0..1_000_000 {
            assert_eq!(splitter.next(&LIMITS), Ok(Some(Came::Message(vec![5]))));
        }
        assert_eq!(splitter.next(&LIMITS), Ok(None));
        assert!(splitter.is_within());
        splitter.push(&[0, 0]);
        assert_eq!(splitter.next(&LIMITS), Ok(Some(Came::End)));
        assert!(!splitter.is_within());
    }

    #[test]
    fn what_says_that_it_is_too_large_is_refused_before_it_comes() {
        let small = Limits { message: 3, ..LIMITS };
        let mut splitter = Splitter::default();
        splitter.push(&[0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 4]);
        assert_eq!(splitter.next(&small), Ok(Some(Came::Message(vec![1, 2, 3]))));
        assert_eq!(splitter.next(&small), Err(FrameError::TooLarge(3)));
        assert!(!splitter.is_within());
        // A message of CBOR without any length: a map or an array, which as a length is gigabytes.
        for first in [0xa1, 0xa2, 0x82, 0xbf, 0xd8, 0xff] {
            splitter.push(&[first, 0, 0, 0]);
            assert!(splitter.next(&LIMITS).is_err());
        }
    }

    proptest! {
        #[test]
        fn however_the_bytes_are_cut_the_messages_are_the_same(
            messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..6_000), 0..4),
            cut in 1_usize..5_000,
        ) {
            let bytes: Vec<u8> = messages.iter().flat_map(|message| Pieces::new(message).flatten()).collect();
            prop_assert!(messages.iter().flat_map(|message| Pieces::new(message)).all(|piece| piece.len() <= PIECE));
            let mut splitter = Splitter::default();
            let mut came = Vec::new();
            for bytes in bytes.chunks(cut) {
                splitter.push(bytes);
                while let Some(Came::Message(message)) = splitter.next(&LIMITS).unwrap() {
                    came.push(message);
                }
            }
            prop_assert_eq!(came, messages);
            prop_assert!(!splitter.is_within());
        }

        #[test]
        fn any_bytes_are_taken_or_refused_and_never_more_is_kept_than_allowed(
            pushed in proptest::collection::vec(
                proptest::collection::vec(prop_oneof![4 => Just(0), 1 => 0_u8..50, 1 => any::<u8>()], 0..20),
                0..50,
            ),
        ) {
            let small = Limits { message: 40, ..LIMITS };
            let mut splitter = Splitter::default();
            for bytes in pushed {
                splitter.push(&bytes);
                while let Ok(Some(came)) = splitter.next(&small) {
                    if let Came::Message(message) = came {
                        prop_assert!(!message.is_empty() && message.len() <= 40);
                    }
                }
                prop_assert!(splitter.collected.len() < HEAD + 40);
            }
        }
    }
}
