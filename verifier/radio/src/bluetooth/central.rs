//! The client, by btleplug; the channels of L2CAP by the kernel of Linux.

mod search;
#[cfg(test)]
mod tests;

use core::pin::Pin;
#[cfg(target_os = "linux")]
use core::pin::pin;
use core::time::Duration;
use std::collections::BTreeMap;

use btleplug::api::{
    CentralEvent, CentralState, Characteristic as Found, Peripheral as _, ValueNotification, WriteType,
};
use btleplug::platform::Peripheral;
use futures_util::{Stream, StreamExt as _};
use mdoc_core::ble::Characteristic;
use mdoc_core::ble::frame::Room;
use mdoc_core::ble::l2cap::Psm;
use mdoc_core::ble::link::{Action, Input, Peer};
use tokio::sync::mpsc::UnboundedSender;
#[cfg(target_os = "linux")]
use tokio::sync::mpsc::unbounded_channel;

#[cfg(not(target_os = "linux"))]
pub(super) use self::search::adapter;
use self::search::find;
use super::{characteristics, uuid};
use crate::connections::{Address, Connections};
use crate::radio::without_channel;
use crate::{Channel, Fault, Happened, Offer, Station};

/// A client knows one peer.
const SERVER: Peer = Peer(0);

/// Connecting fails now and then where the air is full.
const TRIES: u32 = 5;
/// Between two tries.
const BETWEEN_TRIES: Duration = Duration::from_millis(400);

/// What opening a channel may take: less than the link has for all that comes before the first message.
#[cfg(target_os = "linux")]
const OPENING: Duration = Duration::from_secs(8);

#[cfg(target_os = "linux")]
type ChannelStream = bluer::l2cap::Stream;
/// There is none.
#[cfg(not(target_os = "linux"))]
type ChannelStream = core::convert::Infallible;

type Incoming<T> = Pin<Box<dyn Stream<Item = T> + Send>>;

/// Looks for the service with an adapter, and stays with it until the link is gone.
pub(super) async fn run(mut station: Station, name: String, offer: Offer, connections: Connections) {
    if station.action().await != Some(Action::Seek) {
        return;
    }
    let found = tokio::select! {
        found = find(&name, offer) => found,
        _gone = station.action() => return,
    };
    let (peripheral, events) = match found {
        Ok(found) => found,
        Err(fault) => return station.fail(fault),
    };
    let address = peripheral.address().into_inner();
    connections.join(address, true);
    // From here on there is something to be closed, however it ends; the station stays until then, since whoever lets go of
    // the radio waits for that.
    let joined = tokio::select! {
        joined = join(&name, &peripheral, events, offer, station.teller()) => Some(joined),
        _gone = station.action() => None,
    };
    match joined {
        Some(Ok(Joined::Gatt(client))) => {
            if let Some(stream) = client.run(&mut station, &name).await {
                over_channel(&mut station, stream).await;
            }
        }
        Some(Ok(Joined::Channel(stream))) => over_channel(&mut station, stream).await,
        Some(Err(NotJoined::Lost)) => lost(&station),
        Some(Err(NotJoined::Fault(fault))) => station.fail(fault),
        None => {}
    }
    let left = connections.leave(address);
    if left.last {
        if let Err(error) = peripheral.disconnect().await {
            tracing::debug!(kind = kind(&error), "the peer was not disconnected");
        }
    } else {
        tracing::debug!("another way goes over this connection, which stays");
    }
    if left.found {
        forget(&name, address).await;
    }
    drop(station);
}

/// How the peer was reached.
enum Joined {
    Gatt(Client),
    Channel(ChannelStream),
}

/// Why it was not.
#[derive(Debug, PartialEq, Eq)]
enum NotJoined {
    /// It was found, and went, or did not answer: it may be looked for again.
    Lost,
    Fault(Fault),
}

