//! Orders, pages, cursors, and what is refused of them.

use super::super::world::code;
use super::*;
use crate::domain::Refusal;
use crate::domain::role::Scope;
use crate::usecase::reports::Query;

/// Everything there is, page by page, by the text of each row.
async fn through(world: &World, mut wanted: Wanted) -> Vec<Vec<String>> {
    let (mut all, mut pages) = (Vec::new(), 0);
    loop {
        let page = page(world, &system(), &wanted).await;
        pages += 1;
        assert!(pages < 50);
        all.extend(
            page.rows
                .iter()
                .map(|row| row.iter().map(Cell::text).collect::<Vec<_>>()),
        );
        match page.next {
            Some(next) => wanted.after(next),
            None => return all,
        }
    }
}

#[test]
fn every_order_goes_through_everything_once_there_and_back() {
    everywhere(async |world| {
        world.profile("pass", |_| {}).await;
        let ada = world.ada.clone();
        // Every value is there more than once, and nothing as well.
        for number in 0..12_i64 {
            let serial = format!("d{number:02}");
            let put = Put {
                profile: if number % 2 == 0 { "pass" } else { "licence" },
                doc_type: if number % 3 == 0 {
                    "org.example.1"
                } else {
                    "org.example.2"
                },
                state: if number % 4 == 0 {
                    State::Disabled
                } else {
                    State::Active
                },
                requested: NOON + number / 3,
                issued: (number % 5 > 0).then_some(NOON + number / 4),
                valid_until: (number % 6 > 0).then_some(NOON + DAY + number / 5),
                ..Put::new(&serial, &ada)
            };
            put.into(&world).await;
        }
        let ids = ["v0", "v1", "v2", "v3", "v4", "v5", "v6"];
        for (number, id) in ids.into_iter().enumerate() {
            let platform = [None, Some("android"), Some("ios")][number % 3];
            let model = [Some("One"), None][number % 2];
            device(&world, id, &ada, [platform, model]).await;
        }
        set(
            &world,
            "UPDATE device SET registered = registered + 60, seen = registered WHERE id > 'v3'",
        )
        .await;
        for report in Report::ALL {
            let rows = page(&world, &system(), &wanted(&world, report, &[]))
                .await
                .rows
                .len();
            assert!(rows > 3, "{}", report.name());
            for sort in report.sorts() {
                let at = report
                    .columns()
                    .iter()
                    .position(|column| column.name == sort.name)
                    .unwrap();
                let mut one_way = Vec::new();
                for direction in ["asc", "desc"] {
                    let mut asked = wanted(&world, report, &[]);
                    asked.order(&format!("{}:{direction}", sort.name)).unwrap();
                    asked.limit(2).unwrap();
                    let mut all = through(&world, asked).await;
                    if direction == "desc" {
                        all.reverse();
                    }
                    let what = format!("{} by {} {direction}", report.name(), sort.name);
                    assert_eq!(all.len(), rows, "{what}");
                    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), rows, "{what}");
                    assert!(
                        all.windows(2).all(|two| two[0][at] <= two[1][at]),
                        "{what}: {all:?}"
                    );
                    if direction == "desc" {
                        assert_eq!(all, one_way, "{what}");
                    }
                    one_way = all;
                }
            }
        }
    });
}

