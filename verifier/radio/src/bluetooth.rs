//! Bluetooth Low Energy: as a client by btleplug (Linux, macOS, Windows), as a server by BlueZ (Linux).
//!
//! Every radio has a thread of its own with a runtime of one thread: BlueZ hands values over one call each, and only
//! there do they keep their order, which the fragments of the standard need (they have no number).

#[cfg(target_os = "linux")]
mod bluez;
mod central;
#[cfg(target_os = "linux")]
mod channel;
#[cfg(target_os = "linux")]
mod server;

#[cfg(target_os = "linux")]
use std::collections::BTreeMap;
#[cfg(target_os = "linux")]
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

#[cfg(target_os = "linux")]
use mdoc_core::ble::l2cap::Psm;
use mdoc_core::ble::link::Gatt;
use mdoc_core::ble::{Characteristic, Service};
use tokio::sync::oneshot;

use crate::connections::Connections;
use crate::{Air, Fault, Offer, Radio, Station};
#[cfg(target_os = "linux")]
use crate::{Channel, Listening};

/// An adapter of this machine.
#[derive(Debug, Clone)]
pub struct Bluetooth {
    adapter: String,
    warnings: Vec<String>,
    loses_long_writes: bool,
    connections: Connections,
    /// Servers to be, which listen for a channel.
    #[cfg(target_os = "linux")]
    listening: Arc<Mutex<BTreeMap<Psm, ToBe>>>,
}

/// A server to be, which waits for its radio.
#[cfg(target_os = "linux")]
type ToBe = oneshot::Sender<(Station, Offer)>;

impl Bluetooth {
    /// The adapter of this name, or the first one.
    ///
    /// # Errors
    /// [`Fault`] if there is none, it is switched off, or the system does not let us.
    pub async fn open(name: Option<&str>) -> Result<Self, Fault> {
        let name = name.map(str::to_owned);
        let (tell, told) = oneshot::channel();
        on_a_thread_of_its_own(async move || {
            let _gone = tell.send(look(name.as_deref()).await);
        })?;
        told.await.unwrap_or(Err(Fault::NoService))
    }

    /// Its name.
    #[must_use]
    pub fn adapter(&self) -> &str {
        &self.adapter
    }

    /// What whoever sits at the machine should know of it.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Air for Bluetooth {
    fn radio(&self, gatt: Gatt, offer: &Offer) -> Radio {
        let (radio, station) = Radio::new();
        let (adapter, offer) = (self.adapter.clone(), *offer);
        let connections = self.connections.clone();
        let teller = station.teller();
        #[cfg(target_os = "linux")]
        let station = match self.listening(gatt, &offer) {
            Some(server) => match server.send((station, offer)) {
                Ok(()) => return radio,
                Err((station, _)) => station,
            },
            None => station,
        };
        let started = match gatt {
            Gatt::Client => {
                on_a_thread_of_its_own(async move || central::run(station, adapter, offer, connections).await)
            }
            Gatt::Server => {
                on_a_thread_of_its_own(async move || serve(station, adapter, offer, connections).await)
            }
        };
        if let Err(fault) = started {
            let _gone = teller.send(crate::Happened::Fault(fault));
        }
        radio
    }

    #[cfg(target_os = "linux")]
    fn listen(&self) -> Listening<'_> {
        let (name, connections) = (self.adapter.clone(), self.connections.clone());
        let (hand_over, server) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        Box::pin(async move {
            // The sockets stay with the thread that has opened them.
            on_a_thread_of_its_own(async move || {
                let listener = listener(&name).await;
                let psm = listener.as_ref().map(|listener| listener.psm);
                if tell.send(psm.map_err(Clone::clone)).is_ok()
                    && let Ok(listener) = listener
                    && let Ok((station, offer)) = server.await
                {
                    server::run(station, name, offer, Some(listener), connections).await;
                }
            })?;
            let psm = told.await.unwrap_or(Err(Fault::NoService))?;
            let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
            listening.insert(psm, hand_over);
            Ok(psm)
        })
    }

    fn loses_long_writes(&self) -> bool {
        self.loses_long_writes
    }
}

#[cfg(target_os = "linux")]
impl Bluetooth {
    /// The server to be that listens already where this one is to.
    fn listening(&self, gatt: Gatt, offer: &Offer) -> Option<ToBe> {
        match (gatt, offer.channel) {
            (Gatt::Server, Channel::Known(psm)) => {
                let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
                listening.remove(&psm)
            }
            _ => None,
        }
    }
}

#[cfg(target_os = "linux")]
async fn listener(adapter: &str) -> Result<channel::Listener, Fault> {
    let (_session, adapter) = bluez::adapter(Some(adapter)).await?;
    channel::Listener::open(&adapter, None).await
}

#[cfg(target_os = "linux")]
async fn look(name: Option<&str>) -> Result<Bluetooth, Fault> {
    let looked = bluez::look(name).await?;
    Ok(Bluetooth {
        adapter: looked.name,
        warnings: looked.warnings,
        loses_long_writes: looked.loses_long_writes,
        connections: Connections::default(),
        listening: Arc::default(),
    })
}

#[cfg(not(target_os = "linux"))]
async fn look(name: Option<&str>) -> Result<Bluetooth, Fault> {
    let (_, adapter) = central::adapter(name).await?;
    Ok(Bluetooth {
        adapter,
        warnings: Vec::new(),
        loses_long_writes: false,
        connections: Connections::default(),
    })
}

#[cfg(target_os = "linux")]
async fn serve(station: Station, adapter: String, offer: Offer, connections: Connections) {
    server::run(station, adapter, offer, None, connections).await;
}

#[cfg(not(target_os = "linux"))]
async fn serve(mut station: Station, _adapter: String, _offer: Offer, _connections: Connections) {
    // Until it is asked for: the other way may do.
    if station.action().await.is_some() {
        station.fail(Fault::NotSupported("being a Bluetooth server"));
    }
}

fn on_a_thread_of_its_own(work: impl AsyncFnOnce() + Send + 'static) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| crate::stream::failed("starting the radio", &error))?;
    thread::Builder::new()
        .name("radio".to_owned())
        .spawn(move || runtime.block_on(work()))
        .map(drop)
        .map_err(|error| crate::stream::failed("starting the radio", &error))
}

/// As the crates for Bluetooth have it.
const fn uuid(uuid: mdoc_core::ble::Uuid) -> uuid::Uuid {
    uuid::Uuid::from_bytes(uuid.0)
}

/// The characteristics of a transaction, with their UUIDs in the service of that server.
fn characteristics(service: Service) -> impl Iterator<Item = (Characteristic, uuid::Uuid)> {
    [
        Characteristic::State,
        Characteristic::Client2Server,
        Characteristic::Server2Client,
        Characteristic::Ident,
        Characteristic::L2cap,
    ]
    .into_iter()
    .filter_map(move |characteristic| Some((characteristic, uuid(characteristic.uuid(service)?))))
}
