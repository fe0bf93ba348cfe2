//! Batches (E16): what is selected, who confirms it, and that each row is done once or not at all.

mod stuck;

use super::reports::Put;
use super::world::{World, code, everywhere, operator};
use crate::batches::Node;
use crate::domain::batch::{Operation, RowState, Stage};
use crate::domain::id::{BatchId, PersonId, Serial};
use crate::domain::life::State;
use crate::domain::person::Details;
use crate::domain::profile::Delivery;
use crate::domain::role::{Scope, Workflow};
use crate::store::Store;
use crate::usecase::batch::{self, Batch, Plan, Row, Worked};
use crate::usecase::people::{self};
use crate::usecase::reports::{Report, Wanted};
use crate::usecase::{Failure, document, roles};

/// More than a node takes at once.
const MANY: usize = 70;

fn plan(operation: Operation, reason: Option<&str>) -> Plan {
    Plan {
        operation,
        reason: reason.map(str::to_owned),
        notes: None,
        profile: None,
        delivery: None,
    }
}

fn cancelling() -> Plan {
    plan(Operation::Cancel, Some("no-longer-entitled"))
}

async fn begun(world: &mut World, who: &PersonId, plan: Plan) -> Result<BatchId, Failure> {
    let (actor, now, mut rng) = (operator(who), world.now, world.rng());
    world
        .store
        .write(move |tx| batch::begin(tx, &actor, now, &plan, &mut rng))
        .await
}

async fn readied(world: &World, who: &PersonId, id: &BatchId) -> Result<Batch, Failure> {
    let (actor, id) = (operator(who), id.clone());
    world.store.write(move |tx| batch::ready(tx, &actor, &id)).await
}

/// A batch of named documents or people, which waits for its confirmation.
async fn of(world: &mut World, who: &PersonId, plan: Plan, objects: &[&str]) -> BatchId {
    let id = begun(world, who, plan).await.unwrap();
    let objects: Vec<String> = objects.iter().map(|object| (*object).to_owned()).collect();
    let (actor, batch) = (operator(who), id.clone());
    world
        .run(move |tx| batch::add(tx, &actor, &batch, &objects))
        .await;
    readied(world, who, &id).await.unwrap();
    id
}

async fn confirmed(world: &World, who: &PersonId, id: &BatchId, count: i64) -> Result<Batch, Failure> {
    let (actor, now, id) = (operator(who), world.now, id.clone());
    world
        .store
        .write(move |tx| batch::confirm(tx, &actor, now, (&id, count)))
        .await
}

async fn stopped(world: &World, who: &PersonId, id: &BatchId) -> Result<Batch, Failure> {
    let (actor, now, id) = (operator(who), world.now, id.clone());
    world
        .store
        .write(move |tx| batch::stop(tx, &actor, now, &id))
        .await
}

async fn seen(world: &World, who: &PersonId, id: &BatchId) -> Result<Batch, Failure> {
    let (actor, id) = (operator(who), id.clone());
    world.store.read(move |tx| batch::get(tx, &actor, &id)).await
}

async fn rows(world: &World, who: &PersonId, id: &BatchId, state: Option<RowState>) -> Vec<Row> {
    let (actor, id) = (operator(who), id.clone());
    let rows = world
        .store
        .read(move |tx| batch::rows(tx, &actor, (&id, state, 0, 500)));
    rows.await.unwrap()
}

async fn round(world: &World, node: &Node, store: &Store) -> Worked {
    node.round(store, world.now, &world.terms).await.unwrap()
}

async fn to_the_end(world: &World, node: &Node) {
    for _ in 0..100 {
        if round(world, node, &world.store).await.is_idle() {
            return;
        }
    }
    panic!("it does not end");
}

async fn state(world: &World, serial: &str) -> State {
    let serial = Serial::given(serial).unwrap();
    let document = world.store.read(move |tx| document::look(tx, &serial)).await;
    document.unwrap().unwrap().state
}

async fn put(world: &World, count: usize) -> Vec<String> {
    let serials: Vec<String> = (0..count).map(|number| format!("s{number:03}")).collect();
    for serial in &serials {
        Put::new(serial, &world.ada).into(world).await;
    }
    serials
}

/// What is in the trail of each action.
async fn told(world: &World, action: &str) -> usize {
    world
        .actions()
        .await
        .iter()
        .filter(|known| *known == action)
        .count()
}

