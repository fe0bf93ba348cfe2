//! Channels of L2CAP, by the kernel's sockets.

use std::io;

use bluer::l2cap::{Socket, SocketAddr, Stream, StreamListener};
use bluer::{Adapter, Address, AddressType};
use mdoc_core::ble::l2cap::Psm;
use mdoc_core::ble::link::{Input, Peer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::bluez;
use crate::{Fault, Happened};

/// More than one packet of any stack.
const READ_AT_ONCE: usize = 4096;

/// Where a server listens, and who comes.
pub(super) struct Listener {
    sockets: StreamListener,
    pub(super) psm: Psm,
}

impl Listener {
    /// At this number, or at one that is free.
    pub(super) async fn open(adapter: &Adapter, psm: Option<Psm>) -> Result<Self, Fault> {
        let local = local(adapter, psm.map_or(0, Psm::number)).await?;
        let listening = async {
            let sockets = StreamListener::bind(local).await?;
            let number = sockets.as_ref().local_addr()?.psm;
            Ok((sockets, number))
        };
        let (sockets, number) = listening
            .await
            .map_err(|error| crate::stream::failed("listening for a channel", &error))?;
        let psm =
            Psm::of_number(number.into()).ok_or(Fault::NotSupported("L2CAP of Bluetooth Low Energy"))?;
        Ok(Self { sockets, psm })
    }

    /// Waits for a client.
    pub(super) async fn client(&self) -> io::Result<(Stream, Address)> {
        let (stream, from) = self.sockets.accept().await?;
        Ok((stream, from.addr))
    }
}

/// As whom this adapter is known.
async fn local(adapter: &Adapter, psm: u16) -> Result<SocketAddr, Fault> {
    let known = async { Ok((adapter.address().await?, adapter.address_type().await?)) };
    let (address, kind) = known
        .await
        .map_err(|error| bluez::fault("looking at the adapter", &error))?;
    Ok(SocketAddr::new(address, kind, psm))
}

/// Opens the channel of that number to a device, to which there need not be a connection yet.
pub(super) async fn connect(
    adapter: &str,
    address: [u8; 6],
    random: bool,
    psm: Psm,
) -> Result<Stream, Fault> {
    let (_session, adapter) = bluez::adapter(Some(adapter)).await?;
    let local = local(&adapter, 0).await?;
    let kind = if random {
        AddressType::LeRandom
    } else {
        AddressType::LePublic
    };
    let connected = async {
        let socket = Socket::new_stream()?;
        socket.bind(local)?;
        let remote = SocketAddr::new(Address::new(address), kind, psm.number());
        socket.connect(remote).await
    };
    connected
        .await
        .map_err(|error| crate::stream::failed("opening the channel", &error))
}

/// Carries bytes both ways until either side closes; gives with whom. What is to go has gone when `puts` is closed.
pub(super) async fn carry(
    peer: Peer,
    stream: Stream,
    mut puts: UnboundedReceiver<Vec<u8>>,
    teller: UnboundedSender<Happened>,
) -> Peer {
    let (mut read, mut write) = stream.into_split();
    let incoming = async {
        let mut room = vec![0; READ_AT_ONCE];
        while let Ok(length @ 1..) = read.read(&mut room).await {
            let bytes = room.get(..length).unwrap_or_default().to_vec();
            if teller
                .send(Happened::Input(Input::Bytes { peer, bytes }))
                .is_err()
            {
                break;
            }
        }
    };
    let outgoing = async {
        while let Some(bytes) = puts.recv().await {
            write.write_all(&bytes).await?;
            let _gone = teller.send(Happened::Input(Input::Sent));
        }
        write.shutdown().await
    };
    tokio::select! {
        // What has come before the peer closed, also if it is noticed by writing.
        biased;
        () = incoming => {}
        ended = outgoing => {
            if let Err(error) = ended {
                tracing::debug!(kind = %error.kind(), "the channel was not written to");
            }
        }
    }
    peer
}
