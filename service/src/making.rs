//! Signing copies: what was gathered of a person and a profile goes through `mdoc-issuer`, and nothing else makes documents.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use mdoc_core::crypto::{Backend, CryptoRng, PublicKey};
use mdoc_core::issue::ItemOrder;
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::mso::{IdentifierListReference, Status, StatusListReference};
use mdoc_core::seams::Signer;
use mdoc_core::time::{FullDate, Timestamp};
use mdoc_issuer::format::ageing;
use mdoc_issuer::format::fill::{FillProblem, has_portrait, taken};
use mdoc_issuer::issue::{Content, IssueError, Terms as Mso, prepare};
use mdoc_issuer::photo::{self, ImageKind, PhotoError};
use mdoc_issuer::signer::{Deviations, DocumentSigner, NoSigner, SignerSet, Wanted};
use mdoc_openid::vci::credential::Badge;
use sha2::{Digest, Sha256};

use crate::badge::{self, Undrawn};
use crate::domain::Refusal;
use crate::terms::Terms;
use crate::usecase::issue::{Order, Signed};

/// The document signers, of which the right one is chosen each time.
pub type Signers = SignerSet<Arc<dyn Signer + Send + Sync>>;

/// The most bytes of a photograph as documents have it.
const LARGEST_PHOTOGRAPH: usize = 256 * 1024;

/// A photograph as the registry keeps it and documents have it: a JPEG without what cameras add. What is wrong with a
/// picture is said now, and not when somebody collects.
///
/// # Errors
/// [`PhotoError`].
pub fn photograph(picture: &[u8]) -> Result<Vec<u8>, PhotoError> {
    let wanted = photo::Wanted::new(&[ImageKind::Jpeg], LARGEST_PHOTOGRAPH);
    photo::prepare(picture, &wanted).map(|prepared| prepared.bytes)
}

/// A signed copy, and what is kept of it.
pub struct Copy {
    /// The encoded `IssuerSigned`.
    pub document: Vec<u8>,
    /// What is kept.
    pub signed: Signed,
}

/// What an order comes to.
pub struct Made {
    /// The copies, one for each key.
    pub copies: Vec<Copy>,
    /// The document as a picture, if the profile has layouts: one for all copies.
    pub badge: Option<Badge>,
}

/// Why copies were not made. Nothing was signed, or what was signed is thrown away.
#[derive(Debug)]
#[non_exhaustive]
pub enum MakeError {
    /// The format of the profile is not there any more.
    NoFormat(String),
    /// None of the signers can sign it.
    NoSigner(NoSigner),
    /// The data do not make a document, or the key did not sign.
    Issue(Box<IssueError>),
    /// The layouts of the profile do not make a badge any more.
    Layouts(Refusal),
    /// The badge cannot be drawn.
    Badge(Undrawn),
    /// What was signed cannot be read again.
    Unreadable,
}

impl fmt::Display for MakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFormat(name) => write!(f, "there is no document format {name}"),
            Self::NoSigner(why) => why.fmt(f),
            Self::Issue(why) => why.fmt(f),
            Self::Layouts(why) => why.fmt(f),
            Self::Badge(why) => why.fmt(f),
            Self::Unreadable => f.write_str("what was signed cannot be read again"),
        }
    }
}

impl core::error::Error for MakeError {}

impl MakeError {
    /// What of the person's data makes no document, if that is why: fields and codes, and none of the data.
    #[must_use]
    pub fn faults(&self) -> Option<Vec<String>> {
        let why = match self {
            Self::Issue(why) => why,
            Self::Badge(why) => return why.faults(),
            _ => return None,
        };
        let fault = |field: &str, code: &str| format!("{field} [{code}]");
        match &**why {
            IssueError::Data(errors) => {
                Some(
                    errors
                        .0
                        .iter()
                        .map(|one| match &one.problem {
                            // Of no field: how many others there are.
                            FillProblem::More(more) => format!("{more} [{}]", one.code()),
                            _ => fault(&one.field, one.code()),
                        })
                        .collect(),
                )
            }
            IssueError::Quality(findings) => {
                Some(findings.iter().map(|one| fault(&one.field, one.code())).collect())
            }
            _ => None,
        }
    }
}

impl From<IssueError> for MakeError {
    fn from(why: IssueError) -> Self {
        Self::Issue(Box::new(why))
    }
}

/// What signing needs besides the order.
#[derive(Clone, Copy)]
pub struct Workshop<'a> {
    /// The organisation's rules.
    pub terms: &'a Terms,
    /// The signers.
    pub signers: &'a Signers,
    /// What lists' addresses begin with: `https://id.example.org/status`.
    pub lists: &'a str,
    /// The cryptography.
    pub backend: &'a dyn Backend,
}

