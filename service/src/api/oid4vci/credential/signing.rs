//! From what was asked for to copies that are signed and recorded.

use std::sync::Arc;

use mdoc_openid::jose::base64url;
use mdoc_openid::vci::credential::Issued;
use tokio::sync::Semaphore;

use super::{Asked, Key};
use crate::api::answer::No;
use crate::api::remote::Remote;
use crate::domain::Refusal;
use crate::making::{Made, MakeError, Workshop, make};
use crate::service::Service;
use crate::store::StoreError;
use crate::usecase::Failure;
use crate::usecase::collect::{self, Once, Session};
use crate::usecase::deferred;
use crate::usecase::issue::{self, Delivery, Next, Order};
use crate::{random, secrets, status};

/// How often it is tried again when something changed between gathering and recording.
const ATTEMPTS: usize = 4;
/// A badge takes much longer than signatures: so many are drawn at once.
static DRAWING: Semaphore = Semaphore::const_new(2);

/// Signs copies and records them; none if somebody has to approve the document first.
pub(super) async fn sign_and_record(
    service: &Arc<Service>,
    session: &Session,
    token: &[u8],
    (asked, transaction): (&Asked, Option<Vec<u8>>),
    remote: &Remote,
) -> Result<Option<Issued>, No> {
    let (keys, once) = (asked.keys.as_slice(), asked.once.as_slice());
    let mut last = Failure::Refused(Refusal::ChangedMeanwhile);
    for _ in 0..ATTEMPTS {
        let order = match gather(service, session, keys.len(), once).await? {
            Next::Sign(order) => order,
            Next::Wait => return Ok(None),
            Next::NoList(shape) => {
                let (terms, count) = (service.terms.clone(), keys.len());
                let opened = service
                    .store
                    .write(move |tx| status::open_list(tx, shape, count, &terms))
                    .await;
                opened.map_err(|why| No::inside(&why))?;
                continue;
            }
        };
        let (order, Made { copies, badge }) = sign(service, order, keys, remote).await?;
        let id = secrets::random(&mut random::system());
        let (signed, documents): (Vec<_>, Vec<_>) = copies
            .into_iter()
            .map(|copy| (copy.signed, copy.document))
            .unzip();
        let issued = Issued {
            documents,
            notification_id: Some(base64url(&*id)),
            badge,
        };
        // Nothing is recorded that the wallet would not read.
        let most = issued.most_documents();
        if issued.documents.len() > most {
            let most = u32::try_from(most).unwrap_or(u32::MAX);
            return Err(No::of_credential(&Refusal::TooManyKeys { most }));
        }
        let (terms, now, once, token) = (
            service.terms.clone(),
            service.now(),
            once.to_vec(),
            token.to_vec(),
        );
        let (transaction, notification, actor) = (transaction.clone(), id.clone(), remote.outsider());
        let key_security = asked.key_security.clone();
        let recorded = service.store.write(move |tx| {
            if let Some(transaction) = &transaction {
                deferred::done(tx, (transaction, &terms))?;
            }
            let delivery = Delivery {
                token: &token,
                once: &once,
                notification_id: &*notification,
                waited: transaction.is_some(),
                key_security: key_security.as_deref(),
            };
            let recorded = (&*order, signed.as_slice(), &delivery, &terms);
            issue::record(tx, &actor, now, recorded, &mut random::system())
        });
        match recorded.await {
            Ok(_) => {
                service.publisher.changed();
                return Ok(Some(issued));
            }
            // Somebody was quicker, or took an entry of the list: what was signed is thrown away.
            Err(
                failure @ (Failure::Refused(Refusal::ChangedMeanwhile)
                | Failure::Store(StoreError::Taken { .. })),
            ) => {
                last = failure;
            }
            Err(failure) => return Err(No::of_failure(&failure, No::of_credential)),
        }
    }
    Err(No::inside(&last))
}

async fn gather(service: &Arc<Service>, session: &Session, keys: usize, once: &[Once]) -> Result<Next, No> {
    let (serial, terms, now) = (session.serial.clone(), service.terms.clone(), service.now());
    let once = once.to_vec();
    service
        .store
        .read(move |tx| {
            let next = issue::gather(tx, now, (&serial, keys, &terms), &mut random::system())?;
            if let Next::Sign(order) = &next
                && order.profile.settings.has_badge()
            {
                collect::unused(tx, &once)?;
            }
            Ok(next)
        })
        .await
        .map_err(|why| No::of_failure(&why, No::of_credential))
}

/// Signing may take long where the key is elsewhere, and is work of the processor where it is not, as drawing is.
async fn sign(
    service: &Arc<Service>,
    order: Box<Order>,
    keys: &[Key],
    remote: &Remote,
) -> Result<(Box<Order>, Made), No> {
    let (signing, keys) = (Arc::clone(service), keys.to_vec());
    let (serial, version) = (order.document.serial.clone(), order.person.version);
    let drawing = if order.profile.settings.has_badge() {
        Some(DRAWING.acquire().await)
    } else {
        None
    };
    let made = tokio::task::spawn_blocking(move || {
        // Whoever does not wait for the end still has it drawn, and counted.
        let _drawing = drawing;
        let signers = signing.signers.now();
        let workshop = Workshop {
            terms: &signing.terms,
            signers: &signers,
            lists: signing.publisher.prefix(),
            backend: signing.backend,
        };
        let made = make(&order, &keys, signing.now(), workshop, &mut random::system());
        made.map(|made| (order, made))
    });
    let why = match made.await.map_err(|why| No::inside(&why))? {
        Ok(made) => return Ok(made),
        Err(why) => why,
    };
    let faults = why.faults();
    if !matches!(why, MakeError::Issue(_)) && faults.is_none() {
        return Err(No::inside(&why));
    }
    // The codes tell operators what is wrong, the words would tell whose data it is.
    tracing::error!(code = Refusal::NotIssuable.code(), "a document could not be made");
    if let Some(faults) = faults {
        let (actor, now) = (remote.outsider(), service.now());
        let noted = service
            .store
            .write(move |tx| issue::fail(tx, &actor, now, (&serial, version), &faults));
        noted
            .await
            .map_err(|why| No::of_failure(&why, No::of_credential))?;
    }
    Err(No::of_credential(&Refusal::NotIssuable))
}
