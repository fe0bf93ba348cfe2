//! Collecting by a sign-in: what wallets push, and the page in the browser (RFC 9126; RFC 6749, 4.1; RFC 9207).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mdoc_openid::Secret;
use mdoc_openid::jose::{base64url, from_base64url};
use mdoc_openid::vci::ErrorCode;
use mdoc_openid::vci::authorization::{AuthorizationRequest, Callback, OPENID_CREDENTIAL, PushedResponse};
use mdoc_openid::web::Form;

use super::caller::{Caller, digest};
use super::paths;
use crate::api::Shared;
use crate::api::answer::{No, RETRY_REFUSED, json};
use crate::api::html::Html;
use crate::api::remote::Remote;
use crate::domain::Refusal;
use crate::random;
use crate::serve::Refused;
use crate::service::Service;
use crate::usecase::authorize::{self, Asked, End, Page, Pushed, Said, Types, Wanted};
use crate::usecase::{Failure, collect, profiles};
use crate::wallets;

/// What the names of pushed requests begin with (RFC 9126, 2.2).
const URN: &str = "urn:ietf:params:oauth:request_uri:";
/// The longest `client_id` and `state`, in bytes: they are kept.
const LONGEST: usize = 2048;

pub(super) async fn push(State(service): Shared, headers: HeaderMap, body: Bytes) -> Result<Response, No> {
    let request = AuthorizationRequest::decode(&body).map_err(|why| No::server(why.code(), why))?;
    let caller = Caller::at_server(&service, paths::PAR, Some(&request.client_id), &headers)?;
    let pushed = judged(&service, request, &caller).await?;
    let (terms, now) = (service.terms.clone(), service.now());
    let kept = service.store.write(move |tx| {
        collect::once(tx, &caller.once)?;
        authorize::push(tx, now, (&pushed, &terms), &mut random::system())
    });
    let name = kept.await.map_err(|why| No::of_failure(&why, No::of_token))?;
    let answer = PushedResponse {
        request_uri: format!("{URN}{}", base64url(&*name)),
        expires_in: u64::try_from(authorize::REQUEST_LIFETIME).unwrap_or_default(),
    };
    Ok(json(201, answer.encode()))
}

/// What can be judged of a request before anybody sees a page.
async fn judged(
    service: &Arc<Service>,
    request: AuthorizationRequest,
    caller: &Caller,
) -> Result<Pushed, No> {
    let bad = |words: &str| No::server(ErrorCode::InvalidRequest, words);
    let redirect_uri = request
        .redirect_uri
        .clone()
        .ok_or_else(|| bad("redirect_uri is missing"))?;
    if !service
        .wallets
        .redirect_uris
        .iter()
        .any(|allowed| allowed.allows(&redirect_uri))
    {
        return Err(bad("redirect_uri is none that is allowed here"));
    }
    let too_long = |text: &str| text.len() > LONGEST;
    if too_long(&request.client_id) || request.state.as_deref().is_some_and(too_long) {
        return Err(bad("client_id or state is too long"));
    }
    if request
        .resource
        .as_ref()
        .is_some_and(|resource| *resource != service.identifier)
    {
        return Err(No::server(ErrorCode::InvalidTarget, "resource is another issuer"));
    }
    let mut holder = caller.holder.clone();
    if let Some(text) = &request.dpop_jkt {
        let named = digest(text).ok_or_else(|| bad("dpop_jkt is no thumbprint"))?;
        if holder.key_thumbprint.is_some_and(|proved| proved != named) {
            let words = "dpop_jkt is another key than that of the proof";
            return Err(No::server(ErrorCode::InvalidDpopProof, words));
        }
        holder.key_thumbprint = Some(named);
    }
    let wanted = wanted(service, &request).await?;
    Ok(Pushed {
        holder,
        wanted,
        redirect_uri,
        client_id: request.client_id,
        state: request.state,
        challenge: request.code_challenge,
        // One that is no Base64url is none of ours.
        issuer_state: request.issuer_state.as_deref().and_then(from_base64url),
    })
}

/// The profiles that are asked for: by details, or by scopes, of which those that nobody knows are passed over.
async fn wanted(service: &Arc<Service>, request: &AuthorizationRequest) -> Result<Wanted, No> {
    let offered = service
        .store
        .read(profiles::offered)
        .await
        .map_err(|why| No::inside(&why))?;
    let known = |name: &str| offered.iter().any(|profile| profile.name == name);
    let mut names = Vec::new();
    for detail in &request.authorization_details {
        let id = detail.credential_configuration_id.as_deref();
        match id.filter(|id| detail.kind == OPENID_CREDENTIAL && known(id)) {
            Some(id) => names.push(id.to_owned()),
            None => {
                let words = "authorization_details names what is not here";
                return Err(No::server(ErrorCode::InvalidAuthorizationDetails, words));
            }
        }
    }
    let detailed = !names.is_empty();
    let scopes = request.scope.as_deref().unwrap_or_default().split(' ');
    names.extend(scopes.filter(|scope| known(scope)).map(str::to_owned));
    names.sort();
    names.dedup();
    if names.is_empty() {
        return Err(No::server(
            ErrorCode::InvalidScope,
            "no document was asked for that is here",
        ));
    }
    Ok(Wanted {
        profiles: names,
        detailed,
    })
}

