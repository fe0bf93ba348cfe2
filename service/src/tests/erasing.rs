//! What is kept of a person: written down for the person, and erased.

mod after;

use rusqlite::types::ValueRef;
use serde_json::{Value as Json, json};

use super::outbox::{sending, take};
use super::reports::{Put, device};
use super::retention::cancel;
use super::world::{World, code, everywhere, operator, system};
use crate::domain::id::{PersonId, Serial};
use crate::domain::life::{Standing, State};
use crate::domain::profile::{Delivery, Scheme};
use crate::domain::role::{Scope, Workflow};
use crate::domain::scope::ApiScope;
use crate::store::Row;
use crate::usecase::people;
use crate::usecase::request::{self, Wish};
use crate::usecase::standing::{Known, standing};
use crate::usecase::{Failure, audit, clients};

/// What is the person's, in small letters, and must not be anywhere afterwards.
const VALUES: [&str; 12] = [
    "zelda-logon",
    "zeldagiven",
    "zeldafamily",
    "zelda@mail.example",
    "+441632960777",
    "e-4711-z",
    "ext-zelda",
    "zeldatown",
    "zelda-picture",
    "zeldaphone",
    "zelda said so",
    "busy with zelda",
];

async fn erase(
    world: &World,
    who: &PersonId,
    names: (&'static str, &'static str),
) -> Result<PersonId, Failure> {
    let (actor, now) = (operator(who), world.now);
    world
        .store
        .write(move |tx| people::erase(tx, &actor, now, names))
        .await
}

async fn export(world: &World, who: &PersonId, name: &'static str) -> Result<Json, Failure> {
    let (actor, now) = (operator(who), world.now);
    let by = actor.clone();
    let id = world
        .store
        .write(move |tx| people::export(tx, &by, now, name))
        .await?;
    world
        .store
        .read(move |tx| people::exported(tx, &actor, (&id, people::Trail::AsGranted)))
        .await
}

async fn set(world: &World, sql: &'static str, person: &PersonId) {
    let person = person.clone();
    world
        .run(move |tx| {
            tx.execute(sql, &[(&person).into()])?;
            Ok(())
        })
        .await;
}

/// Ada, with values that nobody else has, a document in a wallet, a request that was rejected in words, messages, a device, a
/// role, a machine and a batch.
async fn somebody(world: &mut World) -> (PersonId, Serial) {
    let ada = world.ada.clone();
    let serial = world.collected("licence", 2).await;
    sending(world, Scheme::AuthCodeViaSms).await;
    let (now, id) = (world.now, ada.clone());
    world
        .run(move |tx| {
            let mut person = people::read(tx, &id)?;
            let details = &mut person.details;
            details.logon_name = "zelda-logon".to_owned();
            details.given_name = "Zeldagiven".to_owned();
            details.family_name = "Zeldafamily".to_owned();
            details.email = Some("zelda@mail.example".to_owned());
            details.mobile_phone = Some("+441632960777".to_owned());
            details.external_id = Some("ext-zelda".to_owned());
            details
                .attributes
                .insert("birth_place".to_owned(), json!("Zeldatown"));
            person.employee_number = "E-4711-Z".to_owned();
            people::change(tx, &system(), now, &person)?;
            people::set_photo(tx, &system(), now, &id, ("image/jpeg", b"zelda-picture"))
        })
        .await;
    let wish = Wish {
        person: ada.clone(),
        profile: "licence".to_owned(),
        delivery: Some(Delivery::Notified),
        notes: Some("Zelda said so".to_owned()),
    };
    let clerk = world.clerk.clone();
    world.request(&clerk, wish).await.unwrap();
    assert_eq!(take(world).await.len(), 2);
    world.grant("chiefs", &ada).await;
    let (secrets, mut rng, operator) = (world.terms.secrets.clone(), world.rng(), ada.clone());
    world
        .run(move |tx| {
            let machine = ("gateway", &operator, &ApiScope::ALL[..1]);
            clients::add(tx, &system(), now, machine, (&secrets, &mut rng)).map(drop)
        })
        .await;
    device(world, "d-1", &ada, [Some("ios"), Some("Zeldaphone")]).await;
    Put {
        state: State::Expired,
        ..Put::new("s-old", &ada)
    }
    .into(world)
    .await;
    for sql in [
        "UPDATE message SET why = 'busy with Zelda' WHERE person = $1",
        "INSERT INTO session (token, document, said, started, expires) \
         SELECT pre_authorized, document, 'Zeldaphone', created, expires FROM offer \
         WHERE used IS NOT NULL AND document IN (SELECT serial FROM document WHERE person = $1)",
        "INSERT INTO batch (id, operation, notes, state, person, place, total, created, ended) \
         VALUES ('b-1', 'request', 'Zelda said so', 'done', $1, 'command line, zelda-logon (7)', 1, 1, 1)",
        "INSERT INTO batch_row (batch, number, object, state, message) VALUES ('b-1', 1, $1, 'failed', 'busy with Zelda')",
    ] {
        set(world, sql, &ada).await;
    }
    (ada, serial)
}

