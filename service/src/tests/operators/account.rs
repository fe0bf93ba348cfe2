//! Changing what one signs in by: the password is asked for anew each time.

use super::*;

#[test]
fn another_password_ends_the_other_sessions() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut other = signed_in(&world, &account).await;
        world.later(60);
        let mut browser = signed_in(&world, &account).await;
        let new = "granite lamp 4 violin";
        for (current, password, again, status) in [
            ("wrong", new, new, 422),
            (PASSWORD, new, "another", 422),
            (PASSWORD, "clerk", "clerk", 422),
            (PASSWORD, new, new, 303),
        ] {
            let form = [("current", current), ("password", password), ("again", again)];
            let page = browser.post("/operator/password", &form).await;
            assert_eq!(page.status, status, "{}", page.body);
        }
        assert_eq!((browser.people().await, other.people().await), (200, 401));
        assert_eq!(other.password("clerk", PASSWORD).await.status, 403);
        assert_eq!(other.password("clerk", new).await.status, 303);
    });
}

#[test]
fn new_recovery_codes_replace_the_old_ones() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut browser = signed_in(&world, &account).await;
        assert_eq!(
            browser
                .post("/operator/recovery-codes", &[("current", "x")])
                .await
                .status,
            422
        );
        let page = browser
            .post("/operator/recovery-codes", &[("current", PASSWORD)])
            .await;
        let codes = shown_codes(&page.body);
        assert_eq!(codes.len(), 10);
        assert!(codes.iter().all(|code| !account.codes.contains(code)));
        let mut again = Browser::new(&world);
        again.password("clerk", PASSWORD).await;
        let old = again
            .post("/operator/second", &[("code", &account.codes[0])])
            .await;
        let new = again.post("/operator/second", &[("code", &codes[0])]).await;
        assert_eq!((old.status, new.status), (403, 200));
    });
}

#[test]
fn another_authenticator_is_set_up_by_its_own_code() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut browser = signed_in(&world, &account).await;
        let page = browser.get("/operator/authenticator").await;
        let secret = shown_secret(&page.body);
        let token = page.body.split("name=\"token\" value=\"").nth(1).unwrap();
        let token = token.split('"').next().unwrap().to_owned();
        assert_ne!(secret, account.secret);
        let code = Authenticator::new(&secret, ("", "")).unwrap().code(world.now);
        for (current, code, status) in [
            ("x", code.as_str(), 422),
            (PASSWORD, "000000", 422),
            (PASSWORD, &code, 303),
        ] {
            let form = [("current", current), ("token", &token), ("code", code)];
            let page = browser.post("/operator/authenticator", &form).await;
            assert_eq!(page.status, status, "{code}: {}", page.body);
        }
        world.later(60);
        let mut again = Browser::new(&world);
        again.password("clerk", PASSWORD).await;
        let old = account.code(world.now);
        assert_eq!(
            again.post("/operator/second", &[("code", &old)]).await.status,
            403
        );
        let new = Authenticator::new(&secret, ("", "")).unwrap().code(world.now);
        assert_eq!(
            again.post("/operator/second", &[("code", &new)]).await.status,
            303
        );
        // The token of somebody else's page is another authenticator.
        let chief = world.chief.clone();
        let other = super::account(&mut world, &chief, "chief").await;
        let mut chiefs = signed_in(&world, &other).await;
        let code = Authenticator::new(&secret, ("", "")).unwrap().code(world.now);
        let form = [("current", PASSWORD), ("token", &token), ("code", &code)];
        assert_eq!(chiefs.post("/operator/authenticator", &form).await.status, 422);
    });
}

#[test]
fn the_other_sessions_are_ended_by_a_button() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut other = signed_in(&world, &account).await;
        world.later(60);
        let mut browser = signed_in(&world, &account).await;
        let page = browser.get("/operator").await;
        assert!(page.body.contains("1 other session"), "{}", page.body);
        assert_eq!(browser.post("/operator/sessions/end", &[]).await.status, 303);
        assert_eq!((browser.people().await, other.people().await), (200, 401));
    });
}

#[test]
fn whoever_is_erased_has_no_account() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut browser = signed_in(&world, &account).await;
        invited(&mut world, &clerk).await;
        let now = world.now;
        world
            .run(move |tx| crate::usecase::people::erase(tx, &system(), now, ("clerk", "clerk")))
            .await;
        assert_eq!(browser.people().await, 401);
        assert_eq!(browser.password("clerk", PASSWORD).await.status, 403);
        for table in [
            "account",
            "invitation",
            "recovery",
            "passkey",
            "certificate",
            "ceremony",
            "session",
        ] {
            let left = world
                .run(move |tx| Ok(tx.value::<i64>(&format!("SELECT COUNT(*) FROM operator_{table}"), &[])?))
                .await;
            assert_eq!(left, Some(0), "{table}");
        }
    });
}