/// A request of a browser: what was pushed, and by which wallet it says that it was.
struct About {
    request: Vec<u8>,
    client_id: String,
}

impl About {
    fn of(form: &Form) -> Option<Self> {
        let name = form.get("request_uri").ok()??.strip_prefix(URN)?;
        Some(Self {
            request: from_base64url(name)?,
            client_id: form.get("client_id").ok()??.to_owned(),
        })
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            request: &self.request,
            client_id: &self.client_id,
        }
    }
}

pub(super) async fn show(State(service): Shared, RawQuery(query): RawQuery) -> Response {
    let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    match About::of(&form) {
        Some(about) => shown(&service, about, None).await,
        None => lost("The wallet did not send what belongs to this page. Go back to it and begin anew."),
    }
}

pub(super) async fn answer(
    State(service): Shared,
    remote: Remote,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // A form of ours is sent by a page of ours.
    let site = headers
        .get("sec-fetch-site")
        .and_then(|value| value.to_str().ok());
    if !matches!(site, None | Some("same-origin")) {
        return lost("Another page sent this. Go back to your wallet and begin anew.");
    }
    let form = Form::parse(&body).unwrap_or_default();
    let Some(about) = About::of(&form) else {
        return lost("The page was not sent as a whole. Go back to your wallet and begin anew.");
    };
    let field = |name| form.get(name).ok().flatten();
    if field("do") == Some("cancel") {
        return given_up(&service, about).await;
    }
    let text = |name| field(name).map(Secret::from);
    let (ticket, invitation, code) = (
        field("ticket").and_then(from_base64url).unwrap_or_default(),
        text("invitation"),
        text("code"),
    );
    let (terms, now) = (service.terms.clone(), service.now());
    let kept = About {
        request: about.request.clone(),
        client_id: about.client_id.clone(),
    };
    let decided = service.store.write(move |tx| {
        let said = Said {
            ticket: &ticket,
            invitation: invitation.as_ref().map(Secret::expose),
            code: code.as_ref().map(Secret::expose),
        };
        let asked = (&kept.asked(), &said, &terms);
        authorize::decide(tx, &remote.outsider(), now, asked, &mut random::system())
    });
    match decided.await {
        Ok(Ok(granted)) => {
            let code = Secret::new(base64url(&*granted.code));
            back(&service, &granted.end, &Callback::Code { code })
        }
        Ok(Err(refusal)) => shown(&service, about, Some(&refusal)).await,
        Err(why) => failed(&why),
    }
}

/// The person does not want it, which the wallet is told.
async fn given_up(service: &Arc<Service>, about: About) -> Response {
    let (terms, now) = (service.terms.clone(), service.now());
    let done = service
        .store
        .write(move |tx| authorize::give_up(tx, now, (&about.asked(), &terms)));
    match done.await {
        Ok(end) => {
            let code = ErrorCode::AccessDenied.text().to_owned();
            back(service, &end, &Callback::Error { code })
        }
        Err(why) => failed(&why),
    }
}

fn failed(why: &Failure) -> Response {
    match why {
        Failure::Refused(refusal) => {
            let mut response = lost("This page is over. Go back to your wallet and begin anew.");
            response.extensions_mut().insert(Refused(refusal.code()));
            response
        }
        Failure::Store(error) => No::inside(error).into_response(),
    }
}

