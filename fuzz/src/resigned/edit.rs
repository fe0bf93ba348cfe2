//! The edits: what is done, where, and with what.

use integration::statuses::{INDEX, URI};
use integration::tree::Tree;
use mdoc_core::cose::key;
use mdoc_core::seams::Signer as _;
use mdoc_core::verify::MDL_NAME_SPACE;

use super::model::{Model, Payload, Spoil, find, find_mut};
use super::tables::{self, ELEMENTS, TIMES, pick, values};

/// How many kinds of edits there are.
pub const OPERATIONS: u8 = 45;
/// Another chain of certificates.
pub(super) const CHAIN: u8 = 30;
/// Other anchors.
pub(super) const ANCHORS: u8 = 31;
/// A status list, and a reference to it.
pub(super) const STATUS: u8 = 43;

const SPOILS: [Spoil; 4] = [Spoil::No, Spoil::Flipped, Spoil::Short, Spoil::Other];

impl Model {
    /// An edit of the released elements; anything else is left for [`Model::edit_rest`].
    pub(super) fn edit_elements(&mut self, [operation, a, b, c]: [u8; 4]) {
        match operation % OPERATIONS {
            operation @ 0..=7 => {
                // Any place in any item.
                let count: usize = self.spaces.iter().map(|(_, items)| items.len()).sum();
                let mut all = self.spaces.iter_mut().flat_map(|(_, items)| items);
                if let Some(item) = all.nth(usize::from(a) % count.max(1)) {
                    anywhere(item, operation, b, c);
                }
            }
            8 => self.on_items(|items| drop(items.remove(usize::from(a) % items.len()))),
            9 => self.on_items(|items| {
                let mut copy = pick(items, a).clone();
                if b.is_multiple_of(2) {
                    put(&mut copy, "digestID", Tree::Unsigned(u64::from(b)));
                }
                items.insert(usize::from(c) % (items.len() + 1), copy);
            }),
            10 => self.on_items(|items| {
                let by = usize::from(a) % items.len();
                items.rotate_left(by);
            }),
            11 => {
                let id = [1 << 31, (1 << 31) - 1, u64::MAX, u64::from(c), 0];
                self.on_item(a, |item| put(item, "digestID", Tree::Unsigned(*pick(&id, b))));
            }
            12 => self.on_item(a, |item| {
                put(item, "random", Tree::Bytes(vec![c; usize::from(b) % 40]))
            }),
            13 => self.on_item(a, |item| {
                put(item, "elementIdentifier", (*pick(&ELEMENTS, b)).into());
                put(item, "elementValue", pick(values(), c).clone());
            }),
            14 => self.on_item(a, |item| put(item, "elementValue", pick(values(), b).clone())),
            15 => {
                let name = *pick(&[MDL_NAME_SPACE, "org.example", "", "org.iso.18013.5.1.aamva"], a);
                let item = Tree::Map(vec![
                    ("digestID".into(), Tree::Unsigned(u64::from(b))),
                    ("random".into(), Tree::Bytes(vec![7; 16])),
                    ("elementIdentifier".into(), (*pick(&ELEMENTS, b)).into()),
                    ("elementValue".into(), pick(values(), c).clone()),
                ]);
                self.spaces.push((name.into(), vec![item]));
            }
            16 => {
                if let Some((name, _)) = self.spaces.first_mut() {
                    *name = pick::<Tree>(&["org.example".into(), MDL_NAME_SPACE.into(), 1.into()], a).clone();
                }
            }
            17 => drop((!self.spaces.is_empty()).then(|| self.spaces.pop())),
            18 => put(
                &mut self.mso,
                "digestAlgorithm",
                (*pick(&["SHA-384", "SHA-512", "SHA-1", "sha-256"], a)).into(),
            ),
            _ => {}
        }
    }

    fn on_items(&mut self, change: impl FnOnce(&mut Vec<Tree>)) {
        if let Some(items) = self.items().filter(|items| !items.is_empty()) {
            change(items);
        }
    }

    fn on_item(&mut self, which: u8, change: impl FnOnce(&mut Tree)) {
        self.on_items(|items| {
            let at = usize::from(which) % items.len();
            change(&mut items[at]);
        });
    }

