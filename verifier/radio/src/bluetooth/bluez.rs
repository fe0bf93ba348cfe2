//! What BlueZ says of itself and of its adapters.

use bluer::{Adapter, Address, ErrorKind, InternalErrorKind, Modalias, Session};

use crate::Fault;

/// Up to the one before, values of 511 and 512 bytes that are written to its server are dropped without a word.
const TAKES_LONG_VALUES: Version = Version(5, 69);
/// Up to the one before, notifications of another BlueZ may change places (several channels, EATT).
const ONE_CHANNEL: Version = Version(5, 67);

/// The adapter, its name, and what is to be said of it.
pub(super) async fn adapter(name: Option<&str>) -> Result<(Session, Adapter), Fault> {
    let session = Session::new()
        .await
        .map_err(|error| fault("reaching Bluetooth", &error))?;
    let mut there = session
        .adapter_names()
        .await
        .map_err(|error| fault("looking for adapters", &error))?;
    there.sort();
    let wanted = match name {
        Some(name) => there
            .iter()
            .find(|one| *one == name)
            .ok_or_else(|| Fault::NoSuchAdapter {
                name: name.to_owned(),
                there: there.clone(),
            }),
        None => there.first().ok_or(Fault::NoAdapter),
    };
    let wanted = if there.is_empty() {
        Err(Fault::NoAdapter)
    } else {
        wanted
    }?;
    let adapter = session
        .adapter(wanted)
        .map_err(|error| fault("opening the adapter", &error))?;
    still_on(&adapter).await?;
    Ok((session, adapter))
}

/// Whether the adapter is there, and switched on.
pub(super) async fn still_on(adapter: &Adapter) -> Result<(), Fault> {
    match adapter.is_powered().await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Fault::AdapterOff(adapter.name().to_owned())),
        Err(error) => Err(fault("looking at the adapter", &error)),
    }
}

/// An adapter that was looked at.
pub(super) struct Looked {
    pub(super) name: String,
    /// What is to be said of it.
    pub(super) warnings: Vec<String>,
    /// Whether the server loses long values that are written to it.
    pub(super) loses_long_writes: bool,
}

pub(super) async fn look(name: Option<&str>) -> Result<Looked, Fault> {
    let (_session, adapter) = adapter(name).await?;
    let modalias = adapter.modalias().await.ok().flatten();
    let version = modalias.as_ref().and_then(Version::of);
    Ok(Looked {
        name: adapter.name().to_owned(),
        warnings: version.and_then(Version::warning).into_iter().collect(),
        loses_long_writes: version.is_some_and(Version::loses_long_writes),
    })
}

/// Of BlueZ: 5.66 has the parts 5 and 66.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

impl Version {
    /// The vendor and product by which BlueZ names itself, as `usb:v1D6Bp0246d0542`; the device is then its version, in
    /// two parts of two digits that are to be read as they stand in hexadecimal: 0x0542 is 5.66.
    fn of(modalias: &Modalias) -> Option<Self> {
        let is_bluez = (modalias.vendor, modalias.product) == (0x1d6b, 0x0246);
        is_bluez.then_some(Self(modalias.device >> 8, modalias.device & 0xff))
    }

    fn loses_long_writes(self) -> bool {
        self < TAKES_LONG_VALUES
    }

    fn warning(self) -> Option<String> {
        let (Self(major, minor), Self(_, good)) = (self, TAKES_LONG_VALUES);
        self.loses_long_writes().then(|| {
            let mut words = format!(
                "BlueZ {major}.{minor} drops what a wallet as client writes in full fragments; update it to 5.{good}, or set \
                 `ExchangeMTU = 513` under [GATT] in its main.conf"
            );
            if self < ONE_CHANNEL {
                words.push_str(", and `Channels = 1` if the other side is BlueZ as well");
            }
            words
        })
    }
}

/// Forgets a device, so that it can be found again at once under another service. One that a person has paired with this
/// machine, or said something of, stays as it is: all of that would be gone with it.
pub(super) async fn forget(adapter: &str, address: [u8; 6]) {
    let removed = async {
        let session = Session::new().await?;
        let adapter = session.adapter(adapter)?;
        let device = adapter.device(Address::new(address))?;
        let known = Known {
            paired: device.is_paired().await?,
            trusted: device.is_trusted().await?,
            blocked: device.is_blocked().await?,
        };
        if known.is_of_a_person() {
            tracing::debug!("a device that a person has paired, trusted or blocked is not forgotten");
            return Ok(());
        }
        adapter.remove_device(device.address()).await
    };
    if let Err(error) = removed.await {
        tracing::debug!(kind = %error.kind, "the device was not forgotten");
    }
}

