//! The signed lists: whatever happens, what is sent is what the database says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mdoc_core::crypto::PublicKey;
use mdoc_core::seams::{Signer, SignerError};
use mdoc_core::status::{Claims, Content, IdentifierList, LIMITS, Token};
use mdoc_core::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::world::{World, everywhere, operator, signers_and_status};
use crate::domain::id::Serial;
use crate::domain::profile::StatusKind;
use crate::publish::{Lifetimes, PublishError, Publisher};
use crate::service::Identity;
use crate::status::{self, MOST_IDENTIFIERS, Shape};
use crate::store::StoreError;
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

/// The lists: number, taken, whether it is closed.
async fn all(world: &World) -> Vec<(i64, i64, i64)> {
    let sql = "SELECT id, taken, closed FROM status_list ORDER BY id";
    world
        .run(move |tx| Ok(tx.rows(sql, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?))
        .await
}

async fn execute(world: &World, sql: &'static str) {
    world.run(move |tx| Ok(tx.execute(sql, &[])?)).await;
}

#[test]
fn a_list_that_is_too_small_for_the_copies_is_closed_and_another_one_filled() {
    everywhere(async |mut world| {
        world
            .profile("licence", |s| {
                s.copies = 50;
                s.issue_over_existing = true;
            })
            .await;
        // As it could be set once.
        world.terms.list_size = 8;
        execute(
            &world,
            "INSERT INTO status_list (id, kind, bits, size, taken, changes, closed) \
             VALUES (1, 'status', 2, 8, 0, 0, 0)",
        )
        .await;
        world.collected("licence", 50).await;
        assert_eq!(all(&world).await, [(1, 0, 1), (2, 50, 0)]);
        world.collected("licence", 39).await;
        assert_eq!(all(&world).await, [(1, 0, 1), (2, 89, 1)]);
        world.collected("licence", 1).await;
        assert_eq!(all(&world).await[2], (3, 1, 0));
    });
}

#[test]
fn a_list_that_is_fuller_than_it_counts_is_an_error_and_no_endless_search() {
    everywhere(async |mut world| {
        world.profile("licence", |s| s.issue_over_existing = true).await;
        world.terms.list_size = 128;
        world.collected("licence", 1).await;
        world
            .run(|tx| {
                for place in 0..128_i64 {
                    tx.execute(
                        "INSERT INTO copy (list, place, document, generation, mso_digest, key_thumbprint, issued, \
                         valid_until, status, changed) SELECT list, CAST($1 AS BIGINT), document, generation, mso_digest, \
                         key_thumbprint, issued, valid_until, 0, 0 FROM copy LIMIT 1 ON CONFLICT DO NOTHING",
                        &[place.into()],
                    )?;
                }
                Ok(())
            })
            .await;
        let shape = Shape::of(StatusKind::StatusList, true);
        let mut rng = world.rng();
        let found = world
            .store
            .read(move |tx| status::choose(tx, shape, 1, &mut rng))
            .await;
        assert!(matches!(found, Err(StoreError::Unexpected(_))), "{found:?}");
    });
}

#[test]
fn a_list_that_was_closed_stays_closed() {
    everywhere(async |mut world| {
        world.collected("licence", 1).await;
        // As a restored copy has it.
        execute(&world, "UPDATE status_list SET closed = 1").await;
        world.run(|tx| Ok(status::taken(tx, 1, 1)?)).await;
        assert_eq!(all(&world).await, [(1, 2, 1)]);
    });
}

#[test]
fn a_list_of_identifiers_ends_before_verifiers_refuse_it() {
    everywhere(async |mut world| {
        world
            .profile("licence", |s| {
                s.status = StatusKind::IdentifierList;
                s.issue_over_existing = true;
            })
            .await;
        let first = world.collected("licence", 1).await;
        assert_eq!(all(&world).await, [(1, 1, 0)]);
        let almost = MOST_IDENTIFIERS - 3;
        world
            .run(move |tx| Ok(tx.execute("UPDATE status_list SET taken = $1", &[almost.into()])?))
            .await;
        world.collected("licence", 3).await;
        let second = world.collected("licence", 1).await;
        assert_eq!(all(&world).await, [(1, MOST_IDENTIFIERS, 1), (2, 1, 0)]);
        // Both are followed.
        let publisher = publisher(&Arc::default());
        for (list, serial) in [(1, first), (2, second)] {
            change_at(&world, world.now, &serial, (Change::Cancel, "lost")).await;
            let made = publisher.get(&world.store, list, world.now).await.unwrap();
            assert_eq!(identifiers(&made.cwt), 1, "{list}");
        }
    });
}

fn identifiers(cwt: &[u8]) -> usize {
    match Token::decode(cwt).unwrap().claims().content.clone() {
        Content::IdentifierList(list) => list.identifiers.len(),
        Content::StatusList(_) => panic!("it has bits"),
    }
}

#[test]
fn a_list_of_which_all_identifiers_are_revoked_can_be_read() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let mut identifier = || {
        let mut id = vec![0; 16];
        rng.fill_bytes(&mut id);
        id
    };
    let list = IdentifierList {
        // What two nodes gave out at the same time may come to it.
        identifiers: (0..MOST_IDENTIFIERS + 100).map(|_| identifier()).collect(),
        aggregation_uri: None,
    };
    let count = list.identifiers.len();
    let (_, status) = signers_and_status();
    let claims = Claims {
        subject: "https://id.example.org/status/1".to_owned(),
        issued_at: Timestamp::from_unix(0),
        not_before: None,
        expires: None,
        ttl: None,
        content: Content::IdentifierList(list),
    };
    let cwt = claims
        .sign_cwt(&*status.signer, &[status.certificate.der()])
        .unwrap();
    assert!(cwt.len() < LIMITS.message / 2, "{}", cwt.len());
    assert_eq!(identifiers(&cwt), count);
}

#[test]
fn lists_are_signed_where_nobody_waits_for_it() {
    struct Elsewhere(Identity, std::thread::ThreadId);

    impl Signer for Elsewhere {
        fn public_key(&self) -> &PublicKey {
            self.0.signer.public_key()
        }

        fn sign(&self, to_sign: &[u8]) -> Result<Vec<u8>, SignerError> {
            assert_ne!(std::thread::current().id(), self.1, "everybody waits for it");
            self.0.signer.sign(to_sign)
        }
    }

    everywhere(async |mut world| {
        world.collected("licence", 1).await;
        let (_, status) = signers_and_status();
        let identity = Identity {
            certificate: status.certificate.clone(),
            signer: Arc::new(Elsewhere(status, std::thread::current().id())),
        };
        let publisher = Publisher::new(
            identity,
            "https://id.example.org".to_owned(),
            Lifetimes::default(),
        );
        let list = publisher.get(&world.store, 1, world.now).await.unwrap();
        assert!(publisher.jwt(&list).await.unwrap().is_some());
    });
}

/// A list has a million entries, and each change of a document would look through them.
#[test]
fn the_copies_of_a_document_are_found_by_the_document() {
    everywhere(async |world| {
        // The server's plans are of how much is there, and nothing is.
        if world.is_server() {
            return;
        }
        for sql in [status::LISTS, status::AFFECTED, status::FOLLOW] {
            let plan = world
                .run(move |tx| {
                    let values = [1_i64; 6].map(Into::into);
                    let sql = format!("EXPLAIN QUERY PLAN {sql}");
                    Ok(tx.rows(&sql, &values, |row| row.get::<String>(3))?)
                })
                .await;
            assert!(plan[0].contains("USING INDEX copy_by_document"), "{plan:?}");
        }
    });
}
