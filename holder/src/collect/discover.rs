//! From an offer to what the issuer has and asks for.

use mdoc_openid::Secret;
use mdoc_openid::vci::metadata::{Configuration, IssuerMetadata, WELL_KNOWN};
use mdoc_openid::vci::offer::{CredentialOffer, Received, TxCode};
use mdoc_openid::vci::server::{self, ServerMetadata};
use mdoc_openid::vci::token::Grant;
use mdoc_openid::vci::{authorization, metadata};
use mdoc_openid::web::well_known;

use super::session::Session;
use super::token::{Authorize, GetToken};
use super::{Around, CollectError, Operation, Progress, Request, Response, Step};

/// The place of OpenID Connect, where some servers have their metadata.
const OPENID: &str = "openid-configuration";

/// How it begins.
#[derive(Debug)]
pub enum Start {
    /// The offer is to be fetched.
    Fetch(FetchOffer),
    /// It is here.
    Have(Box<FetchIssuer>),
}

/// Takes the address of an offer, or its JSON.
///
/// # Errors
/// [`CollectError::Offer`].
pub fn start(text: &str) -> Result<Start, CollectError> {
    match CredentialOffer::parse(text).map_err(CollectError::Offer)? {
        Received::ByReference(url) => Ok(Start::Fetch(FetchOffer { url })),
        Received::ByValue(offer) => FetchIssuer::new(offer).map(|fetch| Start::Have(Box::new(fetch))),
    }
}

/// Gets the offer.
#[derive(Debug)]
pub struct FetchOffer {
    url: String,
}

impl Operation for FetchOffer {
    type Done = FetchIssuer;

    fn request(&mut self, _: &mut Around<'_>) -> Result<Request, CollectError> {
        Ok(Request::get(&self.url))
    }

    fn receive(self, response: &Response, _: &mut Around<'_>) -> Result<Progress<Self>, CollectError> {
        if !response.is_good() {
            return Err(response.refusal(Step::Offer));
        }
        let offer = CredentialOffer::decode(&response.body).map_err(CollectError::Offer)?;
        FetchIssuer::new(offer).map(Progress::Done)
    }
}

/// The places where metadata may be: one is tried after the other.
#[derive(Debug)]
struct Places {
    now: String,
    later: Vec<String>,
}

impl Places {
    fn request(&self) -> Request {
        Request::get(&self.now)
    }

    /// Goes on to the next place after a failure; without one, the failure it is.
    fn next(&mut self, error: CollectError) -> Result<(), CollectError> {
        self.now = self.later.pop().ok_or(error)?;
        Ok(())
    }
}

/// Gets the metadata of the issuer, where it is since the final version or where it was before.
#[derive(Debug)]
pub struct FetchIssuer {
    offer: CredentialOffer,
    places: Places,
}

impl FetchIssuer {
    fn new(offer: CredentialOffer) -> Result<Self, CollectError> {
        let places = well_known(&offer.credential_issuer, WELL_KNOWN);
        let [now, other] = places.map_err(|fault| {
            CollectError::Issuer(metadata::MetadataError::Endpoint("credential_issuer", fault))
        })?;
        Ok(Self {
            offer,
            places: Places {
                now,
                later: vec![other],
            },
        })
    }

    /// What is offered.
    #[must_use]
    pub const fn offer(&self) -> &CredentialOffer {
        &self.offer
    }
}

impl Operation for FetchIssuer {
    type Done = Described;

    fn request(&mut self, _: &mut Around<'_>) -> Result<Request, CollectError> {
        Ok(self.places.request())
    }

    fn receive(mut self, response: &Response, _: &mut Around<'_>) -> Result<Progress<Self>, CollectError> {
        let identifier = &self.offer.credential_issuer;
        let read = if response.is_good() {
            IssuerMetadata::decode(&response.body, identifier).map_err(CollectError::Issuer)
        } else {
            Err(response.refusal(Step::Issuer))
        };
        match read {
            Ok(metadata) => Ok(Progress::Done(Described {
                offer: self.offer,
                metadata,
            })),
            Err(error) => self.places.next(error).map(|()| Progress::Again(self)),
        }
    }
}