#[test]
fn documents_of_a_query_are_counted_confirmed_and_cancelled_row_by_row() {
    everywhere(async |mut world| {
        let serials = put(&world, MANY).await;
        let mut ended = Put::new("ended", &world.ada);
        ended.state = State::Cancelled;
        ended.into(&world).await;
        let clerk = world.clerk.clone();
        let id = begun(&mut world, &clerk, cancelling()).await.unwrap();
        let (actor, batch, now) = (operator(&clerk), id.clone(), world.now);
        let next = world
            .run(move |tx| {
                let mut wanted = Wanted::new(Report::Documents, now);
                wanted.filter("profile", "licence")?;
                let part = batch::documents(tx, &actor, (Operation::Cancel, &wanted))?;
                batch::add(tx, &actor, &batch, &part.objects)?;
                Ok(part.next)
            })
            .await;
        assert_eq!(next, None);
        let ready = readied(&world, &clerk, &id).await.unwrap();
        // What is not current is not among them.
        assert_eq!(
            (ready.stage, ready.total, ready.pending()),
            (Stage::Waiting, 70, 70)
        );
        assert_eq!(code(confirmed(&world, &clerk, &id, 71).await), "batch.count");
        let node = Node::new();
        assert!(round(&world, &node, &world.store).await.is_idle());
        assert_eq!(state(&world, "s000").await, State::Active);
        let running = confirmed(&world, &clerk, &id, 70).await.unwrap();
        assert_eq!(
            (running.stage, told(&world, "batch.confirm").await),
            (Stage::Running, 1)
        );
        assert_eq!(code(confirmed(&world, &clerk, &id, 70).await), "batch.elsewhere");
        let first = round(&world, &node, &world.store).await;
        assert_eq!((first.rows, first.taken), (0, 32));
        let live = seen(&world, &clerk, &id).await.unwrap();
        assert_eq!((live.in_progress, live.pending(), live.completed), (32, 38, 0));
        let second = round(&world, &node, &world.store).await;
        assert_eq!((second.rows, second.taken), (32, 32));
        let live = seen(&world, &clerk, &id).await.unwrap();
        assert_eq!((live.in_progress, live.pending(), live.completed), (32, 6, 32));
        to_the_end(&world, &node).await;
        let done = seen(&world, &clerk, &id).await.unwrap();
        assert_eq!((done.stage, done.completed, done.failed), (Stage::Done, 70, 0));
        assert!(done.ended.is_some());
        for serial in &serials {
            assert_eq!(state(&world, serial).await, State::Cancelled);
        }
        assert_eq!(told(&world, "document.cancel").await, MANY);
        assert_eq!(told(&world, "batch.end").await, 1);
        let audited = world.audited().await;
        let one = audited
            .iter()
            .find(|entry| entry["action"] == "document.cancel")
            .unwrap();
        assert_eq!(
            (&one["who"], &one["reason"]),
            (&clerk.as_str().into(), &"no-longer-entitled".into())
        );
        assert_eq!(code(stopped(&world, &clerk, &id).await), "batch.elsewhere");
    });
}

#[test]
fn of_a_row_that_is_refused_nothing_is_done_and_the_others_are() {
    everywhere(async |mut world| {
        put(&world, 2).await;
        let mut poor = Put::new("poor", &world.person("bob").await);
        poor.notes = None;
        poor.into(&world).await;
        // The newest settings ask for something that Ada has and Bob has not.
        world.data_of("loyalty-card").await;
        world
            .edit(&world.ada.clone(), |details| {
                details.attributes.insert("shoe_size".to_owned(), 42.into());
            })
            .await;
        world
            .profile("licence", |s| {
                s.requisite_user_data = vec!["shoe_size".to_owned()]
            })
            .await;
        let clerk = world.clerk.clone();
        let objects = ["s000", "poor", "nobody", "nothing", "s001", "s001"];
        let id = of(&mut world, &clerk, plan(Operation::Update, None), &objects).await;
        confirmed(&world, &clerk, &id, 5).await.unwrap();
        to_the_end(&world, &Node::new()).await;
        let done = seen(&world, &clerk, &id).await.unwrap();
        assert_eq!((done.stage, done.completed, done.failed), (Stage::Done, 2, 3));
        let failed = rows(&world, &clerk, &id, Some(RowState::Failed)).await;
        let said: Vec<_> = failed
            .iter()
            .map(|row| (row.object.as_str(), row.code.as_deref().unwrap()))
            .collect();
        assert_eq!(
            said,
            [
                ("poor", "profile.requisite-user-data"),
                ("nobody", "not-found"),
                ("nothing", "not-found")
            ]
        );
        assert!(
            failed
                .iter()
                .all(|row| row.message.is_some() && row.done.is_some())
        );
        assert_eq!(state(&world, "poor").await, State::Active);
        assert_eq!(state(&world, "s001").await, State::Updating);
        // Neither its history nor the trail tells of a move that was not made.
        assert_eq!(told(&world, "document.update").await, 2);
        let moves = world
            .run(|tx| {
                let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM document_move WHERE document = 'poor'";
                Ok(tx.value::<i64>(sql, &[])?)
            })
            .await;
        assert_eq!(moves, Some(1));
    });
}

