//! Whether a map has a key twice, by value: `05` and `18 05` are one key, and so are a string and its chunks.

use std::borrow::Cow;

use super::walk::{content, head};
use super::write;

/// Keys that are compared with each other as they come.
const FEW: usize = 16;

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

/// The keys of one map: the first few compared as they come, more of them sorted at the end, so that a small map
/// needs no allocation and a huge one no quadratic time.
pub(super) struct Keys<'b> {
    first: [Key<'b>; FEW],
    /// How many of `first` are taken.
    taken: usize,
    /// Keys that came in another form than the shortest, in the shortest; real messages have none.
    rewritten: Vec<Vec<u8>>,
    many: Vec<Key<'b>>,
}

impl<'b> Keys<'b> {
    pub(super) const fn new() -> Self {
        Self {
            first: [(0, &[]); FEW],
            taken: 0,
            rewritten: Vec::new(),
            many: Vec::new(),
        }
    }

    /// Whether the key was there already, as far as that shows at once. `shortest` says that neither a head in it
    /// is longer than needed nor a length indefinite.
    #[inline]
    pub(super) fn add(&mut self, raw: &'b [u8], shortest: bool) -> bool {
        let early = self.taken + self.rewritten.len() < FEW;
        if !shortest && let Some(rewritten) = rewritten(raw) {
            let seen = early && self.has(key(&rewritten));
            self.rewritten.push(rewritten);
            return seen;
        }
        let key = key(raw);
        if !early {
            self.many.push(key);
            return false;
        }
        let seen = self.has(key);
        if let Some(free) = self.first.get_mut(self.taken) {
            *free = key;
            self.taken += 1;
        }
        seen
    }

    #[inline]
    fn has(&self, wanted: Key<'_>) -> bool {
        self.first.iter().take(self.taken).any(|key| *key == wanted)
            || self.rewritten.iter().any(|shortest| shortest == wanted.1)
    }

    pub(super) fn has_duplicate(mut self) -> bool {
        if self.taken + self.rewritten.len() + self.many.len() <= FEW {
            return false;
        }
        let mut all = core::mem::take(&mut self.many);
        all.extend(self.first.iter().take(self.taken));
        all.extend(self.rewritten.iter().map(|shortest| key(shortest)));
        all.sort_unstable();
        !all.is_sorted_by(|a, b| a < b)
    }
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