    /// An edit of anything but the released elements, after they were digested.
    pub(super) fn edit_rest(&mut self, [operation, a, b, c]: [u8; 4]) {
        match operation % OPERATIONS {
            0..=18 => {}
            19 => anywhere(&mut self.mso, a % 8, b, c),
            20 => {
                let part = match a % 6 {
                    0 => &mut self.response,
                    1 => &mut self.document,
                    2 => &mut self.issuer_protected,
                    3 => &mut self.issuer_unprotected,
                    4 => &mut self.device_protected,
                    _ => &mut self.device_unprotected,
                };
                anywhere(part, a / 6 % 8, b, c);
            }
            21 => anywhere(&mut self.vouched, a % 8, b, c),
            22 => {
                let which = *pick(&["signed", "validFrom", "validUntil", "expectedUpdate"], a);
                if let Some(validity) = find_mut(&mut self.mso, "validityInfo") {
                    put(validity, which, Tree::tdate(TIMES[usize::from(b) % TIMES.len()]));
                }
            }
            23 => {
                let other: Tree = (*pick(&["org.iso.18013.5.1.mDL", "org.example.other", ""], b)).into();
                if a & 1 == 0 {
                    put(&mut self.mso, "docType", other.clone());
                }
                if a & 2 == 0 {
                    put(&mut self.document, "docType", other);
                }
            }
            24 => self.device_key(a, b),
            25 => self.authorize(a, b),
            26 => {
                let name = *pick(&[MDL_NAME_SPACE, "org.example"], a);
                let element = (Tree::from(*pick(&ELEMENTS, b)), pick(values(), c).clone());
                match find_mut(&mut self.vouched, name) {
                    Some(Tree::Map(elements)) => elements.push(element),
                    _ => put(&mut self.vouched, name, Tree::Map(vec![element])),
                }
            }
            27 => {
                let list = Tree::Map(vec![
                    ("idx".into(), pick(values(), b).clone()),
                    ("id".into(), pick(values(), b).clone()),
                    ("uri".into(), (*pick(&["https://status.example", URI], c)).into()),
                ]);
                let name = *pick(&["status_list", "identifier_list", "x"], a);
                put(&mut self.mso, "status", Tree::Map(vec![(name.into(), list)]));
            }
            28 => self.tampered = Some(a),
            29 => {
                let digests = find_mut(&mut self.mso, "valueDigests");
                if let Some(Tree::Map(spaces)) = digests
                    && let Some((_, Tree::Map(digests))) = spaces.first_mut()
                    && !digests.is_empty()
                {
                    let at = usize::from(a) % digests.len();
                    match b % 3 {
                        0 => drop(digests.remove(at)),
                        1 => digests[at].1 = Tree::Bytes(vec![c; usize::from(b)]),
                        _ => digests.swap(0, at),
                    }
                }
            }
            CHAIN => self.chain = (usize::from(a) + usize::from(b)) % tables::chains().len(),
            ANCHORS => self.anchors = (usize::from(a) + usize::from(b)) % tables::anchors().len(),
            32 => self.list = Some(usize::from(a) % 2),
            33 => self.request = Some(usize::from(a) % tables::requests().len()),
            34 => {
                self.strict = a & 1 == 1;
                self.transcript = a & 2 == 0;
                self.reader_key = a & 4 == 0;
            }
            35 => self.now = usize::from(a) % tables::instants().len(),
            36 => {
                let algorithms = [-7, -9, -35, -36, -8, -19, -265, 5, -65_535, 0].map(Tree::from);
                let algorithm = if b == 255 {
                    "ES256".into()
                } else {
                    pick(&algorithms, b).clone()
                };
                let header = if a & 1 == 0 {
                    &mut self.issuer_protected
                } else {
                    &mut self.device_protected
                };
                header_entry(header, 1, (a & 2 == 0).then_some(algorithm));
            }
            37 => {
                let header = if a & 1 == 0 {
                    &mut self.issuer_protected
                } else {
                    &mut self.device_protected
                };
                let right = super::model::hash("SHA-256", crate::fixtures::world().ds.der());
                let value = match b % 5 {
                    0 => Tree::Array(vec![(-16).into(), Tree::Bytes(right)]),
                    1 => Tree::Array(vec![(-16).into(), Tree::Bytes(vec![c; 32])]),
                    2 => Tree::Array(vec![(-44).into(), Tree::Bytes(vec![c; 64])]),
                    3 => return header_entry(header, 2, Some(Tree::Array(vec![i64::from(c).into()]))),
                    _ => pick(values(), c).clone(),
                };
                header_entry(header, 34, Some(value));
            }
            38 => {
                self.issuer_key = usize::from(a) % tables::keys().len();
                self.issuer_spoil = *pick(&SPOILS, b);
            }
            39 => {
                self.device_spoil = *pick(&SPOILS, b);
                if a.is_multiple_of(2) {
                    self.device_key = usize::from(a / 2) % tables::keys().len();
                }
            }
            40 => {
                self.payload = *pick(&[Payload::Detached, Payload::Same, Payload::Other], a);
                self.both_proofs = b == 7;
                self.mac ^= c == 7;
            }
            41 => {
                let tags = [None, Some(18), Some(17), Some(98)];
                self.issuer_tag = *pick(&tags, a);
                self.device_tag = *pick(&tags, b);
                self.chain_protected = c & 1 == 1;
            }
            STATUS => {
                self.status = Some(usize::from(a) % tables::statuses().len());
                let list = Tree::Map(vec![
                    ("idx".into(), Tree::Unsigned(INDEX)),
                    ("uri".into(), URI.into()),
                ]);
                let status = Tree::Map(vec![("status_list".into(), list)]);
                put(&mut self.mso, "status", status);
            }
            44 => self.ocsp = Some(usize::from(a) % 2),
            _ => {
                self.copies = usize::from(a) % 4;
                let statuses = [0, 10, 11, 12, 20];
                put(&mut self.response, "status", (*pick(&statuses, b)).into());
                if c & 1 == 1 {
                    let errors = Tree::Map(vec![("org.example".into(), i64::from(c).into())]);
                    put(&mut self.response, "documentErrors", Tree::Array(vec![errors]));
                }
            }
        }
    }