#[test]
fn what_is_stopped_is_not_done_and_what_is_done_stays() {
    everywhere(async |mut world| {
        put(&world, MANY).await;
        let clerk = world.clerk.clone();
        let serials: Vec<String> = (0..MANY).map(|number| format!("s{number:03}")).collect();
        let serials: Vec<&str> = serials.iter().map(String::as_str).collect();
        let id = of(&mut world, &clerk, cancelling(), &serials).await;
        confirmed(&world, &clerk, &id, 70).await.unwrap();
        let node = Node::new();
        round(&world, &node, &world.store).await;
        round(&world, &node, &world.store).await;
        let over = stopped(&world, &clerk, &id).await.unwrap();
        assert_eq!(
            (over.stage, over.completed, over.pending()),
            (Stage::Stopped, 32, 38)
        );
        assert!(round(&world, &node, &world.store).await.is_idle());
        assert_eq!(
            (state(&world, "s031").await, state(&world, "s032").await),
            (State::Cancelled, State::Active)
        );
        assert_eq!(told(&world, "batch.stop").await, 1);
    });
}

#[test]
fn what_a_node_left_behind_is_done_by_another_one_after_its_time() {
    everywhere(async |mut world| {
        put(&world, 3).await;
        let clerk = world.clerk.clone();
        let id = of(&mut world, &clerk, cancelling(), &["s000", "s001", "s002"]).await;
        confirmed(&world, &clerk, &id, 3).await.unwrap();
        let (gone, other) = (Node::new(), Node::new());
        assert_eq!(round(&world, &gone, &world.store).await.taken, 3);
        assert!(round(&world, &other, &world.store).await.is_idle());
        world.later(61);
        assert_eq!(round(&world, &other, &world.store).await.taken, 3);
        // Whoever comes back has them no more.
        assert!(round(&world, &gone, &world.store).await.is_idle());
        to_the_end(&world, &other).await;
        assert_eq!(told(&world, "document.cancel").await, 3);
        assert_eq!(seen(&world, &clerk, &id).await.unwrap().stage, Stage::Done);
        // One that ends in order gives back at once what it has.
        let again = of(&mut world, &clerk, cancelling(), &["s000"]).await;
        confirmed(&world, &clerk, &again, 1).await.unwrap();
        assert_eq!(round(&world, &gone, &world.store).await.taken, 1);
        gone.leave(&world.store).await.unwrap();
        assert_eq!(round(&world, &other, &world.store).await.taken, 1);
    });
}

#[test]
fn two_nodes_share_a_batch_and_do_nothing_twice() {
    everywhere(async |mut world| {
        put(&world, 300).await;
        let clerk = world.clerk.clone();
        let serials: Vec<String> = (0..300).map(|number| format!("s{number:03}")).collect();
        let serials: Vec<&str> = serials.iter().map(String::as_str).collect();
        let id = of(&mut world, &clerk, cancelling(), &serials).await;
        confirmed(&world, &clerk, &id, 300).await.unwrap();
        let stores = [(); 2].map(|()| Store::open(&world.place).unwrap());
        let nodes = [(); 2].map(|()| Node::new());
        // Each has rows of its own before either does any.
        for (node, store) in nodes.iter().zip(&stores) {
            assert_eq!(round(&world, node, store).await.taken, 32);
        }
        assert_eq!(seen(&world, &clerk, &id).await.unwrap().in_progress, 64);
        let work = async |node: &Node, store: &Store| {
            let mut rows = 0;
            loop {
                rows += round(&world, node, store).await.rows;
                if seen(&world, &clerk, &id).await.unwrap().stage == Stage::Done {
                    return rows;
                }
            }
        };
        let [(one, first), (other, second)] = [(&nodes[0], &stores[0]), (&nodes[1], &stores[1])];
        let (one, other) = tokio::join!(work(one, first), work(other, second));
        assert_eq!(one + other, 300);
        assert!(one >= 32 && other >= 32, "{one} {other}");
        assert_eq!(told(&world, "document.cancel").await, 300);
        assert_eq!(told(&world, "batch.end").await, 1);
        let done = seen(&world, &clerk, &id).await.unwrap();
        assert_eq!((done.completed, done.in_progress, done.failed), (300, 0, 0));
    });
}