#[test]
fn rows_that_are_added_meanwhile_neither_repeat_nor_hide_others() {
    everywhere(async |world| {
        let ada = world.ada.clone();
        for number in 0..9 {
            let requested = NOON + number / 3;
            Put {
                requested,
                ..Put::new(&format!("m{number}"), &ada)
            }
            .into(&world)
            .await;
        }
        for order in ["requested", "requested:desc", "serial", "serial:desc"] {
            let mut asked = wanted(&world, Report::Documents, &[("requested_to", "2026-07-01")]);
            asked.order(order).unwrap();
            asked.limit(2).unwrap();
            let (mut seen, mut number) = (Vec::new(), 0);
            loop {
                let page = page(&world, &system(), &asked).await;
                seen.extend(column(Report::Documents, "serial", &page.rows));
                let Some(next) = page.next else { break };
                asked.after(next);
                // One before everything that was read, one behind everything, one in between.
                number += 1;
                for (serial, requested) in [("a", NOON - number), ("z", NOON + 60 + number), ("m4", NOON + 1)]
                {
                    let serial = format!("{serial}-{number}-{}", order.replace(':', "-"));
                    Put {
                        requested,
                        ..Put::new(&serial, &ada)
                    }
                    .into(&world)
                    .await;
                }
                assert!(number < 60, "{order}");
            }
            let unique: BTreeSet<_> = seen.iter().collect();
            assert_eq!(unique.len(), seen.len(), "{order}: {seen:?}");
            for number in 0..9 {
                assert!(seen.contains(&format!("m{number}")), "{order}: {seen:?}");
            }
            set(&world, "DELETE FROM document_move WHERE LENGTH(document) > 2").await;
            set(&world, "DELETE FROM document WHERE LENGTH(serial) > 2").await;
        }
    });
}

#[test]
fn a_cursor_is_good_for_its_report_order_and_filters_alone() {
    everywhere(async |world| {
        let ada = world.ada.clone();
        for serial in ["a", "b", "c"] {
            Put::new(serial, &ada).into(&world).await;
        }
        let asked = |report, order: &str, filters: &[(&str, &str)]| {
            let mut asked = wanted(&world, report, filters);
            asked.order(order).unwrap();
            asked.limit(1).unwrap();
            asked
        };
        let filters = [("state", "active"), ("profile", "licence")];
        let first = page(&world, &system(), &asked(Report::Documents, "serial", &filters)).await;
        let next = first.next.unwrap();
        let odd = mdoc_openid::jose::base64url(b"[1,2,3]");
        let turned = [filters[1], filters[0]];
        let cases = [
            (
                asked(Report::Documents, "serial", &filters),
                next.as_str(),
                "done",
            ),
            (asked(Report::Documents, "serial", &turned), &next, "done"),
            (
                asked(Report::Documents, "serial:desc", &filters),
                &next,
                "field.invalid",
            ),
            (
                asked(Report::Documents, "issued", &filters),
                &next,
                "field.invalid",
            ),
            (
                asked(Report::Documents, "requested", &filters),
                &next,
                "field.invalid",
            ),
            (
                asked(Report::Documents, "serial", &filters[..1]),
                &next,
                "field.invalid",
            ),
            (
                asked(Report::Documents, "serial", &[("state", "disabled"), filters[1]]),
                &next,
                "field.invalid",
            ),
            (
                asked(Report::Requests, "serial", &filters),
                &next,
                "field.invalid",
            ),
            (asked(Report::Documents, "serial", &filters), "", "field.invalid"),
            (
                asked(Report::Documents, "serial", &filters),
                "%%%",
                "field.invalid",
            ),
            (
                asked(Report::Documents, "serial", &filters),
                &odd,
                "field.invalid",
            ),
        ];
        for (number, (mut asked, cursor, expected)) in cases.into_iter().enumerate() {
            asked.after(cursor.to_owned());
            let got = world
                .store
                .read(move |tx| reports::page(tx, &system(), &asked))
                .await;
            assert_eq!(code(got), expected, "{number}");
        }
        // The number of rows may be another one.
        let mut rest = asked(Report::Documents, "serial", &filters);
        rest.limit(500).unwrap();
        rest.after(next);
        let rest = page(&world, &system(), &rest).await;
        assert_eq!(column(Report::Documents, "serial", &rest.rows), ["b", "c"]);
        assert_eq!(rest.next, None);
    });
}

