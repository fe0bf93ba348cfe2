//! Replacing a document over the interface.

use super::*;

#[test]
fn a_document_is_replaced_in_one_request() {
    everywhere(async |mut world| {
        let (serial, _) = issued_licence(&mut world).await;
        let clerk = world.clerk.clone();
        let scopes = [
            ApiScope::DocumentsRead,
            ApiScope::DocumentsWrite,
            ApiScope::Status,
        ];
        let machine = Caller::machine(&mut world, &clerk, &scopes).await;
        let path = format!("/documents/{serial}/replacement");
        let wish = json!({ "reason": "stolen", "notes": "at the fair", "delivery": "held" });
        assert_eq!(
            machine.json("POST", &path, &wish).await.problem(),
            (403, "role.not-granted")
        );
        let workflows = [Workflow::RequestReplacement];
        world.role("replacers", Scope::All, &workflows).await;
        world.grant("replacers", &clerk).await;
        let reader = Caller::machine(&mut world, &clerk, &[ApiScope::DocumentsRead]).await;
        assert_eq!(
            reader.json("POST", &path, &wish).await.problem(),
            (403, "token.scope")
        );
        for (odd, refused) in [
            (json!({}), (422, "body.invalid")),
            (json!({ "reason": "mislaid" }), (422, "reason.unknown")),
            (
                json!({ "reason": "lost", "notes": "x".repeat(901) }),
                (422, "field.invalid"),
            ),
        ] {
            assert_eq!(machine.json("POST", &path, &odd).await.problem(), refused);
        }
        let made = machine.json("POST", &path, &wish).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let new = made.body["document"].clone();
        assert_eq!(
            (&new["state"], &new["profile"]),
            (&json!("collectable"), &json!("licence"))
        );
        assert_eq!(made.body["offer"], Value::Null);
        let old = machine.get(&format!("/documents/{serial}")).await;
        assert_eq!(old.text("state"), "cancelled");
        let standing = machine
            .json("POST", "/status", &json!({ "serial": serial }))
            .await;
        assert_eq!(standing.text("status"), "cancelled");
        assert_eq!(
            machine.json("POST", &path, &wish).await.problem(),
            (409, "document.not-replaceable")
        );
    });
}
