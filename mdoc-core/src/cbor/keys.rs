//! Whether a map has a key twice, by value: `05` and `18 05` are one key, and so are a string and its chunks. Keys of
//! other types, which no structure of the standard has, are one if their bytes are.

use core::hash::BuildHasher as _;
use std::borrow::Cow;
use std::hash::RandomState;

use super::walk::{content, head};
use super::write;

/// Keys that are compared with each other as they come.
const FEW: usize = 8;

/// A key in its shortest form, behind its first eight bytes as a number.
///
/// Two keys whose numbers differ are different. Those that fill fewer than eight bytes are filled up with zeros,
/// which cannot make two of them the same: no item of CBOR is the beginning of another.
type Key<'k> = (u64, &'k [u8]);

fn key(shortest: &[u8]) -> Key<'_> {
    let mut first = [0; 8];
    match shortest.first_chunk() {
        Some(eight) => first = *eight,
        None => {
            for (to, from) in first.iter_mut().zip(shortest) {
                *to = *from;
            }
        }
    }
    (u64::from_be_bytes(first), shortest)
}

/// The same for a key that `input` begins with; most keys are short, and have other bytes behind them.
#[inline]
fn key_in<'k>(shortest: &'k [u8], input: &[u8]) -> Key<'k> {
    match input.first_chunk() {
        Some(eight) => {
            let others = 8_usize.saturating_sub(shortest.len());
            let mask = u32::try_from(8 * others)
                .ok()
                .and_then(|bits| u64::MAX.checked_shl(bits));
            (u64::from_be_bytes(*eight) & mask.unwrap_or_default(), shortest)
        }
        None => key(shortest),
    }
}

/// The keys of one map: the first few compared as they come, more of them sorted at the end, so that a small map
/// needs no allocation and a huge one no quadratic time.
pub(super) struct Keys<'b> {
    first: [Key<'b>; FEW],
    /// How many of `first` are taken.
    taken: usize,
    more: Option<Box<More<'b>>>,
}

/// What most maps have not.
#[derive(Default)]
struct More<'b> {
    /// Keys that came in another form than the shortest, in the shortest; real messages have none.
    rewritten: Vec<Vec<u8>>,
    /// The keys that are not among the first few, behind a number that differs for nearly all of them.
    many: Vec<Key<'b>>,
    /// Makes that number of a long key, in a way that nobody can foresee who writes keys.
    hash: Option<RandomState>,
}

impl<'b> Keys<'b> {
    #[inline]
    pub(super) const fn new() -> Self {
        Self {
            first: [(0, &[]); FEW],
            taken: 0,
            more: None,
        }
    }

    /// Whether the key was there already, as far as that shows at once. `input` begins with the key; `shortest` says
    /// that neither a head in it is longer than needed nor a length indefinite.
    #[inline]
    pub(super) fn add(&mut self, raw: &'b [u8], input: &[u8], shortest: bool) -> bool {
        if shortest
            && self.more.is_none()
            && let Some(free) = self.first.get_mut(self.taken)
        {
            let key = key_in(raw, input);
            *free = key;
            let seen = self.first.iter().take(self.taken).any(|early| *early == key);
            self.taken += 1;
            return seen;
        }
        self.add_rare(raw, shortest)
    }

    #[inline(never)]
    fn add_rare(&mut self, raw: &'b [u8], shortest: bool) -> bool {
        let more = self.more.get_or_insert_default();
        let early = self.taken + more.rewritten.len() < FEW;
        let has = |more: &More<'_>, wanted: Key<'_>| {
            self.first.iter().take(self.taken).any(|key| *key == wanted)
                || more.rewritten.iter().any(|shortest| shortest == wanted.1)
        };
        if !shortest && let Some(rewritten) = rewritten(raw) {
            let seen = early && has(more, key(&rewritten));
            more.rewritten.push(rewritten);
            return seen;
        }
        if !early {
            let key = hashed(&mut more.hash, raw);
            more.many.push(key);
            return false;
        }
        let key = key(raw);
        let seen = has(more, key);
        if let Some(free) = self.first.get_mut(self.taken) {
            *free = key;
            self.taken += 1;
        }
        seen
    }

    #[inline]
    pub(super) fn has_duplicate(self) -> bool {
        match self.more {
            None => false,
            Some(more) => more.has_duplicate(self.first.get(..self.taken).unwrap_or_default()),
        }
    }
}

impl More<'_> {
    fn has_duplicate(mut self, first: &[Key<'_>]) -> bool {
        if first.len() + self.rewritten.len() + self.many.len() <= FEW {
            return false;
        }
        let mut all: Vec<Key<'_>> = core::mem::take(&mut self.many);
        for (_, early) in first {
            all.push(hashed(&mut self.hash, early));
        }
        for shortest in &self.rewritten {
            all.push(hashed(&mut self.hash, shortest));
        }
        all.sort_unstable();
        !all.is_sorted_by(|a, b| a < b)
    }
}

/// A key among many. Those of more than eight bytes may all begin alike, and are told apart by a hash: sorting looks
/// at the keys themselves only where that is the same.
fn hashed<'k>(hash: &mut Option<RandomState>, shortest: &'k [u8]) -> Key<'k> {
    if shortest.len() <= 8 {
        return key(shortest);
    }
    let hash = hash.get_or_insert_with(RandomState::new);
    (hash.hash_one(shortest), shortest)
}

/// A number or string with shortest heads and in one piece; none for other types, which are the same only if
/// their bytes are.
fn rewritten(raw: &[u8]) -> Option<Vec<u8>> {
    let first = head(raw)?;
    let mut out = Vec::new();
    match (first.major, first.value) {
        (0 | 1, Some(number)) => write::head(&mut out, first.major, number),
        (2 | 3, _) => {
            let content = content(raw, first).unwrap_or(Cow::Borrowed(&[]));
            out.reserve_exact(content.len() + 9);
            write::head(&mut out, first.major, u64::try_from(content.len()).ok()?);
            out.extend_from_slice(&content);
        }
        _ => return None,
    }
    Some(out)
}
