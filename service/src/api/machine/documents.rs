//! Documents: requested, approved, switched off and on, cancelled.

mod replace;

pub(super) use self::replace::*;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Machine;
use super::problem::{Answer, Body, Path, Problem, Query, found, made, page};
use crate::api::{Shared, offer_address, offer_link};
use crate::domain::id::{PersonId, Serial};
use crate::domain::life::State as LifeState;
use crate::domain::profile::Delivery;
use crate::domain::scope::ApiScope;
use crate::random;
use crate::service::Service;
use crate::usecase::change::{self, Change};
use crate::usecase::document::{self, Document, Why};
use crate::usecase::request::{self, Offer, Requested, Wish};
use crate::usecase::{update, validate};

/// What is kept of a document.
#[derive(Serialize, ToSchema)]
pub(super) struct DocumentAnswer {
    /// Its name for life.
    serial: String,
    /// The id of the person whose it is.
    person: String,
    /// The profile.
    profile: String,
    /// The version of the profile.
    profile_version: i64,
    /// The type of the mdoc.
    doc_type: String,
    /// Where it is in its life.
    #[schema(example = "active")]
    state: &'static str,
    /// Whether it is on its way to a wallet or in one; otherwise it is a previous one.
    current: bool,
    /// Since when (RFC 3339).
    #[schema(format = DateTime)]
    since: String,
    /// When it was requested (RFC 3339).
    #[schema(format = DateTime)]
    requested: String,
    /// Who requested it, by id; nobody if the service itself did.
    requested_by: Option<String>,
    /// How often it was signed.
    generation: i64,
    /// When it was first collected (RFC 3339).
    #[schema(format = DateTime)]
    issued: Option<String>,
    /// When its lifetime ends (RFC 3339).
    #[schema(format = DateTime)]
    valid_until: Option<String>,
}

impl From<&Document> for DocumentAnswer {
    fn from(document: &Document) -> Self {
        let (profile, version) = &document.profile;
        Self {
            serial: document.serial.to_string(),
            person: document.person.to_string(),
            profile: profile.clone(),
            profile_version: *version,
            doc_type: document.doc_type.clone(),
            state: document.state.name(),
            current: document.state.is_open(),
            since: document.since.to_string(),
            requested: document.requested.to_string(),
            requested_by: document.requested_by.as_ref().map(ToString::to_string),
            generation: document.generation,
            issued: document.issued.map(|at| at.to_string()),
            valid_until: document.valid_until.map(|at| at.to_string()),
        }
    }
}

/// What a wallet collects by. It is told once and kept by nobody.
#[derive(Serialize, ToSchema)]
pub(super) struct OfferAnswer {
    /// The link that opens the wallet; a QR code has the same text.
    link: String,
    /// The address of the offer, which is in the link.
    address: String,
    /// The invitation code, which stands for the address where somebody types.
    invitation: String,
    /// The authentication code, to be told over another way.
    code: Option<String>,
    /// Until when it is good (RFC 3339).
    #[schema(format = DateTime)]
    expires: String,
}

impl OfferAnswer {
    fn new(offer: &Offer, service: &Service) -> Self {
        let address = offer_address(&service.identifier, &offer.secret);
        Self {
            link: offer_link(&address),
            address,
            invitation: offer.invitation.to_string(),
            code: offer.code.as_ref().map(|code| code.to_string()),
            expires: offer.expires.to_string(),
        }
    }
}

/// How a document is to reach the person.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum DeliveryWish {
    /// By the notification scheme of the profile.
    Notified,
    /// The answer has the offer.
    Screen,
    /// An operator hands it out later.
    Held,
}

impl From<DeliveryWish> for Delivery {
    fn from(wish: DeliveryWish) -> Self {
        match wish {
            DeliveryWish::Notified => Self::Notified,
            DeliveryWish::Screen => Self::Screen,
            DeliveryWish::Held => Self::Held,
        }
    }
}

/// A request for a document.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DocumentRequest {
    /// The id of the person whom it is for.
    person: String,
    /// What, by the name of its profile.
    profile: String,
    /// How it is to reach the person; as the profile says if not given.
    #[serde(default)]
    delivery: Option<DeliveryWish>,
    /// Whatever is to be noted.
    #[serde(default)]
    #[schema(max_length = 1000)]
    notes: Option<String>,
}

/// A document that was requested.
#[derive(Serialize, ToSchema)]
pub(super) struct RequestedAnswer {
    /// The document.
    document: DocumentAnswer,
    /// What a wallet collects it by, if that is for the screen.
    offer: Option<OfferAnswer>,
}

