//! Why a radio cannot do what is asked of it.

use core::fmt;

/// Why a radio cannot do what is asked of it, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The machine has no Bluetooth adapter.
    NoAdapter,
    /// It has others than the one that was named.
    NoSuchAdapter {
        /// What was asked for.
        name: String,
        /// What is there.
        there: Vec<String>,
    },
    /// The adapter is switched off.
    AdapterOff(String),
    /// The system's Bluetooth service does not answer.
    NoService,
    /// The system does not let us.
    NotPermitted,
    /// This system, or what we have for it, cannot do it.
    NotSupported(&'static str),
    /// What was found does not have the service of the standard.
    Service(&'static str),
    /// Something else.
    Failed {
        /// What was to be done.
        what: &'static str,
        /// What the system says, without anything of a person.
        cause: String,
    },
}

impl Fault {
    /// Stable for ever: for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoAdapter => "radio.no-adapter",
            Self::NoSuchAdapter { .. } => "radio.no-such-adapter",
            Self::AdapterOff(_) => "radio.adapter-off",
            Self::NoService => "radio.no-service",
            Self::NotPermitted => "radio.not-permitted",
            Self::NotSupported(_) => "radio.not-supported",
            Self::Service(_) => "radio.service",
            Self::Failed { .. } => "radio.failed",
        }
    }

    /// What whoever sits at the machine can do.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoAdapter => {
                "plug in a Bluetooth adapter of version 4.2 or later, or switch the built-in one on"
            }
            Self::NoSuchAdapter { .. } => "name one of these, or none to take the first",
            Self::AdapterOff(_) => {
                "switch Bluetooth on; on Linux: `bluetoothctl power on`, and `rfkill unblock bluetooth`"
            }
            Self::NoService => "start the system's Bluetooth service; on Linux: `systemctl start bluetooth`",
            Self::NotPermitted => {
                "let this program use Bluetooth; on Linux: be at the machine or in the group `bluetooth`, on macOS: \
                 System Settings, Privacy & Security, Bluetooth"
            }
            Self::NotSupported(_) => "use the other mode, in which the wallet is the server, or Linux",
            Self::Service(_) => {
                "the wallet may be of an older standard; try its other mode, or another wallet"
            }
            Self::Failed { .. } => {
                "start again with a new code, both devices close to each other; if it stays, switch Bluetooth off and on again"
            }
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAdapter => f.write_str("this machine has no Bluetooth adapter"),
            Self::NoSuchAdapter { name, there } => {
                write!(
                    f,
                    "there is no Bluetooth adapter `{name}`, only {}",
                    there.join(", ")
                )
            }
            Self::AdapterOff(name) => write!(f, "the Bluetooth adapter {name} is switched off"),
            Self::NoService => f.write_str("the system's Bluetooth service is not running"),
            Self::NotPermitted => f.write_str("the system does not let this program use Bluetooth"),
            Self::NotSupported(what) => write!(f, "{what} is not possible here"),
            Self::Service(what) => write!(f, "what was found is not usable: {what}"),
            Self::Failed { what, cause } => write!(f, "{what} failed: {cause}"),
        }
    }
}

impl core::error::Error for Fault {}