impl NotJoined {
    /// What an error means; `gone` says whether the peer is, as far as the system knows.
    fn of(what: &'static str, error: &btleplug::Error, gone: bool) -> Self {
        match error {
            btleplug::Error::PermissionDenied
            | btleplug::Error::NoAdapterAvailable
            | btleplug::Error::NotSupported(_) => Self::Fault(fault(what, error)),
            btleplug::Error::DeviceNotFound
            | btleplug::Error::NotConnected
            | btleplug::Error::TimedOut(_) => Self::Lost,
            // BlueZ gives all its errors as others.
            _ if gone => Self::Lost,
            _ => Self::Fault(fault(what, error)),
        }
    }
}

/// Tells that the peer is gone that the link was not told of yet.
fn lost(station: &Station) {
    let room = Room::of_mtu(0);
    station.tell(Input::Connected { peer: SERVER, room });
    station.tell(Input::Lost { peer: SERVER });
}

/// Over the channel if its number is known, otherwise over GATT.
async fn join(
    name: &str,
    peripheral: &Peripheral,
    events: Incoming<CentralEvent>,
    offer: Offer,
    teller: UnboundedSender<Happened>,
) -> Result<Joined, NotJoined> {
    if let Channel::Known(psm) = offer.channel {
        match open(name, peripheral, psm).await {
            Ok(stream) => return Ok(Joined::Channel(stream)),
            Err(fault) => {
                let _gone = teller.send(Happened::Warning(without_channel(fault)));
            }
        }
    }
    let client = Client::join(peripheral.clone(), events, offer).await?;
    Ok(Joined::Gatt(client))
}

struct Client {
    peripheral: Peripheral,
    events: Incoming<CentralEvent>,
    values: Incoming<ValueNotification>,
    characteristics: BTreeMap<Characteristic, Found>,
}

impl Client {
    /// Connects, and looks at what the service has.
    async fn join(
        peripheral: Peripheral,
        events: Incoming<CentralEvent>,
        offer: Offer,
    ) -> Result<Self, NotJoined> {
        let service = uuid(offer.uuid);
        connect(&peripheral).await?;
        if let Err(error) = peripheral.discover_services().await {
            return Err(not_joined("reading the services", &error, &peripheral).await);
        }
        let there = peripheral.characteristics();
        let characteristics: BTreeMap<_, _> = characteristics(offer.service)
            .filter_map(|(characteristic, uuid)| {
                let mut there = there.iter();
                let found = there.find(|found| found.uuid == uuid && found.service_uuid == service)?;
                Some((characteristic, found.clone()))
            })
            .collect();
        for needed in [
            Characteristic::State,
            Characteristic::Client2Server,
            Characteristic::Server2Client,
        ] {
            if !characteristics.contains_key(&needed) {
                // Of one that went meanwhile, not all of them were read.
                return Err(if is_connected(&peripheral).await {
                    NotJoined::Fault(Fault::Service("it lacks a characteristic of the standard"))
                } else {
                    NotJoined::Lost
                });
            }
        }
        // Before the first subscription, so that nothing is missed.
        let values = match peripheral.notifications().await {
            Ok(values) => values,
            Err(error) => return Err(not_joined("listening to the peer", &error, &peripheral).await),
        };
        Ok(Self {
            peripheral,
            events,
            values,
            characteristics,
        })
    }

    /// Until it is over; gives the channel if it goes on over one.
    async fn run(mut self, station: &mut Station, name: &str) -> Option<ChannelStream> {
        let room = self.room();
        station.tell(Input::Connected { peer: SERVER, room });
        loop {
            tokio::select! {
                // Values before the news that the peer is gone.
                biased;
                value = self.values.next() => match value {
                    Some(value) => self.notified(station, value),
                    None => break,
                },
                action = station.action() => match action {
                    Some(Action::Disconnect(_)) | None => return None,
                    Some(Action::OpenChannel) => match self.open_channel(name).await {
                        Ok(Some(stream)) => return Some(stream),
                        Ok(None) => station.tell(Input::NoChannel),
                        Err(fault) => {
                            station.warn(without_channel(fault));
                            station.tell(Input::NoChannel);
                        }
                    },
                    Some(action) => if !self.act(station, action, room).await {
                        break;
                    },
                },
                event = self.events.next() => if self.is_gone(event) {
                    // What came before it is told before it.
                    while let Some(Some(value)) = futures_util::FutureExt::now_or_never(self.values.next()) {
                        self.notified(station, value);
                    }
                    break;
                },
            }
        }
        station.tell(Input::Lost { peer: SERVER });
        None
    }

