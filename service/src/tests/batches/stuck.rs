//! A row that the database never does, and more batches than a page has.

use super::*;

/// The database does not write that document any more, and says so in a way that may be over the next time.
async fn broken(world: &World, serial: &'static str) {
    broken_like(world, serial).await;
}

/// Nor any document of whose serial that is true: a pattern of SQL.
async fn broken_like(world: &World, serial: &'static str) {
    let server = world.is_server();
    world
        .run(move |tx| {
            if server {
                tx.execute(
                    "CREATE FUNCTION broken() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '57014'; \
                     END $$ LANGUAGE plpgsql",
                    &[],
                )?;
                let sql = format!(
                    "CREATE TRIGGER broken BEFORE UPDATE ON document FOR EACH ROW WHEN (NEW.serial LIKE '{serial}') \
                     EXECUTE FUNCTION broken()"
                );
                tx.execute(&sql, &[])?;
            } else {
                let sql = format!(
                    "CREATE TRIGGER broken BEFORE UPDATE ON document WHEN NEW.serial LIKE '{serial}' \
                     BEGIN INSERT INTO setting (name, value) VALUES ('broken', ''), ('broken', ''); END"
                );
                tx.execute(&sql, &[])?;
            }
            Ok(())
        })
        .await;
}

#[test]
fn a_row_that_the_database_never_does_is_given_up_and_the_others_are_done() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let serials = put(&world, 5).await;
        broken(&world, "s002").await;
        let objects: Vec<&str> = serials.iter().map(String::as_str).collect();
        let id = of(&mut world, &clerk, cancelling(), &objects).await;
        confirmed(&world, &clerk, &id, 5).await.unwrap();
        let node = Node::new();
        let store = world.store.clone();
        assert_eq!(round(&world, &node, &store).await.taken, 5);
        let worked = round(&world, &node, &store).await;
        assert_eq!((worked.rows, worked.stuck), (4, 1), "one by one");
        for _ in 0..3 {
            let worked = round(&world, &node, &store).await;
            assert_eq!((worked.rows, worked.stuck, worked.is_idle()), (0, 1, false));
        }
        assert_eq!(round(&world, &node, &store).await.rows, 1, "it is given up");
        to_the_end(&world, &node).await;
        let batch = seen(&world, &clerk, &id).await.unwrap();
        assert_eq!((batch.stage, batch.completed, batch.failed), (Stage::Done, 4, 1));
        let failed = rows(&world, &clerk, &id, Some(RowState::Failed)).await;
        assert_eq!(failed[0].object, "s002");
        assert_eq!(failed[0].code.as_deref(), Some("database.given-up"));
        assert_eq!(
            failed[0].message.as_deref(),
            Some("the database did not do it, 5 times")
        );
        assert_eq!(state(&world, "s002").await, State::Active);
    });
}

#[test]
fn a_row_that_is_done_the_third_time_is_not_given_up() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        put(&world, 1).await;
        broken(&world, "s000").await;
        let id = of(&mut world, &clerk, cancelling(), &["s000"]).await;
        confirmed(&world, &clerk, &id, 1).await.unwrap();
        let (node, store) = (Node::new(), world.store.clone());
        for _ in 0..3 {
            round(&world, &node, &store).await;
        }
        let mend = if world.is_server() {
            "DROP TRIGGER broken ON document"
        } else {
            "DROP TRIGGER broken"
        };
        world.run(move |tx| Ok(tx.execute(mend, &[])?)).await;
        to_the_end(&world, &node).await;
        let batch = seen(&world, &clerk, &id).await.unwrap();
        assert_eq!((batch.completed, batch.failed), (1, 0));
    });
}

#[test]
fn batches_are_listed_to_the_last_one_a_page_at_a_time() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let mut made = Vec::new();
        for _ in 0..5 {
            made.push(begun(&mut world, &clerk, cancelling()).await.unwrap());
            world.later(1);
        }
        let (mut after, mut seen): (Option<BatchId>, Vec<BatchId>) = (None, Vec::new());
        loop {
            let (actor, from) = (operator(&clerk), after.clone());
            let page = world
                .run(move |tx| batch::list(tx, &actor, (from.as_ref(), 2)))
                .await;
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            seen.extend(page.iter().map(|batch| batch.id.clone()));
        }
        made.reverse();
        assert_eq!(seen, made);
    });
}

#[test]
fn a_fault_of_the_database_that_passes_is_no_rows_fault() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let serials = put(&world, 5).await;
        broken_like(&world, "s%").await;
        let objects: Vec<&str> = serials.iter().map(String::as_str).collect();
        let id = of(&mut world, &clerk, cancelling(), &objects).await;
        confirmed(&world, &clerk, &id, 5).await.unwrap();
        let node = Node::new();
        let store = world.store.clone();
        for _ in 0..20 {
            assert_eq!(round(&world, &node, &store).await.rows, 0);
        }
        let server = world.is_server();
        world
            .run(move |tx| {
                let on = if server { " ON document" } else { "" };
                Ok(tx.execute(&format!("DROP TRIGGER broken{on}"), &[])?)
            })
            .await;
        to_the_end(&world, &node).await;
        let batch = seen(&world, &clerk, &id).await.unwrap();
        assert_eq!((batch.stage, batch.completed, batch.failed), (Stage::Done, 5, 0));
    });
}

#[test]
fn several_rows_that_are_never_done_are_given_up_one_after_the_other() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let serials = put(&world, 3).await;
        broken_like(&world, "s00%").await;
        let objects: Vec<&str> = serials.iter().map(String::as_str).collect();
        let id = of(&mut world, &clerk, cancelling(), &objects).await;
        confirmed(&world, &clerk, &id, 3).await.unwrap();
        let node = Node::new();
        let store = world.store.clone();
        for _ in 0..20 {
            round(&world, &node, &store).await;
        }
        let batch = seen(&world, &clerk, &id).await.unwrap();
        assert_eq!((batch.stage, batch.completed, batch.failed), (Stage::Done, 0, 3));
    });
}
