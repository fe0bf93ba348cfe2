//! What verifications of several documents under the same anchors need not find out again.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::x509::Certificate;
use crate::x509::path::TrustAnchor;

/// Certificate chains that were verified before, for verifying many documents of few signers.
///
/// Holds certificates by the octets of their x5chain, and of each pair of them whether the key of the one made the
/// signature on the other. Both follow from the octets alone: neither the clock, nor a policy, nor a revocation list
/// can change them. Everything else is judged in every verification: which anchor the chain leads to and whether it
/// is trusted for the docType, whether signer, intermediates and IACA are valid at the instant of
/// [`super::Inputs::now`], their profiles, and whether a list given then names one of them. So a report is the same
/// with the cache and without.
///
/// Only a chain that led to an anchor is kept, and only if it has nothing superfluous, so that nobody can fill the
/// cache with what no issuing authority signed. When it is full, the chain that was not used for the longest time
/// makes room. Anchors are fixed: with another list of authorities a new cache begins. May be used by several
/// threads at once.
pub struct ChainCache {
    anchors: Vec<TrustAnchor>,
    most: usize,
    /// By the DER of the leaf.
    chains: RwLock<HashMap<Box<[u8]>, Arc<Known>>>,
    uses: AtomicU64,
}

/// A chain that led to an anchor.
pub(super) struct Known {
    chain: Vec<Certificate>,
    signatures: Vec<Signature>,
    last_used: AtomicU64,
}

/// That the key of `issuer` made the signature on `certificate`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) certificate: Certificate,
    pub(super) issuer: Certificate,
}

impl Known {
    pub(super) fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// Whether the signature was found to hold; `false` says only that nobody looked.
    pub(super) fn signed(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.signatures
            .iter()
            .any(|known| known.certificate == *certificate && known.issuer == *issuer)
    }
}

impl ChainCache {
    /// Chains that are kept, unless said otherwise: more than there are document signers at work in most countries.
    pub const CHAINS: usize = 256;

    /// An empty cache for these anchors, with room for [`ChainCache::CHAINS`].
    #[must_use]
    pub fn new(anchors: Vec<TrustAnchor>) -> Self {
        Self::with_room(anchors, Self::CHAINS)
    }

    /// An empty cache for these anchors, with room for so many chains.
    #[must_use]
    pub fn with_room(anchors: Vec<TrustAnchor>, chains: usize) -> Self {
        Self {
            anchors,
            most: chains,
            chains: RwLock::default(),
            uses: AtomicU64::new(0),
        }
    }

    /// The anchors it was made for.
    #[must_use]
    pub fn anchors(&self) -> &[TrustAnchor] {
        &self.anchors
    }

    /// How many chains it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chains.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn now(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed)
    }

    /// What is known of exactly this chain.
    pub(super) fn get(&self, encoded: &[Cow<'_, [u8]>]) -> Option<Arc<Known>> {
        let leaf = encoded.first()?;
        let chains = self.chains.read().unwrap_or_else(PoisonError::into_inner);
        let known = chains.get(leaf.as_ref())?;
        let same = known.chain.len() == encoded.len()
            && known
                .chain
                .iter()
                .zip(encoded)
                .all(|(certificate, der)| certificate.der() == der.as_ref());
        if !same {
            return None;
        }
        known.last_used.store(self.now(), Ordering::Relaxed);
        Some(Arc::clone(known))
    }

    /// Keeps a chain that led to an anchor through that many intermediates, with the signatures found to hold.
    pub(super) fn add(&self, chain: &[Certificate], intermediates: usize, mut signatures: Vec<Signature>) {
        let Some(leaf) = chain.first() else { return };
        // A root that the message brought along is superfluous too, but there are only as many as anchors.
        let known_root = |root: &Certificate| self.anchors.iter().any(|anchor| anchor.certificate == *root);
        match chain.get(1 + intermediates..) {
            Some([]) => {}
            Some([root]) if known_root(root) => {}
            _ => return,
        }
        let mut chains = self.chains.write().unwrap_or_else(PoisonError::into_inner);
        let before = chains.get(leaf.der());
        if let Some(before) = before.filter(|before| before.chain == chain) {
            for known in &before.signatures {
                if !signatures.contains(known) {
                    signatures.push(known.clone());
                }
            }
        } else if before.is_none() && chains.len() >= self.most {
            let oldest = chains
                .iter()
                .min_by_key(|(_, known)| known.last_used.load(Ordering::Relaxed))
                .map(|(leaf, _)| leaf.clone());
            match oldest {
                Some(oldest) => chains.remove(&oldest),
                None => return, // there is no room at all
            };
        }
        let known = Known {
            chain: chain.to_vec(),
            signatures,
            last_used: AtomicU64::new(self.now()),
        };
        chains.insert(leaf.der().into(), Arc::new(known));
    }
}

impl fmt::Debug for ChainCache {
    /// How much there is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ChainCache({} anchors, {} chains)",
            self.anchors.len(),
            self.len()
        )
    }
}
