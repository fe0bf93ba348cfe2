//! Invitations: who makes them, and how often and how long they are good.

use super::*;
use crate::tests::world::code;

#[test]
fn an_invitation_is_good_once_and_for_a_day_and_the_newest_alone() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let old = invited(&mut world, &clerk).await;
        let new = invited(&mut world, &clerk).await;
        let mut browser = Browser::new(&world);
        assert_eq!(browser.get(&old).await.status, 404);
        assert_eq!(browser.get("/operator/join/AAAA").await.status, 404);
        let page = browser.get(&new).await;
        assert_eq!(page.status, 200);
        assert!(
            page.body.contains("<svg") && page.body.contains("clerk"),
            "{}",
            page.body
        );
        let secret = shown_secret(&page.body);
        let app = Authenticator::new(&secret, ("", "")).unwrap();
        let now = app.code(world.now);
        let another = if now == "000000" { "000001" } else { "000000" };
        for (password, again, code, words) in [
            ("short", "short", now.as_str(), "10 to 128"),
            (PASSWORD, "another", &now, "not the same"),
            ("password123", "password123", &now, "guessed soon"),
            ("clerk clerk clerk", "clerk clerk clerk", &now, "guessed soon"),
            (PASSWORD, PASSWORD, another, "Code:"),
            (PASSWORD, PASSWORD, "", "Code:"),
        ] {
            let form = [("password", password), ("again", again), ("code", code)];
            let page = browser.post(&new, &form).await;
            assert_eq!(page.status, 422, "{words}");
            assert!(page.body.contains(words), "{words}: {}", page.body);
            assert!(!page.body.contains("clerk clerk") && !page.body.contains(PASSWORD));
            assert_eq!(shown_secret(&page.body), secret);
        }
        let form = [("password", PASSWORD), ("again", PASSWORD), ("code", &now)];
        assert_eq!(browser.post(&new, &form).await.status, 200);
        assert_eq!(browser.post(&new, &form).await.status, 404);
        assert_eq!(browser.get(&new).await.status, 404);

        let late = invited(&mut world, &clerk).await;
        world.later(24 * 3600);
        assert_eq!(Browser::new(&world).get(&late).await.status, 404);
        let actions = world.actions().await;
        let mine: Vec<&str> = actions
            .iter()
            .map(String::as_str)
            .filter(|action| action.starts_with("operator."))
            .collect();
        assert_eq!(
            mine,
            [
                "operator.invite",
                "operator.invite",
                "operator.enrol",
                "operator.invite"
            ]
        );
    });
}

#[test]
fn nobody_gets_what_another_operator_signs_in_by() {
    everywhere(async |mut world| {
        world.role("admins", Scope::All, &Workflow::ALL).await;
        let (chief, clerk) = (world.chief.clone(), world.clerk.clone());
        world.grant("admins", &chief).await;
        let (now, secrets) = (world.now, world.terms.secrets.clone());
        for (actor, who, expected) in [
            (chief.clone(), clerk.clone(), "client.other-operator"),
            (chief.clone(), chief.clone(), "done"),
            (clerk.clone(), clerk, "role.not-granted"),
        ] {
            let (secrets, mut rng) = (secrets.clone(), world.rng());
            let done = world.store.write(move |tx| {
                operators::invite(
                    tx,
                    &operator(&actor),
                    now,
                    &who,
                    (&secrets, Patience::default(), &mut rng),
                )
            });
            assert_eq!(code(done.await), expected);
        }
    });
}

#[test]
fn whoever_is_invited_again_begins_anew() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let before = account(&mut world, &clerk, "clerk").await;
        let mut browser = signed_in(&world, &before).await;
        let address = invited(&mut world, &clerk).await;
        // Until it is taken, everything is as it was.
        assert_eq!(browser.people().await, 200);
        let page = browser.get(&address).await;
        let secret = shown_secret(&page.body);
        let code = Authenticator::new(&secret, ("", "")).unwrap().code(world.now);
        let other = "granite lamp 4 violin";
        let form = [("password", other), ("again", other), ("code", &code)];
        assert_eq!(browser.post(&address, &form).await.status, 200);
        assert_eq!(browser.people().await, 401);
        let mut browser = Browser::new(&world);
        assert_eq!(browser.password("clerk", PASSWORD).await.status, 403);
        assert_eq!(browser.password("clerk", other).await.status, 303);
        for code in [&before.code(world.now), &before.codes[0]] {
            assert_eq!(
                browser.post("/operator/second", &[("code", code)]).await.status,
                403
            );
        }
    });
}
