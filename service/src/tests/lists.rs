//! The signed lists: whatever happens, what is sent is what the database says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mdoc_core::crypto::PublicKey;
use mdoc_core::seams::{Signer, SignerError};
use mdoc_core::status::{Content, Token};
use mdoc_core::time::Timestamp;

use super::world::{World, everywhere, operator, signers_and_status};
use crate::domain::id::Serial;
use crate::publish::{Lifetimes, PublishError, Publisher};
use crate::service::Identity;
use crate::usecase::change::{Change, change};
use crate::usecase::document::Why;

/// A key that can be kept from signing.
struct Reluctant(Identity, Arc<AtomicBool>);

impl Signer for Reluctant {
    fn public_key(&self) -> &PublicKey {
        self.0.signer.public_key()
    }

    fn sign(&self, to_sign: &[u8]) -> Result<Vec<u8>, SignerError> {
        if self.1.load(Ordering::Relaxed) {
            return Err(SignerError::Refused("the token is away".to_owned()));
        }
        self.0.signer.sign(to_sign)
    }
}

fn publisher(away: &Arc<AtomicBool>) -> Publisher {
    let (_, status) = signers_and_status();
    let identity = Identity {
        certificate: status.certificate.clone(),
        signer: Arc::new(Reluctant(status, Arc::clone(away))),
    };
    Publisher::new(
        identity,
        "https://id.example.org/status".to_owned(),
        Lifetimes::default(),
    )
}

async fn change_at(world: &World, now: Timestamp, serial: &Serial, (what, reason): (Change, &'static str)) {
    let (actor, serial) = (operator(&world.clerk), serial.clone());
    world
        .run(move |tx| {
            let why = Why {
                reason: Some(reason),
                notes: None,
            };
            change(tx, &actor, now, (&serial, what), why)
        })
        .await;
}

async fn place(world: &World, serial: &Serial) -> (i64, u64) {
    let serial = serial.clone();
    let sql = "SELECT list, place FROM copy WHERE document = $1";
    let read = |row: &crate::store::Row<'_>| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?));
    let found = world
        .run(move |tx| Ok(tx.row(sql, &[(&serial).into()], read)?))
        .await;
    let (list, place) = found.unwrap();
    (list, u64::try_from(place).unwrap())
}

fn entry(cwt: &[u8], place: u64) -> u8 {
    match Token::decode(cwt).unwrap().claims().content.clone() {
        Content::StatusList(list) => list.inflate().unwrap().get(place).unwrap_or_default(),
        Content::IdentifierList(_) => panic!("it has identifiers"),
    }
}

#[test]
fn a_change_that_was_dated_long_before_it_was_kept_is_in_the_list() {
    everywhere(async |mut world| {
        let serial = world.collected("licence", 1).await;
        let (list, place) = place(&world, &serial).await;
        let publisher = publisher(&Arc::default());
        let dated = world.now;
        // A look between the instant of the change and the instant when it is kept.
        world.later(60);
        let before = publisher.get(&world.store, list, world.now).await.unwrap();
        assert_eq!(entry(&before.cwt, place), 0);
        change_at(&world, dated, &serial, (Change::Cancel, "lost")).await;
        let after = publisher.get(&world.store, list, world.now).await.unwrap();
        assert_eq!(entry(&after.cwt, place), 1);
    });
}

#[test]
fn a_clock_that_goes_back_hides_nothing() {
    everywhere(async |mut world| {
        let serial = world.collected("licence", 1).await;
        let (list, place) = place(&world, &serial).await;
        let publisher = publisher(&Arc::default());
        world.later(600);
        publisher.get(&world.store, list, world.now).await.unwrap();
        world.later(-500);
        change_at(&world, world.now, &serial, (Change::Disable, "mislaid")).await;
        let after = publisher.get(&world.store, list, world.now).await.unwrap();
        assert_ne!(entry(&after.cwt, place), 0);
    });
}

#[test]
fn a_list_that_could_not_be_signed_is_not_sent_as_it_was_before() {
    everywhere(async |mut world| {
        let serial = world.collected("licence", 1).await;
        let (list, place) = place(&world, &serial).await;
        let away = Arc::new(AtomicBool::new(false));
        let publisher = publisher(&away);
        publisher.get(&world.store, list, world.now).await.unwrap();
        away.store(true, Ordering::Relaxed);
        change_at(&world, world.now, &serial, (Change::Cancel, "stolen")).await;
        for _again in 0..2 {
            let refused = publisher.get(&world.store, list, world.now).await;
            assert!(matches!(refused, Err(PublishError::Signer(_))));
        }
        away.store(false, Ordering::Relaxed);
        let after = publisher.get(&world.store, list, world.now).await.unwrap();
        assert_eq!(entry(&after.cwt, place), 1);
    });
}

#[test]
fn what_disabling_means_is_what_the_list_of_the_copy_can_say() {
    everywhere(async |mut world| {
        world
            .profile("licence", |s| s.format = "partial-iso-18013-5".to_owned())
            .await;
        world.licence_data().await;
        let clerk = world.clerk.clone();
        let offer = world.request_as(&clerk, "licence").await.unwrap().offer.unwrap();
        let code = offer.code.clone().unwrap();
        let begun = world
            .redeem(&offer, Some(&code), &Default::default())
            .await
            .unwrap();
        world.issue(&begun, 1, b"one").await.unwrap();
        let bits = world
            .run(|tx| Ok(tx.value::<i64>("SELECT bits FROM status_list", &[])?))
            .await;
        let publisher = publisher(&Arc::default());
        let (list, place) = place(&world, &begun.serial).await;
        change_at(&world, world.now, &begun.serial, (Change::Disable, "other")).await;
        let made = publisher.get(&world.store, list, world.now).await.unwrap();
        let expected = if bits == Some(1) { 1 } else { 2 };
        assert_eq!(entry(&made.cwt, place), expected, "{bits:?} bits");
    });
}

#[test]
fn a_list_that_is_not_there_is_not_kept() {
    everywhere(async |world| {
        let publisher = publisher(&Arc::default());
        for number in [0, 1, -1, i64::MAX] {
            let refused = publisher.get(&world.store, number, world.now).await;
            assert!(matches!(refused, Err(PublishError::Unknown)), "{number}");
        }
        assert_eq!(publisher.kept(), 0);
    });
}
