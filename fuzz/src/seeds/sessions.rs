//! Of sessions, of Bluetooth and of status lists.

use mdoc_core::session::{SessionData, Status};

use crate::fixtures::files;
use crate::sessions::conversation;

pub(crate) fn session() -> Vec<Vec<u8>> {
    let made = conversation();
    let mut all = vec![
        made.hello.clone(),
        made.reply.clone(),
        SessionData::status(Status::Termination).encode(),
    ];
    all.extend(files(
        "annex-d",
        &["session_establishment.cbor", "session_termination.cbor"],
    ));
    all
}

/// Transactions as they go, for each of the four ends: connected, subscribed, started, a message each way, the end.
pub(crate) fn ble_link() -> Vec<Vec<u8>> {
    let client = |first| {
        [
            first, 0, 63, 2, 9, 3, 0, 3, 8, 6, 0, 10, 80, 6, 0, 6, 0, 4, 8, 3, 0, 0xa0, 1, 11, 0, 6, 0, 9, 0,
        ]
    };
    let server = |first| {
        [
            first, 0, 63, 3, 0, 3, 8, 4, 0, 1, 1, 4, 4, 3, 0, 0xa0, 1, 10, 80, 6, 0, 6, 0, 8, 0, 9, 0, 9, 0,
        ]
    };
    let mut all = vec![
        client(0).to_vec(),
        client(1).to_vec(),
        server(2).to_vec(),
        server(3).to_vec(),
    ];
    // The Ident that an mdoc looks for.
    all[0][3] = 2;
    all[0][4] = 8;
    all
}

pub(crate) fn status_token() -> Vec<Vec<u8>> {
    files("status-list", &[".cbor"])
}
