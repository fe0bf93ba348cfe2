//! Documents: asked for, received and judged, or to come later.

use mdoc_core::crypto::{Curve, PublicKey, SecretKey};
use mdoc_core::seams::SoftwareKey;
use mdoc_openid::Secret;
use mdoc_openid::jose::jwe::OwnKey;
use mdoc_openid::jose::jwk::Jwk;
use mdoc_openid::vci::Draft;
use mdoc_openid::vci::credential::{
    APPLICATION_JWT, Answer, Badge, CredentialRequest, CredentialResponse, DeferredRequest, Event, Issued,
    NonceResponse, ResponseTerms, Wanted, decrypt_answer, encrypt,
};
use mdoc_openid::vci::error::ErrorCode;
use mdoc_openid::vci::proof::{self, Proofs};
use zeroize::Zeroizing;

use super::badge::{self, BadgeFault};
use super::check::{self, DocumentFault, Judge};
use super::notify::Notify;
use super::session::{For, Session, Tries};
use super::{Around, CollectError, LARGEST_ANSWER, Operation, Progress, Request, Response, Step};

/// A document and its key.
#[derive(Clone)]
pub struct Copy {
    /// The key that it is bound to.
    pub key: SecretKey,
    /// The encoded `IssuerSigned`.
    pub document: Vec<u8>,
}

impl core::fmt::Debug for Copy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Copy({} bytes)", self.document.len())
    }
}

/// What an issuer gave; what the wallet thinks of it comes from [`Collected::judge`].
#[derive(Debug)]
pub struct Collected {
    session: Session,
    keys: Vec<SecretKey>,
    issued: Issued,
}

impl Collected {
    /// Judges all of it: one document that does not hold spoils the batch, which has one notification.
    #[must_use]
    pub fn judge(self, judge: &Judge<'_>) -> Outcome {
        match self.pairs(judge) {
            Ok(pairs) => {
                let mut keys: Vec<Option<SecretKey>> = self.keys.into_iter().map(Some).collect();
                let copies = pairs.into_iter().zip(self.issued.documents);
                let copies = copies.filter_map(|(at, document)| {
                    let key = keys.get_mut(at).and_then(Option::take)?;
                    Some(Copy { key, document })
                });
                Outcome::Received(Received {
                    copies: copies.collect(),
                    session: self.session,
                    notification_id: self.issued.notification_id,
                    badge: self.issued.badge,
                })
            }
            Err(fault) => Outcome::Unusable(Unusable {
                fault,
                session: self.session,
                notification_id: self.issued.notification_id,
            }),
        }
    }

    fn pairs(&self, judge: &Judge<'_>) -> Result<Vec<usize>, DocumentFault> {
        if self.issued.documents.len() > self.keys.len() {
            return Err(DocumentFault::TooMany);
        }
        let doc_type = self.session.doc_type().ok_or(DocumentFault::DocType)?;
        let keys: Vec<&PublicKey> = self.keys.iter().map(SecretKey::public_key).collect();
        let mut used = Vec::new();
        for document in &self.issued.documents {
            let at = check::document(document, doc_type, &keys, judge)?;
            if used.contains(&at) {
                return Err(DocumentFault::DeviceKey);
            }
            used.push(at);
        }
        Ok(used)
    }
}

/// What the wallet thinks of what it was given.
#[derive(Debug)]
pub enum Outcome {
    /// All of it holds.
    Received(Received),
    /// Something does not.
    Unusable(Unusable),
}

/// Documents that hold.
#[derive(Debug)]
pub struct Received {
    copies: Vec<Copy>,
    session: Session,
    notification_id: Option<String>,
    /// Not looked at: what is wrong with it must not cost the documents.
    badge: Option<Badge>,
}

impl Received {
    /// The documents with their keys.
    #[must_use]
    pub fn copies(&self) -> &[Copy] {
        &self.copies
    }

    /// The document as a picture, if the issuer sent one, or why it is not to be kept. Nobody signs it, and it is looked
    /// at only now: keep the documents first.
    #[must_use]
    pub fn badge(&self) -> Option<Result<&Badge, BadgeFault>> {
        let badge = self.badge.as_ref()?;
        Some(badge::check(badge).map(|()| badge))
    }

