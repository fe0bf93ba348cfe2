//! Every bit of a presented response, flipped alone: never accepted with other elements.
//!
//! Four responses, two of them not ours: that of Annex D of the standard (a MAC) and one of Google's wallet (a
//! signature). Each changed response goes through the whole of [`verify`]. What makes it quick is a backend that
//! remembers: asked a second time for a signature over the same bytes by the same key, it knows the answer.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use integration::vectors::Vector;
use integration::world::World;
use mdoc_core::crypto::{AwsLc, Backend, CryptoError, DigestAlgorithm, Layer, PublicKey, SecretKey};
use mdoc_core::verify::{Form, Inputs, verify};
use zeroize::Zeroizing;

use super::{presented, seen};
use crate::field::Case;

/// The key, the digest, the message and the signature.
type Question = (PublicKey, DigestAlgorithm, Vec<u8>, Vec<u8>);

/// The shared secret of a private and a public key, or that there is none.
type Agreed = Result<Zeroizing<Vec<u8>>, CryptoError>;

/// A backend that asks another one, for each signature and each agreement once. Nothing else is remembered, and
/// the answer to a question that differs in one bit is not.
struct Remembering<'a> {
    backend: &'a dyn Backend,
    verified: Mutex<HashMap<Question, Result<(), CryptoError>>>,
    agreed: Mutex<HashMap<(Vec<u8>, PublicKey), Agreed>>,
    asked: AtomicUsize,
}

impl Layer for Remembering<'_> {
    fn below(&self) -> &dyn Backend {
        self.backend
    }

    fn verify(
        &self,
        key: &PublicKey,
        digest: DigestAlgorithm,
        message: &[&[u8]],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let question = (key.clone(), digest, message.concat(), signature.to_vec());
        self.asked.fetch_add(1, Ordering::Relaxed);
        if let Some(known) = self.verified.lock().unwrap().get(&question) {
            return *known;
        }
        let answer = self.backend.verify(key, digest, message, signature);
        self.verified.lock().unwrap().insert(question, answer);
        answer
    }

    fn agree(&self, key: &SecretKey, peer: &PublicKey) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let question = (key.dangerous_bytes().to_vec(), peer.clone());
        if let Some(known) = self.agreed.lock().unwrap().get(&question) {
            return known.clone();
        }
        let answer = self.backend.agree(key, peer);
        self.agreed.lock().unwrap().insert(question, answer.clone());
        answer
    }
}

/// What came of all the flipped bits of a response.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    bits: usize,
    /// Accepted, with the same elements or fewer: the bit was in something that says nothing.
    accepted: usize,
    /// Of these, with fewer.
    fewer: usize,
}

/// Flips each bit of a response once, on all cores.
fn flip_all(name: &str, response: &[u8], form: Form, inputs: &Inputs<'_>) -> Tally {
    let backend = Remembering {
        backend: &AwsLc,
        verified: Mutex::default(),
        agreed: Mutex::default(),
        asked: AtomicUsize::new(0),
    };
    let mut inputs = *inputs;
    inputs.backend = &backend;
    let good = verify(response, form, &inputs);
    assert!(good.accepted(), "{name} is not accepted as it is");
    let good = seen(&good);
    assert!(!good.is_empty(), "{name} has no elements");
    let workers = thread::available_parallelism().map_or(2, usize::from);
    let (inputs, good) = (&inputs, &good);
    let judge = |first: usize| {
        let mut tally = Tally::default();
        let mut damaged = response.to_vec();
        for bit in (first..response.len() * 8).step_by(workers) {
            damaged[bit / 8] ^= 1 << (bit % 8);
            let report = verify(&damaged, form, inputs);
            tally.bits += 1;
            if report.accepted() {
                tally.accepted += 1;
                // Which of the signed elements are shown is under nobody's signature: it may say less, never else, and none
                // twice.
                let mut left = good.clone();
                for element in seen(&report) {
                    let said = left.iter().position(|other| *other == element);
                    let said = said.unwrap_or_else(|| panic!("{name}: bit {bit} changes or adds an element"));
                    left.swap_remove(said);
                }
                tally.fewer += usize::from(!left.is_empty());
            }
            damaged[bit / 8] ^= 1 << (bit % 8);
        }
        tally
    };
    let tallies = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|first| scope.spawn(move || judge(first)))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .collect::<Vec<_>>()
    });
    let tally = tallies.into_iter().fold(Tally::default(), |sum, part| Tally {
        bits: sum.bits + part.bits,
        accepted: sum.accepted + part.accepted,
        fewer: sum.fewer + part.fewer,
    });
    assert_eq!(tally.bits, response.len() * 8, "{name}");
    // Something was computed again and again, or nothing would have been verified.
    assert!(backend.asked.load(Ordering::Relaxed) > tally.bits / 4, "{name}");
    assert!(tally.accepted < tally.bits / 50, "{name}: {tally:?} is a lot");
    tally
}

fn vector(id: &str) -> Case {
    let vectors = Vector::all("index.json");
    let vector = vectors.iter().find(|vector| vector.text("id") == id);
    Case::of(vector.unwrap_or_else(|| panic!("there is no {id}"))).unwrap()
}

/// Bits that are accepted, and those with fewer elements, of a response with one document: most are in the name
/// `nameSpaces`, which is another member's then, so that no element is shown.
const IN_NAMES: (usize, usize) = (79, 71);

#[test]
fn no_flipped_bit_of_annex_d_is_accepted_with_other_elements() {
    let case = vector("annex-d/D.4.1.2_device_response");
    let tally = flip_all("Annex D", &case.bytes, case.form, &case.inputs());
    assert_eq!((tally.accepted, tally.fewer), IN_NAMES);
}

#[test]
fn no_flipped_bit_of_another_wallet_is_accepted_with_other_elements() {
    let case = vector("real/google-test-mdl");
    let tally = flip_all("Google's wallet", &case.bytes, case.form, &case.inputs());
    assert_eq!((tally.accepted, tally.fewer), IN_NAMES);
}

#[test]
fn no_flipped_bit_of_our_own_responses_is_accepted_with_other_elements() {
    let (world, [signature, mac]) = presented();
    let world: &World = world;
    flip_all("signature", signature, Form::DeviceResponse, &world.inputs());
    flip_all("MAC", mac, Form::DeviceResponse, &world.inputs());
}
