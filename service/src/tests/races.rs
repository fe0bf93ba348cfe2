//! Two nodes at the same thing at the same time: the second one is in its transaction before the first one has ended its own.
//! What keeps them apart is in the database, and each test fails without it.

use std::time::{Duration, Instant};

use mdoc_core::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tokio::sync::oneshot;

use super::outbox::sending;
use super::world::{World, code, everywhere, operator, places, system};
use crate::domain::id::{PersonId, Serial};
use crate::domain::life::State;
use crate::domain::person::Details;
use crate::domain::profile::{GenerateCode, Scheme};
use crate::secrets::Purpose;
use crate::status::{self, Shape};
use crate::store::{MIGRATIONS, Place, Store, StoreError, Tx};
use crate::usecase::audit::{self, Entry};
use crate::usecase::collect::{self, Begun, Holder, Once, Presented};
use crate::usecase::document::Why;
use crate::usecase::import::{self, Table};
use crate::usecase::issue::{self, Delivery, Next, Order, Signed};
use crate::usecase::request::{self, Offer};
use crate::usecase::{Failure, document, people, sweep, update, validate};

/// Waits until another transaction waits for this one, as far as the database can say so; and if none has to, for so long
/// that it would have got through.
fn until_awaited(tx: &mut Tx<'_>, is_server: bool) {
    // SQLite has one writer: the other one waits since before it began.
    if !is_server {
        return;
    }
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) {
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM pg_locks \
                   WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))";
        if tx.value::<i64>(sql, &[]).unwrap() > Some(0) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Does one thing at a node and another at a second node, which begins when the first has done everything and not ended.