    /// For keeping, to refresh with.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// They are kept, so that nothing loses them: says so to the issuer, if it wants to know.
    #[must_use]
    pub fn kept(self) -> Option<Notify> {
        Notify::new(self.session, self.notification_id, Event::CredentialAccepted)
    }

    /// They could not be kept.
    #[must_use]
    pub fn not_kept(self) -> Option<Notify> {
        Notify::new(self.session, self.notification_id, Event::CredentialFailure)
    }
}

/// Documents that do not hold.
#[derive(Debug)]
pub struct Unusable {
    fault: DocumentFault,
    session: Session,
    notification_id: Option<String>,
}

impl Unusable {
    /// Why.
    #[must_use]
    pub const fn fault(&self) -> &DocumentFault {
        &self.fault
    }

    /// Says so to the issuer, if it wants to know.
    #[must_use]
    pub fn tell(self) -> Option<Notify> {
        Notify::new(self.session, self.notification_id, Event::CredentialFailure)
    }
}

/// Documents that come later.
#[derive(Debug)]
pub struct Pending {
    session: Session,
    keys: Vec<SecretKey>,
    transaction_id: String,
    interval: u64,
}

impl Pending {
    /// From what was kept.
    #[must_use]
    pub const fn new(session: Session, keys: Vec<SecretKey>, transaction_id: String) -> Self {
        Self {
            session,
            keys,
            transaction_id,
            interval: 0,
        }
    }

    /// After how many seconds to ask.
    #[must_use]
    pub const fn interval(&self) -> u64 {
        self.interval
    }

    /// For keeping: the issuer and the name of the transaction. The keys were kept before they were used.
    #[must_use]
    pub fn to_keep(&self) -> (&Session, &str) {
        (&self.session, &self.transaction_id)
    }

    /// Asks.
    ///
    /// # Errors
    /// [`CollectError::Missing`] if the issuer has no place to ask at.
    pub fn ask(self) -> Result<GetDeferred, CollectError> {
        let endpoint = self.session.metadata.deferred_credential_endpoint.clone();
        let endpoint = endpoint.ok_or(CollectError::Missing("deferred_credential_endpoint"))?;
        Ok(GetDeferred {
            endpoint,
            pending: self,
            answer_key: None,
            tries: Tries::default(),
        })
    }
}

/// Documents, or word that they come later.
#[derive(Debug)]
pub enum Given {
    /// Here.
    Now(Collected),
    /// Later.
    Later(Pending),
}

impl Session {
    /// Asks for a document for each key. The keys must be kept already, or the documents may be lost.
    ///
    /// # Errors
    /// [`CollectError::Proof`] if the issuer does not take proofs as we make them.
    pub fn documents(self, keys: Vec<SecretKey>) -> Result<GetDocuments, CollectError> {
        let described = self.described().ok_or(CollectError::NoDocument)?;
        let proofs = &described.proof_types_supported;
        if let Some(jwt) = proofs.get("jwt") {
            let algorithms = &jwt.proof_signing_alg_values_supported;
            let ours = |key: &SecretKey| {
                let algorithm = key.curve().algorithm();
                algorithm.is_some_and(|algorithm| algorithms.contains(&algorithm.to_string()))
            };
            if jwt.key_attestations_required.is_some() || !keys.iter().all(ours) {
                return Err(CollectError::Proof);
            }
        } else if !proofs.is_empty() {
            return Err(CollectError::Proof);
        }
        Ok(GetDocuments {
            session: self,
            keys,
            nonce: None,
            answer_key: None,
            tries: Tries::default(),
        })
    }

    /// Terms for an encrypted answer with a new key, if the issuer insists on it.
    fn terms(&self, around: &mut Around<'_>) -> Result<Option<(ResponseTerms, SecretKey)>, CollectError> {
        let Some(offered) = &self.metadata.credential_response_encryption else {
            return Ok(None);
        };
        if !offered.encryption_required {
            return Ok(None);
        }
        let encryption = offered.encryption().ok_or(CollectError::Encryption(None))?;
        let key = SecretKey::generate(Curve::P256, around.rng);
        let jwk = Jwk::new(key.public_key()).with("kid", "w1").with("use", "enc");
        Ok(Some((ResponseTerms::new(jwk, encryption), key)))
    }

