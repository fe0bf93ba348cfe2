//! What carries a [`mdoc_core::ble::link::Link`]: Bluetooth Low Energy, or this machine alone.
//!
//! A [`Radio`] is told what to do and tells what happened; [`Wire`] runs a link over one, and gives whole messages.
//! Where the mdoc can be reached in two ways, [`first_ready`] tries one after the other and keeps the first that works.
//!
//! An [`Air`] makes radios:
//!
//! | Air | What it is |
//! |---|---|
//! | [`bluetooth::Bluetooth`] | a real adapter: client by btleplug (Linux, macOS, Windows), server by BlueZ (Linux) |
//! | [`folder::Folder`] | two programs on one machine without Bluetooth, through sockets in a folder (Unix) |
//! | [`memory::Memory`] | two ends in one program, with [`shape`]: delay, loss, what comes twice |
//!
//! ```
//! # use mdoc_core::{ble::{link::{Ending, Gatt, Role, Setup, Timeouts}, Service, Uuid}, limits::Limits};
//! use mdoc_radio::{Air, Channel, Event, Offer, Wire, memory::Memory};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let (service, uuid, ident) = (Service::Mdoc, Uuid([7; 16]), [9; 16]);
//! let (air, offer) = (Memory::new(517), Offer { service, uuid, ident, channel: Channel::No });
//! # let (l2cap, timeouts, limits) = (false, Timeouts::default(), Limits::DEFAULT);
//! # let setup = |role, gatt| Setup { role, gatt, ident, l2cap, timeouts, limits };
//! let mut mdoc = Wire::new(setup(Role::Mdoc, Gatt::Server), air.radio(Gatt::Server, &offer));
//! let mut reader = Wire::new(setup(Role::Reader, Gatt::Client), air.radio(Gatt::Client, &offer));
//! reader.send(b"a question".to_vec()); // goes out when the link is open
//!
//! let answered = async {
//!     while !matches!(mdoc.next().await, Event::Message(_)) {}
//!     mdoc.send(b"an answer".to_vec());
//!     mdoc.end();
//!     while !matches!(mdoc.next().await, Event::Over(_)) {}
//! };
//! let read = async {
//!     loop {
//!         if let Event::Message(message) = reader.next().await {
//!             return message;
//!         }
//!     }
//! };
//! let ((), answer) = tokio::join!(answered, read);
//! assert_eq!(answer, b"an answer");
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

#[cfg(feature = "bluetooth")]
pub mod bluetooth;
#[cfg(any(feature = "bluetooth", test))]
mod connections;
mod fault;
#[cfg(unix)]
pub mod folder;
mod interrupted;
pub mod memory;
mod radio;
pub mod shape;
mod stream;
#[cfg(test)]
mod tests;
mod ways;
mod wire;

pub use self::fault::Fault;
pub use self::interrupted::Interrupted;
pub use self::radio::{Air, Channel, Happened, Listening, Offer, Radio, Station};
pub use self::ways::{Missed, Way, first_ready, first_ready_until};
pub use self::wire::{Event, Wire};
