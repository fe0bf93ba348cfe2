//! CBOR as a tree that can be spoiled: any value in any place, well-formed or not.
//!
//! Reader and writer are written for this purpose alone and share nothing with the toolkit, so that a
//! mistake there does not hide itself here.

/// An item of CBOR. What is read keeps its order; what is written has shortest, definite heads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// Major type 0.
    Unsigned(u64),
    /// Major type 1: −1 − n.
    Negative(u64),
    /// Major type 2.
    Bytes(Vec<u8>),
    /// Major type 3.
    Text(String),
    /// Major type 4.
    Array(Vec<Self>),
    /// Major type 5.
    Map(Vec<(Self, Self)>),
    /// Major type 6.
    Tag(u64, Box<Self>),
    /// Written as it stands: simple values, numbers with a point, and whatever is not CBOR at all.
    Raw(Vec<u8>),
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Tree {
    fn from(number: i64) -> Self {
        match u64::try_from(number) {
            Ok(number) => Self::Unsigned(number),
            Err(_) => Self::Negative(number.unsigned_abs() - 1),
        }
    }
}

impl From<&[u8]> for Tree {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

/// Making.
impl Tree {
    /// A `tdate`.
    #[must_use]
    pub fn tdate(text: &str) -> Self {
        Self::Tag(0, Box::new(text.into()))
    }

    /// `null`.
    #[must_use]
    pub fn null() -> Self {
        Self::Raw(vec![0xf6])
    }

    /// The encoded tree as tag 24.
    #[must_use]
    pub fn embedded(&self) -> Self {
        Self::Tag(24, Box::new(Self::Bytes(self.encode())))
    }

    /// Reads exactly one item with definite lengths.
    ///
    /// # Panics
    /// If it is anything else.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let mut rest = bytes;
        let tree = Self::take(&mut rest);
        assert!(rest.is_empty(), "{} bytes are left", rest.len());
        tree
    }

    fn take(rest: &mut &[u8]) -> Self {
        let whole = *rest;
        let info = usize::from(whole[0] & 31);
        let extra = match info {
            0..=23 => 0,
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => panic!("an indefinite or reserved length"),
        };
        let number = whole[1..=extra]
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte));
        let number = if extra == 0 {
            u64::try_from(info).unwrap()
        } else {
            number
        };
        *rest = &whole[1 + extra..];
        let count = || usize::try_from(number).unwrap();
        let string = |rest: &mut &[u8]| {
            let (content, after) = rest.split_at(count());
            *rest = after;
            content.to_vec()
        };
        match whole[0] >> 5 {
            0 => Self::Unsigned(number),
            1 => Self::Negative(number),
            2 => Self::Bytes(string(rest)),
            3 => Self::Text(String::from_utf8(string(rest)).unwrap()),
            4 => Self::Array((0..count()).map(|_| Self::take(rest)).collect()),
            5 => Self::Map(
                (0..count())
                    .map(|_| (Self::take(rest), Self::take(rest)))
                    .collect(),
            ),
            6 => Self::Tag(number, Box::new(Self::take(rest))),
            _ => Self::Raw(whole[..=extra].to_vec()),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        let len = |len: usize| u64::try_from(len).unwrap();
        match self {
            Self::Unsigned(number) => head(out, 0, *number),
            Self::Negative(number) => head(out, 1, *number),
            Self::Bytes(bytes) => {
                head(out, 2, len(bytes.len()));
                out.extend(bytes);
            }
            Self::Text(text) => {
                head(out, 3, len(text.len()));
                out.extend(text.as_bytes());
            }
            Self::Array(items) => {
                head(out, 4, len(items.len()));
                items.iter().for_each(|item| item.write(out));
            }
            Self::Map(entries) => {
                head(out, 5, len(entries.len()));
                for (key, value) in entries {
                    key.write(out);
                    value.write(out);
                }
            }
            Self::Tag(tag, item) => {
                head(out, 6, *tag);
                item.write(out);
            }
            Self::Raw(bytes) => out.extend(bytes),
        }
    }
}

/// The head of an item, as short as it can be.
fn head(out: &mut Vec<u8>, major: u8, number: u64) {
    let bytes = number.to_be_bytes();
    match number {
        0..24 => out.push(major << 5 | bytes[7]),
        24..0x100 => out.extend([major << 5 | 24, bytes[7]]),
        0x100..0x1_0000 => {
            out.push(major << 5 | 25);
            out.extend(&bytes[6..]);
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(major << 5 | 26);
            out.extend(&bytes[4..]);
        }
        _ => {
            out.push(major << 5 | 27);
            out.extend(bytes);
        }
    }
}

/// Changing.
impl Tree {
    /// The entries of a map.
    ///
    /// # Panics
    /// If it is none.
    pub fn map(&mut self) -> &mut Vec<(Self, Self)> {
        match self {
            Self::Map(entries) => entries,
            other => panic!("{other:?} is no map"),
        }
    }

    /// The items of an array.
    ///
    /// # Panics
    /// If it is none.
    pub fn array(&mut self) -> &mut Vec<Self> {
        match self {
            Self::Array(items) => items,
            other => panic!("{other:?} is no array"),
        }
    }

    /// The content of a byte string, also of one that has a tag.
    ///
    /// # Panics
    /// If it is none.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Tag(_, item) => item.bytes(),
            other => panic!("{other:?} is no byte string"),
        }
    }

    /// Whether a map has that key.
    pub fn has(&mut self, key: impl Into<Self>) -> bool {
        let key = key.into();
        self.map().iter().any(|(name, _)| *name == key)
    }

    /// The value of a key of a map.
    ///
    /// # Panics
    /// If there is none.
    pub fn get(&mut self, key: impl Into<Self>) -> &mut Self {
        let key = key.into();
        let entry = self.map().iter_mut().find(|(name, _)| *name == key);
        entry.map_or_else(|| panic!("no {key:?}"), |(_, value)| value)
    }

    /// Puts a value under a key of a map: in the place of the old one, otherwise at the end.
    pub fn set(&mut self, key: impl Into<Self>, value: impl Into<Self>) {
        let key = key.into();
        if self.has(key.clone()) {
            *self.get(key) = value.into();
        } else {
            self.map().push((key, value.into()));
        }
    }

    /// Takes a key out of a map.
    ///
    /// # Panics
    /// If it was not there.
    pub fn remove(&mut self, key: impl Into<Self>) -> Self {
        let key = key.into();
        let at = self.map().iter().position(|(name, _)| *name == key);
        self.map().remove(at.unwrap()).1
    }

    /// The item of an array at that place.
    pub fn at(&mut self, index: usize) -> &mut Self {
        &mut self.array()[index]
    }

    /// Changes what is encoded in a byte string, also in one that has a tag.
    pub fn inside<R>(&mut self, change: impl FnOnce(&mut Self) -> R) -> R {
        let bytes = self.bytes();
        let mut tree = Self::read(bytes);
        let result = change(&mut tree);
        *bytes = tree.encode();
        result
    }
}
