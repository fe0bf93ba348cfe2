//! The document signers of a service that runs: others take their place without an interruption (C3).

use core::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::making::Signers;

/// Document signers that may be replaced while they sign. Clones share them.
#[derive(Clone)]
pub struct Rota(Arc<RwLock<Arc<Signers>>>);

impl Rota {
    /// These, to begin with.
    #[must_use]
    pub fn new(signers: Signers) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(signers))))
    }

    /// Those of this moment. Who has begun with them ends with them.
    #[must_use]
    pub fn now(&self) -> Arc<Signers> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts others into their place, for whoever begins from now on.
    pub fn set(&self, signers: Signers) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(signers);
    }
}

impl fmt::Debug for Rota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signers = self.now();
        let names = signers.certificates().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}
