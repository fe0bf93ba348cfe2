//! The two ends between a link and what carries it.

use core::pin::Pin;

use mdoc_core::ble::l2cap::Psm;
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
    /// Whether a channel of L2CAP is offered, or asked for.
    pub channel: Channel,
}

/// Whether a channel of L2CAP is offered by a server, or asked for by a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Channel {
    /// Not at all.
    #[default]
    No,
    /// A server takes any number; a client asks for it.
    Any,
    /// The engagement says this number: a server listens there, a client need not ask. See [`Air::listen`].
    Known(Psm),
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
                channel: Channel::No,
            })
        })
    }
}

/// Where radios come from.
pub trait Air: Send + Sync {
    /// A radio for one end of one link. What keeps it from working is told when the link asks for something.
    fn radio(&self, gatt: Gatt, offer: &Offer) -> Radio;

    /// Takes a number for the channel of a server, so that an engagement can say it before there is a radio: that of an
    /// offer with this number then listens there.
    fn listen(&self) -> Listening<'_> {
        Box::pin(core::future::ready(Err(Fault::NotSupported("L2CAP"))))
    }

    /// Whether a server of this air is known to lose long values that its clients write, without a word.
    fn loses_long_writes(&self) -> bool {
        false
    }
}

/// The number of a channel, or why there is none.
pub type Listening<'a> = Pin<Box<dyn Future<Output = Result<Psm, Fault>> + Send + 'a>>;

/// What is said if a channel that was offered could not be had.
pub(crate) fn without_channel(why: impl core::fmt::Display) -> String {
    format!("no L2CAP, {why}: GATT is used")
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
