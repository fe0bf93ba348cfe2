//! After somebody was erased: nothing is written of the person any more, whoever waited for it; and nothing that is kept of a
//! person is left out of what is written down for the person.

use std::collections::BTreeSet;

use super::*;
use crate::domain::batch::Operation;
use crate::store::Tx;
use crate::tests::races::at_once;
use crate::usecase::batch::{self, Plan};
use crate::usecase::collect::Holder;
use crate::usecase::deferred::{self, Later};
use crate::usecase::devices::{self, Facts};
use crate::usecase::document::Why;
use crate::usecase::{roles, validate};

async fn editor(world: &World) -> PersonId {
    let chief = world.chief.clone();
    let workflows = [Workflow::EditPeople, Workflow::EditRoles];
    world.role("editors", Scope::All, &workflows).await;
    world.grant("editors", &chief).await;
    chief
}

#[test]
fn who_waited_for_the_row_of_who_was_erased_writes_nothing() {
    everywhere(async |mut world| {
        let (chief, ada, now) = (editor(&world).await, world.ada.clone(), world.now);
        let (secrets, mut rng, operator_of) = (world.terms.secrets.clone(), world.rng(), ada.clone());
        world
            .run(move |tx| {
                let machine = ("gateway", &operator_of, &ApiScope::ALL[..1]);
                clients::add(tx, &system(), now, machine, (&secrets, &mut rng)).map(drop)
            })
            .await;
        device(&world, "d-1", &ada, [Some("ios"), Some("phone")]).await;
        erase(&world, &chief, ("ada", "ada")).await.unwrap();
        let before = dump(&world).await;
        let clerk = world.clerk.clone();
        assert_eq!(code(world.request_as(&clerk, "licence").await), "not-found");
        let secrets = world.terms.secrets.clone();
        for which in 0..7 {
            let (secrets, ada) = (secrets.clone(), ada.clone());
            let written = world.store.write(move |tx| {
                let (actor, rng) = (&system(), &mut crate::random::system());
                match which {
                    0 => people::set_photo(tx, actor, now, &ada, ("image/jpeg", b"picture")),
                    1 => roles::grant(tx, actor, now, ("chiefs", &ada)),
                    2 => {
                        let machine = ("other", &ada, &ApiScope::ALL[..1]);
                        clients::add(tx, actor, now, machine, (&secrets, rng)).map(drop)
                    }
                    3 => clients::enable(tx, actor, now, ("gateway", true)).map(drop),
                    4 => clients::renew(tx, actor, now, "gateway", (&secrets, rng)).map(drop),
                    5 => {
                        let wanted = (&ada, &[7; 32], &Facts::default());
                        devices::register(tx, actor, now, wanted, rng).map(drop)
                    }
                    _ => {
                        let mut person = people::read(tx, &ada)?;
                        person.details.given_name = "Ada".to_owned();
                        person.details.family_name = "Example".to_owned();
                        people::change(tx, actor, now, &person).map(drop)
                    }
                }
            });
            assert_eq!(code(written.await), "not-found", "{which}");
        }
        assert_eq!(dump(&world).await, before);
        // An operator whose roles were asked for before.
        let (mark, marked) = ("UPDATE person SET erased = 1 WHERE id = $1", clerk.clone());
        world
            .run(move |tx| Ok(tx.execute(mark, &[(&marked).into()])?))
            .await;
        let begun = world.store.write(move |tx| {
            let plan = Plan {
                operation: Operation::Cancel,
                reason: Some("lost".to_owned()),
                notes: None,
                profile: None,
                delivery: None,
            };
            let rng = &mut crate::random::system();
            batch::begin(tx, &operator(&clerk), now, &plan, rng).map(drop)
        });
        assert_eq!(code(begun.await), "not-found");
    });
}

