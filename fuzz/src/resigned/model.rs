//! A response in its decoded parts, and the choices of who signs and how it is judged.

use std::sync::OnceLock;

use integration::tree::Tree;
use mdoc_core::verify::{Inputs, MDL_NAME_SPACE, Policy};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::tables;
use crate::fixtures::{answers, lists, world};
use crate::memory::remembering;

/// How a signature is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoil {
    /// As it should be.
    No,
    /// With one bit flipped.
    Flipped,
    /// With its last byte missing.
    Short,
    /// Over something else.
    Other,
}

/// How the device's payload goes along.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Payload {
    /// Not, as the standard has it.
    Detached,
    /// Attached.
    Same,
    /// Another one.
    Other,
}

/// Everything that edits change.
#[derive(Clone)]
pub(super) struct Model {
    pub(super) response: Tree,
    pub(super) document: Tree,
    /// Namespaces with their items, decoded.
    pub(super) spaces: Vec<(Tree, Vec<Tree>)>,
    pub(super) issuer_protected: Tree,
    pub(super) issuer_unprotected: Tree,
    pub(super) mso: Tree,
    pub(super) vouched: Tree,
    pub(super) device_protected: Tree,
    pub(super) device_unprotected: Tree,
    /// Index of the chain of certificates.
    pub(super) chain: usize,
    pub(super) chain_protected: bool,
    pub(super) issuer_key: usize,
    pub(super) device_key: usize,
    pub(super) issuer_spoil: Spoil,
    pub(super) device_spoil: Spoil,
    pub(super) payload: Payload,
    pub(super) mac: bool,
    pub(super) both_proofs: bool,
    pub(super) issuer_tag: Option<u64>,
    pub(super) device_tag: Option<u64>,
    /// The item of the first namespace that is changed after it was digested.
    pub(super) tampered: Option<u8>,
    pub(super) copies: usize,
    pub(super) anchors: usize,
    pub(super) now: usize,
    pub(super) list: Option<usize>,
    /// The status list that is at hand, and the answer of an OCSP responder.
    pub(super) status: Option<usize>,
    pub(super) ocsp: Option<usize>,
    pub(super) request: Option<usize>,
    pub(super) strict: bool,
    pub(super) transcript: bool,
    pub(super) reader_key: bool,
}

impl Model {
    /// A good one.
    pub(super) fn new(mac: bool) -> Self {
        static GOOD: OnceLock<Model> = OnceLock::new();
        let mut model = GOOD.get_or_init(Self::good).clone();
        model.mac = mac;
        if mac {
            model.device_protected = Tree::Map(vec![(1.into(), 5.into())]);
        }
        model
    }

    fn good() -> Self {
        let world = world();
        let issued = world.issue().only(&[
            "family_name",
            "birth_date",
            "issuing_country",
            "issuing_jurisdiction",
            "age_over_18",
        ]);
        let mut issued = Tree::read(&issued.sign());
        let mut spaces = Vec::new();
        for (name, items) in issued.get("nameSpaces").map() {
            let items = items
                .array()
                .iter_mut()
                .map(|item| item.inside(|item| item.clone()));
            spaces.push((name.clone(), items.collect()));
        }
        let auth = issued.get("issuerAuth");
        let mso = auth.at(2).inside(|bytes| bytes.inside(|mso| mso.clone()));
        let text = |text: &str| Tree::from(text);
        let placeholder = Tree::null;
        Self {
            response: Tree::Map(vec![
                (text("version"), text("1.0")),
                (text("documents"), placeholder()),
                (text("status"), 0.into()),
            ]),
            document: Tree::Map(vec![
                (text("docType"), text(mdoc_core::verify::MDL_DOC_TYPE)),
                (text("issuerSigned"), placeholder()),
                (text("deviceSigned"), placeholder()),
            ]),
            spaces,
            issuer_protected: Tree::Map(vec![(1.into(), (-7).into())]),
            issuer_unprotected: Tree::Map(Vec::new()),
            mso,
            vouched: Tree::Map(Vec::new()),
            device_protected: Tree::Map(vec![(1.into(), (-7).into())]),
            device_unprotected: Tree::Map(Vec::new()),
            chain: 0,
            chain_protected: false,
            issuer_key: 0,
            device_key: 1,
            issuer_spoil: Spoil::No,
            device_spoil: Spoil::No,
            payload: Payload::Detached,
            mac: false,
            both_proofs: false,
            issuer_tag: None,
            device_tag: None,
            tampered: None,
            copies: 1,
            anchors: 0,
            now: 0,
            list: None,
            status: None,
            ocsp: None,
            request: None,
            strict: false,
            transcript: true,
            reader_key: true,
        }
    }

