//! Tokens: by a code of the offer, by a sign-in, or by an earlier token.

use mdoc_openid::Secret;
use mdoc_openid::vci::authorization::{self, AuthorizationRequest, Callback, PushedResponse};
use mdoc_openid::vci::pkce;
use mdoc_openid::vci::token::{Grant, TokenRequest, TokenResponse};

use super::session::{For, Session, Tries};
use super::{Around, CollectError, Operation, Progress, Request, Response, Step};

/// How a sign-in begins.
#[derive(Debug)]
pub enum Authorize {
    /// The request is left at the server first.
    Push(Push),
    /// The browser brings it.
    Open(Waiting),
}

impl Authorize {
    pub(super) fn new(
        session: Session,
        mut request: AuthorizationRequest,
        around: &mut Around<'_>,
    ) -> Result<Self, CollectError> {
        let verifier = Secret::random(around.rng);
        let state = Secret::random(around.rng);
        request.code_challenge = pkce::challenge(&verifier, around.backend);
        request.state = Some(state.expose().to_owned());
        let waiting = |session, url| Waiting {
            session,
            url,
            state: state.clone(),
            verifier: verifier.clone(),
            redirect_uri: request.redirect_uri.clone(),
        };
        let endpoint = session.server.authorization_endpoint.clone();
        let endpoint = endpoint.ok_or(CollectError::Missing("authorization_endpoint"))?;
        match session.server.pushed_authorization_request_endpoint.clone() {
            Some(push) => Ok(Self::Push(Push {
                push,
                body: request.encode(),
                waiting: waiting(session, endpoint),
                tries: Tries::default(),
            })),
            None => {
                let url = authorization::address(&endpoint, &request.encode());
                Ok(Self::Open(waiting(session, url)))
            }
        }
    }
}

/// Leaves the authorization request at the server (RFC 9126).
#[derive(Debug)]
pub struct Push {
    push: String,
    body: String,
    waiting: Waiting,
    tries: Tries,
}

impl Operation for Push {
    type Done = Waiting;

    fn request(&mut self, around: &mut Around<'_>) -> Result<Request, CollectError> {
        let request = Request::form(&self.push, self.body.clone());
        self.waiting.session.authorized(request, For::Server, around)
    }

    fn receive(mut self, response: &Response, _: &mut Around<'_>) -> Result<Progress<Self>, CollectError> {
        let session = &mut self.waiting.session;
        if session.asks_again(response, For::Server, &mut self.tries) {
            return Ok(Progress::Again(self));
        }
        if !response.is_good() {
            return Err(response.refusal(Step::Push));
        }
        let pushed =
            PushedResponse::decode(&response.body).map_err(|_| CollectError::Unreadable(Step::Push))?;
        let mut waiting = self.waiting;
        let client = waiting.session.client_id.as_deref().unwrap_or_default();
        waiting.url = authorization::pushed_address(&waiting.url, client, &pushed.request_uri);
        Ok(Progress::Done(waiting))
    }
}

/// The person signs in, in a browser.
#[derive(Debug)]
pub struct Waiting {
    session: Session,
    url: String,
    state: Secret,
    verifier: Secret,
    redirect_uri: Option<String>,
}

impl Waiting {
    /// The address to open in a browser.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes the address that the browser was sent to at the end, or what is behind its question mark.
    ///
    /// # Errors
    /// [`CollectError::Callback`] or [`CollectError::Denied`].
    pub fn back(self, address: &str) -> Result<GetToken, CollectError> {
        let address = address.trim();
        let query = address.split_once('?').map_or(address, |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        let server = &self.session.server;
        let issuer = (
            server.issuer.as_str(),
            server.authorization_response_iss_parameter_supported,
        );
        match Callback::decode(query.as_bytes(), self.state.expose(), issuer)
            .map_err(CollectError::Callback)?
        {
            Callback::Error { code } => Err(CollectError::Denied(code)),
            Callback::Code { code } => GetToken::new(
                self.session,
                Grant::AuthorizationCode {
                    code,
                    verifier: Some(self.verifier),
                    redirect_uri: self.redirect_uri,
                },
            ),
        }
    }
}

/// Gets a token.
#[derive(Debug)]
pub struct GetToken {
    session: Session,
    endpoint: String,
    grant: Grant,
    tries: Tries,
}

impl GetToken {
    pub(super) fn new(session: Session, grant: Grant) -> Result<Self, CollectError> {
        let endpoint = session.server.token_endpoint.clone();
        Ok(Self {
            endpoint: endpoint.ok_or(CollectError::Missing("token_endpoint"))?,
            session,
            grant,
            tries: Tries::default(),
        })
    }
}

impl Operation for GetToken {
    type Done = Session;

    fn request(&mut self, around: &mut Around<'_>) -> Result<Request, CollectError> {
        let mut form = TokenRequest::new(self.grant.clone());
        form.client_id.clone_from(&self.session.client_id);
        let request = Request::form(&self.endpoint, form.encode());
        self.session.authorized(request, For::Server, around)
    }

    fn receive(mut self, response: &Response, _: &mut Around<'_>) -> Result<Progress<Self>, CollectError> {
        if self.session.asks_again(response, For::Server, &mut self.tries) {
            return Ok(Progress::Again(self));
        }
        if !response.is_good() {
            return Err(response.refusal(Step::Token));
        }
        let mut token =
            TokenResponse::decode(&response.body).map_err(|_| CollectError::Unreadable(Step::Token))?;
        // One that is not said again stays as it is (RFC 6749, 6), and so does what was granted.
        if let Some(earlier) = self.session.token.take() {
            token.refresh_token = token.refresh_token.or(earlier.refresh_token);
            if token.authorization_details.is_empty() {
                token.authorization_details = earlier.authorization_details;
            }
        }
        self.session.proof_nonce = token.c_nonce.take();
        self.session.token = Some(token);
        Ok(Progress::Done(self.session))
    }
}