#[test]
fn what_is_no_filter_no_order_or_no_limit_is_refused_by_name() {
    let asked = || Wanted::new(Report::Documents, mdoc_core::time::Timestamp::from_unix(NOON));
    let field = |done: Result<(), Refusal>| match done {
        Err(Refusal::Field { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let long = "x".repeat(300);
    for (name, text) in [
        ("platform", "ios"),
        ("serial", "x"),
        ("state", "sleeping"),
        ("current", "yes"),
        ("requested_from", "yesterday"),
        ("profile", ""),
        ("profile", "a\nb"),
        ("profile", &long),
    ] {
        assert_eq!(field(asked().filter(name, text)), name);
    }
    let mut twice = asked();
    twice.filter("state", "active").unwrap();
    assert_eq!(field(twice.filter("state", "disabled")), "state");
    for order in [
        "",
        "logon_name",
        "serial:down",
        "serial:desc:desc",
        "1; DROP TABLE document",
    ] {
        assert_eq!(field(asked().order(order)), "sort", "{order}");
    }
    for limit in [0, 501, u32::MAX] {
        assert_eq!(field(asked().limit(limit)), "limit");
    }
    asked().limit(1).unwrap();
    asked().limit(500).unwrap();
}

#[test]
fn a_page_that_is_just_full_has_no_next_one() {
    everywhere(async |world| {
        let ada = world.ada.clone();
        for serial in ["a", "b"] {
            Put::new(serial, &ada).into(&world).await;
        }
        for (limit, more) in [(1, true), (2, false), (3, false)] {
            let mut asked = wanted(&world, Report::Documents, &[]);
            asked.limit(limit).unwrap();
            assert_eq!(
                page(&world, &system(), &asked).await.next.is_some(),
                more,
                "{limit}"
            );
        }
    });
}

/// In the order of an index, whatever the size of the table.
#[test]
fn a_page_of_what_there_is_much_of_is_found_by_an_index() {
    everywhere(async |world| {
        if world.is_server() {
            return;
        }
        let ada = world.ada.clone();
        for name in ["a", "b"] {
            Put::new(name, &ada).into(&world).await;
            device(&world, name, &ada, [None, None]).await;
        }
        let documents = [
            ("requested", None, "document_by_request"),
            ("requested:desc", None, "document_by_request"),
            ("issued", None, "document_by_issue"),
            ("expires:desc", None, "document_by_expiry"),
            ("serial", None, "sqlite_autoindex_document_1"),
            (
                "requested",
                Some(("state", "active")),
                "document_by_state_and_request",
            ),
            (
                "requested:desc",
                Some(("profile", "licence")),
                "document_by_profile_and_request",
            ),
        ];
        let others = [
            (Report::Requests, "requested:desc", None, "document_by_request"),
            (Report::Expiring, "expires", None, "document_by_expiry"),
            (Report::Devices, "registered:desc", None, "device_by_registration"),
        ];
        let documents = documents.map(|(order, filter, index)| (Report::Documents, order, filter, index));
        for (report, order, filter, index) in documents.into_iter().chain(others) {
            let mut asked = wanted(&world, report, filter.as_slice());
            asked.order(order).unwrap();
            asked.limit(1).unwrap();
            let next = page(&world, &system(), &asked).await.next;
            for cursor in [None, next] {
                let further = cursor.is_some();
                if let Some(cursor) = cursor {
                    asked.after(cursor);
                }
                let query = Query::of(&asked, Scope::All, &system()).unwrap();
                let plan = world
                    .run(move |tx| {
                        let sql = format!("EXPLAIN QUERY PLAN {}", query.sql);
                        Ok(tx.rows(&sql, &[], |row| row.get::<String>(3))?)
                    })
                    .await;
                assert!(plan[0].contains(index), "{order}: {plan:?}");
                // The place is looked up, and not gone to from the beginning.
                assert!(!further || plan[0].starts_with("SEARCH"), "{order}: {plan:?}");
                let sorted = plan.iter().any(|step| step.contains("FOR ORDER BY"));
                assert!(!sorted, "{order}: {plan:?}");
            }
        }
    });
}