#[test]
fn a_batch_is_its_operators_and_the_roles_count_when_it_is_done() {
    everywhere(async |mut world| {
        put(&world, 2).await;
        let (clerk, ada, chief) = (world.clerk.clone(), world.ada.clone(), world.chief.clone());
        assert_eq!(
            code(begun(&mut world, &ada, cancelling()).await),
            "role.not-granted"
        );
        let id = of(&mut world, &clerk, cancelling(), &["s000", "s001"]).await;
        assert_eq!(code(seen(&world, &ada, &id).await), "not-found");
        assert_eq!(code(confirmed(&world, &ada, &id, 2).await), "not-found");
        // Who sees everything sees it, and does not confirm what another one selected.
        assert_eq!(seen(&world, &chief, &id).await.unwrap().total, 2);
        assert_eq!(code(confirmed(&world, &chief, &id, 2).await), "not-found");
        confirmed(&world, &clerk, &id, 2).await.unwrap();
        let (now, person) = (world.now, clerk.clone());
        world
            .run(move |tx| roles::withdraw(tx, &super::world::system(), now, ("clerks", &person)))
            .await;
        to_the_end(&world, &Node::new()).await;
        let done = seen(&world, &chief, &id).await.unwrap();
        assert_eq!((done.completed, done.failed), (0, 2));
        let failed = rows(&world, &chief, &id, None).await;
        assert!(
            failed
                .iter()
                .all(|row| row.code.as_deref() == Some("role.not-granted"))
        );
        assert_eq!(state(&world, "s000").await, State::Active);
    });
}

#[test]
fn a_query_selects_whom_the_operator_may_see_to() {
    everywhere(async |mut world| {
        put(&world, 2).await;
        let eve = world.person("eve").await;
        world.role("readers", Scope::All, &[Workflow::ViewReports]).await;
        world
            .role("own", Scope::Itself, &[Workflow::CancelCredential])
            .await;
        for role in ["readers", "own"] {
            world.grant(role, &eve).await;
        }
        Put::new("hers", &eve).into(&world).await;
        let id = begun(&mut world, &eve, cancelling()).await.unwrap();
        let (actor, batch, now) = (operator(&eve), id.clone(), world.now);
        world
            .run(move |tx| {
                let wanted = Wanted::new(Report::Documents, now);
                let part = batch::documents(tx, &actor, (Operation::Cancel, &wanted))?;
                batch::add(tx, &actor, &batch, &part.objects)
            })
            .await;
        assert_eq!(readied(&world, &eve, &id).await.unwrap().total, 1);
        assert_eq!(rows(&world, &eve, &id, None).await[0].object, "hers");
    });
}

