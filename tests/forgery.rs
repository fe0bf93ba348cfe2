//! Documents with one fault: a good one is taken apart, changed, and signed again where the fault lies
//! below a signature.

use mdoc_core::seams::{Signer, SoftwareKey};
use mdoc_core::verify::MDL_NAME_SPACE;
use mdoc_core::x509::Certificate;
use sha2::{Digest as _, Sha256};

use crate::tree::Tree;
use crate::world::World;

/// A `DeviceResponse`, or an `IssuerSigned` alone, that is being changed.
#[derive(Clone)]
pub struct Forgery<'w> {
    world: &'w World,
    /// All of it.
    pub whole: Tree,
}

/// The number of an ECDSA or EdDSA signature algorithm in COSE, by the length of its signatures.
fn algorithm(signer: &dyn Signer) -> i64 {
    match signer.public_key().as_bytes().len() {
        32 => -8,
        65 => -7,
        97 => -35,
        _ => -36,
    }
}

/// The protected header with nothing but an algorithm.
#[must_use]
pub fn protected(signer: &dyn Signer) -> Vec<u8> {
    Tree::Map(vec![(1.into(), algorithm(signer).into())]).encode()
}

/// A signature over a `Sig_structure` (RFC 9052, 4.4).
///
/// # Panics
/// If the signer does not sign.
#[must_use]
pub fn sign1(signer: &dyn Signer, protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let parts = vec![
        "Signature1".into(),
        protected.into(),
        [].as_slice().into(),
        payload.into(),
    ];
    signer.sign(&Tree::Array(parts).encode()).unwrap()
}

impl<'w> Forgery<'w> {
    /// Takes a response, or an issued document alone, apart.
    #[must_use]
    pub fn of(world: &'w World, encoded: &[u8]) -> Self {
        Self {
            world,
            whole: Tree::read(encoded),
        }
    }

    /// The bytes as they are now.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.whole.encode()
    }

    /// The first `Document`.
    pub fn document(&mut self) -> &mut Tree {
        self.whole.get("documents").at(0)
    }

    /// Its `IssuerSigned`.
    pub fn issuer_signed(&mut self) -> &mut Tree {
        if self.whole.has("issuerAuth") {
            return &mut self.whole;
        }
        self.document().get("issuerSigned")
    }

    /// Its `issuerAuth`.
    pub fn issuer_auth(&mut self) -> &mut Tree {
        self.issuer_signed().get("issuerAuth")
    }

    /// Its `DeviceSigned`.
    pub fn device_signed(&mut self) -> &mut Tree {
        self.document().get("deviceSigned")
    }

    /// The deviceSignature, or the deviceMac.
    pub fn device_auth(&mut self) -> &mut Tree {
        let auth = self.device_signed().get("deviceAuth");
        &mut auth.map()[0].1
    }

    /// The `IssuerSignedItemBytes` of the driving licence's namespace.
    pub fn items(&mut self) -> &mut Vec<Tree> {
        self.issuer_signed().get("nameSpaces").get(MDL_NAME_SPACE).array()
    }

    /// Changes an item of the driving licence's namespace, without a new digest.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn item(&mut self, identifier: &str, change: impl FnOnce(&mut Tree)) {
        let identifier = Tree::from(identifier);
        for item in self.items() {
            if item.inside(|item| *item.get("elementIdentifier") == identifier) {
                return item.inside(change);
            }
        }
        panic!("no {identifier:?}");
    }

    /// Changes the MSO, without a new signature.
    pub fn mso(&mut self, change: impl FnOnce(&mut Tree)) {
        let payload = self.issuer_auth().at(2);
        payload.inside(|mso_bytes| mso_bytes.inside(change));
    }

    /// Puts the digest of every item as it is now into the MSO (SHA-256), and signs again.
    pub fn digest_again(&mut self) {
        let mut items = self.items().clone();
        self.mso(|mso| {
            let digests = mso.get("valueDigests").get(MDL_NAME_SPACE);
            for item in &mut items {
                let digest = Sha256::digest(item.encode());
                let id = item.inside(|item| item.get("digestID").clone());
                digests.set(id, digest.as_slice());
            }
        });
        self.sign_again();
    }

    /// Signs what is in the issuerAuth now with the document signer's key.
    pub fn sign_again(&mut self) {
        self.sign_by(&self.world.ds_key);
    }

    /// Signs what is in the issuerAuth now with some key.
    pub fn sign_by(&mut self, key: &SoftwareKey) {
        let auth = self.issuer_auth();
        let (protected, payload) = (auth.at(0).bytes().clone(), auth.at(2).bytes().clone());
        *auth.at(3) = Tree::Bytes(sign1(key, &protected, &payload));
    }

    /// Another certificate beside the signature, or several.
    pub fn certificates(&mut self, chain: &[&Certificate]) {
        let mut chain: Vec<Tree> = chain.iter().map(|one| one.der().into()).collect();
        let chain = if chain.len() == 1 {
            chain.remove(0)
        } else {
            Tree::Array(chain)
        };
        self.issuer_auth().at(1).set(33, chain);
    }

    /// `DeviceAuthenticationBytes` as it follows from the document and this session.
    pub fn device_authentication(&mut self) -> Vec<u8> {
        let transcript = Tree::read(self.world.transcript.raw());
        let doc_type = self.document().get("docType").clone();
        let elements = self.device_signed().get("nameSpaces").clone();
        Tree::Array(vec![
            "DeviceAuthentication".into(),
            transcript,
            doc_type,
            elements,
        ])
        .embedded()
        .encode()
    }

    /// Signs for the device with some key.
    pub fn sign_device_by(&mut self, key: &SoftwareKey) {
        let payload = self.device_authentication();
        let signature = sign1(key, &protected(key), &payload);
        let auth = vec![
            protected(key).as_slice().into(),
            Tree::Map(Vec::new()),
            Tree::null(),
            Tree::Bytes(signature),
        ];
        let auth = Tree::Map(vec![("deviceSignature".into(), Tree::Array(auth))]);
        self.device_signed().set("deviceAuth", auth);
    }

    /// Signs for the device with its own key.
    pub fn sign_device_again(&mut self) {
        self.sign_device_by(&self.world.device_key);
    }
}