    /// Another device key in the security object, with the one that signs or without.
    fn device_key(&mut self, which: u8, how: u8) {
        let at = usize::from(which) % tables::keys().len();
        let mut encoded = Tree::read(&key::encode(tables::keys()[at].public_key()));
        match how % 6 {
            0 => self.device_key = at,
            1 => {}
            2 => header_entry(&mut encoded, -1, Some(99.into())),
            3 => header_entry(&mut encoded, -2, Some(Tree::Bytes(vec![how; 32]))),
            4 => header_entry(&mut encoded, -2, None),
            _ => {
                self.device_key = at;
                header_entry(&mut encoded, 2, Some(Tree::Bytes(b"a name".to_vec())));
            }
        }
        if let Some(info) = find_mut(&mut self.mso, "deviceKeyInfo") {
            put(info, "deviceKey", encoded);
        }
    }

    fn authorize(&mut self, how: u8, which: u8) {
        let name: Tree = (*pick(&[MDL_NAME_SPACE, "org.example"], which)).into();
        let elements = ELEMENTS.iter().map(|element| (*element).into()).collect();
        let authorizations = match how % 4 {
            0 => Tree::Map(vec![("nameSpaces".into(), Tree::Array(vec![name]))]),
            1 => {
                let elements = Tree::Map(vec![(name, Tree::Array(elements))]);
                Tree::Map(vec![("dataElements".into(), elements)])
            }
            2 => Tree::Map(vec![("nameSpaces".into(), pick(values(), which).clone())]),
            _ => pick(values(), which).clone(),
        };
        if let Some(info) = find_mut(&mut self.mso, "deviceKeyInfo") {
            put(info, "keyAuthorizations", authorizations);
        }
    }
}

/// Puts a value under a text key, if it is a map.
fn put(tree: &mut Tree, key: &str, value: Tree) {
    if find(tree, key).is_some() {
        if let Some(old) = find_mut(tree, key) {
            *old = value;
        }
    } else if let Tree::Map(entries) = tree {
        entries.push((key.into(), value));
    }
}

/// Puts a value under a number of a header, or takes it away.
fn header_entry(header: &mut Tree, label: i64, value: Option<Tree>) {
    if let Tree::Map(entries) = header {
        let label = Tree::from(label);
        entries.retain(|(known, _)| *known != label);
        entries.extend(value.map(|value| (label, value)));
    }
}

/// One of the plain edits, at some place of a tree.
fn anywhere(tree: &mut Tree, operation: u8, place: u8, with: u8) {
    let count = count(tree);
    let mut at = usize::from(place) % count;
    let Some(node) = nth(tree, &mut at) else { return };
    match operation {
        0 => *node = pick(values(), with).clone(),
        1 => remove(node, usize::from(with)),
        2 => duplicate(node, usize::from(with)),
        3 => swap(node, usize::from(with)),
        4 => *node = Tree::Tag(u64::from(with), Box::new(node.clone())),
        5 => tweak(node, with),
        6 => insert(node, with),
        _ => *node = other_type(node),
    }
}

