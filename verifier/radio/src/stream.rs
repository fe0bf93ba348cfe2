//! Stations over a stream of bytes, for airs without a radio.
//!
//! A frame is what it is about (a characteristic, that it is subscribed to, or a channel), a length of two bytes, and a
//! value. The server's first frames are its Ident and the number of its channel, empty if it has none.

use std::collections::BTreeMap;
use std::io;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use mdoc_core::ble::Characteristic;
use mdoc_core::ble::frame::Room;
use mdoc_core::ble::l2cap::Psm;
use mdoc_core::ble::link::{Action, Input, Peer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::radio::without_channel;
use crate::{Channel, Fault, Happened, Listening, Offer, Station};

/// The client knows one peer.
const SERVER: Peer = Peer(0);

/// The number of a channel that is free: each connection has its own.
const FREE: Psm = Psm::FIRST;

/// A frame, without its length.
type Frame = (u8, Vec<u8>);

/// What comes with a characteristic instead of a value: that it is subscribed to.
const SUBSCRIBE: u8 = 0x80;

/// Where a server meets its clients.
pub(crate) trait Door: Send {
    /// What a client is to it.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin;

    /// Makes the service known.
    fn open(&mut self) -> io::Result<()>;

    /// Waits for a client.
    fn client(&mut self) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Nobody else is let in.
    fn close(&mut self);
}

/// A number for a channel.
pub(crate) fn listen() -> Listening<'static> {
    Box::pin(core::future::ready(Ok(FREE)))
}

/// A client, which `seek` brings to its server.
pub(crate) async fn client<S: AsyncRead + AsyncWrite + Unpin>(
    mut station: Station,
    mtu: u16,
    channel: Channel,
    seek: impl Future<Output = io::Result<S>>,
) {
    if station.action().await != Some(Action::Seek) {
        return;
    }
    let stream = tokio::select! {
        stream = seek => stream,
        _gone = station.action() => return,
    };
    let (mut read, mut write) = match stream {
        Ok(stream) => tokio::io::split(stream),
        Err(error) => return station.fail(failed("connecting", &error)),
    };
    let Ok((ident, psm, opened)) = meet(&mut read, &mut write, channel).await else {
        return station.tell(Input::Lost { peer: SERVER });
    };
    let room = Room::of_mtu(mtu);
    station.tell(match opened {
        Some(true) => Input::Channel { peer: SERVER },
        _ => Input::Connected { peer: SERVER, room },
    });
    let teller = station.teller();
    let outgoing = async {
        while let Some(action) = station.action().await {
            let done = match action {
                Action::ReadIdent => Input::Ident(Some(ident.clone())),
                Action::Subscribe(characteristic) => {
                    send(&mut write, SUBSCRIBE | number(characteristic), &[]).await?;
                    Input::Subscribed {
                        peer: SERVER,
                        characteristic,
                    }
                }
                Action::OpenChannel => match Psm::of_value(&psm) {
                    Some(psm) => {
                        send(&mut write, OPEN, &psm.to_value()).await?;
                        continue;
                    }
                    None => Input::NoChannel,
                },
                Action::Send(_, bytes) => {
                    send(&mut write, BYTES, &bytes).await?;
                    Input::Sent
                }
                Action::Put(_, characteristic, value) => {
                    send(&mut write, number(characteristic), &value).await?;
                    Input::Sent
                }
                Action::Disconnect(_) => break,
                _ => continue,
            };
            station.tell(done);
        }
        write.shutdown().await
    };
    tokio::select! {
        () = incoming(SERVER, &mut read, &teller, |_| false) => {}
        _ended = outgoing => {}
    }
    station.tell(Input::Lost { peer: SERVER });
}

/// What the server says first, and whether it opened the channel whose number is known, if one is.
async fn meet(
    read: &mut (impl AsyncRead + Unpin),
    write: &mut (impl AsyncWrite + Unpin),
    channel: Channel,
) -> io::Result<(Vec<u8>, Vec<u8>, Option<bool>)> {
    let ((IDENT, ident), (PSM, psm)) = (receive(read).await?, receive(read).await?) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let Channel::Known(known) = channel else {
        return Ok((ident, psm, None));
    };
    send(write, OPEN, &known.to_value()).await?;
    let (answer, _) = receive(read).await?;
    Ok((ident, psm, Some(answer == OPENED)))
}

