//! Putting the parts together, with signatures over what they are now.

use integration::tree::Tree;
use mdoc_core::crypto::Curve;
use mdoc_core::device_signed::mac_key;
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_core::verify::Form;

use super::model::{Model, Payload, Spoil};
use super::tables;
use crate::fixtures::world;
use crate::memory::{remembering, signed as sign};

/// What was sent.
pub(super) struct Sent {
    pub(super) bytes: Vec<u8>,
    /// The content of `MobileSecurityObjectBytes`.
    pub(super) mso: Vec<u8>,
    /// Namespaces with the encoded `IssuerSignedItemBytes`.
    pub(super) items: Vec<(Tree, Vec<Vec<u8>>)>,
}

impl Model {
    /// Signs, and encodes all of it.
    pub(super) fn sign(&self, form: Form) -> Sent {
        let mut items = Vec::new();
        let mut spaces = Vec::new();
        for (at, (name, of_name)) in self.spaces.iter().enumerate() {
            let mut encoded: Vec<_> = of_name.iter().map(Tree::embedded).collect();
            if let (Some(which), 0, false) = (self.tampered, at, encoded.is_empty()) {
                let which = usize::from(which) % encoded.len();
                let content = encoded[which].bytes();
                if let Some(byte) = content.last_mut() {
                    *byte ^= 1;
                }
            }
            items.push((name.clone(), encoded.iter().map(Tree::encode).collect()));
            spaces.push((name.clone(), Tree::Array(encoded)));
        }
        let mso = self.mso.encode();
        let mut issuer_signed = Tree::Map(Vec::new());
        if !spaces.is_empty() {
            issuer_signed.set("nameSpaces", Tree::Map(spaces));
        }
        issuer_signed.set("issuerAuth", self.issuer_auth());
        let bytes = if form == Form::IssuerSigned {
            issuer_signed.encode()
        } else {
            self.respond(form, issuer_signed)
        };
        Sent { bytes, mso, items }
    }

    fn issuer_auth(&self) -> Tree {
        let (mut protected, mut unprotected) =
            (self.issuer_protected.clone(), self.issuer_unprotected.clone());
        let mut chain: Vec<_> = tables::chains()[self.chain]
            .iter()
            .map(|der| Tree::Bytes(der.clone()))
            .collect();
        let header = if self.chain_protected {
            &mut protected
        } else {
            &mut unprotected
        };
        if let (Tree::Map(header), false) = (header, chain.is_empty()) {
            let chain = if chain.len() == 1 {
                chain.remove(0)
            } else {
                Tree::Array(chain)
            };
            header.push((33.into(), chain));
        }
        let protected = protected.encode();
        let payload = self.mso.embedded().encode();
        let key = &tables::keys()[self.issuer_key];
        let signature = signed("Signature1", key, &protected, &payload, self.issuer_spoil);
        let parts = vec![
            Tree::Bytes(protected),
            unprotected,
            Tree::Bytes(payload),
            Tree::Bytes(signature),
        ];
        tagged(self.issuer_tag, Tree::Array(parts))
    }

    fn respond(&self, form: Form, issuer_signed: Tree) -> Vec<u8> {
        let mut document = self.document.clone();
        let name_spaces = self.vouched.embedded();
        let doc_type = super::model::find(&document, "docType")
            .cloned()
            .unwrap_or(Tree::null());
        let authentication = Tree::Array(vec![
            "DeviceAuthentication".into(),
            Tree::Raw(world().transcript.raw().to_vec()),
            doc_type,
            name_spaces.clone(),
        ]);
        let payload = authentication.embedded().encode();
        let protected = self.device_protected.encode();
        let proof = if self.mac {
            self.tag(&protected, &payload)
        } else {
            let key = &tables::keys()[self.device_key];
            signed("Signature1", key, &protected, &payload, self.device_spoil)
        };
        let attached = match self.payload {
            Payload::Detached => Tree::null(),
            Payload::Same => Tree::Bytes(payload),
            Payload::Other => Tree::Bytes(b"something else".to_vec()),
        };
        let parts = vec![
            Tree::Bytes(protected),
            self.device_unprotected.clone(),
            attached,
            Tree::Bytes(proof),
        ];
        let proof = tagged(self.device_tag, Tree::Array(parts));
        let (name, other) = if self.mac {
            ("deviceMac", "deviceSignature")
        } else {
            ("deviceSignature", "deviceMac")
        };
        let mut auth = vec![(name.into(), proof.clone())];
        if self.both_proofs {
            auth.push((other.into(), proof));
        }
        let device_signed = vec![
            ("nameSpaces".into(), name_spaces),
            ("deviceAuth".into(), Tree::Map(auth)),
        ];
        fill(&mut document, "issuerSigned", issuer_signed);
        fill(&mut document, "deviceSigned", Tree::Map(device_signed));
        if form == Form::Document {
            return document.encode();
        }
        let mut response = self.response.clone();
        fill(
            &mut response,
            "documents",
            Tree::Array(vec![document; self.copies]),
        );
        response.encode()
    }

    fn tag(&self, protected: &[u8], payload: &[u8]) -> Vec<u8> {
        let world = world();
        let key = &tables::keys()[self.device_key];
        let reader = world.e_reader_key.public_key();
        if key.public_key().curve() != Curve::P256 {
            return vec![0; 32];
        }
        let key = mac_key(key.secret(), reader, &world.transcript, remembering()).unwrap();
        let payload = if self.device_spoil == Spoil::Other {
            b"something else"
        } else {
            payload
        };
        let structure = Tree::Array(vec![
            "MAC0".into(),
            protected.into(),
            [].as_slice().into(),
            payload.into(),
        ]);
        let tag = remembering().hmac_sha256(&key, &[&structure.encode()]);
        spoiled(tag.to_vec(), self.device_spoil)
    }
}

/// Puts a part into its place, unless an edit put something else there, or took the place away.
fn fill(tree: &mut Tree, key: &str, value: Tree) {
    if let Some(place) = super::model::find_mut(tree, key)
        && *place == Tree::null()
    {
        *place = value;
    }
}

fn tagged(tag: Option<u64>, tree: Tree) -> Tree {
    match tag {
        Some(tag) => Tree::Tag(tag, Box::new(tree)),
        None => tree,
    }
}

fn signed(context: &str, key: &SoftwareKey, protected: &[u8], payload: &[u8], spoil: Spoil) -> Vec<u8> {
    let payload = if spoil == Spoil::Other {
        b"something else"
    } else {
        payload
    };
    let parts = vec![
        context.into(),
        protected.into(),
        [].as_slice().into(),
        payload.into(),
    ];
    spoiled(sign(key, &Tree::Array(parts).encode()), spoil)
}

fn spoiled(mut proof: Vec<u8>, spoil: Spoil) -> Vec<u8> {
    match spoil {
        Spoil::No | Spoil::Other => {}
        Spoil::Flipped => proof[7] ^= 1,
        Spoil::Short => drop(proof.pop()),
    }
    proof
}
