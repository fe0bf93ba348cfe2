//! Batches over the interface: selected, counted, confirmed, watched; and what is refused.

use super::super::reports::Put;
use super::*;
use crate::batches::Node;

const SCOPES: [ApiScope; 2] = [ApiScope::DocumentsRead, ApiScope::DocumentsWrite];

async fn to_the_end(world: &World) {
    let node = Node::new();
    while !node
        .round(&world.store, world.now, &world.terms)
        .await
        .unwrap()
        .is_idle()
    {}
}

#[test]
fn a_batch_is_selected_confirmed_and_seen_while_it_runs() {
    everywhere(async |mut world| {
        let (clerk, ada) = (world.clerk.clone(), world.ada.clone());
        for number in 0..3 {
            Put::new(&format!("s{number}"), &ada).into(&world).await;
        }
        let machine = Caller::machine(&mut world, &clerk, &SCOPES).await;
        let wish = json!({ "operation": "cancel", "reason": "lost", "filters": { "profile": "licence" } });
        let made = machine.json("POST", "/batches", &wish).await;
        assert_eq!(
            (made.status, made.text("state")),
            (201, "waiting"),
            "{}",
            made.body
        );
        assert_eq!(
            (&made.body["total"], &made.body["pending"]),
            (&json!(3), &json!(3))
        );
        let path = format!("/batches/{}", made.text("id"));
        let wrong = machine
            .json("POST", &format!("{path}/confirm"), &json!({ "count": 2 }))
            .await;
        assert_eq!(wrong.problem(), (409, "batch.count"));
        let running = machine
            .json("POST", &format!("{path}/confirm"), &json!({ "count": 3 }))
            .await;
        assert_eq!((running.status, running.text("state")), (200, "running"));
        // Somebody is quicker with one of them.
        let cancel = json!({ "move": "cancel", "reason": "lost" });
        assert_eq!(
            machine.json("POST", "/documents/s1/moves", &cancel).await.status,
            200
        );
        to_the_end(&world).await;
        let done = machine.get(&path).await;
        assert_eq!(done.text("state"), "done");
        assert_eq!(
            ["completed", "failed", "in_progress", "pending"].map(|name| done.body[name].as_i64().unwrap()),
            [2, 1, 0, 0]
        );
        let failed = machine.get(&format!("{path}/rows?state=failed")).await;
        let row = &failed.body[0];
        assert_eq!(
            (&row["object"], &row["code"]),
            (&json!("s1"), &json!("document.illegal-move"))
        );
        assert!(row["message"].as_str().unwrap().contains("cancelled"), "{row}");
        let rows = machine.get(&format!("{path}/rows?after=1&limit=1")).await;
        assert_eq!(
            (rows.body.as_array().unwrap().len(), &rows.body[0]["number"]),
            (1, &json!(2))
        );
        let list = machine.get("/batches").await;
        assert_eq!(list.body[0]["id"], made.body["id"]);
        assert_eq!(
            machine
                .json("POST", &format!("{path}/stop"), &json!({}))
                .await
                .problem(),
            (409, "batch.elsewhere")
        );
    });
}

#[test]
fn what_is_no_batch_is_refused_and_says_why() {
    everywhere(async |mut world| {
        let (clerk, ada) = (world.clerk.clone(), world.ada.clone());
        Put::new("s0", &ada).into(&world).await;
        let machine = Caller::machine(&mut world, &clerk, &SCOPES).await;
        let cases = [
            (
                json!({ "operation": "cancel", "reason": "lost" }),
                (422, "field.invalid"),
            ),
            (
                json!({ "operation": "cancel", "reason": "lost", "serials": ["s0"], "filters": {} }),
                (422, "field.invalid"),
            ),
            (
                json!({ "operation": "cancel", "reason": "lost", "people": [ada.as_str()] }),
                (422, "field.invalid"),
            ),
            (
                json!({ "operation": "cancel", "serials": ["s0"] }),
                (422, "reason.missing"),
            ),
            (
                json!({ "operation": "cancel", "reason": "lost", "filters": { "shoe": "42" } }),
                (422, "field.invalid"),
            ),
            (
                json!({ "operation": "cancel", "reason": "lost", "serials": [] }),
                (409, "batch.empty"),
            ),
            (
                json!({ "operation": "request", "profile": "licence", "people": [ada.as_str()] }),
                (409, "batch.on-screen"),
            ),
            (
                json!({ "operation": "request", "profile": "licence", "delivery": "held", "group": "no such" }),
                (404, "not-found"),
            ),
        ];
        for (wish, refused) in cases {
            let answer = machine.json("POST", "/batches", &wish).await;
            assert_eq!(answer.problem(), refused, "{wish}: {}", answer.body);
        }
        assert_eq!(machine.get("/batches/other").await.problem(), (404, "not-found"));
        let reader = Caller::machine(&mut world, &clerk, &[ApiScope::DocumentsRead]).await;
        let wish = json!({ "operation": "cancel", "reason": "lost", "serials": ["s0"] });
        assert_eq!(
            reader.json("POST", "/batches", &wish).await.problem(),
            (403, "token.scope")
        );
    });
}

#[test]
fn a_machine_that_is_switched_off_does_no_more_of_its_batches() {
    everywhere(async |mut world| {
        let (clerk, ada) = (world.clerk.clone(), world.ada.clone());
        Put::new("s0", &ada).into(&world).await;
        let machine = Caller::machine(&mut world, &clerk, &SCOPES).await;
        let wish = json!({ "operation": "cancel", "reason": "lost", "serials": ["s0"] });
        let made = machine.json("POST", "/batches", &wish).await;
        let path = format!("/batches/{}", made.text("id"));
        let confirm = machine
            .json("POST", &format!("{path}/confirm"), &json!({ "count": 1 }))
            .await;
        assert_eq!(confirm.status, 200);
        world
            .run(|tx| Ok(tx.execute("UPDATE client SET enabled = 0", &[])?))
            .await;
        to_the_end(&world).await;
        let other = Caller::machine(&mut world, &clerk, &[ApiScope::DocumentsRead]).await;
        let over = other.get(&path).await;
        assert_eq!(
            (over.text("state"), &over.body["pending"]),
            ("stopped", &json!(1))
        );
        assert_eq!(other.get("/documents/s0").await.text("state"), "active");
    });
}

#[test]
fn what_could_not_be_selected_is_no_batch_to_confirm() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let machine = Caller::machine(&mut world, &clerk, &SCOPES).await;
        let wish = json!({ "operation": "cancel", "reason": "lost", "serials": ["a b"] });
        assert_eq!(
            machine.json("POST", "/batches", &wish).await.problem(),
            (422, "field.invalid")
        );
        assert_eq!(machine.get("/batches").await.body[0]["state"], "stopped");
    });
}
