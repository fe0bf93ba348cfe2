//! Reports: who is in them, in which order, page by page (E18).

mod paging;
mod scopes;

use std::collections::BTreeSet;

use super::world::{NOON, World, everywhere, operator, system};
use crate::domain::id::{GroupId, PersonId};
use crate::domain::life::State;
use crate::store::Value;
use crate::usecase::authority::Actor;
use crate::usecase::people;
use crate::usecase::reports::{self, Cell, Page, Report, Wanted};

const DAY: i64 = 86_400;

/// A document as it is put into the database, past all rules.
#[derive(Clone)]
pub(crate) struct Put {
    pub(crate) serial: String,
    pub(crate) person: PersonId,
    pub(crate) profile: &'static str,
    pub(crate) doc_type: &'static str,
    pub(crate) state: State,
    pub(crate) requested_by: Option<PersonId>,
    pub(crate) requested: i64,
    pub(crate) issued: Option<i64>,
    pub(crate) valid_until: Option<i64>,
    pub(crate) notes: Option<&'static str>,
}

impl Put {
    pub(crate) fn new(serial: &str, person: &PersonId) -> Self {
        Self {
            serial: serial.to_owned(),
            person: person.clone(),
            profile: "licence",
            doc_type: "org.example.1",
            state: State::Active,
            requested_by: None,
            requested: NOON,
            issued: Some(NOON),
            valid_until: Some(NOON + DAY),
            notes: None,
        }
    }

    pub(crate) async fn into(self, world: &World) {
        world
            .run(move |tx| {
                let by = self.requested_by.as_ref().map_or("", PersonId::as_str);
                let values: [Value<'_>; 9] = [
                    (&self.serial).into(),
                    (&self.person).into(),
                    self.profile.into(),
                    self.doc_type.into(),
                    self.state.name().into(),
                    by.into(),
                    self.requested.into(),
                    self.issued.into(),
                    self.valid_until.into(),
                ];
                tx.execute(
                    "INSERT INTO document (serial, person, profile, profile_version, doc_type, state, since, requested_by, \
                     requested, delivery, generation, issued, valid_until, moves) \
                     VALUES ($1, $2, $3, 1, $4, $5, $7, $6, $7, 'held', 1, $8, $9, 1)",
                    &values,
                )?;
                tx.execute(
                    "INSERT INTO document_move (document, number, move, after, made, reason, notes) \
                     VALUES ($1, 1, 'submit', 'collectable', $2, NULL, $3)",
                    &[(&self.serial).into(), self.requested.into(), self.notes.into()],
                )?;
                Ok(())
            })
            .await;
    }
}

