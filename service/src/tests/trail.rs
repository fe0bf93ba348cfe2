//! The audit trail against what somebody kept of it, and away from the service (E19).

use serde_json::{Value, json};

use crate::domain::role::{Scope, Workflow};
use crate::tests::world::{World, everywhere, system};
use crate::usecase::audit::{self, BadExport, Broken, Chain, Kept};
use crate::usecase::collect::Holder;

/// What `audit show` prints.
async fn exported(world: &World) -> Vec<String> {
    let page = world.run(|tx| audit::page(tx, &system(), 0)).await;
    page.iter().map(audit::line).collect()
}

fn checked(lines: &[String], kept: &[Kept]) -> Result<Chain, BadExport> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    audit::verify_export(text.as_bytes(), Chain::with(kept.to_vec()))
}

fn broken(lines: &[String], kept: &[Kept]) -> Broken {
    match checked(lines, kept) {
        Err(BadExport::Broken(broken)) => broken,
        other => panic!("{other:?}"),
    }
}

async fn verified(world: &World, kept: &[Kept]) -> Result<Chain, Broken> {
    let chain = Chain::with(kept.to_vec());
    world
        .store
        .read(move |tx| audit::verify_with(tx, chain.clone()))
        .await
        .unwrap()
}

/// Writes the whole trail anew with another text in an entry, as who has the database can: every digest fits.
async fn rewrite(world: &World) {
    world
        .run(|tx| {
            let mut chain = Chain::default();
            let mut written = Vec::new();
            for recorded in audit::page(tx, &system(), 0)? {
                let entry = recorded.entry.replace("person.add", "person.got");
                let digest = {
                    use sha2::{Digest, Sha256};
                    let digest = Sha256::new().chain_update(chain.head().1).chain_update(&entry);
                    digest.finalize().to_vec()
                };
                chain.next(recorded.number, &entry, &digest).unwrap();
                written.push((recorded.number, entry, digest));
            }
            for (number, entry, digest) in &written {
                tx.execute(
                    "UPDATE audit SET entry = $2, digest = $3 WHERE number = $1",
                    &[(*number).into(), entry.into(), digest.into()],
                )?;
            }
            tx.execute("UPDATE audit_head SET digest = $1", &[chain.head().1.into()])?;
            Ok(())
        })
        .await;
}

#[test]
fn a_digest_that_was_kept_shows_a_trail_that_was_written_anew() {
    everywhere(async |mut world| {
        let keep = verified(&world, &[]).await.unwrap().to_keep().unwrap();
        // As somebody writes it down and types it.
        let keep: Kept = keep.to_string().parse().unwrap();
        world.person("grace").await;
        let later = verified(&world, std::slice::from_ref(&keep)).await.unwrap();
        assert!(later.head().0 > keep.number());
        let before = exported(&world).await;
        assert_eq!(
            checked(&before, std::slice::from_ref(&keep)).unwrap().head(),
            later.head()
        );

        rewrite(&world).await;
        let number = keep.number();
        assert!(verified(&world, &[]).await.is_ok(), "its digests fit");
        assert_eq!(
            verified(&world, std::slice::from_ref(&keep)).await.unwrap_err(),
            Broken::Kept { number }
        );
        let after = exported(&world).await;
        assert!(checked(&after, &[]).is_ok());
        assert_eq!(broken(&after, &[keep]), Broken::Kept { number });
    });
}

#[test]
fn a_trail_that_ends_before_what_was_kept_does_not_hold() {
    everywhere(async |mut world| {
        world.person("grace").await;
        let keep = verified(&world, &[]).await.unwrap().to_keep().unwrap();
        let number = keep.number();
        world
            .run(move |tx| {
                tx.execute("DELETE FROM audit WHERE number = $1", &[number.into()])?;
                tx.execute(
                    "UPDATE audit_head SET number = $1, digest = (SELECT digest FROM audit WHERE number = $1)",
                    &[(number - 1).into()],
                )?;
                Ok(())
            })
            .await;
        assert!(verified(&world, &[]).await.is_ok(), "its head fits");
        assert_eq!(
            verified(&world, std::slice::from_ref(&keep)).await.unwrap_err(),
            Broken::Missing { number }
        );
        assert_eq!(
            broken(&exported(&world).await, &[keep]),
            Broken::Missing { number }
        );
    });
}