    /// A request to the issuer, encrypted if it or the answer has to be.
    fn sealed(
        &self,
        url: &str,
        body: Vec<u8>,
        secret_answer: bool,
        around: &mut Around<'_>,
    ) -> Result<Request, CollectError> {
        let body = Zeroizing::new(body);
        let offered = self.metadata.credential_request_encryption.as_ref();
        let mut request = match offered {
            Some(offered) if offered.encryption_required || secret_answer => {
                let recipient = offered
                    .recipient()
                    .map_err(|fault| CollectError::Encryption(Some(fault)))?;
                let sealed = encrypt(&body, &recipient, around.rng, around.backend);
                let sealed = sealed.map_err(|fault| CollectError::Encryption(Some(fault)))?;
                Request::post(url, APPLICATION_JWT, sealed)
            }
            // The answer can only be asked for in a request that nobody changes on the way.
            None if secret_answer => return Err(CollectError::Encryption(None)),
            _ => Request::post(url, "application/json", body.to_vec()),
        };
        request.largest = LARGEST_ANSWER;
        self.authorized(request, For::Resource, around)
    }
}

/// The body of an answer, decrypted if it had to be encrypted.
fn opened(
    response: &Response,
    answer_key: Option<&SecretKey>,
    around: &Around<'_>,
) -> Result<Zeroizing<Vec<u8>>, CollectError> {
    // Refusals are never encrypted.
    let (true, Some(secret)) = (response.is_good(), answer_key) else {
        return Ok(Zeroizing::new(response.body.clone()));
    };
    let keys = [OwnKey {
        kid: Some("w1"),
        secret,
    }];
    decrypt_answer(&response.body, &keys, around.backend)
        .map_err(|fault| CollectError::Encryption(Some(fault)))
}

/// Gets documents: a nonce first, if proofs need one.
#[derive(Debug)]
pub struct GetDocuments {
    session: Session,
    keys: Vec<SecretKey>,
    nonce: Option<Secret>,
    answer_key: Option<SecretKey>,
    tries: Tries,
}

impl GetDocuments {
    /// Where the next step gets a nonce, if it does.
    fn nonce_to_get(&self) -> Option<&str> {
        let endpoint = self.session.metadata.nonce_endpoint.as_deref();
        endpoint.filter(|_| self.nonce.is_none())
    }

    fn proofs(&self, around: &Around<'_>) -> Result<Option<Proofs>, CollectError> {
        let described = self.session.described().ok_or(CollectError::NoDocument)?;
        if described.proof_types_supported.is_empty() {
            return Ok(None);
        }
        let nonce = self.nonce.as_ref().or(self.session.proof_nonce.as_ref());
        let mut tokens = Vec::new();
        for key in &self.keys {
            let signer =
                SoftwareKey::with_backend(key.clone(), around.backend).map_err(|_| CollectError::Proof)?;
            let client = self.session.client_id.as_deref();
            let nonce = nonce.map(Secret::expose);
            let token = proof::sign(self.session.issuer(), client, nonce, None, around.now, &signer);
            tokens.push(token.map_err(CollectError::Sign)?);
        }
        Ok(Some(Proofs::Jwt(tokens)))
    }
}

impl Operation for GetDocuments {
    type Done = Given;