#[test]
fn documents_are_requested_for_the_people_of_a_group() {
    everywhere(async |mut world| {
        let now = world.now;
        let mut rng = world.rng();
        let (top, below) = world
            .run(move |tx| {
                let system = super::world::system();
                let top = people::add_group(tx, &system, now, ("Berlin", None), &mut rng)?;
                let below = people::add_group(tx, &system, now, ("Sales", Some(&top)), &mut rng)?;
                Ok((top, below))
            })
            .await;
        let mut members = Vec::new();
        for (name, group) in [("bob", &top), ("eve", &below)] {
            let details = Details {
                logon_name: name.to_owned(),
                given_name: name.to_owned(),
                family_name: "Example".to_owned(),
                user_data_approved: true,
                group: Some(group.clone()),
                ..Details::default()
            };
            members.push(world.add(details).await.unwrap());
        }
        let clerk = world.clerk.clone();
        let mut wish = plan(Operation::Request, None);
        assert_eq!(
            code(begun(&mut world, &clerk, wish.clone()).await),
            "field.invalid"
        );
        wish.profile = Some("licence".to_owned());
        // Nobody would see what is shown on a screen.
        assert_eq!(
            code(begun(&mut world, &clerk, wish.clone()).await),
            "batch.on-screen"
        );
        wish.delivery = Some(Delivery::Held);
        let id = begun(&mut world, &clerk, wish).await.unwrap();
        let (actor, batch) = (operator(&clerk), id.clone());
        let rest = world
            .run(move |tx| {
                let part = batch::members(tx, &actor, (&top, None))?;
                batch::add(tx, &actor, &batch, &part.objects)?;
                Ok(part.next)
            })
            .await;
        assert_eq!(rest, None);
        assert_eq!(readied(&world, &clerk, &id).await.unwrap().total, 2);
        confirmed(&world, &clerk, &id, 2).await.unwrap();
        to_the_end(&world, &Node::new()).await;
        for row in rows(&world, &clerk, &id, Some(RowState::Completed)).await {
            assert!(members.iter().any(|person| person.as_str() == row.object));
            assert_eq!(state(&world, &row.document.unwrap()).await, State::Collectable);
        }
        assert_eq!(seen(&world, &clerk, &id).await.unwrap().completed, 2);
    });
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_selected() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let cases = [
            (plan(Operation::Cancel, None), "reason.missing"),
            (plan(Operation::Cancel, Some("mislaid")), "reason.unknown"),
            (plan(Operation::Update, Some("lost")), "reason.unknown"),
            (
                Plan {
                    profile: Some("licence".to_owned()),
                    ..cancelling()
                },
                "field.invalid",
            ),
            (
                Plan {
                    profile: Some("other".to_owned()),
                    ..plan(Operation::Request, None)
                },
                "not-found",
            ),
        ];
        for (plan, refused) in cases {
            assert_eq!(code(begun(&mut world, &clerk, plan).await), refused);
        }
        let empty = begun(&mut world, &clerk, cancelling()).await.unwrap();
        assert_eq!(code(readied(&world, &clerk, &empty).await), "batch.empty");
        // What nobody confirms in a day is forgotten, with its rows.
        put(&world, 1).await;
        of(&mut world, &clerk, cancelling(), &["s000"]).await;
        world.later(86_401);
        let now = world.now;
        for _ in 0..4 {
            world.run(move |tx| Ok(batch::forget(tx, now)?)).await;
        }
        let left = world
            .run(|tx| {
                let sql =
                    "SELECT CAST((SELECT COUNT(*) FROM batch) + (SELECT COUNT(*) FROM batch_row) AS BIGINT)";
                Ok(tx.value::<i64>(sql, &[])?)
            })
            .await;
        assert_eq!(left, Some(0));
    });
}

#[test]
fn what_is_being_forgotten_is_not_confirmed() {
    everywhere(async |mut world| {
        put(&world, 2).await;
        let clerk = world.clerk.clone();
        let id = of(&mut world, &clerk, cancelling(), &["s000", "s001"]).await;
        world.later(86_401);
        let now = world.now;
        // The first part of it is gone, the rest not yet.
        assert_eq!(world.run(move |tx| Ok(batch::forget(tx, now)?)).await, 2);
        assert_eq!(code(confirmed(&world, &clerk, &id, 2).await), "batch.elsewhere");
        // One that was confirmed stays, however old it is.
        let running = of(&mut world, &clerk, cancelling(), &["s000"]).await;
        confirmed(&world, &clerk, &running, 1).await.unwrap();
        world.later(30 * 86_400);
        let now = world.now;
        for _ in 0..3 {
            world.run(move |tx| Ok(batch::forget(tx, now)?)).await;
        }
        assert_eq!(seen(&world, &clerk, &running).await.unwrap().pending(), 1);
        assert_eq!(code(seen(&world, &clerk, &id).await), "not-found");
    });
}

#[test]
fn batches_take_turns() {
    everywhere(async |mut world| {
        put(&world, 2 * MANY).await;
        let clerk = world.clerk.clone();
        let mut ids = Vec::new();
        for part in 0..2 {
            let serials: Vec<String> = (part * MANY..(part + 1) * MANY)
                .map(|number| format!("s{number:03}"))
                .collect();
            let serials: Vec<&str> = serials.iter().map(String::as_str).collect();
            let id = of(&mut world, &clerk, cancelling(), &serials).await;
            confirmed(&world, &clerk, &id, 70).await.unwrap();
            ids.push(id);
        }
        let node = Node::new();
        for _ in 0..4 {
            round(&world, &node, &world.store).await;
        }
        for id in &ids {
            assert_eq!(seen(&world, &clerk, id).await.unwrap().completed, 32);
        }
    });
}

#[test]
fn what_is_no_name_is_not_written_down() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let id = begun(&mut world, &clerk, cancelling()).await.unwrap();
        for bad in ["not a serial".to_owned(), String::new(), "a".repeat(10_000)] {
            let (actor, id) = (operator(&clerk), id.clone());
            let added = world
                .store
                .write(move |tx| batch::add(tx, &actor, &id, std::slice::from_ref(&bad)));
            assert_eq!(code(added.await), "field.invalid");
        }
    });
}
