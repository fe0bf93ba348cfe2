//! People over the interface: one by one, from a table, with a photograph.

use super::*;

/// A machine of somebody who sees to people.
async fn registrar(world: &mut World) -> Caller {
    let clerk = world.clerk.clone();
    let workflows = [Workflow::EditPeople, Workflow::ViewReports];
    world.role("registrars", Scope::All, &workflows).await;
    world.grant("registrars", &clerk).await;
    let scopes = [ApiScope::PeopleRead, ApiScope::PeopleWrite, ApiScope::PeopleKept];
    Caller::machine(world, &clerk, &scopes).await
}

#[test]
fn people_are_added_found_and_changed() {
    everywhere(async |mut world| {
        let machine = registrar(&mut world).await;
        let group = machine
            .json("POST", "/groups", &json!({ "name": "Berlin" }))
            .await;
        assert_eq!(group.status, 201);
        let grace = json!({
            "logon_name": "grace", "given_name": "Grace", "family_name": "Hopper",
            "group": group.text("id"), "attributes": { "birth_date": "1906-12-09" },
        });
        let added = machine.json("POST", "/people", &grace).await;
        assert_eq!(added.status, 201, "{}", added.body);
        let id = added.text("id").to_owned();
        let again = machine.json("POST", "/people", &grace).await;
        assert_eq!(again.problem(), (409, "exists"));
        assert_eq!(
            again.text("detail"),
            "a person with the logon name \"grace\" exists already"
        );
        let found = machine.get("/people?text=hop&limit=5").await;
        assert_eq!(found.body.as_array().unwrap().len(), 1);
        assert_eq!(found.body[0]["id"], id.as_str());

        let mut change = json!({ "version": added.body["version"], "person": added.body["person"] });
        change["person"]["family_name"] = json!("Murray");
        let changed = machine.json("PUT", &format!("/people/{id}"), &change).await;
        assert_eq!(
            (changed.status, &changed.body["person"]["family_name"]),
            (200, &json!("Murray"))
        );
        let stale = machine.json("PUT", &format!("/people/{id}"), &change).await;
        assert_eq!(stale.problem(), (409, "changed-meanwhile"));

        let odd = machine
            .json(
                "POST",
                "/people",
                &json!({ "logon_name": "x", "given_name": "", "family_name": "y" }),
            )
            .await;
        assert_eq!(odd.problem(), (422, "field.invalid"));
        assert_eq!(odd.text("field"), "given_name");
        assert_eq!(machine.get("/people/nobody").await.problem(), (404, "not-found"));
        assert_eq!(
            machine.get("/people?limit=many").await.problem(),
            (400, "query.invalid")
        );
    });
}

#[test]
fn a_machine_of_who_sees_to_a_group_sees_groups_below_it_and_no_trail() {
    everywhere(async |mut world| {
        let registrar = registrar(&mut world).await;
        let mut ids = Vec::new();
        for name in ["Berlin", "Paris"] {
            let group = registrar.json("POST", "/groups", &json!({ "name": name })).await;
            ids.push(group.text("id").to_owned());
        }
        let small = world.person("small").await;
        let path = format!("/people/{small}");
        let mut change = registrar.get(&path).await.body;
        change["person"]["group"] = json!(ids[0]);
        let change = json!({ "version": change["version"], "person": change["person"] });
        assert_eq!(registrar.json("PUT", &path, &change).await.status, 200);
        let workflows = [Workflow::EditPeople, Workflow::ViewReports, Workflow::ViewAudit];
        world.role("small", Scope::GroupAndBelow, &workflows).await;
        world.grant("small", &small).await;
        let scopes = [ApiScope::PeopleRead, ApiScope::PeopleWrite, ApiScope::Audit];
        let machine = Caller::machine(&mut world, &small, &scopes).await;
        let add = async |parent: &str| {
            let group = json!({ "name": "Sales", "parent": parent });
            machine.json("POST", "/groups", &group).await
        };
        assert_eq!(add(&ids[1]).await.problem(), (404, "not-found"));
        assert_eq!(add(&ids[0]).await.status, 201);
        let top = machine.json("POST", "/groups", &json!({ "name": "Rome" })).await;
        assert_eq!(
            (top.problem(), top.text("field")),
            ((422, "field.invalid"), "parent")
        );
        let seen = machine.get("/groups").await.body;
        let names: Vec<_> = seen
            .as_array()
            .unwrap()
            .iter()
            .map(|group| &group["name"])
            .collect();
        assert_eq!(names, ["Berlin", "Sales"]);
        assert_eq!(machine.get("/audit").await.problem(), (403, "role.not-granted"));
    });
}