#[test]
fn who_writes_while_somebody_is_erased_is_told_that_there_is_nobody() {
    for which in 0..4 {
        everywhere(async |world| {
            let (chief, ada, now) = (editor(&world).await, world.ada.clone(), world.now);
            let terms = world.terms.clone();
            let erasing = move |tx: &mut Tx<'_>| people::erase(tx, &operator(&chief), now, ("ada", "ada"));
            let writing = move |tx: &mut Tx<'_>| {
                let (actor, rng) = (&system(), &mut crate::random::system());
                match which {
                    0 => people::set_photo(tx, actor, now, &ada, ("image/jpeg", b"picture")),
                    1 => roles::grant(tx, actor, now, ("chiefs", &ada)),
                    2 => {
                        let machine = ("other", &ada, &ApiScope::ALL[..1]);
                        clients::add(tx, actor, now, machine, (&terms.secrets, rng)).map(drop)
                    }
                    _ => {
                        let wish = Wish {
                            person: ada.clone(),
                            profile: "licence".to_owned(),
                            delivery: Some(Delivery::Held),
                            notes: None,
                        };
                        request::request(tx, actor, now, (&wish, &terms), rng).map(drop)
                    }
                }
            };
            let (erased, written) = at_once(&world, erasing, writing).await;
            assert_eq!((code(erased), code(written)), ("done", "not-found"), "{which}");
        });
    }
}

#[test]
fn a_wallet_that_begins_to_wait_for_what_was_rejected_leaves_no_keys() {
    everywhere(async |mut world| {
        world.data_of("loyalty-card").await;
        world.profile("licence", |s| s.validate_issuance = true).await;
        let (clerk, chief) = (world.clerk.clone(), editor(&world).await);
        let serial = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        let offer = world.hand_out(&clerk, &serial).await.unwrap();
        let typed = offer.code.clone().unwrap();
        let begun = world
            .redeem(&offer, Some(&typed), &Holder::default())
            .await
            .unwrap();
        let (actor, now, terms, rejected) =
            (operator(&chief), world.now, world.terms.clone(), serial.clone());
        world
            .run(move |tx| {
                let why = Why {
                    reason: Some("not-entitled"),
                    notes: None,
                };
                let rng = &mut crate::random::system();
                validate::validate(tx, &actor, now, (&rejected, false, &terms), why, rng)
            })
            .await;
        erase(&world, &chief, ("ada", "ada")).await.unwrap();
        let later = Later {
            transaction: b"later".to_vec(),
            token: begun.token.to_vec(),
            serial,
            keys: vec![b"key".to_vec()],
            key_security: None,
            once: Vec::new(),
        };
        let terms = world.terms.clone();
        let kept = world
            .store
            .write(move |tx| deferred::keep(tx, now, (&later, &terms)));
        assert_eq!(code(kept.await), "session.unknown");
        let sql = "SELECT COUNT(*) FROM deferred";
        let left: Option<i64> = world.run(move |tx| Ok(tx.value(sql, &[])?)).await;
        assert_eq!(left, Some(0));
    });
}

/// What is not written down for a person: what is presented as a secret, and what follows from the object that it is in.
const LEFT_OUT: [(&str, &str); 11] = [
    ("person", "logon_key group_id erased"),
    ("photo", "person"),
    ("client", "operator secret"),
    ("device", "owner"),
    ("document", "person"),
    ("document_move", "document number"),
    ("copy", "document changed"),
    ("offer", "id document pre_authorized issuer_state invitation code"),
    ("session", "token document"),
    ("message", "person offer sealed node lease"),
    ("batch", "person"),
];
/// The same of what is a secret for the most part.
const SECRET: [(&str, &str); 10] = [
    ("operator_account", "person password authenticator last_step"),
    ("operator_invitation", "token person"),
    ("operator_passkey", "id person passkey"),
    ("operator_certificate", "person"),
    ("operator_session", "token person"),
    ("refresh_token", "token document"),
    ("deferred", "transaction_id document keys"),
    ("delivery", "notification_id document"),
    (
        "authorization_request",
        "id state challenge offer code refresh_token",
    ),
    ("batch_row", "node lease tries"),
];

/// Who adds a column decides whether it is the person's.
#[test]
fn every_column_of_what_is_kept_of_a_person_is_written_down_or_left_out_by_name() {
    everywhere(async |world| {
        if world.is_server() {
            return;
        }
        let written: BTreeSet<String> = people::exported_columns().into_iter().collect();
        for (table, left_out) in LEFT_OUT.into_iter().chain(SECRET) {
            let sql = format!("SELECT name FROM pragma_table_info('{table}')");
            let columns = world
                .run(move |tx| Ok(tx.rows(&sql, &[], |row| row.get::<String>(0))?))
                .await;
            let left_out: Vec<&str> = left_out.split(' ').collect();
            assert!(columns.len() > left_out.len(), "{table}");
            for column in &columns {
                let both = format!("{table}.{column}");
                assert_ne!(
                    written.contains(&both),
                    left_out.contains(&column.as_str()),
                    "{both}"
                );
            }
        }
    });
}