/// A device as it is put into the database.
pub(crate) async fn device(
    world: &World,
    id: &'static str,
    owner: &PersonId,
    facts: [Option<&'static str>; 2],
) {
    let (owner, at) = (owner.clone(), NOON);
    world
        .run(move |tx| {
            let [platform, model] = facts;
            let values: [Value<'_>; 5] = [
                id.into(),
                (&owner).into(),
                platform.into(),
                model.into(),
                at.into(),
            ];
            let sql = "INSERT INTO device (id, owner, platform, model, status, registered) \
                       VALUES ($1, $2, $3, $4, 'active', $5)";
            Ok(tx.execute(sql, &values)?)
        })
        .await;
}

async fn set(world: &World, sql: &'static str) {
    world.run(move |tx| Ok(tx.execute(sql, &[])?)).await;
}

fn wanted(world: &World, report: Report, filters: &[(&str, &str)]) -> Wanted {
    let mut wanted = Wanted::new(report, world.now);
    for (name, text) in filters {
        wanted.filter(name, text).unwrap();
    }
    wanted
}

async fn page(world: &World, actor: &Actor, wanted: &Wanted) -> Page {
    let (actor, wanted) = (actor.clone(), wanted.clone());
    let read = world.store.read(move |tx| reports::page(tx, &actor, &wanted));
    read.await.unwrap()
}

/// A column of a page, as text.
fn column(report: Report, name: &str, rows: &[Vec<Cell>]) -> Vec<String> {
    let at = report.columns().iter().position(|column| column.name == name);
    rows.iter().map(|row| row[at.unwrap()].text()).collect()
}

/// The names of the rows of a report.
async fn names(world: &World, report: Report, filters: &[(&str, &str)]) -> BTreeSet<String> {
    let page = page(world, &system(), &wanted(world, report, filters)).await;
    let first = report.columns()[0].name;
    column(report, first, &page.rows).into_iter().collect()
}

fn are(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn group(world: &mut World, name: &str, parent: Option<&GroupId>) -> GroupId {
    let (name, parent, now, mut rng) = (name.to_owned(), parent.cloned(), world.now, world.rng());
    world
        .run(move |tx| people::add_group(tx, &system(), now, (&name, parent.as_ref()), &mut rng))
        .await
}

async fn member(world: &mut World, name: &str, group: &GroupId) -> PersonId {
    let (id, group) = (world.person(name).await, group.clone());
    world
        .edit(&id, move |details| details.group = Some(group.clone()))
        .await;
    id
}

#[test]
fn a_filter_of_documents_leaves_what_it_names() {
    everywhere(async |mut world| {
        world.profile("pass", |_| {}).await;
        let top = group(&mut world, "top", None).await;
        let below = group(&mut world, "below", Some(&top)).await;
        let (boss, child) = (
            member(&mut world, "boss", &top).await,
            member(&mut world, "child", &below).await,
        );
        let (ada, clerk) = (world.ada.clone(), world.clerk.clone());
        let put = |serial, person| Put::new(serial, person);
        let all = [
            Put {
                profile: "pass",
                requested: NOON + DAY,
                ..put("a", &ada)
            },
            Put {
                doc_type: "org.example.2",
                issued: Some(NOON + DAY),
                ..put("b", &boss)
            },
            Put {
                state: State::Cancelled,
                valid_until: Some(NOON + 3 * DAY),
                ..put("c", &child)
            },
            Put {
                state: State::Collectable,
                issued: None,
                valid_until: None,
                requested_by: Some(clerk.clone()),
                ..put("d", &ada)
            },
        ];
        for one in all {
            one.into(&world).await;
        }
        let day = "2026-06-02T12:00:00Z";
        let documents: [(&str, &str, &[&str]); 15] = [
            ("person", ada.as_str(), &["a", "d"]),
            ("person", "nobody", &[]),
            ("group", top.as_str(), &["b", "c"]),
            ("group", below.as_str(), &["c"]),
            ("group", "none", &[]),
            ("profile", "pass", &["a"]),
            ("doc_type", "org.example.2", &["b"]),
            ("state", "cancelled", &["c"]),
            ("current", "false", &["c"]),
            ("requested_from", day, &["a"]),
            ("requested_to", day, &["b", "c", "d"]),
            ("issued_from", day, &["b"]),
            ("issued_to", day, &["a", "c"]),
            ("expires_from", "2026-06-03", &["c"]),
            ("expires_to", "2026-06-03", &["a", "b"]),
        ];
        for (name, text, expected) in documents {
            for order in ["requested", "serial"] {
                let mut asked = wanted(&world, Report::Documents, &[(name, text)]);
                asked.order(order).unwrap();
                let page = page(&world, &system(), &asked).await;
                let found: BTreeSet<_> = column(Report::Documents, "serial", &page.rows)
                    .into_iter()
                    .collect();
                assert_eq!(found, are(expected), "{name}={text} by {order}");
            }
        }
        let two = [("group", top.as_str()), ("state", "active")];
        assert_eq!(names(&world, Report::Documents, &two).await, are(&["b"]));
        let requests: [(&str, &str, &[&str]); 4] = [
            ("waiting", "true", &["d"]),
            ("waiting", "false", &["a", "b", "c"]),
            ("requested_by", clerk.as_str(), &["d"]),
            ("requested_from", day, &["a"]),
        ];
        for (name, text, expected) in requests {
            let found = names(&world, Report::Requests, &[(name, text)]).await;
            assert_eq!(found, are(expected), "{name}={text}");
        }
    });
}

#[test]
fn a_filter_of_devices_leaves_what_it_names() {
    everywhere(async |mut world| {
        let top = group(&mut world, "top", None).await;
        let (ada, boss) = (world.ada.clone(), member(&mut world, "boss", &top).await);
        device(&world, "a", &ada, [Some("android"), None]).await;
        device(&world, "b", &boss, [Some("ios"), None]).await;
        device(&world, "c", &ada, [None, None]).await;
        set(
            &world,
            "UPDATE device SET status = 'disabled', registered = registered + 86400 WHERE id = 'b'",
        )
        .await;
        set(
            &world,
            "UPDATE device SET seen = registered + 86400 WHERE id <> 'c'",
        )
        .await;
        let day = "2026-06-02T12:00:00Z";
        let devices: [(&str, &str, &[&str]); 9] = [
            ("person", ada.as_str(), &["a", "c"]),
            ("group", top.as_str(), &["b"]),
            ("platform", "ios", &["b"]),
            ("active", "true", &["a", "c"]),
            ("active", "false", &["b"]),
            ("registered_from", day, &["b"]),
            ("registered_to", day, &["a", "c"]),
            ("seen_from", "2026-06-03", &["b"]),
            ("seen_to", "2026-06-03", &["a"]),
        ];
        for (name, text, expected) in devices {
            let found = names(&world, Report::Devices, &[(name, text)]).await;
            assert_eq!(found, are(expected), "{name}={text}");
        }
    });
}

#[test]
fn a_document_is_current_or_waits_as_its_state_says() {
    everywhere(async |world| {
        let ada = world.ada.clone();
        for state in State::ALL {
            let put = Put::new(state.name(), &ada);
            Put { state, ..put }.into(&world).await;
        }
        let of = |wanted: fn(&State) -> bool| {
            let states = State::ALL.into_iter().filter(wanted);
            states
                .map(|state| state.name().to_owned())
                .collect::<BTreeSet<_>>()
        };
        let waits = |state: &State| state.is_open() && !state.is_issued();
        let cases = [
            (
                Report::Documents,
                ("current", "true"),
                of(|state| state.is_open()),
            ),
            (
                Report::Documents,
                ("current", "false"),
                of(|state| !state.is_open()),
            ),
            (Report::Requests, ("waiting", "true"), of(waits)),
            (
                Report::Requests,
                ("waiting", "false"),
                of(|state| !state.is_open() || state.is_issued()),
            ),
        ];
        for (report, filter, expected) in cases {
            assert_eq!(names(&world, report, &[filter]).await, expected, "{filter:?}");
            let all = page(&world, &system(), &wanted(&world, report, &[])).await;
            let told = column(report, filter.0, &all.rows);
            let serials = column(report, "serial", &all.rows);
            let told = serials.into_iter().zip(told);
            let told: BTreeSet<_> = told
                .filter(|(_, flag)| flag == filter.1)
                .map(|(serial, _)| serial)
                .collect();
            assert_eq!(told, expected, "{filter:?}");
        }
        assert_eq!(
            names(&world, Report::Expiring, &[]).await,
            of(|state| state.is_issued())
        );
    });
}

#[test]
fn what_expires_does_so_within_thirty_days_unless_something_else_is_said() {
    everywhere(async |world| {
        let ada = world.ada.clone();
        for (serial, days) in [("over", -1), ("soon", 1), ("later", 29), ("far", 31)] {
            let valid_until = Some(NOON + days * DAY);
            Put {
                valid_until,
                ..Put::new(serial, &ada)
            }
            .into(&world)
            .await;
        }
        Put {
            valid_until: None,
            ..Put::new("never", &ada)
        }
        .into(&world)
        .await;
        let found = async |filters: &[(&str, &str)]| names(&world, Report::Expiring, filters).await;
        assert_eq!(found(&[]).await, are(&["soon", "later"]));
        assert_eq!(
            found(&[("expires_from", "2026-05-01")]).await,
            are(&["over", "soon", "later"])
        );
        assert_eq!(
            found(&[("expires_to", "2027-01-01")]).await,
            are(&["soon", "later", "far"])
        );
        assert_eq!(
            found(&[("expires_from", "2026-06-20"), ("expires_to", "2027-01-01")]).await,
            are(&["later", "far"])
        );
    });
}

#[test]
fn what_was_issued_is_counted_by_profile_type_and_state() {
    everywhere(async |world| {
        world.profile("pass", |_| {}).await;
        let ada = world.ada.clone();
        let put = |serial| Put::new(serial, &ada);
        let all = [
            put("a"),
            Put {
                issued: Some(NOON + DAY),
                ..put("b")
            },
            Put {
                state: State::Cancelled,
                ..put("c")
            },
            Put {
                profile: "pass",
                ..put("d")
            },
            Put {
                doc_type: "org.example.2",
                ..put("e")
            },
            Put {
                issued: None,
                state: State::Collectable,
                ..put("f")
            },
        ];
        for one in all {
            one.into(&world).await;
        }
        let counts = async |filters: &[(&str, &str)]| {
            let page = page(&world, &system(), &wanted(&world, Report::Issued, filters)).await;
            let rows = page
                .rows
                .iter()
                .map(|row| row.iter().map(Cell::text).collect::<Vec<_>>().join(" "));
            rows.collect::<Vec<_>>()
        };
        let expected = [
            "licence org.example.1 active 2",
            "licence org.example.2 active 1",
            "licence org.example.1 cancelled 1",
            "pass org.example.1 active 1",
        ];
        assert_eq!(counts(&[]).await, expected);
        assert_eq!(
            counts(&[("issued_from", "2026-06-02")]).await,
            ["licence org.example.1 active 1"]
        );
        assert_eq!(
            counts(&[
                ("issued_to", "2026-06-02"),
                ("state", "active"),
                ("doc_type", "org.example.1")
            ])
            .await,
            ["licence org.example.1 active 1", "pass org.example.1 active 1"]
        );
    });
}

#[test]
fn requests_and_documents_tell_why_and_by_whom() {
    everywhere(async |mut world| {
        world
            .profile("licence", |settings| settings.validate_issuance = true)
            .await;
        let (clerk, chief) = (world.clerk.clone(), world.chief.clone());
        let wish = crate::usecase::request::Wish {
            person: world.ada.clone(),
            profile: "licence".to_owned(),
            delivery: None,
            notes: Some("for the gate".to_owned()),
        };
        let serial = world.request(&clerk, wish).await.unwrap().document.serial;
        let (actor, now, terms) = (operator(&chief), world.now, world.terms.clone());
        world
            .run(move |tx| {
                let why = crate::usecase::document::Why {
                    reason: Some("duplicate"),
                    notes: Some("seen before"),
                };
                let rng = &mut crate::random::system();
                crate::usecase::validate::validate(tx, &actor, now, (&serial, false, &terms), why, rng)
            })
            .await;
        let requests = page(&world, &system(), &wanted(&world, Report::Requests, &[]))
            .await
            .rows;
        let of = |name| column(Report::Requests, name, &requests);
        assert_eq!(of("requested_by"), [clerk.to_string()]);
        assert_eq!(of("decided_by"), [chief.to_string()]);
        assert_eq!(
            (of("notes"), of("waiting")),
            (vec!["for the gate".to_owned()], vec!["false".to_owned()])
        );
        let documents = page(&world, &system(), &wanted(&world, Report::Documents, &[]))
            .await
            .rows;
        assert_eq!(column(Report::Documents, "reason", &documents), ["duplicate"]);
        assert_eq!(column(Report::Documents, "logon_name", &documents), ["ada"]);
    });
}
