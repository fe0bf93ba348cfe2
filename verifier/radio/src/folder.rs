//! A folder as the air: two programs on one machine that has no Bluetooth, through a socket named after the service.

use std::io;
use std::path::{Path, PathBuf};

use core::time::Duration;

use mdoc_core::ble::Uuid;
use mdoc_core::ble::link::Gatt;
use tokio::net::{UnixListener, UnixStream};

use crate::stream::{self, Door};
use crate::{Air, Listening, Offer, Radio};

/// What a modern telephone negotiates.
const MTU: u16 = 517;

/// How often a client looks whether its server is there.
const LOOKS: Duration = Duration::from_millis(20);

/// A folder as the air. Radios have to be made within a tokio runtime, which runs them.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// This folder, which has to be there. Whoever can write to it can be a peer.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Air for Folder {
    fn radio(&self, gatt: Gatt, offer: &Offer) -> Radio {
        let (radio, station) = Radio::new();
        let path = socket(&self.path, offer.uuid);
        match gatt {
            Gatt::Client => {
                tokio::spawn(stream::client(station, MTU, offer.channel, seek(path)));
            }
            Gatt::Server => {
                let door = FolderDoor { path, listener: None };
                tokio::spawn(stream::server(station, MTU, *offer, door));
            }
        }
        radio
    }

    fn listen(&self) -> Listening<'_> {
        stream::listen()
    }
}

fn socket(folder: &Path, uuid: Uuid) -> PathBuf {
    folder.join(uuid.to_string())
}

async fn seek(path: PathBuf) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(&path).await {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                tokio::time::sleep(LOOKS).await;
            }
            other => return other,
        }
    }
}

struct FolderDoor {
    path: PathBuf,
    listener: Option<UnixListener>,
}

impl Door for FolderDoor {
    type Stream = UnixStream;

    fn open(&mut self) -> io::Result<()> {
        self.listener = Some(UnixListener::bind(&self.path)?);
        Ok(())
    }

    async fn client(&mut self) -> io::Result<UnixStream> {
        match &self.listener {
            Some(listener) => listener.accept().await.map(|(stream, _)| stream),
            None => core::future::pending().await,
        }
    }

    fn close(&mut self) {
        if self.listener.take().is_some() {
            // Whoever has removed it already has done what we want.
            let _gone = std::fs::remove_file(&self.path);
        }
    }
}

impl Drop for FolderDoor {
    fn drop(&mut self) {
        self.close();
    }
}