    fn request(&mut self, around: &mut Around<'_>) -> Result<Request, CollectError> {
        if let Some(endpoint) = self.nonce_to_get() {
            return Ok(Request::post(endpoint, "application/json", Vec::new()));
        }
        let terms = self.session.terms(around)?;
        let secret_answer = terms.is_some();
        let (terms, key) = terms.unzip();
        self.answer_key = key;
        // Only drafts 13 and 14 have the nonce of proofs in the token response.
        let draft = self.session.proof_nonce.is_some();
        let wanted = match (self.session.identifier(), self.session.doc_type()) {
            (Some(identifier), _) => Wanted::Identifier(identifier.to_owned()),
            (None, Some(doc_type)) if draft => Wanted::DocType(doc_type.to_owned()),
            _ => Wanted::Configuration(self.session.configuration.clone()),
        };
        let version = if draft { Draft::Draft14 } else { Draft::Final };
        let request = CredentialRequest {
            wanted,
            proofs: self.proofs(around)?,
            response_encryption: terms,
        };
        let url = &self.session.metadata.credential_endpoint;
        self.session
            .sealed(url, request.encode(version), secret_answer, around)
    }

    fn receive(
        mut self,
        response: &Response,
        around: &mut Around<'_>,
    ) -> Result<Progress<Self>, CollectError> {
        if self.nonce_to_get().is_some() {
            self.session.take_nonce(response, For::Resource);
            if !response.is_good() {
                return Err(response.refusal(Step::Nonce));
            }
            let nonce =
                NonceResponse::decode(&response.body).map_err(|_| CollectError::Unreadable(Step::Nonce))?;
            self.nonce = Some(nonce.c_nonce);
            return Ok(Progress::Again(self));
        }
        if self.session.asks_again(response, For::Resource, &mut self.tries) {
            return Ok(Progress::Again(self));
        }
        let body = opened(response, self.answer_key.as_ref(), around)?;
        let answer = Answer::decode(response.status, &body, None).map_err(CollectError::Response)?;
        let stale = |code| matches!(code, Some(ErrorCode::InvalidNonce));
        match answer {
            Answer::Response(response) => Ok(Progress::Done(given(response, self.session, self.keys))),
            Answer::Error { body, .. } if stale(body.code()) && self.tries.more() => {
                self.nonce = None;
                Ok(Progress::Again(self))
            }
            // Drafts 13 and 14 send the nonce with the refusal.
            Answer::Error { body, .. } if body.c_nonce.is_some() && self.tries.more() => {
                self.nonce = body.c_nonce;
                Ok(Progress::Again(self))
            }
            Answer::Error { .. } => Err(response.refusal(Step::Credential)),
        }
    }
}

fn given(response: CredentialResponse, session: Session, keys: Vec<SecretKey>) -> Given {
    match response {
        CredentialResponse::Issued(issued) => Given::Now(Collected {
            session,
            keys,
            issued,
        }),
        CredentialResponse::Pending {
            transaction_id,
            interval,
        } => Given::Later(Pending {
            session,
            keys,
            transaction_id,
            interval,
        }),
    }
}

/// Asks again for documents that were to come later.
#[derive(Debug)]
pub struct GetDeferred {
    endpoint: String,
    pending: Pending,
    answer_key: Option<SecretKey>,
    tries: Tries,
}

impl Operation for GetDeferred {
    type Done = Given;

    fn request(&mut self, around: &mut Around<'_>) -> Result<Request, CollectError> {
        let session = &self.pending.session;
        let terms = session.terms(around)?;
        let secret_answer = terms.is_some();
        let (terms, key) = terms.unzip();
        self.answer_key = key;
        let request = DeferredRequest {
            transaction_id: self.pending.transaction_id.clone(),
            response_encryption: terms,
        };
        session.sealed(&self.endpoint, request.encode(), secret_answer, around)
    }

    fn receive(
        mut self,
        response: &Response,
        around: &mut Around<'_>,
    ) -> Result<Progress<Self>, CollectError> {
        let session = &mut self.pending.session;
        if session.asks_again(response, For::Resource, &mut self.tries) {
            return Ok(Progress::Again(self));
        }
        let body = opened(response, self.answer_key.as_ref(), around)?;
        let transaction = Some(self.pending.transaction_id.as_str());
        match Answer::decode(response.status, &body, transaction).map_err(CollectError::Response)? {
            Answer::Response(answer) => Ok(Progress::Done(given(
                answer,
                self.pending.session,
                self.pending.keys,
            ))),
            Answer::Error { .. } => Err(response.refusal(Step::Deferred)),
        }
    }
}