    /// Puts the digest of every item as it is now into the security object.
    pub(super) fn digest(&mut self) {
        let algorithm = text_of(find(&self.mso, "digestAlgorithm"))
            .unwrap_or_default()
            .to_owned();
        let spaces = self.spaces.clone();
        let Some(digests) = find_mut(&mut self.mso, "valueDigests") else {
            return;
        };
        let Tree::Map(digests) = digests else { return };
        for (name, items) in &spaces {
            let at = digests.iter().position(|(known, _)| known == name);
            let at = at.unwrap_or_else(|| {
                digests.push((name.clone(), Tree::Map(Vec::new())));
                digests.len() - 1
            });
            let Tree::Map(of_name) = &mut digests[at].1 else {
                continue;
            };
            for item in items {
                let Some(id) = find(item, "digestID") else {
                    continue;
                };
                let bytes = item.embedded().encode();
                let digest = Tree::Bytes(hash(&algorithm, &bytes));
                match of_name.iter_mut().find(|(known, _)| known == id) {
                    Some((_, old)) => *old = digest,
                    None => of_name.push((id.clone(), digest)),
                }
            }
        }
    }

    /// What it is judged by.
    pub(super) fn inputs(&self) -> Inputs<'static> {
        let world = world();
        let mut inputs = Inputs::new(&tables::anchors()[self.anchors], tables::instants()[self.now]);
        inputs.backend = remembering();
        inputs.transcript = self.transcript.then_some(&world.transcript);
        inputs.reader_key = self.reader_key.then_some(&world.e_reader_key);
        inputs.request = self.request.map(|which| tables::requests()[which].as_slice());
        if let Some(which) = self.list {
            inputs.revocation_lists = core::slice::from_ref(&lists()[which]);
        }
        if let Some(which) = self.status {
            inputs.status_lists = core::slice::from_ref(&tables::statuses()[which].0);
        }
        if let Some(which) = self.ocsp {
            inputs.ocsp_answers = core::slice::from_ref(&answers()[which]);
        }
        if self.strict {
            inputs.policy = Policy::STRICT;
        }
        inputs
    }

    /// The items of the driving licence's namespace, or of the first that is left.
    pub(super) fn items(&mut self) -> Option<&mut Vec<Tree>> {
        let licence = Tree::from(MDL_NAME_SPACE);
        let at = self
            .spaces
            .iter()
            .position(|(name, _)| *name == licence)
            .unwrap_or(0);
        self.spaces.get_mut(at).map(|(_, items)| items)
    }
}

/// The hash of that name; SHA-256 where there is none.
pub(super) fn hash(algorithm: &str, bytes: &[u8]) -> Vec<u8> {
    match algorithm {
        "SHA-384" => Sha384::digest(bytes).to_vec(),
        "SHA-512" => Sha512::digest(bytes).to_vec(),
        _ => Sha256::digest(bytes).to_vec(),
    }
}

/// The value of a text key, if it is a map that has it.
pub(super) fn find<'t>(tree: &'t Tree, key: &str) -> Option<&'t Tree> {
    let Tree::Map(entries) = tree else { return None };
    let found = entries
        .iter()
        .find(|(name, _)| matches!(name, Tree::Text(text) if text == key));
    found.map(|(_, value)| value)
}

/// The same, to be changed.
pub(super) fn find_mut<'t>(tree: &'t mut Tree, key: &str) -> Option<&'t mut Tree> {
    let Tree::Map(entries) = tree else { return None };
    let mut entries = entries.iter_mut();
    let found = entries.find(|(name, _)| matches!(name, Tree::Text(text) if text == key));
    found.map(|(_, value)| value)
}

/// The content of a text.
pub(super) fn text_of(tree: Option<&Tree>) -> Option<&str> {
    match tree {
        Some(Tree::Text(text)) => Some(text),
        _ => None,
    }
}