async fn cancel_all(world: &World, person: &PersonId) {
    let person = person.clone();
    let open = world
        .run(move |tx| {
            let sql =
                "SELECT serial FROM document WHERE person = $1 AND state NOT IN ('cancelled', 'expired')";
            Ok(tx.rows(sql, &[(&person).into()], |row| row.get::<Serial>(0))?)
        })
        .await;
    assert_eq!(open.len(), 2);
    for serial in open {
        cancel(world, &serial).await;
    }
}

/// Everything that the database holds, a line for each row of each table, in small letters; bytes as they are.
async fn dump(world: &World) -> Vec<(String, String)> {
    let server = world.is_server();
    world
        .run(move |tx| {
            let tables = if server {
                "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public'"
            } else {
                "SELECT name FROM sqlite_schema WHERE type = 'table'"
            };
            let tables = tx.rows(tables, &[], |row| row.get::<String>(0))?;
            assert!(tables.len() > 25, "{tables:?}");
            let mut all = Vec::new();
            for table in tables {
                let sql = if server {
                    // Bytes as they are, and not as digits.
                    tx.execute("SET LOCAL bytea_output = 'escape'", &[])?;
                    format!("SELECT CAST(t AS TEXT) FROM {table} t")
                } else {
                    format!("SELECT * FROM {table}")
                };
                for line in tx.rows(&sql, &[], |row| Ok(text(row)))? {
                    all.push((table.clone(), line.to_lowercase()));
                }
            }
            Ok(all)
        })
        .await
}

fn text(row: &Row<'_>) -> String {
    let row = match row {
        Row::Postgres(row) => return row.get(0),
        Row::Sqlite(row) => row,
    };
    let count = row.as_ref().column_count();
    let cell = |at| match row.get_ref(at).unwrap() {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    };
    (0..count).map(cell).collect::<Vec<_>>().join("|")
}

/// The tables where one of the person's values is, with the value.
async fn found(world: &World) -> Vec<(&'static str, String)> {
    let all = dump(world).await;
    let mut found = Vec::new();
    for value in VALUES {
        for (table, line) in &all {
            if line.contains(value) {
                found.push((value, table.clone()));
            }
        }
    }
    found
}