fn count(tree: &Tree) -> usize {
    1 + match tree {
        Tree::Array(items) => items.iter().map(count).sum(),
        Tree::Map(entries) => entries.iter().map(|(key, value)| count(key) + count(value)).sum(),
        Tree::Tag(_, item) => count(item),
        _ => 0,
    }
}

fn nth<'t>(tree: &'t mut Tree, at: &mut usize) -> Option<&'t mut Tree> {
    if *at == 0 {
        return Some(tree);
    }
    *at -= 1;
    match tree {
        Tree::Array(items) => items.iter_mut().find_map(|item| nth(item, at)),
        Tree::Map(entries) => entries.iter_mut().find_map(|(key, value)| match nth(key, at) {
            Some(found) => Some(found),
            None => nth(value, at),
        }),
        Tree::Tag(_, item) => nth(item, at),
        _ => None,
    }
}

fn remove(node: &mut Tree, at: usize) {
    match node {
        Tree::Array(items) if !items.is_empty() => drop(items.remove(at % items.len())),
        Tree::Map(entries) if !entries.is_empty() => drop(entries.remove(at % entries.len())),
        Tree::Tag(_, item) => *node = (**item).clone(),
        _ => *node = Tree::Raw(Vec::new()),
    }
}

fn duplicate(node: &mut Tree, at: usize) {
    match node {
        Tree::Array(items) if !items.is_empty() => items.push(items[at % items.len()].clone()),
        Tree::Map(entries) if !entries.is_empty() => entries.push(entries[at % entries.len()].clone()),
        _ => *node = Tree::Array(vec![node.clone(), node.clone()]),
    }
}

fn swap(node: &mut Tree, at: usize) {
    match node {
        Tree::Array(items) if !items.is_empty() => {
            let at = at % items.len();
            items.swap(0, at);
        }
        Tree::Map(entries) if !entries.is_empty() => {
            let at = at % entries.len();
            entries.swap(0, at);
        }
        _ => {}
    }
}

fn tweak(node: &mut Tree, with: u8) {
    match node {
        Tree::Unsigned(number) | Tree::Negative(number) => {
            *number = number.wrapping_add_signed(i64::from(with) - 128)
        }
        Tree::Bytes(bytes) => match with % 4 {
            0 => drop(bytes.pop()),
            1 => bytes.push(with),
            2 => bytes.clear(),
            _ => {
                if let Some(byte) = bytes.first_mut() {
                    *byte ^= with;
                }
            }
        },
        Tree::Text(text) => match with % 4 {
            0 => drop(text.pop()),
            1 => text.push('\u{202e}'),
            2 => text.push('0'),
            _ => text.clear(),
        },
        Tree::Tag(tag, _) => *tag = u64::from(with),
        Tree::Raw(bytes) => *bytes = vec![0xe0 | with],
        Tree::Array(items) => items.truncate(usize::from(with)),
        Tree::Map(entries) => entries.truncate(usize::from(with)),
    }
}

fn insert(node: &mut Tree, with: u8) {
    let value = pick(values(), with).clone();
    match node {
        Tree::Array(items) => items.push(value),
        Tree::Map(entries) => entries.push((value, Tree::Unsigned(u64::from(with)))),
        _ => *node = Tree::Map(vec![(value, node.clone())]),
    }
}

fn other_type(node: &Tree) -> Tree {
    let long = |major: u8, content: &[u8]| {
        // A length in nine bytes, whatever it is.
        let mut out = vec![major << 5 | 27];
        out.extend(u64::try_from(content.len()).unwrap().to_be_bytes());
        out.extend(content);
        Tree::Raw(out)
    };
    match node {
        Tree::Unsigned(number) => Tree::Raw([&[0x1b], number.to_be_bytes().as_slice()].concat()),
        Tree::Negative(number) => Tree::Text(number.to_string()),
        Tree::Bytes(bytes) => long(2, bytes),
        Tree::Text(text) => long(3, text.as_bytes()),
        Tree::Array(items) => {
            let inner: Vec<u8> = items.iter().flat_map(Tree::encode).collect();
            Tree::Raw([&[0x9f], inner.as_slice(), &[0xff]].concat())
        }
        Tree::Map(entries) => {
            let inner = entries
                .iter()
                .flat_map(|(key, value)| [key.encode(), value.encode()].concat());
            let inner: Vec<u8> = inner.collect();
            Tree::Raw([&[0xbf], inner.as_slice(), &[0xff]].concat())
        }
        Tree::Tag(_, item) => (**item).clone(),
        Tree::Raw(bytes) => Tree::Bytes(bytes.clone()),
    }
}
