//! A password, then a code: what opens what, for how long.

use serde_json::json;

use super::*;

#[test]
fn a_password_and_a_code_sign_in_and_out() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut browser = Browser::new(&world);
        let page = browser.get("/operator").await;
        assert_eq!((page.status, page.location()), (303, "/operator/sign-in"));
        assert_eq!(browser.people().await, 401);
        let page = browser.get("/operator/sign-in").await;
        assert_eq!(page.status, 200);
        assert!(!page.body.contains("<script"), "{}", page.body);

        let page = browser.password(" Clerk", PASSWORD).await;
        assert_eq!(page.status, 303, "{}", page.body);
        // The first of the two opens nothing.
        assert_eq!(browser.people().await, 401);
        assert_eq!(browser.get("/operator").await.location(), "/operator/sign-in");
        let code = account.code(world.now);
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        let page = browser.post("/operator/second", &[("code", &spaced)]).await;
        assert_eq!((page.status, page.location()), (303, "/operator"));
        let cookie = page.cookies()[0].to_owned();
        assert!(cookie.starts_with("__Host-mdoc-operator="), "{cookie}");
        assert!(
            cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure"),
            "{cookie}"
        );
        let page = browser.get("/operator").await;
        assert!(
            page.body.contains("<strong>clerk</strong>: clerks"),
            "{}",
            page.body
        );
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(browser.people().await, 200);
        let who = browser.get("/api/v1/operator").await;
        let who: serde_json::Value = serde_json::from_str(&who.body).unwrap();
        assert_eq!(
            (&who["logon_name"], &who["id"]),
            (&json!("clerk"), &json!(clerk.as_str()))
        );
        assert_eq!(
            (&who["roles"][0]["name"], who.get("machine")),
            (&json!("clerks"), None)
        );
        // What no role grants, no session does.
        assert_eq!(browser.get("/api/v1/audit").await.status, 403);

        let page = browser.post("/operator/sign-out", &[]).await;
        assert_eq!((page.status, page.location()), (303, "/operator/sign-in"));
        assert!(browser.cookies.is_empty());
        let audited = world.audited().await;
        let own: Vec<_> = audited
            .iter()
            .filter(|entry| entry["action"].as_str().unwrap().starts_with("operator.sign"))
            .map(|entry| {
                (
                    entry["action"].clone(),
                    entry["who"].clone(),
                    entry["after"].clone(),
                )
            })
            .collect();
        let who = json!(clerk.as_str());
        assert_eq!(
            own,
            [
                (
                    json!("operator.sign-in"),
                    who.clone(),
                    json!({ "method": "password+totp" })
                ),
                (json!("operator.sign-out"), who, json!(null)),
            ]
        );
        let trail = serde_json::to_string(&audited).unwrap();
        for secret in [PASSWORD, &code, &account.codes[0]] {
            assert!(!trail.contains(secret));
        }
    });
}

#[test]
fn what_was_signed_out_opens_nothing_any_more() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut browser = signed_in(&world, &account).await;
        let kept = browser.cookies.clone();
        browser.post("/operator/sign-out", &[]).await;
        browser.cookies = kept;
        assert_eq!(browser.people().await, 401);
        assert_eq!(browser.get("/operator").await.location(), "/operator/sign-in");
    });
}

#[test]
fn a_session_ends_when_nothing_is_asked_and_when_it_is_old() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut browser = signed_in(&world, &account).await;
        // Whoever goes on stays: half an hour begins anew with each request, of whichever kind.
        for turn in 0..23 {
            world.later(1799);
            browser = browser.moved(&world);
            let status = if turn % 2 == 0 {
                browser.people().await
            } else {
                browser.get("/operator").await.status
            };
            assert_eq!(status, 200, "{turn}");
        }
        // But not for longer than half a day.
        world.later(1799);
        browser = browser.moved(&world);
        assert_eq!(browser.people().await, 200);
        world.later(60);
        browser = browser.moved(&world);
        assert_eq!(browser.people().await, 401);

        world.later(60);
        let mut idle = signed_in(&world, &account).await;
        world.later(1800);
        idle = idle.moved(&world);
        assert_eq!(idle.people().await, 401);
        let now = world.now;
        let left = world
            .run(move |tx| {
                operators::sweep(tx, now, Patience::default())?;
                Ok(tx.value::<i64>("SELECT COUNT(*) FROM operator_session", &[])?)
            })
            .await;
        // The last one is at its end, not after it.
        assert_eq!(left, Some(1));
    });
}

#[test]
fn a_code_of_the_authenticator_is_good_once_and_so_is_a_recovery_code() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        drop(signed_in(&world, &account).await);
        let mut browser = Browser::new(&world);
        browser.password("clerk", PASSWORD).await;
        let code = account.code(world.now);
        let page = browser.post("/operator/second", &[("code", &code)]).await;
        assert_eq!(page.status, 403);
        assert!(page.body.contains("used before"), "{}", page.body);

        let typed = account.codes[3].to_lowercase().replace('-', " ");
        let page = browser.post("/operator/second", &[("code", &typed)]).await;
        assert_eq!(page.status, 200, "{}", page.body);
        assert!(page.body.contains("there are 9 left"), "{}", page.body);
        assert_eq!(browser.people().await, 200);
        let mut again = Browser::new(&world);
        again.password("clerk", PASSWORD).await;
        for code in [&account.codes[3], "", "7K3M-9QXA-0000-0000"] {
            assert_eq!(
                again.post("/operator/second", &[("code", code)]).await.status,
                403
            );
        }
        assert_eq!(again.people().await, 401);
        // One of another operator is none.
        let chief = world.chief.clone();
        let other = super::account(&mut world, &chief, "chief").await;
        let mut again = Browser::new(&world);
        again.password("clerk", PASSWORD).await;
        assert_eq!(
            again
                .post("/operator/second", &[("code", &other.codes[0])])
                .await
                .status,
            403
        );
    });
}

#[test]
fn the_second_thing_is_asked_for_five_minutes() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut browser = Browser::new(&world);
        browser.password("clerk", PASSWORD).await;
        assert_eq!(browser.get("/operator/second").await.status, 200);
        world.later(300);
        let mut browser = browser.moved(&world);
        assert_eq!(browser.get("/operator/second").await.status, 403);
        let code = account.code(world.now);
        assert_eq!(
            browser.post("/operator/second", &[("code", &code)]).await.status,
            403
        );
        assert_eq!(Browser::new(&world).get("/operator/second").await.status, 403);
    });
}

#[test]
fn who_may_not_sign_in_any_more_is_out_at_once() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut browser = signed_in(&world, &account).await;
        let now = world.now;
        let switch = async |enabled| {
            let who = clerk.clone();
            world
                .run(move |tx| operators::enable(tx, &system(), now, (&who, enabled)))
                .await;
        };
        switch(false).await;
        assert_eq!(browser.people().await, 401);
        assert_eq!(browser.password("clerk", PASSWORD).await.status, 403);
        switch(true).await;
        assert_eq!(browser.people().await, 401);
        assert_eq!(browser.password("clerk", PASSWORD).await.status, 303);
        let listed = world
            .run(move |tx| operators::list(tx, &system(), now, Patience::default()))
            .await;
        assert_eq!(listed.len(), 1);
        let one = &listed[0];
        assert!(one.enabled && one.password && one.authenticator);
        assert_eq!((one.sessions, one.recovery_codes, one.passkeys), (0, 10, 0));
    });
}