impl RequestedAnswer {
    fn new(requested: &Requested, service: &Service) -> Self {
        let offer = requested.offer.as_ref();
        Self {
            document: DocumentAnswer::from(&requested.document),
            offer: offer.map(|offer| OfferAnswer::new(offer, service)),
        }
    }
}

/// Requests a document for a person.
#[utoipa::path(
    post,
    path = "/documents",
    tag = "Documents",
    request_body = DocumentRequest,
    responses((status = 201, description = "The document, which is not collected yet.", body = RequestedAnswer)),
    security(("machine" = ["documents.write"]))
)]
pub(super) async fn request(
    State(service): Shared,
    machine: Machine,
    Body(asked): Body<DocumentRequest>,
) -> Result<Answer<RequestedAnswer>, Problem> {
    let wish = Wish {
        person: PersonId::given(&asked.person).ok_or_else(|| Problem::unknown("person"))?,
        profile: asked.profile,
        delivery: asked.delivery.map(Into::into),
        notes: asked.notes,
    };
    let terms = service.terms.clone();
    let requested = machine
        .write(ApiScope::DocumentsWrite, move |tx, actor, now| {
            request::request(tx, actor, now, (&wish, &terms), &mut random::system())
        })
        .await?;
    Ok(made(RequestedAnswer::new(&requested, &service)))
}

/// Which documents.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParameters {
    /// The state, as `awaiting-validation`.
    state: String,
    /// The serial of the last document of the page before.
    #[serde(default)]
    after: Option<String>,
    /// The most that is wanted.
    #[param(minimum = 1, maximum = 500)]
    #[serde(default = "page")]
    limit: u32,
}

/// Documents in a state, by serial.
#[utoipa::path(
    get,
    path = "/documents",
    tag = "Documents",
    params(ListParameters),
    responses((status = 200, description = "Documents of people in scope.", body = Vec<DocumentAnswer>)),
    security(("machine" = ["documents.read"]))
)]
pub(super) async fn list(
    machine: Machine,
    Query(asked): Query<ListParameters>,
) -> Result<Answer<Vec<DocumentAnswer>>, Problem> {
    let state = LifeState::named(&asked.state);
    let state = state.ok_or_else(|| Problem::field("state", "there is no such state"))?;
    let after = asked.after.as_deref().map(serial).transpose()?;
    let documents = machine
        .read(ApiScope::DocumentsRead, move |tx, actor, _| {
            document::in_state(tx, actor, (state, after.as_ref(), asked.limit))
        })
        .await?;
    Ok(found(documents.iter().map(DocumentAnswer::from).collect()))
}

fn serial(text: &str) -> Result<Serial, Problem> {
    Serial::given(text).ok_or_else(|| Problem::unknown("document"))
}

/// A document.
#[utoipa::path(
    get,
    path = "/documents/{serial}",
    tag = "Documents",
    params(("serial" = String, Path, description = "The document.", max_length = 64)),
    responses((status = 200, description = "The document.", body = DocumentAnswer)),
    security(("machine" = ["documents.read"]))
)]
pub(super) async fn get(
    machine: Machine,
    Path(text): Path<String>,
) -> Result<Answer<DocumentAnswer>, Problem> {
    let serial = serial(&text)?;
    let document = machine
        .read(ApiScope::DocumentsRead, move |tx, actor, _| {
            document::get(tx, actor, &serial)
        })
        .await?;
    Ok(found(DocumentAnswer::from(&document)))
}

/// A move of a document.
#[derive(Serialize, ToSchema)]
pub(super) struct MoveAnswer {
    /// Which.
    #[schema(example = "disable")]
    name: String,
    /// The state after it.
    after: String,
    /// When (RFC 3339).
    #[schema(format = DateTime)]
    at: String,
    /// By whom, by id; nobody if it was the service, or a wallet.
    by: Option<String>,
    /// Why, of the list that the move has.
    reason: Option<String>,
    /// In words.
    notes: Option<String>,
}

