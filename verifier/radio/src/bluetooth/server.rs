//! The GATT server, by BlueZ.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

use bluer::Address;
use bluer::adv::{Advertisement, AdvertisementHandle};
use bluer::gatt::CharacteristicWriter;
use bluer::gatt::local::{
    Application, ApplicationHandle, Characteristic as Served, CharacteristicControl,
    CharacteristicControlEvent, CharacteristicNotify, CharacteristicNotifyMethod, CharacteristicRead,
    CharacteristicWrite, CharacteristicWriteMethod, CharacteristicWriteRequest, Service as ServedService,
    characteristic_control,
};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use mdoc_core::ble::Characteristic;
use mdoc_core::ble::frame::Room;
use mdoc_core::ble::link::{Action, Input, Peer};
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::channel::{Listener, carry};
use super::{bluez, characteristics, uuid};
use crate::connections::Connections;
use crate::radio::without_channel;
use crate::{Channel, Fault, Offer, Station};

/// What ATT has in front of a notified value, which a writer's room leaves out.
const HEAD: u16 = 3;

/// What is notified goes to BlueZ through a socket for each characteristic, and of two sockets it may read the later one
/// first: End would overtake the message before it.
const BEFORE_STATE: Duration = Duration::from_millis(150);

/// How often it is looked whether the adapter is still there, while nobody is: nothing else would tell.
const LOOKS: Duration = Duration::from_secs(2);

/// Between two advertisements, at least and at most. The system's own may be above a second.
const INTERVAL: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(60));

/// Marks a peer that is known by its channel.
const OVER_CHANNEL: u64 = 1 << 48;

/// Offers the service on an adapter until the link is gone; `listener` is where it listens for a channel already.
pub(super) async fn run(
    mut station: Station,
    adapter: String,
    offer: Offer,
    listener: Option<Listener>,
    connections: Connections,
) {
    if station.action().await != Some(Action::Advertise) {
        return;
    }
    match Server::open(&adapter, offer, listener, connections, &station).await {
        Ok(server) => server.run(station).await,
        Err(fault) => station.fail(fault),
    }
}

/// A value that was written.
struct Written {
    by: Address,
    mtu: u16,
    characteristic: Characteristic,
    value: Vec<u8>,
}

struct Server {
    adapter: bluer::Adapter,
    /// Dropping these takes back what they stand for.
    _session: bluer::Session,
    _application: ApplicationHandle,
    advertisement: Option<AdvertisementHandle>,
    written: tokio::sync::mpsc::UnboundedReceiver<Written>,
    state: CharacteristicControl,
    messages: CharacteristicControl,
    writers: BTreeMap<(Peer, Characteristic), Arc<CharacteristicWriter>>,
    known: BTreeSet<Peer>,
    listener: Option<Listener>,
    /// What is to go over channels.
    channels: BTreeMap<Peer, UnboundedSender<Vec<u8>>>,
    connections: Connections,
    /// Whose connections this server uses.
    using: BTreeSet<Address>,
}

impl Server {
    async fn open(
        name: &str,
        offer: Offer,
        listener: Option<Listener>,
        connections: Connections,
        station: &Station,
    ) -> Result<Self, Fault> {
        let (session, adapter) = bluez::adapter(Some(name)).await?;
        let listener = listening(&adapter, offer.channel, listener, station).await;
        let (tell, written) = unbounded_channel();
        let (state, state_handle) = characteristic_control();
        let (messages, messages_handle) = characteristic_control();
        let (mut state_handle, mut messages_handle) = (Some(state_handle), Some(messages_handle));
        let psm = listener.as_ref().map(|listener| listener.psm.to_value().to_vec());
        let characteristics = characteristics(offer.service)
            .filter(|(characteristic, _)| *characteristic != Characteristic::L2cap || psm.is_some())
            .map(|(characteristic, uuid)| {
                let handle = match characteristic {
                    Characteristic::State => state_handle.take(),
                    Characteristic::Server2Client => messages_handle.take(),
                    _ => None,
                };
                let writes = matches!(
                    characteristic,
                    Characteristic::State | Characteristic::Client2Server
                );
                let read_as = match characteristic {
                    Characteristic::Ident => Some(offer.ident.to_vec()),
                    Characteristic::L2cap => psm.clone(),
                    _ => None,
                };
                Served {
                    uuid,
                    write: writes.then(|| write(characteristic, tell.clone())),
                    notify: handle.is_some().then(notify),
                    read: read_as.map(read),
                    control_handle: handle.unwrap_or_default(),
                    ..Served::default()
                }
            })
            .collect();
        let service = ServedService {
            uuid: uuid(offer.uuid),
            primary: true,
            characteristics,
            ..ServedService::default()
        };
        let application = Application {
            services: vec![service],
            ..Application::default()
        };
        let application = adapter.serve_gatt_application(application).await;
        let application = application.map_err(|error| bluez::fault("offering the service", &error))?;
        let advertisement = advertise(&adapter, offer).await;
        let advertisement = advertisement.map_err(|error| bluez::fault("advertising", &error))?;
        Ok(Self {
            adapter,
            _session: session,
            _application: application,
            advertisement: Some(advertisement),
            written,
            state,
            messages,
            writers: BTreeMap::new(),
            known: BTreeSet::new(),
            listener,
            channels: BTreeMap::new(),
            connections,
            using: BTreeSet::new(),
        })
    }