    /// The channel whose number the peer serves; none if it serves none.
    async fn open_channel(&self, name: &str) -> Result<Option<ChannelStream>, Fault> {
        let Some(found) = self.characteristics.get(&Characteristic::L2cap) else {
            return Ok(None);
        };
        let value = self.peripheral.read(found).await;
        let value = value.map_err(|error| fault("reading the number of the channel", &error))?;
        let psm = Psm::of_value(&value).ok_or(Fault::Service("what it serves is no number of a channel"))?;
        open(name, &self.peripheral, psm).await.map(Some)
    }

    /// In one value; never more than what any server on the way takes.
    fn room(&self) -> Room {
        Room::of_mtu(self.peripheral.mtu()).at_most(Room::BLUEZ_SERVER)
    }

    fn is_gone(&self, event: Option<CentralEvent>) -> bool {
        match event {
            Some(CentralEvent::DeviceDisconnected(id)) => id == self.peripheral.id(),
            Some(CentralEvent::StateUpdate(state)) => state == CentralState::PoweredOff,
            Some(_) => false,
            None => true,
        }
    }

    fn notified(&self, station: &Station, notified: ValueNotification) {
        let mut known = self.characteristics.iter();
        let of = known.find(|(_, found)| found.uuid == notified.uuid);
        if let Some((characteristic, _)) = of {
            station.tell(Input::Value {
                peer: SERVER,
                characteristic: *characteristic,
                value: notified.value,
            });
        }
    }

    /// Whether the peer is still there.
    async fn act(&self, station: &Station, action: Action, known_room: Room) -> bool {
        let done = match action {
            Action::ReadIdent => self.read(station).await,
            Action::Subscribe(characteristic) => self.subscribe(station, characteristic, known_room).await,
            Action::Put(_, characteristic, value) => self.write(station, characteristic, &value).await,
            _ => Ok(()),
        };
        if let Err(error) = &done {
            tracing::debug!(kind = kind(error), "the peer did not take it");
        }
        done.is_ok()
    }

    async fn read(&self, station: &Station) -> Result<(), btleplug::Error> {
        let ident = match self.characteristics.get(&Characteristic::Ident) {
            Some(found) => Some(self.peripheral.read(found).await?),
            None => None,
        };
        station.tell(Input::Ident(ident));
        Ok(())
    }

    async fn subscribe(
        &self,
        station: &Station,
        characteristic: Characteristic,
        known_room: Room,
    ) -> Result<(), btleplug::Error> {
        if let Some(found) = self.characteristics.get(&characteristic) {
            self.peripheral.subscribe(found).await?;
        }
        let room = self.room();
        if room != known_room {
            station.tell(Input::Resized { peer: SERVER, room });
        }
        station.tell(Input::Subscribed {
            peer: SERVER,
            characteristic,
        });
        Ok(())
    }

    async fn write(
        &self,
        station: &Station,
        characteristic: Characteristic,
        value: &[u8],
    ) -> Result<(), btleplug::Error> {
        if let Some(found) = self.characteristics.get(&characteristic) {
            self.peripheral
                .write(found, value, WriteType::WithoutResponse)
                .await?;
        }
        station.tell(Input::Sent);
        Ok(())
    }
}

