//! An air in the memory of one program, for tests and for programs that are both sides.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use mdoc_core::ble::Uuid;
use mdoc_core::ble::link::Gatt;
use tokio::io::DuplexStream;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::stream::{self, Door};
use crate::{Air, Listening, Offer, Radio};

/// How much is under way before whoever sends has to wait: some fragments.
const UNDER_WAY: usize = 4096;

/// An air in memory. Radios have to be made within a tokio runtime, which runs them.
#[derive(Debug, Clone)]
pub struct Memory {
    mtu: u16,
    known: Arc<Known>,
}

#[derive(Debug, Default)]
struct Known {
    servers: Mutex<HashMap<Uuid, UnboundedSender<DuplexStream>>>,
    more: Notify,
}

impl Memory {
    /// An air in which every connection has this ATT MTU.
    #[must_use]
    pub fn new(mtu: u16) -> Self {
        Self {
            mtu,
            known: Arc::default(),
        }
    }
}

impl Air for Memory {
    fn radio(&self, gatt: Gatt, offer: &Offer) -> Radio {
        let (radio, station) = Radio::new();
        let known = Arc::clone(&self.known);
        match gatt {
            Gatt::Client => {
                let seek = seek(known, offer.uuid);
                tokio::spawn(stream::client(station, self.mtu, offer.channel, seek));
            }
            Gatt::Server => {
                let (knock, clients) = unbounded_channel();
                let door = MemoryDoor {
                    uuid: offer.uuid,
                    known,
                    knock,
                    clients,
                };
                tokio::spawn(stream::server(station, self.mtu, *offer, door));
            }
        }
        radio
    }

    fn listen(&self) -> Listening<'_> {
        stream::listen()
    }
}

async fn seek(known: Arc<Known>, uuid: Uuid) -> io::Result<DuplexStream> {
    loop {
        let more = known.more.notified();
        let server = known.servers().get(&uuid).cloned();
        if let Some(server) = server {
            let (ours, theirs) = tokio::io::duplex(UNDER_WAY);
            if server.send(theirs).is_ok() {
                return Ok(ours);
            }
        }
        more.await;
    }
}

impl Known {
    fn servers(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, UnboundedSender<DuplexStream>>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct MemoryDoor {
    uuid: Uuid,
    known: Arc<Known>,
    knock: UnboundedSender<DuplexStream>,
    clients: UnboundedReceiver<DuplexStream>,
}

impl Door for MemoryDoor {
    type Stream = DuplexStream;

    fn open(&mut self) -> io::Result<()> {
        self.known.servers().insert(self.uuid, self.knock.clone());
        self.known.more.notify_waiters();
        Ok(())
    }

    async fn client(&mut self) -> io::Result<DuplexStream> {
        self.clients
            .recv()
            .await
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn close(&mut self) {
        self.known.servers().remove(&self.uuid);
    }
}