/// What happened to a document, from the beginning.
#[utoipa::path(
    get,
    path = "/documents/{serial}/history",
    tag = "Documents",
    params(("serial" = String, Path, description = "The document.", max_length = 64)),
    responses((status = 200, description = "Its moves.", body = Vec<MoveAnswer>)),
    security(("machine" = ["documents.read"]))
)]
pub(super) async fn history(
    machine: Machine,
    Path(text): Path<String>,
) -> Result<Answer<Vec<MoveAnswer>>, Problem> {
    let serial = serial(&text)?;
    let moves = machine
        .read(ApiScope::DocumentsRead, move |tx, actor, _| {
            document::history(tx, actor, &serial)
        })
        .await?;
    let answer = |made: document::Made| MoveAnswer {
        name: made.name,
        after: made.after,
        at: made.at.to_string(),
        by: made.by.map(|by| by.to_string()),
        reason: made.reason,
        notes: made.notes,
    };
    Ok(found(moves.into_iter().map(answer).collect()))
}

/// Makes a new offer of a document; the one before is good no more. What a wallet has already is made anew for the one that
/// takes the offer, and the copies before are revoked when it collects.
#[utoipa::path(
    post,
    path = "/documents/{serial}/offer",
    tag = "Documents",
    params(("serial" = String, Path, description = "The document.", max_length = 64)),
    responses((status = 201, description = "The offer.", body = OfferAnswer)),
    security(("machine" = ["documents.write"]))
)]
pub(super) async fn offer(
    State(service): Shared,
    machine: Machine,
    Path(text): Path<String>,
) -> Result<Answer<OfferAnswer>, Problem> {
    let serial = serial(&text)?;
    let terms = service.terms.clone();
    let offer = machine
        .write(ApiScope::DocumentsWrite, move |tx, actor, now| {
            request::offer(tx, actor, now, (&serial, &terms), &mut random::system())
        })
        .await?;
    Ok(made(OfferAnswer::new(&offer, &service)))
}

/// What is done to a document.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum What {
    /// Approve the request of another operator.
    Approve,
    /// Reject the request of another operator; it needs a reason.
    Reject,
    /// Have it made anew by the newest version of its profile and the person's data; the wallet fetches it.
    Update,
    /// The same for another lifetime, which begins when the wallet fetches it.
    Renew,
    /// Switch it off; it needs a reason.
    Disable,
    /// Switch it on again; it needs a reason.
    Enable,
    /// Cancel it for good; it needs a reason.
    Cancel,
    /// Ask for a cancellation that another operator approves; it needs a reason.
    RequestCancel,
    /// Approve the cancellation that another operator asked for.
    ApproveCancel,
    /// Reject the cancellation that another operator asked for; it needs a reason.
    RejectCancel,
}

/// A move that is to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveRequest {
    /// Which.
    #[serde(rename = "move")]
    what: What,
    /// Why, of the list that the move has; an answer that refuses one says the list.
    #[serde(default)]
    reason: Option<String>,
    /// In words.
    #[serde(default)]
    #[schema(max_length = 1000)]
    notes: Option<String>,
}

/// Moves a document on in its life. Verifiers see it at once.
#[utoipa::path(
    post,
    path = "/documents/{serial}/moves",
    tag = "Documents",
    params(("serial" = String, Path, description = "The document.", max_length = 64)),
    request_body = MoveRequest,
    responses((status = 200, description = "The document.", body = DocumentAnswer)),
    security(("machine" = ["documents.write"]))
)]
pub(super) async fn change(
    State(service): Shared,
    machine: Machine,
    Path(text): Path<String>,
    Body(asked): Body<MoveRequest>,
) -> Result<Answer<DocumentAnswer>, Problem> {
    let (serial, terms) = (serial(&text)?, service.terms.clone());
    let moved = machine
        .write(ApiScope::DocumentsWrite, move |tx, actor, now| {
            let why = Why {
                reason: asked.reason.as_deref(),
                notes: asked.notes.as_deref(),
            };
            let mut judge = |approved| {
                let rng = &mut random::system();
                validate::validate(tx, actor, now, (&serial, approved, &terms), why, rng)
            };
            let change = match asked.what {
                What::Approve => return judge(true),
                What::Reject => return judge(false),
                What::Update => {
                    let rng = &mut random::system();
                    return update::update(tx, actor, now, (&serial, &terms), why, rng);
                }
                What::Renew => {
                    let rng = &mut random::system();
                    return update::renew(tx, actor, now, (&serial, &terms), why, rng);
                }
                What::Disable => Change::Disable,
                What::Enable => Change::Enable,
                What::Cancel => Change::Cancel,
                What::RequestCancel => Change::RequestCancel,
                What::ApproveCancel => Change::ApproveCancel,
                What::RejectCancel => Change::RejectCancel,
            };
            change::change(tx, actor, now, (&serial, change), why)
        })
        .await?;
    service.publisher.changed();
    Ok(found(DocumentAnswer::from(&moved)))
}