#[test]
fn a_table_adds_whom_it_can_and_tells_the_rest() {
    everywhere(async |mut world| {
        let machine = registrar(&mut world).await;
        machine
            .json("POST", "/groups", &json!({ "name": "Berlin" }))
            .await;
        let table = "\u{feff}logon_name,given_name,family_name,group,user_data_approved,height:json,city\r\n\
                     ada,Ada,Example,,,,\r\n\
                     mary,Mary,Jackson,Berlin,true,170,\"Hampton, Virginia\"\r\n\
                     kat,Katherine,Johnson,Paris,,,\r\n\
                     dot,Dorothy,Vaughan,,perhaps,,\r\n\
                     few,cells\r\n\
                     eve,,Example,,,,\r\n";
        let kind = "text/csv; charset=utf-8";
        let answer = machine
            .send("POST", "/api/v1/people/import", kind, table.as_bytes())
            .await;
        assert_eq!(
            (answer.status, &answer.body["added"]),
            (200, &json!(1)),
            "{}",
            answer.body
        );
        let refused: Vec<_> = answer.body["refused"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                (
                    row["line"].as_u64().unwrap(),
                    row["code"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        let expected = [
            (2, "exists"),
            (4, "not-found"),
            (5, "row.unreadable"),
            (6, "row.unreadable"),
            (7, "field.invalid"),
        ];
        assert_eq!(refused, expected.map(|(line, code)| (line, code.to_owned())));
        let mary = machine.get("/people?text=mary").await;
        let person = &mary.body[0]["person"];
        assert_eq!(
            person["attributes"],
            json!({ "height": 170, "city": "Hampton, Virginia" })
        );
        assert_eq!(person["user_data_approved"], true);
        for (table, words) in [
            ("logon_name,given_name\n", "there is no column family_name"),
            (
                "logon_name,given_name,family_name,a,a:json\n",
                "the column \"a:json\" is there twice",
            ),
        ] {
            let refused = machine
                .send("POST", "/api/v1/people/import", kind, table.as_bytes())
                .await;
            assert_eq!(
                (refused.problem(), refused.text("detail")),
                ((422, "body.invalid"), words)
            );
        }
    });
}

#[test]
fn a_photograph_is_kept_as_documents_have_it() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        world
            .role("registrars", Scope::All, &[Workflow::EditPeople])
            .await;
        world.grant("registrars", &clerk).await;
        let machine = Caller::machine(&mut world, &clerk, &[ApiScope::PeopleWrite]).await;
        let ada = world.ada.clone();
        let path = format!("/api/v1/people/{ada}/photo");
        let picture = include_bytes!("../../../../document-formats/samples/portrait.jpg");
        assert_eq!(
            machine.send("PUT", &path, "image/jpeg", picture).await.status,
            204
        );
        let kept = world
            .run(move |tx| Ok(crate::usecase::people::photo(tx, &ada)?))
            .await;
        assert!(kept.unwrap().starts_with(&[0xff, 0xd8]));
        let no_picture = machine.send("PUT", &path, "image/png", b"no picture").await;
        assert_eq!(
            (no_picture.problem(), no_picture.text("field")),
            ((422, "field.invalid"), "photo")
        );
        assert_eq!(
            machine
                .send("PUT", &path, "text/plain", b"no picture")
                .await
                .problem(),
            (415, "body.media-type")
        );
    });
}

#[test]
fn a_person_is_written_down_and_erased_by_who_may() {
    everywhere(async |mut world| {
        let (ada, chief) = (world.ada.clone(), world.chief.clone());
        let machine = registrar(&mut world).await;
        // What feeds the registry neither reads everything nor erases anybody.
        let readers =
            Caller::machine(&mut world, &chief, &[ApiScope::PeopleRead, ApiScope::PeopleWrite]).await;
        let path = |what: &str| format!("/people/{ada}/{what}");
        let confirmed = json!({ "confirm": "ADA" });
        assert_eq!(readers.get(&path("export")).await.problem(), (403, "token.scope"));
        assert_eq!(
            readers.json("POST", &path("erase"), &confirmed).await.problem(),
            (403, "token.scope")
        );
        let other = Caller::machine(&mut world, &chief, &[ApiScope::PeopleKept]).await;
        assert_eq!(
            other.get(&path("export")).await.problem(),
            (403, "role.not-granted")
        );
        let all = machine.get(&path("export")).await;
        assert_eq!(
            (all.status, &all.body["person"]["logon_name"]),
            (200, &json!("ada"))
        );
        assert_eq!(world.actions().await.last().unwrap(), "person.export");
        for (id, body, refused) in [
            ("nobody", &confirmed, (404, "not-found")),
            (
                ada.as_str(),
                &json!({ "confirm": "grace" }),
                (422, "field.invalid"),
            ),
            (ada.as_str(), &json!({}), (422, "body.invalid")),
        ] {
            let answer = machine.json("POST", &format!("/people/{id}/erase"), body).await;
            assert_eq!(answer.problem(), refused);
        }
        world.data_of("loyalty-card").await;
        let clerk = world.clerk.clone();
        let serial = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        let open = machine.json("POST", &path("erase"), &confirmed).await;
        assert_eq!(open.problem(), (409, "person.open-documents"));
        let documents = Caller::machine(&mut world, &clerk, &[ApiScope::DocumentsWrite]).await;
        let cancel = json!({ "move": "cancel", "reason": "other" });
        let moves = format!("/documents/{serial}/moves");
        assert_eq!(documents.json("POST", &moves, &cancel).await.status, 200);
        assert_eq!(machine.json("POST", &path("erase"), &confirmed).await.status, 204);
        let left = machine.get(&format!("/people/{ada}")).await;
        assert_eq!(left.body["person"]["given_name"], "");
        let again = json!({ "confirm": format!("erased-{ada}") });
        assert_eq!(
            machine.json("POST", &path("erase"), &again).await.problem(),
            (404, "not-found")
        );
    });
}