    async fn run(mut self, mut station: Station) {
        let mut gone = FuturesUnordered::new();
        let mut carried = FuturesUnordered::new();
        let mut looks = tokio::time::interval(LOOKS);
        loop {
            tokio::select! {
                // Values before everything else: they have come before whatever closes.
                biased;
                Some(written) = self.written.recv() => self.written(&station, written),
                Some(event) = self.state.next() => {
                    gone.extend(self.subscribed(&station, Characteristic::State, event).map(until_closed));
                }
                Some(event) = self.messages.next() => {
                    gone.extend(self.subscribed(&station, Characteristic::Server2Client, event).map(until_closed));
                }
                Some(peer) = gone.next() => self.gone(&station, peer).await,
                Some(peer) = carried.next() => {
                    self.channels.remove(&peer);
                    self.left_by(peer).await;
                    station.tell(Input::Lost { peer });
                }
                client = client(self.listener.as_ref()) => match client {
                    Ok((stream, address)) => {
                        self.uses(address);
                        let peer = Peer(peer(address).0 | OVER_CHANNEL);
                        let (put, puts) = unbounded_channel();
                        self.channels.insert(peer, put);
                        carried.push(carry(peer, stream, puts, station.teller()));
                        station.tell(Input::Channel { peer });
                    }
                    Err(error) => {
                        tracing::debug!(kind = %error.kind(), "nobody can open a channel any longer");
                        self.listener = None;
                    }
                },
                action = station.action() => match action {
                    Some(Action::StopAdvertising) => self.advertisement = None,
                    Some(Action::Put(peer, characteristic, value)) => {
                        self.put(&station, peer, characteristic, &value).await;
                    }
                    Some(Action::Send(peer, bytes)) => {
                        // Who is gone is told as lost.
                        let _gone = self.channels.get(&peer).map(|channel| channel.send(bytes));
                    }
                    Some(Action::Disconnect(peer)) => {
                        self.channels.remove(&peer);
                        self.disconnect(peer).await;
                    }
                    Some(_) => {}
                    None => break,
                },
                _ = looks.tick(), if self.using.is_empty() => {
                    if let Err(fault) = bluez::still_on(&self.adapter).await {
                        station.fail(fault);
                    }
                }
            }
        }
        self.channels.clear();
        while carried.next().await.is_some() {}
        // What this server alone was over stays for the peer to close, unless a way that found the peer shared it.
        for address in core::mem::take(&mut self.using) {
            if self.connections.leave(address.0).found {
                self.forget(address).await;
            }
        }
    }

    fn uses(&mut self, address: Address) {
        if self.using.insert(address) {
            self.connections.join(address.0, false);
        }
    }

    /// No longer uses a connection that its peer has left, over GATT and over a channel.
    async fn left_by(&mut self, peer: Peer) {
        let address = address(peer);
        let gatt = self::peer(address);
        let there = self.known.contains(&gatt) || self.channels.contains_key(&Peer(gatt.0 | OVER_CHANNEL));
        if !there && self.using.remove(&address) && self.connections.leave(address.0).last {
            self.forget(address).await;
        }
    }

    /// Whoever was connected is known to BlueZ from then on, which would ignore for half a minute what it advertises next:
    /// the holder's next try may be the other way round.
    async fn forget(&self, address: Address) {
        bluez::forget(self.adapter.name(), address.0).await;
    }

    /// Tells of a peer that was not heard of before.
    fn meet(&mut self, station: &Station, address: Address, mtu: u16) -> Peer {
        self.uses(address);
        let peer = peer(address);
        let room = Room::of_mtu(mtu);
        station.tell(if self.known.insert(peer) {
            Input::Connected { peer, room }
        } else {
            Input::Resized { peer, room }
        });
        peer
    }

    fn written(&mut self, station: &Station, written: Written) {
        let peer = if self.known.contains(&peer(written.by)) {
            peer(written.by)
        } else {
            self.meet(station, written.by, written.mtu)
        };
        station.tell(Input::Value {
            peer,
            characteristic: written.characteristic,
            value: written.value,
        });
    }

    fn subscribed(
        &mut self,
        station: &Station,
        characteristic: Characteristic,
        event: CharacteristicControlEvent,
    ) -> Option<(Peer, Arc<CharacteristicWriter>)> {
        let CharacteristicControlEvent::Notify(writer) = event else {
            return None;
        };
        let room = u16::try_from(writer.mtu()).unwrap_or(u16::MAX);
        let peer = self.meet(station, writer.device_address(), room.saturating_add(HEAD));
        let writer = Arc::new(writer);
        self.writers.insert((peer, characteristic), Arc::clone(&writer));
        station.tell(Input::Subscribed { peer, characteristic });
        Some((peer, writer))
    }