/// An offer and what the issuer says of itself.
#[derive(Debug)]
pub struct Described {
    offer: CredentialOffer,
    metadata: IssuerMetadata,
}

impl Described {
    /// Gets the metadata of the authorization server.
    ///
    /// # Errors
    /// [`CollectError::Issuer`] if the offer names a server that the issuer does not.
    pub fn server(self) -> Result<FetchServer, CollectError> {
        let grants = self.offer.grants.as_ref();
        let named = grants.and_then(|grants| {
            let pre = grants.pre_authorized_code.as_ref();
            let code = grants.authorization_code.as_ref();
            pre.and_then(|grant| grant.authorization_server.as_deref())
                .or_else(|| code.and_then(|grant| grant.authorization_server.as_deref()))
        });
        let server = self
            .metadata
            .authorization_server(named)
            .map_err(CollectError::Issuer)?
            .to_owned();
        let missing = |_| CollectError::Missing("authorization_servers");
        let [now, appended] = well_known(&server, server::WELL_KNOWN).map_err(missing)?;
        let [_, openid] = well_known(&server, OPENID).map_err(missing)?;
        Ok(FetchServer {
            described: self,
            server,
            places: Places {
                now,
                later: vec![openid, appended],
            },
        })
    }
}

/// Gets the metadata of the authorization server.
#[derive(Debug)]
pub struct FetchServer {
    described: Described,
    server: String,
    places: Places,
}

impl Operation for FetchServer {
    type Done = Plan;

    fn request(&mut self, _: &mut Around<'_>) -> Result<Request, CollectError> {
        Ok(self.places.request())
    }

    fn receive(mut self, response: &Response, _: &mut Around<'_>) -> Result<Progress<Self>, CollectError> {
        let read = if response.is_good() {
            ServerMetadata::decode(&response.body, &self.server).map_err(CollectError::Server)
        } else {
            Err(response.refusal(Step::Server))
        };
        match read {
            Ok(server) => Plan::new(self.described, server).map(Progress::Done),
            Err(error) => self.places.next(error).map(|()| Progress::Again(self)),
        }
    }
}

/// Everything that is known before anything is asked for.
#[derive(Debug, Clone)]
pub struct Plan {
    offer: CredentialOffer,
    metadata: IssuerMetadata,
    server: ServerMetadata,
    configuration: String,
}

impl Plan {
    fn new(described: Described, server: ServerMetadata) -> Result<Self, CollectError> {
        let Described { offer, metadata } = described;
        let known = |id: &&String| {
            let configuration = metadata.credential_configurations_supported.get(*id);
            configuration.is_some_and(|found| found.is_mdoc() && found.doctype.is_some())
        };
        let configuration = offer.credential_configuration_ids.iter().find(known);
        let configuration = configuration.ok_or(CollectError::NoDocument)?.clone();
        Ok(Self {
            offer,
            metadata,
            server,
            configuration,
        })
    }

    /// Another of the documents that are offered than the first.
    ///
    /// # Errors
    /// [`CollectError::NotOffered`].
    pub fn choose(mut self, id: &str) -> Result<Self, CollectError> {
        let offered = self
            .offer
            .credential_configuration_ids
            .iter()
            .any(|known| known == id);
        let described = self.metadata.credential_configurations_supported.get(id);
        if !offered || !described.is_some_and(Configuration::is_mdoc) {
            return Err(CollectError::NotOffered(id.to_owned()));
        }
        id.clone_into(&mut self.configuration);
        Ok(self)
    }

    /// The name of the chosen configuration, and what it says.
    #[must_use]
    pub fn configuration(&self) -> (&str, Option<&Configuration>) {
        let id = &self.configuration;
        (id, self.metadata.credential_configurations_supported.get(id))
    }

    /// The issuer's metadata.
    #[must_use]
    pub const fn metadata(&self) -> &IssuerMetadata {
        &self.metadata
    }