/// Sends the browser to the wallet, with the name of this server (RFC 9207).
fn back(service: &Service, end: &End, callback: &Callback) -> Response {
    let address = callback.encode(&end.redirect_uri, end.state.as_deref(), &service.identifier);
    let Ok(location) = HeaderValue::from_str(&address) else {
        return lost("The address of the wallet cannot be used.");
    };
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    // With 303 what was typed is not sent on.
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// A page without a way on.
fn lost(words: &'static str) -> Response {
    Html::default()
        .raw("<p role=\"alert\">")
        .raw(words)
        .raw("</p>\n")
        .page(StatusCode::BAD_REQUEST, "This does not go on here", None)
}

/// The page, perhaps with what was wrong with what was sent.
async fn shown(service: &Arc<Service>, about: About, wrong: Option<&Refusal>) -> Response {
    let (terms, now) = (service.terms.clone(), service.now());
    let (name, client) = (base64url(&about.request), about.client_id.clone());
    let page = service
        .store
        .read(move |tx| authorize::page(tx, now, (&about.asked(), &terms)));
    let page = match page.await {
        Ok(page) => page,
        Err(why) => return failed(&why),
    };
    let request_uri = format!("{URN}{name}");
    let form = form(service, &page, (&request_uri, &client), wrong);
    let place = wallets::place(&page.end.redirect_uri);
    let status = match wrong {
        None => StatusCode::OK,
        Some(Refusal::SessionsFull { .. } | Refusal::SessionsRefused) => StatusCode::SERVICE_UNAVAILABLE,
        Some(_) => StatusCode::FORBIDDEN,
    };
    let mut response = form.page(status, "Collect your document", Some(&place));
    if let Some(wrong) = wrong {
        tracing::warn!(code = wrong.code(), "a person was not let on at a sign-in");
        response.extensions_mut().insert(Refused(wrong.code()));
    }
    let later = match wrong {
        Some(Refusal::SessionsFull { retry_after }) => Some(*retry_after),
        Some(Refusal::SessionsRefused) => Some(RETRY_REFUSED),
        _ => None,
    };
    if let Some(later) = later {
        response.headers_mut().insert(header::RETRY_AFTER, later.into());
    }
    response
}

fn form(
    service: &Service,
    page: &Page,
    (request_uri, client): (&str, &str),
    wrong: Option<&Refusal>,
) -> Html {
    let names: Vec<&str> = page
        .documents
        .iter()
        .map(|profile| profile.settings.display_name.as_str())
        .collect();
    let mut html = Html::default()
        .raw("<p>The wallet <strong>")
        .text(&page.wallet)
        .raw("</strong> asks ")
        .text(&service.display_name)
        .raw(" for: <strong>")
        .text(&names.join(", "))
        .raw("</strong>.</p>\n<p>Go on only if you opened this page from your own wallet.</p>\n");
    if let Some(wrong) = wrong {
        html = html
            .raw("<div class=\"wrong\" role=\"alert\" id=\"wrong\">")
            .text(words(wrong))
            .raw("</div>\n");
    } else if page.over {
        html = html
            .raw("<div class=\"wrong\" role=\"alert\" id=\"wrong\">")
            .raw("What you were given is used up or over. Ask for a new one where you got it.</div>\n");
    }
    html = html
        .raw("<form method=\"post\" action=\"")
        .text(&service.address(paths::AUTHORIZE))
        .raw("\" autocomplete=\"off\">\n");
    for (field, value) in [
        ("request_uri", request_uri),
        ("client_id", client),
        ("ticket", &base64url(&page.ticket)),
    ] {
        html = html
            .raw("<input type=\"hidden\" name=\"")
            .text(field)
            .raw("\" value=\"")
            .text(value)
            .raw("\">\n");
    }
    if !page.over {
        html = fields(html, &page.types).raw("<button name=\"do\" value=\"go\">Continue</button>\n");
    }
    html.raw("<button class=\"other\" name=\"do\" value=\"cancel\" formnovalidate>Back to the wallet</button>\n</form>\n")
}

fn fields(html: Html, types: &Types) -> Html {
    const CODE: &str = "<label for=\"code\">Authentication code</label>\n\
         <p class=\"note\" id=\"about-code\">You were given it separately. Blanks do not count.</p>\n\
         <input id=\"code\" name=\"code\" aria-describedby=\"about-code\" autocomplete=\"one-time-code\" maxlength=\"64\" \
         autocapitalize=\"off\" spellcheck=\"false\"";
    match types {
        Types::Nothing => html,
        Types::Code(form) => html
            .raw(CODE)
            .raw(if form.is_numeric() {
                " inputmode=\"numeric\" required autofocus>\n"
            } else {
                " required autofocus>\n"
            }),
        Types::Invitation => html
            .raw("<label for=\"invitation\">Invitation code</label>\n")
            .raw("<p class=\"note\" id=\"about-invitation\">Sixteen letters and digits, as 7K3M-9QXA-0000-0000.</p>\n")
            .raw("<input id=\"invitation\" name=\"invitation\" aria-describedby=\"about-invitation\" maxlength=\"64\" ")
            .raw("autocapitalize=\"characters\" spellcheck=\"false\" required autofocus>\n")
            .raw(CODE)
            .raw(">\n<p class=\"note\">Leave it empty if you were given none.</p>\n"),
    }
}

/// What to tell the person.
const fn words(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::CodeWrong => "That is not the code. Look at it again.",
        Refusal::CodeMissing => "The authentication code is missing.",
        Refusal::CodeUnexpected => "There is no authentication code for this. Leave it empty.",
        Refusal::CodeExhausted => "A wrong code was given too often. Ask for a new one where you got it.",
        Refusal::OfferUnknown => "There is no such invitation code. Look at it again.",
        Refusal::OfferUsed => "This was collected already.",
        Refusal::OfferExpired => "This is over. Ask for a new one where you got it.",
        Refusal::OfferOfOther => "This is for another document than the wallet asks for.",
        Refusal::PageStale => "The page was sent before. Here it is anew.",
        Refusal::SessionsFull { .. } => "Too many collect at this moment. Try again in a few minutes.",
        Refusal::SessionsRefused => "Nothing is collected at present. Try again later.",
        _ => "That is not possible. Ask where you got the code.",
    }
}