/// Signs a copy for each key, each with salts, digest IDs and an entry of a list of its own. The times are rounded, so that
/// copies of one hour cannot be told apart by them. The badge is drawn once, of the same elements, before anything is signed.
///
/// # Errors
/// [`MakeError`].
pub fn make(
    order: &Order,
    keys: &[(PublicKey, [u8; 32])],
    now: Timestamp,
    workshop: Workshop<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<Made, MakeError> {
    let settings = &order.profile.settings;
    let format = workshop.terms.formats.format(&settings.format);
    let format = format.ok_or_else(|| MakeError::NoFormat(settings.format.clone()))?;
    let valid_for = validity(order, now);
    let wanted = Wanted {
        doc_type: &format.doctype,
        now,
        valid_for,
        deviations: Deviations::Refuse,
    };
    let chosen = workshop.signers.choose(&wanted).map_err(MakeError::NoSigner)?;
    let key: &dyn Signer = chosen.key.as_ref();
    let signer = DocumentSigner::new(
        chosen.certificate.clone(),
        key,
        &format.doctype,
        Deviations::Refuse,
    )
    .map_err(IssueError::Signer)?;
    let data = order.person.details.user_data(&order.person.employee_number);
    let data = taken(format, data);
    let content = Content {
        format,
        data: &data,
        // The registry has photographs for those formats that have one.
        portrait: order.photo.as_deref().filter(|_| has_portrait(format)),
        issue_date: None,
        authority: None,
    };
    let prepared = prepare(&content, valid_for, &signer, now)?;
    let sides = badge::sides(settings, workshop.terms).map_err(MakeError::Layouts)?;
    let badge = sides.map(|sides| badge::draw(&sides, prepared.filled()));
    let badge = badge.transpose().map_err(MakeError::Badge)?;
    let mut copies = Vec::with_capacity(keys.len());
    let Some((first, _)) = keys.first() else {
        return Ok(Made { copies, badge });
    };
    let template = prepared.template(&Mso::default(), first, ItemOrder::Customary)?;
    let statuses = statuses(order, workshop.lists);
    let ages_change = ageing::next_change(format, &data, prepared.validity().valid_from.date());
    for ((key, key_thumbprint), status) in keys.iter().zip(statuses) {
        let document = prepared.copy(&template, (key, Some(&status)), &signer, rng, workshop.backend)?;
        copies.push(Copy {
            signed: Signed {
                mso_digest: mso_digest(&document)?,
                key_thumbprint: *key_thumbprint,
                valid_until: prepared.validity().valid_until,
                ages_change: ages_change.map(FullDate::midnight),
            },
            document,
        });
    }
    Ok(Made { copies, badge })
}

/// As long as the profile says, and not beyond the document's own end. Whole hours, as the instant is from which they count:
/// the end of a copy would tell by its second to whom others belong.
fn validity(order: &Order, now: Timestamp) -> Duration {
    const HOUR: u64 = 3600;
    let settings = &order.profile.settings;
    let days = Duration::from_secs(u64::from(settings.copy_days) * 86_400);
    let left = order.document.bound().map(|end| end.unix() - now.unix());
    let left = left.and_then(|seconds| u64::try_from(seconds).ok());
    let whole = |seconds: u64| {
        if seconds < HOUR {
            seconds
        } else {
            seconds - seconds % HOUR
        }
    };
    left.map_or(days, |seconds| days.min(Duration::from_secs(whole(seconds))))
}

fn statuses<'a>(order: &'a Order, lists: &'a str) -> impl Iterator<Item = Status> + 'a {
    order.places.iter().enumerate().map(move |(at, place)| {
        let uri = format!("{lists}/{}", place.list);
        let identifier = order.identifiers.get(at);
        let index = u64::try_from(place.index).unwrap_or_default();
        Status {
            status_list: identifier.is_none().then(|| StatusListReference {
                index,
                uri: uri.clone(),
                certificate: None,
            }),
            identifier_list: identifier.map(|id| IdentifierListReference {
                id: id.to_vec(),
                uri: uri.clone(),
                certificate: None,
            }),
            unknown: false,
        }
    })
}

fn mso_digest(document: &[u8]) -> Result<[u8; 32], MakeError> {
    let decoded = IssuerSigned::decode(document, &Limits::DEFAULT).map_err(|_| MakeError::Unreadable)?;
    let payload = decoded.issuer_auth().payload().ok_or(MakeError::Unreadable)?;
    Ok(Sha256::digest(payload).into())
}
