//! A backend that remembers, so that the time of a run goes to other questions than always the same.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, OnceLock};

use mdoc_core::crypto::{Backend, CryptoError, DigestAlgorithm, Layer, PublicKey, SecretKey, fastest};
use mdoc_core::seams::{Signer as _, SoftwareKey};
use zeroize::Zeroizing;

/// How many answers are kept before half of them are forgotten.
const MOST: usize = 4096;

/// The answers of late, those before them, and nothing older.
struct Known<Q, A> {
    new: HashMap<Q, A>,
    old: HashMap<Q, A>,
}

impl<Q: Hash + Eq + Clone, A: Clone> Known<Q, A> {
    fn empty() -> Self {
        Self {
            new: HashMap::new(),
            old: HashMap::new(),
        }
    }

    /// The answer to a question, worked out if nobody asked it lately. The whole question is compared.
    fn answer(known: &Mutex<Self>, question: Q, work: impl FnOnce() -> A) -> A {
        let mut locked = known.lock().unwrap();
        if let Some(answer) = locked.new.get(&question) {
            return answer.clone();
        }
        let older = locked.old.remove(&question);
        drop(locked);
        let answer = older.unwrap_or_else(work);
        let mut locked = known.lock().unwrap();
        if locked.new.len() == MOST {
            locked.old = core::mem::take(&mut locked.new);
        }
        locked.new.insert(question, answer.clone());
        answer
    }
}

/// The key, the digest, the message and the signature.
type Question = (PublicKey, DigestAlgorithm, Vec<u8>, Vec<u8>);
/// What two keys agree on.
type Agreed = Result<Zeroizing<Vec<u8>>, CryptoError>;

/// The fast backend, asked for each signature and each agreement once. The answer to a question that differs in one bit is
/// not remembered.
struct Remembering {
    backend: &'static dyn Backend,
    verified: Mutex<Known<Question, Result<(), CryptoError>>>,
    agreed: Mutex<Known<(Vec<u8>, PublicKey), Agreed>>,
}

/// Who computes, and remembers.
#[must_use]
pub fn remembering() -> &'static dyn Backend {
    static BACKEND: OnceLock<Remembering> = OnceLock::new();
    BACKEND.get_or_init(|| Remembering {
        backend: fastest(),
        verified: Mutex::new(Known::empty()),
        agreed: Mutex::new(Known::empty()),
    })
}

/// Signatures by a key and what it signed.
type Signatures = Known<(PublicKey, Vec<u8>), Vec<u8>>;

/// A signature by a key over a message, made once: the nonces of the fast backend are random, and what came of a signature
/// is remembered with it.
#[must_use]
pub fn signed(key: &SoftwareKey, message: &[u8]) -> Vec<u8> {
    static SIGNED: OnceLock<Mutex<Signatures>> = OnceLock::new();
    let signed = SIGNED.get_or_init(|| Mutex::new(Known::empty()));
    let question = (key.public_key().clone(), message.to_vec());
    Known::answer(signed, question, || key.sign(message).unwrap())
}

impl Layer for Remembering {
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
        Known::answer(&self.verified, question, || {
            self.backend.verify(key, digest, message, signature)
        })
    }

    fn agree(&self, key: &SecretKey, peer: &PublicKey) -> Agreed {
        let question = (key.dangerous_bytes().to_vec(), peer.clone());
        Known::answer(&self.agreed, question, || self.backend.agree(key, peer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_what_was_found_out_and_of_that_question_alone() {
        let known = Mutex::new(Known::empty());
        let mut worked = 0;
        for question in [1, 2, 1, 2, 3] {
            let answer = Known::answer(&known, question, || {
                worked += 1;
                question * 10
            });
            assert_eq!(answer, question * 10);
        }
        assert_eq!(worked, 3);
        for question in 0..3 * MOST {
            Known::answer(&known, question, || 0);
        }
        let known = known.into_inner().unwrap();
        assert!(known.new.len() + known.old.len() <= 2 * MOST);
    }

    #[test]
    fn a_signature_that_differs_in_a_bit_is_verified_again() {
        let world = crate::fixtures::world();
        let mut signature = signed(&world.ds_key, b"message");
        assert_eq!(signed(&world.ds_key, b"message"), signature);
        let key = world.ds_key.public_key();
        let judge = |signature: &[u8]| {
            remembering().verify(key, DigestAlgorithm::Sha256, &[b"mess", b"age"], signature)
        };
        assert_eq!((judge(&signature), judge(&signature)), (Ok(()), Ok(())));
        signature[7] ^= 1;
        assert!(judge(&signature).is_err() && judge(&signature).is_err());
    }
}