    async fn put(&self, station: &Station, peer: Peer, characteristic: Characteristic, value: &[u8]) {
        if characteristic == Characteristic::State {
            tokio::time::sleep(BEFORE_STATE).await;
        }
        let Some(writer) = self.writers.get(&(peer, characteristic)) else {
            // State need not be subscribed to; there is no other way to say it then.
            return station.tell(Input::Sent);
        };
        match writer.send(value).await {
            Ok(()) => station.tell(Input::Sent),
            Err(error) => {
                tracing::debug!(kind = %error.kind(), "a notification was not taken");
                station.tell(Input::Lost { peer });
            }
        }
    }

    async fn gone(&mut self, station: &Station, peer: Peer) {
        self.writers.retain(|(of, _), _| *of != peer);
        if self.known.remove(&peer) {
            self.left_by(peer).await;
            station.tell(Input::Lost { peer });
        }
    }

    async fn disconnect(&mut self, peer: Peer) {
        self.writers.retain(|(of, _), _| *of != peer);
        let address = address(peer);
        if !self.using.remove(&address) {
            return;
        }
        let left = self.connections.leave(address.0);
        if !left.last {
            return tracing::debug!("another way goes over this connection, which stays");
        }
        let device = self.adapter.device(address);
        if let Ok(device) = device
            && let Err(error) = device.disconnect().await
        {
            tracing::debug!(kind = %error.kind, "the device was not disconnected");
        }
        self.forget(address).await;
    }
}

/// Often, if the adapter can: somebody holds a telephone in the air meanwhile.
async fn advertise(adapter: &bluer::Adapter, offer: Offer) -> bluer::Result<AdvertisementHandle> {
    // Without `discoverable` its flags say only that it is not of the old kind.
    let ours = Advertisement {
        service_uuids: [uuid(offer.uuid)].into(),
        discoverable: Some(true),
        ..Advertisement::default()
    };
    let (least, most) = INTERVAL;
    let often = Advertisement {
        min_interval: Some(least),
        max_interval: Some(most),
        ..ours.clone()
    };
    match adapter.advertise(often).await {
        Err(error) => {
            tracing::debug!(kind = %error.kind, "advertising at an interval of the system's");
            adapter.advertise(ours).await
        }
        advertised => advertised,
    }
}

/// Where it listens for a channel, if one is offered and can be had.
async fn listening(
    adapter: &bluer::Adapter,
    channel: Channel,
    there: Option<Listener>,
    station: &Station,
) -> Option<Listener> {
    let psm = match (channel, there) {
        (Channel::No, _) => return None,
        (_, Some(listener)) => return Some(listener),
        (Channel::Any, None) => None,
        (Channel::Known(psm), None) => Some(psm),
    };
    match Listener::open(adapter, psm).await {
        Ok(listener) => Some(listener),
        Err(fault) => {
            station.warn(without_channel(fault));
            None
        }
    }
}

/// Waits for who opens a channel.
async fn client(listener: Option<&Listener>) -> io::Result<(bluer::l2cap::Stream, Address)> {
    match listener {
        Some(listener) => listener.client().await,
        None => core::future::pending().await,
    }
}

/// Ends when the subscription does, which is how a server learns that somebody is gone.
async fn until_closed((peer, writer): (Peer, Arc<CharacteristicWriter>)) -> Peer {
    let _closed = writer.closed().await;
    peer
}

/// Writes come as calls: through a socket, the first ones of a quick peer arrive with the bytes of later ones.
fn write(characteristic: Characteristic, tell: UnboundedSender<Written>) -> CharacteristicWrite {
    let take = move |value: Vec<u8>, request: CharacteristicWriteRequest| {
        // Before anything is waited for, which keeps the order.
        let _gone = tell.send(Written {
            by: request.device_address,
            mtu: request.mtu,
            characteristic,
            value,
        });
        async { Ok(()) }.boxed()
    };
    CharacteristicWrite {
        write: true,
        write_without_response: true,
        method: CharacteristicWriteMethod::Fun(Box::new(take)),
        ..CharacteristicWrite::default()
    }
}

fn notify() -> CharacteristicNotify {
    CharacteristicNotify {
        notify: true,
        method: CharacteristicNotifyMethod::Io,
        ..CharacteristicNotify::default()
    }
}

fn read(value: Vec<u8>) -> CharacteristicRead {
    CharacteristicRead {
        read: true,
        fun: Box::new(move |_| core::future::ready(Ok(value.clone())).boxed()),
        ..CharacteristicRead::default()
    }
}

fn peer(Address(address): Address) -> Peer {
    Peer(
        address
            .into_iter()
            .fold(0, |number, byte| number << 8 | u64::from(byte)),
    )
}

fn address(peer: Peer) -> Address {
    let [_, _, address @ ..] = peer.0.to_be_bytes();
    Address::new(address)
}
