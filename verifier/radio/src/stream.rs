//! Stations over a stream of bytes, for airs without a radio.
//!
//! A frame is what it is about (a characteristic, or that it is subscribed to), a length of two bytes, and a value. The
//! server's first frame is its Ident.

use std::collections::BTreeMap;
use std::io;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use mdoc_core::ble::Characteristic;
use mdoc_core::ble::frame::Room;
use mdoc_core::ble::link::{Action, Input, Peer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{Fault, Happened, Offer, Station};

/// The client knows one peer.
const SERVER: Peer = Peer(0);

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

/// A client, which `seek` brings to its server.
pub(crate) async fn client<S: AsyncRead + AsyncWrite + Unpin>(
    mut station: Station,
    mtu: u16,
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
    let Ok((IDENT, ident)) = receive(&mut read).await else {
        return station.tell(Input::Lost { peer: SERVER });
    };
    station.tell(Input::Connected {
        peer: SERVER,
        room: Room::of_mtu(mtu),
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
        () = incoming(SERVER, &mut read, &teller) => {}
        _ended = outgoing => {}
    }
    station.tell(Input::Lost { peer: SERVER });
}

/// A server behind its door.
pub(crate) async fn server(mut station: Station, mtu: u16, offer: Offer, mut door: impl Door) {
    let mut clients: BTreeMap<Peer, UnboundedSender<(Characteristic, Vec<u8>)>> = BTreeMap::new();
    let mut going = FuturesUnordered::new();
    let (mut open, mut last) = (false, SERVER);
    loop {
        tokio::select! {
            client = door.client(), if open => {
                let Ok(stream) = client else { continue };
                last = Peer(last.0 + 1);
                let (put, puts) = unbounded_channel();
                clients.insert(last, put);
                going.push(with_client(last, stream, offer.ident, puts, station.teller()));
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
                    let _gone = clients.get(&peer).map(|client| client.send((characteristic, value)));
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
    ident: [u8; 16],
    mut puts: UnboundedReceiver<(Characteristic, Vec<u8>)>,
    teller: UnboundedSender<Happened>,
) -> Peer {
    let (mut read, mut write) = tokio::io::split(stream);
    let outgoing = async {
        send(&mut write, IDENT, &ident).await?;
        while let Some((characteristic, value)) = puts.recv().await {
            send(&mut write, number(characteristic), &value).await?;
            let _gone = teller.send(Happened::Input(Input::Sent));
        }
        write.shutdown().await
    };
    tokio::select! {
        () = incoming(peer, &mut read, &teller) => {}
        _ended = outgoing => {}
    }
    peer
}

/// Tells what comes, until nothing does.
async fn incoming(peer: Peer, read: &mut (impl AsyncRead + Unpin), teller: &UnboundedSender<Happened>) {
    while let Ok((what, value)) = receive(read).await {
        let Some(characteristic) = characteristic(what & !SUBSCRIBE) else {
            return;
        };
        let input = if what & SUBSCRIBE == 0 {
            Input::Value {
                peer,
                characteristic,
                value,
            }
        } else {
            Input::Subscribed { peer, characteristic }
        };
        if teller.send(Happened::Input(input)).is_err() {
            return;
        }
    }
}

const IDENT: u8 = 4;

const fn number(characteristic: Characteristic) -> u8 {
    match characteristic {
        Characteristic::State => 1,
        Characteristic::Client2Server => 2,
        Characteristic::Server2Client => 3,
        Characteristic::Ident => IDENT,
        Characteristic::L2cap => 5,
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