#[test]
fn nothing_of_who_was_erased_is_anywhere_and_the_trail_and_the_status_hold() {
    everywhere(async |mut world| {
        let (ada, serial) = somebody(&mut world).await;
        let chief = world.chief.clone();
        world
            .role(
                "editors",
                Scope::All,
                &[Workflow::EditPeople, Workflow::EditRoles],
            )
            .await;
        world.grant("editors", &chief).await;
        let names = ("zelda-logon", "Zelda-Logon");
        assert_eq!(code(erase(&world, &chief, names).await), "person.open-documents");
        cancel_all(&world, &ada).await;
        let before = found(&world).await;
        for value in VALUES {
            assert!(before.iter().any(|(known, _)| *known == value), "{value}");
        }
        let id = erase(&world, &chief, names).await.unwrap();
        assert_eq!(id, ada);

        // What somebody noted in words with a move is in the trail, of which nothing is ever taken.
        let mut after = found(&world).await;
        after.retain(|kept| *kept != ("zelda said so", "audit".to_owned()));
        assert_eq!(after, []);
        world.store.read(audit::verify).await.unwrap().unwrap();
        let entries = world.audited().await;
        for mut entry in entries {
            entry.as_object_mut().unwrap().remove("notes");
            let entry = entry.to_string().to_lowercase();
            assert!(VALUES.iter().all(|value| !entry.contains(value)), "{entry}");
        }
        let told = world.actions().await;
        for action in ["role.withdraw", "client.disable", "person.erase"] {
            assert_eq!(
                told.iter().filter(|known| *known == action).count(),
                1,
                "{action}"
            );
        }

        // Who asks is told of the documents what was told before.
        let now = world.now;
        let copy = serial.clone();
        let entry = world
            .run(move |tx| {
                let sql = "SELECT list, place FROM copy WHERE document = $1 LIMIT 1";
                Ok(tx.row(sql, &[(&copy).into()], |row| Ok((row.get(0)?, row.get(1)?)))?)
            })
            .await;
        let (list, place) = entry.unwrap();
        for (known, expected) in [
            (Known::Serial(serial.clone()), Standing::Cancelled),
            (Known::Entry(list, place), Standing::Cancelled),
            (Known::Serial(Serial::given("s-old").unwrap()), Standing::Expired),
        ] {
            let stands = world.store.read(move |tx| standing(tx, now, &known)).await;
            assert_eq!(stands.unwrap(), expected);
        }
        assert_eq!(world.entries(&serial).await, [1, 1]);

        // The names are free, and the one who was erased is nobody.
        assert_eq!(code(erase(&world, &chief, names).await), "not-found");
        let person = world.run(move |tx| people::read(tx, &ada)).await;
        assert_eq!(person.details.logon_name, format!("erased-{id}"));
        world.person("zelda-logon").await;
    });
}

#[test]
fn who_erases_or_writes_down_a_person_may_edit_that_person() {
    everywhere(async |world| {
        let (clerk, chief) = (world.clerk.clone(), world.chief.clone());
        world
            .role("editors", Scope::Itself, &[Workflow::EditPeople])
            .await;
        world.grant("editors", &chief).await;
        let before = world.actions().await.len();
        for (who, expected) in [(&clerk, "role.not-granted"), (&chief, "not-found")] {
            assert_eq!(code(erase(&world, who, ("ada", "ada")).await), expected);
            assert_eq!(code(export(&world, who, "ada").await), expected);
            // Who is out of scope is as who is not there.
            assert_eq!(code(export(&world, who, "nobody").await), expected);
        }
        world.role("editors", Scope::All, &[Workflow::EditPeople]).await;
        assert_eq!(
            code(erase(&world, &chief, ("ada", "adam")).await),
            "field.invalid"
        );
        assert_eq!(world.actions().await.len(), before + 1);
        assert_eq!(code(erase(&world, &chief, ("ada", "ADA")).await), "done");
    });
}

