//! The two ends between a link and what carries it.

use mdoc_core::ble::link::{Action, Gatt, Input};
use mdoc_core::ble::{Service, Uuid};
use mdoc_core::engagement::BleOptions;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::Fault;

/// What an engagement says of one way to reach the mdoc.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Who is the server.
    pub service: Service,
    /// The service that is advertised, for this transaction alone.
    pub uuid: Uuid,
    /// What a reader that is a server serves as Ident.
    pub ident: [u8; 16],
}

impl Offer {
    /// The ways of an engagement, mdoc central client mode first, as the standard recommends.
    pub fn all(options: &BleOptions, ident: [u8; 16]) -> impl Iterator<Item = Self> {
        let offered = [
            (Service::Reader, options.central_client_uuid),
            (Service::Mdoc, options.peripheral_server_uuid),
        ];
        offered.into_iter().filter_map(move |(service, uuid)| {
            Some(Self {
                service,
                uuid: Uuid(uuid?),
                ident,
            })
        })
    }
}

/// Where radios come from.
pub trait Air: Send + Sync {
    /// A radio for one end of one link. What keeps it from working is told when the link asks for something.
    fn radio(&self, gatt: Gatt, offer: &Offer) -> Radio;
}

/// What happened at a radio.
#[derive(Debug)]
pub enum Happened {
    /// For the link.
    Input(Input),
    /// It cannot go on; for the link that is [`Input::Failed`].
    Fault(Fault),
    /// Something to tell whoever sits at the machine.
    Warning(String),
}

/// The link's end. When it is dropped, the radio lets go of everything.
#[derive(Debug)]
pub struct Radio {
    acts: UnboundedSender<Action>,
    happened: UnboundedReceiver<Happened>,
}

/// The end of what carries it.
#[derive(Debug)]
pub struct Station {
    acts: UnboundedReceiver<Action>,
    happened: UnboundedSender<Happened>,
}

impl Radio {
    /// Both ends.
    #[must_use]
    pub fn new() -> (Self, Station) {
        let (acts, to_do) = unbounded_channel();
        let (tell, happened) = unbounded_channel();
        let station = Station {
            acts: to_do,
            happened: tell,
        };
        (Self { acts, happened }, station)
    }

    /// Asks for something. A radio that is gone has said so.
    pub fn act(&self, action: Action) {
        let _gone = self.acts.send(action);
    }

    /// Waits for what happens; none if the radio is gone.
    pub async fn happened(&mut self) -> Option<Happened> {
        self.happened.recv().await
    }

    /// Lets go, and waits until the radio has let go as well: of the connection, and of its name in the air.
    pub async fn close(self) {
        let Self { acts, mut happened } = self;
        drop(acts);
        while happened.recv().await.is_some() {}
    }
}

impl Station {
    /// Waits for what is to be done; none if the link is gone.
    pub async fn action(&mut self) -> Option<Action> {
        self.acts.recv().await
    }

    /// Tells what happened. A link that is gone does not care.
    pub fn tell(&self, input: Input) {
        let _gone = self.happened.send(Happened::Input(input));
    }

    /// Tells that it cannot go on.
    pub fn fail(&self, fault: Fault) {
        tracing::warn!(code = fault.code(), "radio fault");
        let _gone = self.happened.send(Happened::Fault(fault));
    }

    /// Tells whoever sits at the machine.
    pub fn warn(&self, words: String) {
        let _gone = self.happened.send(Happened::Warning(words));
    }

    /// Somebody who can tell as well.
    #[must_use]
    pub fn teller(&self) -> UnboundedSender<Happened> {
        self.happened.clone()
    }
}