#[test]
fn an_export_is_checked_without_the_service() {
    everywhere(async |mut world| {
        world.person("grace").await;
        // What steers a terminal, and what looks like the escape of it, stay what they are.
        let now = world.now;
        let odd = "a\u{202e}b \\u202e \\\\ \u{e9} \"q\"\n";
        world
            .run(move |tx| {
                let entry = audit::Entry::new("test.odd", ("test", "x")).because(None, Some(odd));
                Ok(audit::append(tx, &system(), now, &entry)?)
            })
            .await;
        let lines = exported(&world).await;
        let last = lines.last().unwrap();
        assert!(last.is_char_boundary(0) && !last.contains('\u{202e}') && last.contains('\u{e9}'));
        let read: Value = serde_json::from_str(last).unwrap();
        assert_eq!(read["notes"], odd);
        assert_eq!(read["digest"].as_str().unwrap().len(), 64);
        let whole = checked(&lines, &[]).unwrap();
        assert_eq!(usize::try_from(whole.head().0).unwrap(), lines.len());
        assert_eq!(whole.to_keep(), verified(&world, &[]).await.unwrap().to_keep());

        // Each spoiling of one line is found, and where.
        let mut changed = lines.clone();
        changed[2] = changed[2].replace("person.add", "person.got");
        assert_ne!(changed[2], lines[2]);
        assert_eq!(broken(&changed, &[]), Broken::Digest { number: 3 });
        let mut short = lines.clone();
        short.remove(1);
        assert_eq!(
            broken(&short, &[]),
            Broken::Number {
                expected: 2,
                found: 3
            }
        );
        let mut other = lines.clone();
        other[3] = format!("{} ", other[3]).replace(": ", ":");
        assert_eq!(broken(&other, &[]), Broken::Digest { number: 4 });
        other[3] = "{\"number\":4}".to_owned();
        assert!(matches!(checked(&other, &[]), Err(BadExport::Line(4))));

        // One that begins later needs the digest of the entry before, and the right one.
        let tail = &lines[4..];
        assert!(matches!(checked(tail, &[]), Err(BadExport::Begins(5))));
        let keep = |at: usize| -> Kept {
            let line: Value = serde_json::from_str(&lines[at]).unwrap();
            let digest = line["digest"].as_str().unwrap();
            format!("{}:{digest}", line["number"]).parse().unwrap()
        };
        assert_eq!(checked(tail, &[keep(3)]).unwrap().head(), whole.head());
        let wrong: Kept = format!("4:{}", "0".repeat(64)).parse().unwrap();
        assert_eq!(broken(tail, &[wrong]), Broken::Digest { number: 5 });
    });
}

#[test]
fn what_is_kept_is_a_number_and_a_digest() {
    let digest = "0f".repeat(32);
    assert_eq!(format!("12:{digest}").parse::<Kept>().unwrap().number(), 12);
    for bad in [
        digest.clone(),
        format!("0:{digest}"),
        format!("-1:{digest}"),
        format!("x:{digest}"),
        format!("1:{}", &digest[1..]),
        format!("1:{digest}00"),
        format!("1:{}", digest.replace('f', "g")),
    ] {
        assert!(bad.parse::<Kept>().is_err(), "{bad}");
    }
}

/// What was told since there were so many entries: the action, and what is now.
async fn told(world: &World, since: usize) -> Vec<(String, Value)> {
    let since = world.audited().await.split_off(since);
    since
        .into_iter()
        .map(|entry| {
            (
                entry["action"].as_str().unwrap().to_owned(),
                entry["after"].clone(),
            )
        })
        .collect()
}

#[test]
fn the_trail_tells_of_every_wallet_and_device_and_what_it_was_given() {
    everywhere(async |mut world| {
        world.profile("licence", |s| s.validate_issuance = true).await;
        world.data_of("loyalty-card").await;
        let (clerk, chief) = (world.clerk.clone(), world.chief.clone());
        let serial = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        let offer = world.hand_out(&clerk, &serial).await.unwrap();
        let holder = Holder {
            key_thumbprint: Some([7; 32]),
            ..Holder::default()
        };
        let since = world.audited().await.len();
        let typed = offer.code.clone().unwrap();
        let begun = world.redeem(&offer, Some(&typed), &holder).await.unwrap();
        // It waits for the approval, so that no move tells of it.
        assert_eq!(
            told(&world, since).await,
            [("offer.take".to_owned(), json!({ "state": "awaiting-validation" }))]
        );
        let (actor, name, now) = (crate::tests::world::operator(&chief), serial.clone(), world.now);
        let terms = world.terms.clone();
        world
            .run(move |tx| {
                let why = crate::usecase::document::Why::default();
                crate::usecase::validate::validate(
                    tx,
                    &actor,
                    now,
                    (&name, true, &terms),
                    why,
                    &mut crate::random::system(),
                )
            })
            .await;

        let since = world.audited().await.len();
        world.issue(&begun, 2, b"first").await.unwrap();
        let again = world.refresh(&begun, &holder).await.unwrap();
        world.issue(&again, 1, b"again").await.unwrap();
        let (ada, found) = (world.ada.clone(), world.audited().await);
        let device = found[since]["object"]["name"].clone();
        assert_eq!(
            told(&world, since).await,
            [
                ("device.register", json!({ "owner": ada.as_str() })),
                ("document.begin", json!({ "state": "issuing" })),
                (
                    "document.issue",
                    json!({ "state": "active", "generation": 1, "copies": 2, "device": device })
                ),
                ("refresh.begin", json!({ "state": "active" })),
                (
                    "document.refresh",
                    json!({ "generation": 2, "copies": 1, "device": device })
                ),
            ]
            .map(|(action, after)| (action.to_owned(), after))
        );
        assert_eq!(found[since]["object"]["kind"], "device");
    });
}

#[test]
fn the_trail_has_what_a_role_granted_before() {
    everywhere(async |world| {
        world.role("staff", Scope::Group, &[Workflow::ViewReports]).await;
        world
            .role(
                "staff",
                Scope::All,
                &[Workflow::ViewReports, Workflow::EditPeople],
            )
            .await;
        let found = world.audited().await;
        let [.., first, second] = found.as_slice() else {
            panic!("there are two")
        };
        assert_eq!(first["before"], Value::Null);
        let before = json!({ "scope": "group", "workflows": ["ViewReports"] });
        assert_eq!(second["before"], before);
        assert_eq!(first["after"], before);
        assert_eq!(
            second["after"],
            json!({ "scope": "all", "workflows": ["ViewReports", "EditPeople"] })
        );
    });
}