#[test]
fn who_has_powers_is_erased_by_who_gives_them_and_what_they_did_to_others_is_for_the_trail() {
    everywhere(async |world| {
        let chief = world.chief.clone();
        world.role("editors", Scope::All, &[Workflow::EditPeople]).await;
        world.grant("editors", &chief).await;
        // The clerk has a role.
        let refused = erase(&world, &chief, ("clerk", "clerk")).await;
        assert_eq!(code(refused), "role.not-granted");
        let mine = |file: &Json| {
            let all = file["audit"].as_array().unwrap().clone();
            let did = all
                .into_iter()
                .filter(|entry| entry["action"] == "document.submit");
            did.collect::<Vec<_>>()
        };
        let (clerk, ada, now, terms) = (
            operator(&world.clerk),
            world.ada.clone(),
            world.now,
            world.terms.clone(),
        );
        world.profile("checked", |s| s.validate_issuance = true).await;
        world
            .run(move |tx| {
                let wish = Wish {
                    person: ada.clone(),
                    profile: "checked".to_owned(),
                    delivery: Some(Delivery::Held),
                    notes: Some("about Ada".to_owned()),
                };
                request::request(tx, &clerk, now, (&wish, &terms), &mut crate::random::system())
            })
            .await;
        let file = export(&world, &chief, "clerk").await.unwrap();
        let brief = mine(&file);
        assert_eq!(brief.len(), 1);
        let members: Vec<_> = brief[0].as_object().unwrap().keys().collect();
        assert_eq!(members, ["number", "at", "action"]);
        world
            .role("trail", Scope::All, &[Workflow::ViewAudit, Workflow::EditRoles])
            .await;
        world.grant("trail", &chief).await;
        let file = export(&world, &chief, "clerk").await.unwrap();
        assert_eq!(mine(&file)[0]["object"]["kind"], "document");
        assert_eq!(code(erase(&world, &chief, ("clerk", "clerk")).await), "done");
    });
}

#[test]
fn everything_that_is_kept_of_a_person_is_written_down() {
    everywhere(async |mut world| {
        let (ada, serial) = somebody(&mut world).await;
        world.role("editors", Scope::All, &[Workflow::EditPeople]).await;
        let chief = world.chief.clone();
        world.grant("editors", &chief).await;
        let all = export(&world, &chief, "zelda-logon").await.unwrap();
        assert_eq!(all["person"]["id"], ada.as_str());
        assert_eq!(all["person"]["attributes"]["birth_place"], "Zeldatown");
        assert_eq!(all["photograph"][0]["picture"], "emVsZGEtcGljdHVyZQ==");
        assert_eq!(all["roles"], json!([{ "role": "chiefs" }]));
        assert_eq!(all["machines"][0]["name"], "gateway");
        let devices = all["devices"].as_array().unwrap();
        assert!(devices.iter().any(|device| device["model"] == "Zeldaphone"));
        let documents = all["documents"].as_array().unwrap();
        assert_eq!(documents.len(), 3);
        let document = documents
            .iter()
            .find(|document| document["serial"] == serial.as_str());
        let document = document.unwrap();
        assert_eq!(document["copies"].as_array().unwrap().len(), 2);
        assert!(document["history"].as_array().unwrap().len() > 2);
        let sessions = document["sessions"].as_array().unwrap();
        let said = |session: &Json| session["said"] == "Zeldaphone";
        assert!(sessions.iter().any(said), "{sessions:?}");
        let messages = all["messages"].as_array().unwrap();
        assert_eq!(messages.len(), 2);
        assert!(messages.iter().all(|message| message.get("sealed").is_none()));
        assert_eq!(all["batches"][0]["message"], "busy with Zelda");
        assert_eq!(all["begun_batches"][0]["id"], "b-1");
        let actions: Vec<&str> = all["audit"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["action"].as_str().unwrap())
            .collect();
        for action in ["person.add", "person.photo", "document.issue", "person.export"] {
            assert!(actions.contains(&action), "{actions:?}");
        }
        assert!(!actions.contains(&"role.set"), "{actions:?}");
        // Every value that the database has of the person is there, but for what is derived of others or sealed.
        let text = all.to_string().to_lowercase();
        for value in VALUES.into_iter().filter(|value| *value != "zelda-picture") {
            assert!(text.contains(value), "{value}");
        }
        assert_eq!(world.actions().await.last().unwrap(), "person.export");
    });
}