pub(super) async fn at_once<T, U>(
    world: &World,
    first: impl FnMut(&mut Tx<'_>) -> Result<T, Failure> + Send + 'static,
    second: impl FnMut(&mut Tx<'_>) -> Result<U, Failure> + Send + 'static,
) -> (Result<T, Failure>, Result<U, Failure>)
where
    T: Send + 'static,
    U: Send + 'static,
{
    crossed(world, (first, |_| Ok(())), second).await
}

/// The same, where the first node goes on when the second one waits for it.
async fn crossed<T, U>(
    world: &World,
    (mut first, mut further): (
        impl FnMut(&mut Tx<'_>) -> Result<T, Failure> + Send + 'static,
        impl FnMut(&mut Tx<'_>) -> Result<(), Failure> + Send + 'static,
    ),
    second: impl FnMut(&mut Tx<'_>) -> Result<U, Failure> + Send + 'static,
) -> (Result<T, Failure>, Result<U, Failure>)
where
    T: Send + 'static,
    U: Send + 'static,
{
    let [one, other] = [(); 2].map(|()| Store::open(&world.place).unwrap());
    let is_server = world.is_server();
    let (done, was_done) = oneshot::channel();
    let mut done = Some(done);
    let first = tokio::spawn(async move {
        one.write(move |tx| {
            let result = first(tx);
            if let Some(done) = done.take() {
                let _nobody = done.send(());
                until_awaited(tx, is_server);
                further(tx)?;
            }
            result
        })
        .await
    });
    let _done = was_done.await;
    let second = other.write(second).await;
    (first.await.unwrap(), second)
}

async fn begun(world: &mut World) -> Begun {
    let clerk = world.clerk.clone();
    let offer = world.request_as(&clerk, "licence").await.unwrap().offer.unwrap();
    let typed = offer.code.clone().unwrap();
    world
        .redeem(&offer, Some(&typed), &Holder::default())
        .await
        .unwrap()
}

/// What a node gathers that draws the same numbers as the other one.
async fn drawn(world: &World, serial: &Serial) -> Box<Order> {
    let (serial, terms, now) = (serial.clone(), world.terms.clone(), world.now);
    let gathered = world.store.read(move |tx| {
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        issue::gather(tx, now, (&serial, 3, &terms), &mut rng)
    });
    match gathered.await.unwrap() {
        Next::Sign(order) => order,
        Next::Wait | Next::NoList(_) => panic!("there is something to sign"),
    }
}

#[test]
fn two_nodes_give_out_no_entry_of_a_list_twice() {
    everywhere(async |mut world| {
        world.profile("licence", |s| s.issue_over_existing = true).await;
        world.data_of("loyalty-card").await;
        let documents = [begun(&mut world).await, begun(&mut world).await];
        let shape = Shape::of(
            crate::domain::profile::StatusKind::StatusList,
            world.terms.suspends(&doc_type(&world)),
        );
        let terms = world.terms.clone();
        world
            .run(move |tx| Ok(status::open_list(tx, shape, 3, &terms)?))
            .await;
        let mut orders = Vec::new();
        for begun in &documents {
            orders.push(drawn(&world, &begun.serial).await);
        }
        assert_eq!(orders[0].places, orders[1].places);
        let mut records = documents.iter().zip(orders).map(|(begun, order)| {
            let (token, terms, now) = (begun.token.to_vec(), world.terms.clone(), world.now);
            move |tx: &mut Tx<'_>| {
                let signed = vec![
                    Signed {
                        mso_digest: [0; 32],
                        key_thumbprint: [0; 32],
                        valid_until: Timestamp::from_unix(now.unix() + 86_400),
                        ages_change: None,
                    };
                    3
                ];
                let delivery = Delivery {
                    token: &token,
                    once: &[],
                    notification_id: &token,
                    waited: false,
                    key_security: None,
                };
                let recorded = (&*order, signed.as_slice(), &delivery, &terms);
                issue::record(tx, &system(), now, recorded, &mut crate::random::system()).map(drop)
            }
        });
        let (first, second) = (records.next().unwrap(), records.next().unwrap());
        let (first, second) = at_once(&world, first, second).await;
        assert_eq!(first, Ok(()));
        assert!(
            matches!(second, Err(Failure::Store(StoreError::Taken { .. }))),
            "{second:?}"
        );
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM copy";
        assert_eq!(world.run(move |tx| Ok(tx.value::<i64>(sql, &[])?)).await, Some(3));
    });
}

fn doc_type(world: &World) -> String {
    world
        .terms
        .formats
        .format("loyalty-card")
        .unwrap()
        .doctype
        .clone()
}

#[test]
fn a_nonce_and_a_proof_are_good_at_one_of_two_nodes() {
    everywhere(async |world| {
        for what in ["nonce", "proof", "attestation"] {
            let present = || {
                let presented = [Once {
                    what,
                    value: b"the same".to_vec(),
                    expires: Timestamp::from_unix(world.now.unix() + 300),
                }];
                move |tx: &mut Tx<'_>| collect::once(tx, &presented)
            };
            let (first, second) = at_once(&world, present(), present()).await;
            assert_eq!([code(first), code(second)], ["done", "replayed"], "{what}");
        }
    });
}

#[test]
fn two_nodes_let_in_no_more_than_may_collect_at_once() {
    everywhere(async |mut world| {
        world.profile("licence", |s| s.issue_over_existing = true).await;
        world.terms.max_sessions = Some(1);
        // Who comes first makes what all hold on to, and holds up the others by that alone.
        let sql = "INSERT INTO setting (name, value) VALUES ('sessions', '')";
        world.run(move |tx| Ok(tx.execute(sql, &[])?)).await;
        let clerk = world.clerk.clone();
        let mut offers = Vec::new();
        for _ in 0..2 {
            offers.push(world.request_as(&clerk, "licence").await.unwrap().offer.unwrap());
        }
        let mut redeem = offers.iter().map(|offer| {
            let (pre, typed) = (pre_authorized(&world, offer), offer.code.clone());
            let (terms, now) = (world.terms.clone(), world.now);
            move |tx: &mut Tx<'_>| {
                let holder = Holder::default();
                let typed = typed.as_ref().map(|code| code.as_str());
                let asked = (Presented::PreAuthorized(&pre), typed, &holder, &terms);
                let begun = collect::redeem(tx, &system(), now, asked, &mut crate::random::system())?;
                begun.map(drop).map_err(Failure::from)
            }
        });
        let (first, second) = (redeem.next().unwrap(), redeem.next().unwrap());
        let (first, second) = at_once(&world, first, second).await;
        assert_eq!([code(first), code(second)], ["done", "sessions.full"]);
    });
}

fn details(logon_name: &str, external_id: Option<&str>) -> Details {
    Details {
        logon_name: logon_name.to_owned(),
        external_id: external_id.map(str::to_owned),
        given_name: "Grace".to_owned(),
        family_name: "Hopper".to_owned(),
        ..Details::default()
    }
}

#[test]
fn a_person_who_is_added_at_two_nodes_is_there_once_and_the_other_one_is_told() {
    everywhere(async |world| {
        let now = world.now;
        let add = |details: Details, number: Option<&'static str>| {
            move |tx: &mut Tx<'_>| {
                people::add(
                    tx,
                    &system(),
                    now,
                    (&details, number),
                    &mut crate::random::system(),
                )
                .map(drop)
            }
        };
        let cases = [
            (("grace", None, None), ("Grace", None, None)),
            (("one", Some("x"), None), ("other", Some("x"), None)),
            (("first", None, Some("N-1")), ("second", None, Some("N-1"))),
        ];
        for ((a, b, c), (d, e, f)) in cases {
            let (first, second) = at_once(&world, add(details(a, b), c), add(details(d, e), f)).await;
            assert_eq!([code(first), code(second)], ["done", "exists"], "{a} {d}");
        }
        // Whoever comes second in a table is refused, and the others of the table are added.
        let text = b"logon_name,given_name,family_name\nquick,Q,Q\nquiet,Q,Q\n";
        let rows = Table::new(text, b',').unwrap().some().unwrap().0;
        let table = move |tx: &mut Tx<'_>| {
            Ok(import::add(
                tx,
                &system(),
                now,
                &rows,
                &mut crate::random::system(),
            )?)
        };
        let (first, refused) = at_once(&world, add(details("quick", None), None), table).await;
        assert_eq!(code(first), "done");
        let refused: Vec<_> = refused.unwrap().iter().map(|row| (row.line, row.code)).collect();
        assert_eq!(refused, [(2, "exists")]);
        let quiet = world.store.read(|tx| people::by_logon(tx, "quiet")).await;
        assert_eq!(code(quiet), "done");
    });
}

