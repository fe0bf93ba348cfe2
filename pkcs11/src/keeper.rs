//! A private key in a token as a signer, for several threads at once.

use core::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use cryptoki::context::Pkcs11;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use mdoc_core::crypto::PublicKey;
use mdoc_core::seams::{RemoteKey, SignatureForm, Signer, SignerError, ToSign};
use zeroize::Zeroizing;

use crate::error::{TokenError, answer, failed};
use crate::module::{Settings, TokenInfo, find_pin, open_module, open_session, the_token};
use crate::objects::{KeyEntry, public_half, the_key};
use crate::uri::Uri;

/// The most sessions that a key holds. More threads than that wait for one.
const MOST_SESSIONS: usize = 32;

/// A private key in a token. Each thread that signs has a session of its own, up to 32; a session that is lost is
/// opened once more, and every signature is verified before it is passed on.
pub struct TokenKey {
    signer: Box<dyn Signer>,
    token: TokenInfo,
    entry: KeyEntry,
}

impl TokenKey {
    /// Finds a key and logs in to its token. The PIN stays in memory, to log in again when the token was away.
    ///
    /// # Errors
    /// [`TokenError`] that says what does not fit, and lists what is there instead.
    pub fn open(uri: &Uri, settings: &Settings<'_>) -> Result<Self, TokenError> {
        let module = open_module(uri, settings)?;
        let (slot, token) = the_token(&module, uri)?;
        let pin = || find_pin(uri, settings, &token);
        let (session, pin) = open_session(&module, (slot, &token), false, pin)?;
        let (handle, entry) = the_key(&session, uri)?;
        let public = public_half(&session, handle, &entry)?;
        let keeper = Keeper {
            module,
            uri: uri.clone(),
            public: public.clone(),
            pin,
            state: Mutex::new(State {
                slot,
                idle: vec![session],
                open: 1,
                most: MOST_SESSIONS,
                generation: 0,
                handle,
                gone: None,
            }),
            returned: Condvar::new(),
        };
        let sign = move |asked: ToSign<'_>| {
            keeper
                .sign(asked)
                .map_err(|error| SignerError::Refused(error.to_string()))
        };
        Ok(Self {
            signer: Box::new(RemoteKey::new(public, SignatureForm::Raw, sign)),
            token,
            entry,
        })
    }

    /// The token that the key is in.
    #[must_use]
    pub const fn token(&self) -> &TokenInfo {
        &self.token
    }

    /// What the token says of the key.
    #[must_use]
    pub const fn entry(&self) -> &KeyEntry {
        &self.entry
    }
}

impl Signer for TokenKey {
    fn public_key(&self) -> &PublicKey {
        self.signer.public_key()
    }

    fn sign(&self, to_sign: &[u8]) -> Result<Vec<u8>, SignerError> {
        self.signer.sign(to_sign)
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({:?}, {})", self.public_key(), self.entry)
    }
}

/// What it takes to have something signed.
struct Keeper {
    module: Pkcs11,
    uri: Uri,
    public: PublicKey,
    pin: Option<Zeroizing<String>>,
    state: Mutex<State>,
    /// Told when a session is free again.
    returned: Condvar,
}

struct State {
    slot: Slot,
    /// Sessions that nobody uses.
    idle: Vec<Session>,
    /// How many there are, those in use included.
    open: usize,
    /// How many there may be: fewer if the token said so.
    most: usize,
    /// Counts how often all sessions were lost.
    generation: u64,
    handle: ObjectHandle,
    /// Why the token could not be opened again; it is not tried a second time, least of all the PIN.
    gone: Option<TokenError>,
}

/// A session that a thread has for itself.
struct Lent {
    session: Session,
    handle: ObjectHandle,
    generation: u64,
}

