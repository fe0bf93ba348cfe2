//! The rules, each on both databases: a file of SQLite always, PostgreSQL where `MDOC_TEST_POSTGRES` has the URL of a server
//! on which databases may be made (`service/test-postgres` starts one).

mod again;
mod badges;
mod batches;
mod birthdays;
mod collecting;
mod couriers;
mod devices;
mod erasing;
mod interface;
mod lists;
mod lives;
mod machines;
mod nodes;
mod operators;
mod outbox;
mod races;
mod registry;
mod replacing;
mod reports;
mod requests;
mod retention;
pub(crate) mod scratch;
mod shown;
mod signers;
mod sockets;
mod stores;
mod trail;
mod updates;
mod world;