#[test]
fn a_name_that_two_people_get_at_two_nodes_is_one_persons() {
    everywhere(async |mut world| {
        let [one, other] = [world.person("one").await, world.person("other").await];
        let now = world.now;
        let rename = |id: &PersonId| {
            let id = id.clone();
            move |tx: &mut Tx<'_>| {
                let mut person = people::read(tx, &id)?;
                person.details.logon_name = "grace".to_owned();
                people::change(tx, &system(), now, &person).map(drop)
            }
        };
        let (first, second) = at_once(&world, rename(&one), rename(&other)).await;
        assert_eq!([code(first), code(second)], ["done", "exists"]);
    });
}

fn pre_authorized(world: &World, offer: &Offer) -> [u8; 32] {
    let secrets = &world.terms.secrets;
    secrets.digest(Purpose::PreAuthorized, &[b"of", &*offer.secret])
}

#[test]
fn an_offer_that_is_handed_out_while_time_is_seen_to_is_there_afterwards() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let serial = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        world.later(world.terms.offer_lifetime + 1);
        let (terms, now, actor, name) = (world.terms.clone(), world.now, operator(&clerk), serial.clone());
        let hand_out = move |tx: &mut Tx<'_>| {
            request::offer(tx, &actor, now, (&name, &terms), &mut crate::random::system())
        };
        let (offer, swept) = at_once(&world, hand_out, move |tx| sweep::sweep(tx, now)).await;
        assert_eq!(swept.unwrap().expired, 0);
        let document = world.run(move |tx| document::read(tx, &serial)).await;
        assert_eq!(document.state, State::Collectable);
        assert_eq!(code(world.offered(&offer.unwrap().secret).await), "done");
    });
}

#[test]
fn nodes_that_start_at_once_make_the_schema_once() {
    for _round in 0..3 {
        for (place, _thrown) in places() {
            let together = std::sync::Arc::new(std::sync::Barrier::new(6));
            let open = |place: &Place| {
                let (place, together) = (place.clone(), std::sync::Arc::clone(&together));
                std::thread::spawn(move || {
                    together.wait();
                    Store::open(&place)
                })
            };
            let nodes: Vec<_> = (0..6).map(|_| open(&place)).collect();
            let nodes: Vec<_> = nodes
                .into_iter()
                .map(|node| node.join().unwrap().unwrap())
                .collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM migration";
            let steps = runtime.block_on(nodes[0].read(move |tx| tx.value::<i64>(sql, &[])));
            assert_eq!(steps.unwrap(), i64::try_from(MIGRATIONS.len()).ok());
        }
    }
}

#[test]
fn who_tells_a_person_something_takes_the_person_before_the_trail() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::AuthCodeViaSms).await;
        let (clerk, chief, ada) = (world.clerk.clone(), world.chief.clone(), world.ada.clone());
        let offer = {
            let issued = world.request_as(&clerk, "licence").await.unwrap().document.serial;
            world.hand_out(&clerk, &issued).await.unwrap()
        };
        let typed = offer.code.clone();
        let typed = typed.as_ref().map(|code| code.as_str());
        let begun = world.redeem(&offer, typed, &Holder::default()).await.unwrap();
        world.issue(&begun, 1, b"one").await.unwrap();
        world
            .profile("approved", |s| {
                s.notification_scheme = Scheme::AuthCodeViaSms;
                s.generate_code_on_request = GenerateCode::Simple;
                s.validate_issuance = true;
            })
            .await;
        let asked = world
            .request_as(&clerk, "approved")
            .await
            .unwrap()
            .document
            .serial;

        let (now, is_server) = (world.now, world.is_server());
        // As everybody does: the person, and then the trail. What would wait for the second node is told so before that
        // ends one of them, and it is done again.
        let one = || {
            let person = ada.clone();
            let first = move |tx: &mut Tx<'_>| people::hold(tx, &person);
            let further = move |tx: &mut Tx<'_>| {
                if is_server {
                    tx.execute("SET LOCAL lock_timeout = '300ms'", &[])?;
                }
                let entry = Entry::new("person.change", ("person", "ada"));
                Ok(audit::append(tx, &system(), now, &entry)?)
            };
            (first, further)
        };
        let (terms, serial, actor) = (world.terms.clone(), begun.serial.clone(), operator(&clerk));
        let updated = move |tx: &mut Tx<'_>| {
            let rng = &mut crate::random::system();
            update::update(tx, &actor, now, (&serial, &terms), Why::default(), rng)
        };
        let (first, second) = crossed(&world, one(), updated).await;
        assert_eq!((first, code(second)), (Ok(()), "done"));
        let (terms, actor) = (world.terms.clone(), operator(&chief));
        let approved = move |tx: &mut Tx<'_>| {
            let rng = &mut crate::random::system();
            validate::validate(tx, &actor, now, (&asked, true, &terms), Why::default(), rng)
        };
        let (first, second) = crossed(&world, one(), approved).await;
        assert_eq!((first, code(second)), (Ok(()), "done"));
    });
}
