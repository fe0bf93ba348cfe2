//! Whom an operator sees in reports.

use super::super::world::code;
use super::*;
use crate::domain::role::{Scope, Workflow};

#[test]
fn who_is_out_of_scope_is_in_no_report_and_no_count() {
    everywhere(async |mut world| {
        let top = group(&mut world, "top", None).await;
        let below = group(&mut world, "below", Some(&top)).await;
        let beside = group(&mut world, "beside", None).await;
        let mut ids = Vec::new();
        for (name, group) in [
            ("boss", &top),
            ("mate", &top),
            ("child", &below),
            ("stranger", &beside),
        ] {
            let id = member(&mut world, name, group).await;
            Put::new(name, &id).into(&world).await;
            device(&world, name, &id, [None, None]).await;
            ids.push(id);
        }
        world
            .role("viewers", Scope::Itself, &[Workflow::ViewReports])
            .await;
        world.grant("viewers", &ids[0]).await;
        let actor = operator(&ids[0]);
        let cases: [(Scope, &[&str]); 4] = [
            (Scope::Itself, &["boss"]),
            (Scope::Group, &["boss", "mate"]),
            (Scope::GroupAndBelow, &["boss", "mate", "child"]),
            (Scope::All, &["boss", "mate", "child", "stranger"]),
        ];
        for (scope, expected) in cases {
            world.role("viewers", scope, &[Workflow::ViewReports]).await;
            for report in [
                Report::Documents,
                Report::Requests,
                Report::Devices,
                Report::Expiring,
            ] {
                let page = page(&world, &actor, &wanted(&world, report, &[])).await;
                let first = report.columns()[0].name;
                let found: BTreeSet<_> = column(report, first, &page.rows).into_iter().collect();
                assert_eq!(found, are(expected), "{scope} {}", report.name());
            }
            let counted = page(&world, &actor, &wanted(&world, Report::Issued, &[])).await;
            let counted = column(Report::Issued, "documents", &counted.rows);
            assert_eq!(counted, [expected.len().to_string()], "{scope}");
            // By name, and with a page before it, as well.
            let seen = usize::from(expected.contains(&"stranger"));
            for filter in [("person", ids[3].as_str()), ("group", beside.as_str())] {
                for report in Report::ALL {
                    let page = page(&world, &actor, &wanted(&world, report, &[filter])).await;
                    assert_eq!(page.rows.len(), seen, "{scope} {filter:?}");
                }
            }
            let mut asked = wanted(&world, Report::Documents, &[]);
            asked.limit(1).unwrap();
            let mut found = 0;
            loop {
                let page = page(&world, &actor, &asked).await;
                found += page.rows.len();
                let Some(next) = page.next else { break };
                asked.after(next);
            }
            assert_eq!(found, expected.len(), "{scope}");
        }
        world.role("viewers", Scope::All, &[Workflow::RequestId]).await;
        for report in Report::ALL {
            let (actor, asked) = (actor.clone(), wanted(&world, report, &[]));
            let refused = world
                .store
                .read(move |tx| reports::page(tx, &actor, &asked))
                .await;
            assert_eq!(code(refused), "role.not-granted");
        }
    });
}