/// Carries everything over a channel, until it or the link is gone.
#[cfg(target_os = "linux")]
async fn over_channel(station: &mut Station, stream: ChannelStream) {
    let (put, puts) = unbounded_channel();
    let mut carried = pin!(super::channel::carry(SERVER, stream, puts, station.teller()));
    station.tell(Input::Channel { peer: SERVER });
    loop {
        tokio::select! {
            biased;
            _closed = &mut carried => return station.tell(Input::Lost { peer: SERVER }),
            action = station.action() => match action {
                Some(Action::Send(_, bytes)) => {
                    // Who is gone is told as lost.
                    let _gone = put.send(bytes);
                }
                Some(Action::Disconnect(_)) | None => break,
                Some(_) => {}
            },
        }
    }
    // What was said is still delivered.
    drop(put);
    let _late = tokio::time::timeout(OPENING, carried).await;
}

#[cfg(not(target_os = "linux"))]
async fn over_channel(_station: &mut Station, stream: ChannelStream) {
    match stream {}
}

/// Opens the channel of that number.
#[cfg(target_os = "linux")]
async fn open(name: &str, peripheral: &Peripheral, psm: Psm) -> Result<ChannelStream, Fault> {
    let properties = peripheral.properties().await.ok().flatten();
    let kind = properties.and_then(|properties| properties.address_type);
    let random = kind == Some(btleplug::api::AddressType::Random);
    let address = peripheral.address().into_inner();
    let opened = tokio::time::timeout(OPENING, super::channel::connect(name, address, random, psm)).await;
    opened.unwrap_or_else(|_| {
        Err(Fault::Failed {
            what: "opening the channel",
            cause: "it took too long".to_owned(),
        })
    })
}

#[cfg(not(target_os = "linux"))]
async fn open(_name: &str, _peripheral: &Peripheral, _psm: Psm) -> Result<ChannelStream, Fault> {
    Err(Fault::NotSupported("L2CAP, which is for Linux,"))
}

async fn connect(peripheral: &Peripheral) -> Result<(), NotJoined> {
    let mut tried = 0;
    loop {
        tried += 1;
        match peripheral.connect().await {
            Ok(()) => return Ok(()),
            Err(error) if tried == TRIES => {
                // One that is known, and cannot be connected, was tried often enough; one that is not known any more, or whose
                // services did not come, may be found again.
                let gone = !matches!(peripheral.is_connected().await, Ok(false));
                return Err(NotJoined::of("connecting", &error, gone));
            }
            Err(error) => tracing::debug!(kind = kind(&error), tried, "not connected"),
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
}

async fn is_connected(peripheral: &Peripheral) -> bool {
    peripheral.is_connected().await.unwrap_or(false)
}

async fn not_joined(what: &'static str, error: &btleplug::Error, peripheral: &Peripheral) -> NotJoined {
    NotJoined::of(what, error, !is_connected(peripheral).await)
}

/// BlueZ ignores for half a minute what services a device advertises that it knows.
#[cfg(target_os = "linux")]
async fn forget(adapter: &str, address: Address) {
    super::bluez::forget(adapter, address).await;
}

#[cfg(not(target_os = "linux"))]
async fn forget(_adapter: &str, _address: Address) {}

/// Of what kind: the words of an error may name the peer's address, which is nobody's business here.
const fn kind(error: &btleplug::Error) -> &'static str {
    match error {
        btleplug::Error::PermissionDenied => "permission denied",
        btleplug::Error::DeviceNotFound => "device not found",
        btleplug::Error::NotConnected => "not connected",
        btleplug::Error::NotSupported(_) => "not supported",
        btleplug::Error::TimedOut(_) => "timed out",
        _ => "another one",
    }
}

fn fault(what: &'static str, error: &btleplug::Error) -> Fault {
    match error {
        btleplug::Error::PermissionDenied => Fault::NotPermitted,
        btleplug::Error::NoAdapterAvailable => Fault::NoAdapter,
        btleplug::Error::NotSupported(_) => Fault::NotSupported("this"),
        btleplug::Error::TimedOut(_) => Fault::Failed {
            what,
            cause: "it took too long".to_owned(),
        },
        btleplug::Error::DeviceNotFound | btleplug::Error::NotConnected => Fault::Failed {
            what,
            cause: "the peer is gone".to_owned(),
        },
        _ => Fault::Failed {
            what,
            cause: "the system says no".to_owned(),
        },
    }
}