/// A server behind its door.
pub(crate) async fn server(mut station: Station, mtu: u16, offer: Offer, mut door: impl Door) {
    let mut clients: BTreeMap<Peer, UnboundedSender<Frame>> = BTreeMap::new();
    let mut going = FuturesUnordered::new();
    let (mut open, mut last) = (false, SERVER);
    let psm = match offer.channel {
        Channel::No => None,
        Channel::Any => Some(FREE),
        Channel::Known(psm) => Some(psm),
    };
    loop {
        tokio::select! {
            client = door.client(), if open => {
                let Ok(stream) = client else { continue };
                last = Peer(last.0 + 1);
                let (put, puts) = unbounded_channel();
                clients.insert(last, put);
                going.push(with_client(last, stream, (offer.ident, psm), puts, station.teller()));
                station.tell(Input::Connected { peer: last, room: Room::of_mtu(mtu) });
            }
            Some(peer) = going.next() => {
                clients.remove(&peer);
                station.tell(Input::Lost { peer });
            }
            action = station.action() => match action {
                Some(Action::Advertise) => match door.open() {
                    Ok(()) => open = true,
                    Err(error) => station.fail(failed("making the service known", &error)),
                },
                Some(Action::StopAdvertising) => {
                    open = false;
                    door.close();
                }
                Some(Action::Put(peer, characteristic, value)) => {
                    // Who is gone is told as lost.
                    let _gone = clients.get(&peer).map(|client| client.send((number(characteristic), value)));
                }
                Some(Action::Send(peer, bytes)) => {
                    let _gone = clients.get(&peer).map(|client| client.send((BYTES, bytes)));
                }
                Some(Action::Disconnect(peer)) => {
                    clients.remove(&peer);
                }
                Some(_) => {}
                None => break,
            },
        }
    }
    door.close();
    // What was said is still delivered.
    clients.clear();
    while going.next().await.is_some() {}
}

/// One client of a server, until it or we go; gives who it was.
async fn with_client<S: AsyncRead + AsyncWrite + Unpin>(
    peer: Peer,
    stream: S,
    (ident, psm): ([u8; 16], Option<Psm>),
    mut puts: UnboundedReceiver<Frame>,
    teller: UnboundedSender<Happened>,
) -> Peer {
    let (mut read, mut write) = tokio::io::split(stream);
    let (reply, mut replies) = unbounded_channel();
    let outgoing = async {
        send(&mut write, IDENT, &ident).await?;
        let value = psm.map(Psm::to_value);
        send(&mut write, PSM, value.as_ref().map_or(&[], |value| value)).await?;
        loop {
            tokio::select! {
                biased;
                Some(opened) = replies.recv() => send(&mut write, opened, &[]).await?,
                put = puts.recv() => match put {
                    Some((what, value)) => {
                        send(&mut write, what, &value).await?;
                        let _gone = teller.send(Happened::Input(Input::Sent));
                    }
                    None => break,
                },
            }
        }
        write.shutdown().await
    };
    let opens = |value: &[u8]| {
        let opens = psm.is_some() && Psm::of_value(value) == psm;
        let _gone = reply.send(if opens { OPENED } else { REFUSED });
        opens
    };
    tokio::select! {
        () = incoming(peer, &mut read, &teller, opens) => {}
        _ended = outgoing => {}
    }
    peer
}

/// Tells what comes, until nothing does; `opens` says whether a client gets the channel that it asks for.
async fn incoming(
    peer: Peer,
    read: &mut (impl AsyncRead + Unpin),
    teller: &UnboundedSender<Happened>,
    opens: impl Fn(&[u8]) -> bool,
) {
    while let Ok((what, value)) = receive(read).await {
        let input = match (what, characteristic(what & !SUBSCRIBE)) {
            (OPEN, _) if !opens(&value) => continue,
            (OPEN | OPENED, _) => Input::Channel { peer },
            (REFUSED, _) => {
                let words = without_channel("the other side refused the channel that it offers");
                let _gone = teller.send(Happened::Warning(words));
                Input::NoChannel
            }
            (BYTES, _) => Input::Bytes { peer, bytes: value },
            (_, None) => return,
            (_, Some(characteristic)) if what & SUBSCRIBE == 0 => Input::Value {
                peer,
                characteristic,
                value,
            },
            (_, Some(characteristic)) => Input::Subscribed { peer, characteristic },
        };
        if teller.send(Happened::Input(input)).is_err() {
            return;
        }
    }
}

const IDENT: u8 = 4;
const PSM: u8 = 5;
/// A client asks for the channel of this number.
const OPEN: u8 = 6;
const OPENED: u8 = 7;
const REFUSED: u8 = 8;
/// What goes over the channel.
const BYTES: u8 = 9;

const fn number(characteristic: Characteristic) -> u8 {
    match characteristic {
        Characteristic::State => 1,
        Characteristic::Client2Server => 2,
        Characteristic::Server2Client => 3,
        Characteristic::Ident => IDENT,
        Characteristic::L2cap => PSM,
    }
}

const fn characteristic(number: u8) -> Option<Characteristic> {
    Some(match number {
        1 => Characteristic::State,
        2 => Characteristic::Client2Server,
        3 => Characteristic::Server2Client,
        _ => return None,
    })
}

async fn send(write: &mut (impl AsyncWrite + Unpin), what: u8, value: &[u8]) -> io::Result<()> {
    let length = u16::try_from(value.len()).map_err(io::Error::other)?;
    let mut frame = vec![what];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(value);
    write.write_all(&frame).await
}

async fn receive(read: &mut (impl AsyncRead + Unpin)) -> io::Result<(u8, Vec<u8>)> {
    let what = read.read_u8().await?;
    let mut value = vec![0; read.read_u16().await?.into()];
    read.read_exact(&mut value).await?;
    Ok((what, value))
}

pub(crate) fn failed(what: &'static str, error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Fault::NotPermitted,
        _ => Fault::Failed {
            what,
            cause: error.kind().to_string(),
        },
    }
}