/// What a person has with a device.
#[derive(Clone, Copy, Default)]
struct Known {
    paired: bool,
    trusted: bool,
    blocked: bool,
}

impl Known {
    /// Whether it is more than BlueZ has found by itself.
    const fn is_of_a_person(self) -> bool {
        self.paired || self.trusted || self.blocked
    }
}

pub(super) fn fault(what: &'static str, error: &bluer::Error) -> Fault {
    match &error.kind {
        ErrorKind::NotAuthorized | ErrorKind::NotPermitted => Fault::NotPermitted,
        ErrorKind::Internal(InternalErrorKind::DBus(name)) => match name.as_str() {
            "org.freedesktop.DBus.Error.AccessDenied" | "org.freedesktop.DBus.Error.AuthFailed" => {
                Fault::NotPermitted
            }
            "org.freedesktop.DBus.Error.ServiceUnknown"
            | "org.freedesktop.DBus.Error.NameHasNoOwner"
            | "org.freedesktop.DBus.Error.FileNotFound"
            | "org.freedesktop.DBus.Error.NoServer"
            | "org.freedesktop.DBus.Error.Disconnected"
            | "org.freedesktop.DBus.Error.Spawn.ChildExited" => Fault::NoService,
            _ => Fault::Failed {
                what,
                cause: name.clone(),
            },
        },
        ErrorKind::Internal(InternalErrorKind::DBusConnectionLost) => Fault::NoService,
        kind => Fault::Failed {
            what,
            cause: kind.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(device: u32) -> Version {
        let modalias = Modalias {
            source: "usb".to_owned(),
            vendor: 0x1d6b,
            product: 0x0246,
            device,
        };
        Version::of(&modalias).unwrap()
    }

    #[test]
    fn an_old_bluez_is_named_with_what_to_do() {
        let words = version(0x0542).warning().unwrap();
        assert!(
            words.starts_with("BlueZ 5.66 drops") && words.contains("Channels = 1"),
            "{words}"
        );
        let words = version(0x0544).warning().unwrap();
        assert!(
            words.starts_with("BlueZ 5.68") && !words.contains("Channels"),
            "{words}"
        );
        let other = Modalias {
            source: "usb".to_owned(),
            vendor: 1,
            product: 2,
            device: 0x0542,
        };
        assert!(Version::of(&other).is_none(), "a name that somebody else has set");
    }

    #[test]
    fn what_is_warned_of_and_what_is_known_to_lose_long_writes_are_the_same() {
        for (device, loses) in [
            (0x0440, true),
            (0x0542, true),
            (0x0544, true),
            (0x0545, false),
            (0x0552, false),
            (0x0600, false),
        ] {
            let version = version(device);
            assert_eq!(version.loses_long_writes(), loses, "{device:#06x}");
            assert_eq!(version.warning().is_some(), loses, "{device:#06x}");
        }
    }

    #[test]
    fn a_telephone_that_is_paired_with_this_machine_stays_so() {
        let nobody_s = Known::default();
        assert!(!nobody_s.is_of_a_person());
        let paired = Known {
            paired: true,
            ..nobody_s
        };
        let trusted = Known {
            trusted: true,
            ..nobody_s
        };
        let blocked = Known {
            blocked: true,
            ..nobody_s
        };
        for known in [paired, trusted, blocked] {
            assert!(known.is_of_a_person());
        }
    }

    #[test]
    fn what_the_bus_says_becomes_words_for_people() {
        let of = |name: &str| {
            fault(
                "it",
                &bluer::Error {
                    kind: ErrorKind::Internal(InternalErrorKind::DBus(name.to_owned())),
                    message: "nobody reads this".to_owned(),
                },
            )
        };
        assert_eq!(of("org.freedesktop.DBus.Error.ServiceUnknown"), Fault::NoService);
        assert_eq!(of("org.freedesktop.DBus.Error.AccessDenied"), Fault::NotPermitted);
        assert_eq!(of("org.example.Odd").code(), "radio.failed");
    }
}