impl Keeper {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sign(&self, asked: ToSign<'_>) -> Result<Vec<u8>, TokenError> {
        let mechanism = match asked {
            ToSign::Message(_) => Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519)),
            _ => Mechanism::Ecdsa,
        };
        let mut again = true;
        loop {
            let lent = match self.lend() {
                Err((generation, error)) if again && is_lost(&error) => {
                    again = false;
                    self.reopen(generation)?;
                    continue;
                }
                Err((_, error)) => return Err(failed(&error)),
                Ok(lent) => lent?,
            };
            match lent.session.sign(&mechanism, lent.handle, asked.as_bytes()) {
                Ok(signature) => {
                    self.give_back(lent);
                    return Ok(signature);
                }
                Err(error) if again && is_lost(&error) => {
                    again = false;
                    let generation = lent.generation;
                    drop(lent);
                    self.reopen(generation)?;
                }
                Err(error) => {
                    self.give_back(lent);
                    return Err(match answer(&error) {
                        Some(RvError::MechanismInvalid) => TokenError::NoSuchCurve(self.public.curve()),
                        _ => failed(&error),
                    });
                }
            }
        }
    }

    /// A session: a free one, a new one, or one that another thread gives back.
    fn lend(&self) -> Result<Result<Lent, TokenError>, (u64, Error)> {
        let mut state = self.state();
        loop {
            if let Some(why) = &state.gone {
                return Ok(Err(why.clone()));
            }
            let (handle, generation) = (state.handle, state.generation);
            let lent = |session| Lent {
                session,
                handle,
                generation,
            };
            if let Some(session) = state.idle.pop() {
                return Ok(Ok(lent(session)));
            }
            if state.open < state.most {
                match self.module.open_ro_session(state.slot) {
                    Ok(session) => {
                        state.open += 1;
                        return Ok(Ok(lent(session)));
                    }
                    // The token has no more: wait for one of those that are there.
                    Err(error) if answer(&error) == Some(RvError::SessionCount) && state.open > 0 => {
                        state.most = state.open;
                    }
                    Err(error) => return Err((generation, error)),
                }
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_back(&self, lent: Lent) {
        let mut state = self.state();
        // One from before the token was lost is closed.
        if lent.generation == state.generation {
            state.idle.push(lent.session);
            self.returned.notify_one();
        }
    }

    /// Opens the token once more, unless another thread just did.
    fn reopen(&self, generation: u64) -> Result<(), TokenError> {
        let mut state = self.state();
        if state.generation != generation {
            return state.gone.clone().map_or(Ok(()), Err);
        }
        state.generation += 1;
        state.idle.clear();
        state.open = 0;
        let opened = the_token(&self.module, &self.uri).and_then(|(slot, token)| {
            let pin = || Ok(self.pin.clone());
            let (session, _) = open_session(&self.module, (slot, &token), false, pin)?;
            let (handle, entry) = the_key(&session, &self.uri)?;
            // Another card may be in the reader, with another key of the same label.
            if public_half(&session, handle, &entry)? != self.public {
                return Err(TokenError::BadPublicKey);
            }
            Ok((slot, session, handle))
        });
        let result = match opened {
            Ok((slot, session, handle)) => {
                state.slot = slot;
                state.handle = handle;
                state.idle.push(session);
                state.open = 1;
                Ok(())
            }
            Err(error) => {
                state.gone = Some(error.clone());
                Err(error)
            }
        };
        self.returned.notify_all();
        result
    }
}

/// Whether an answer says that the session is no more, and not that the key or the request is wrong.
fn is_lost(error: &Error) -> bool {
    matches!(
        answer(error),
        Some(
            RvError::SessionHandleInvalid
                | RvError::SessionClosed
                | RvError::DeviceRemoved
                | RvError::DeviceError
                | RvError::TokenNotPresent
                | RvError::UserNotLoggedIn
                | RvError::KeyHandleInvalid
                | RvError::ObjectHandleInvalid
                | RvError::SlotIdInvalid
        )
    )
}
