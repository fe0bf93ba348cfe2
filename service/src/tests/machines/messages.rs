//! What people were sent, over the interface.

use super::super::outbox::{done, sending, take};
use super::*;
use crate::domain::profile::Scheme;
use crate::usecase::outbox::Outcome;

#[test]
fn messages_are_listed_without_what_they_say_and_sent_again() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::Default).await;
        let (clerk, ada) = (world.clerk.clone(), world.ada.clone());
        world.request_as(&clerk, "licence").await.unwrap();
        let scopes = [ApiScope::DocumentsRead, ApiScope::DocumentsWrite];
        let machine = Caller::machine(&mut world, &clerk, &scopes).await;
        for one in take(&world).await.iter().skip(1) {
            done(&world, &one.id, Outcome::Never("no such mailbox".to_owned())).await;
        }
        let all = machine.get(&format!("/messages?person={ada}")).await;
        assert_eq!(all.status, 200, "{}", all.body);
        let all = all.body.as_array().unwrap().clone();
        assert_eq!(all.len(), 3);
        let members: Vec<_> = all[0].as_object().unwrap().keys().cloned().collect();
        let known = [
            "channel", "created", "document", "due", "id", "notice", "person", "stage", "tries", "why",
        ];
        let mut sorted = members.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, known);
        // Page by page it is the same.
        let (mut after, mut seen) = (String::new(), Vec::new());
        loop {
            let page = machine.get(&format!("/messages?limit=1{after}")).await;
            let Some(one) = page.body.as_array().unwrap().first().cloned() else {
                break;
            };
            after = format!("&after={}", one["id"].as_str().unwrap());
            seen.push(one);
        }
        assert_eq!(seen, all);
        let failed = machine.get("/messages?stage=failed").await;
        let failed = failed.body.as_array().unwrap().clone();
        assert_eq!((failed.len(), &failed[0]["why"]), (2, &json!("no such mailbox")));
        let path = format!("/messages/{}/again", failed[0]["id"].as_str().unwrap());
        assert_eq!(machine.json("POST", &path, &json!({})).await.status, 204);
        assert_eq!(
            machine.json("POST", &path, &json!({})).await.problem(),
            (409, "message.not-again")
        );
        for (odd, refused) in [
            ("/messages?stage=gone", (422, "field.invalid")),
            ("/messages?person=nobody", (404, "not-found")),
            ("/messages?after=nothing", (404, "not-found")),
            ("/messages?limit=many", (400, "query.invalid")),
        ] {
            assert_eq!(machine.get(odd).await.problem(), refused, "{odd}");
        }
        let reader = Caller::machine(&mut world, &clerk, &[ApiScope::DocumentsRead]).await;
        assert_eq!(
            reader.json("POST", &path, &json!({})).await.problem(),
            (403, "token.scope")
        );
    });
}

#[test]
fn whoever_is_out_of_scope_was_sent_nothing() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::Default).await;
        let (clerk, ada) = (world.clerk.clone(), world.ada.clone());
        world.request_as(&clerk, "licence").await.unwrap();
        let id = take(&world).await[0].id.clone();
        let eve = world.person("eve").await;
        let workflows = [Workflow::ViewReports, Workflow::RequestId];
        world.role("own", Scope::Itself, &workflows).await;
        world.grant("own", &eve).await;
        let scopes = [ApiScope::DocumentsRead, ApiScope::DocumentsWrite];
        let machine = Caller::machine(&mut world, &eve, &scopes).await;
        assert_eq!(machine.get("/messages").await.body, json!([]));
        for path in [format!("/messages?person={ada}"), format!("/messages?after={id}")] {
            assert_eq!(machine.get(&path).await.problem(), (404, "not-found"));
        }
        let again = format!("/messages/{id}/again");
        assert_eq!(
            machine.json("POST", &again, &json!({})).await.problem(),
            (404, "not-found")
        );
    });
}