    /// The most documents at once.
    #[must_use]
    pub fn most(&self) -> u32 {
        self.metadata
            .batch_credential_issuance
            .map_or(1, |batch| batch.batch_size.max(1))
    }

    /// Whether a code was authorized beforehand, so that nobody has to sign in.
    #[must_use]
    pub fn is_pre_authorized(&self) -> bool {
        let grants = self.offer.grants.as_ref();
        grants.is_some_and(|grants| grants.pre_authorized_code.is_some())
    }

    /// What the transaction code looks like, if one is asked for.
    #[must_use]
    pub fn tx_code(&self) -> Option<&TxCode> {
        let grants = self.offer.grants.as_ref()?;
        grants.pre_authorized_code.as_ref()?.tx_code.as_ref()
    }

    fn session(&self, client_id: Option<&str>, around: &mut Around<'_>) -> Result<Session, CollectError> {
        Session::new(
            self.metadata.clone(),
            self.server.clone(),
            &self.configuration,
            client_id,
            around,
        )
    }

    /// Redeems the code of the offer. Blanks in a transaction code do not count.
    ///
    /// # Errors
    /// [`CollectError::NoGrant`], or that a transaction code is there or not against the offer.
    pub fn redeem(
        &self,
        tx_code: Option<&Secret>,
        client_id: &str,
        around: &mut Around<'_>,
    ) -> Result<GetToken, CollectError> {
        let grants = self.offer.grants.as_ref();
        let grant = grants.and_then(|grants| grants.pre_authorized_code.as_ref());
        let grant = grant.ok_or(CollectError::NoGrant)?;
        match (&grant.tx_code, tx_code) {
            (Some(_), None) => return Err(CollectError::TxCodeNeeded),
            (None, Some(_)) => return Err(CollectError::TxCodeNotNeeded),
            _ => {}
        }
        let bare = |code: &Secret| Secret::new(code.expose().replace(char::is_whitespace, ""));
        let anonymous = self.server.pre_authorized_grant_anonymous_access_supported;
        let session = self.session((!anonymous).then_some(client_id), around)?;
        let grant = Grant::PreAuthorizedCode {
            code: grant.code.clone(),
            tx_code: tx_code.map(bare),
        };
        GetToken::new(session, grant)
    }

    /// Has the person sign in.
    ///
    /// # Errors
    /// [`CollectError::NoGrant`] if the server knows no such thing.
    pub fn authorize(
        &self,
        client_id: &str,
        redirect_uri: &str,
        around: &mut Around<'_>,
    ) -> Result<Authorize, CollectError> {
        let grants = self.offer.grants.as_ref();
        let grant = grants.and_then(|grants| grants.authorization_code.as_ref());
        let nothing_said = grants.is_none_or(|grants| grants.pre_authorized_code.is_none());
        if grant.is_none() && !nothing_said || !self.server.has_grant("authorization_code") {
            return Err(CollectError::NoGrant);
        }
        let configuration = self.configuration().1;
        let scope = configuration.and_then(|configuration| configuration.scope.clone());
        let others = !self.metadata.authorization_servers.is_empty();
        let details = if scope.is_some() {
            Vec::new()
        } else {
            let mut detail = authorization::AuthorizationDetail::new(&self.configuration);
            if others {
                detail.locations = vec![self.metadata.credential_issuer.clone()];
            }
            vec![detail]
        };
        let resource = (others && scope.is_some()).then(|| self.metadata.credential_issuer.clone());
        let session = self.session(Some(client_id), around)?;
        Authorize::new(
            session,
            authorization::AuthorizationRequest {
                client_id: client_id.to_owned(),
                redirect_uri: Some(redirect_uri.to_owned()),
                scope,
                authorization_details: details,
                state: None,
                code_challenge: String::new(),
                issuer_state: grant.and_then(|grant| grant.issuer_state.clone()),
                resource,
                // Where there is DPoP, what is pushed carries a proof.
                dpop_jkt: None,
            },
            around,
        )
    }
}
