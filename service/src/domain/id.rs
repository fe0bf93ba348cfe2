//! Names of things: random, so that nothing can be learnt from one about another.

use core::fmt;

use mdoc_core::crypto::CryptoRng;

use crate::store::{FromColumn, Row, StoreError, Value};

/// The most that a name given from outside may have, in bytes.
const LONGEST: usize = 64;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// A new one: a version 4 UUID (RFC 9562).
            #[must_use]
            pub fn random(rng: &mut dyn CryptoRng) -> Self {
                Self(uuid(rng))
            }

            /// One that came from outside; nothing says that there is such a thing.
            #[must_use]
            pub fn given(text: &str) -> Option<Self> {
                is_name(text).then(|| Self(text.to_owned()))
            }

            /// Its text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'v> From<&'v $name> for Value<'v> {
            fn from(id: &'v $name) -> Self {
                Self::Text(&id.0)
            }
        }

        impl FromColumn for $name {
            fn from_column(row: &Row<'_>, column: usize) -> Result<Self, StoreError> {
                row.get(column).map(Self)
            }
        }

        impl FromColumn for Option<$name> {
            fn from_column(row: &Row<'_>, column: usize) -> Result<Self, StoreError> {
                Ok(row.get::<Option<String>>(column)?.map($name))
            }
        }
    };
}

id! {
    /// A person of the registry.
    PersonId
}
id! {
    /// A document through its whole life, however often it is signed anew.
    Serial
}
id! {
    /// A wallet on a device.
    DeviceId
}
id! {
    /// A group of people.
    GroupId
}
id! {
    /// A message to a person.
    MessageId
}
id! {
    /// Something that is done to many at once.
    BatchId
}
id! {
    /// A machine that uses the interface.
    ClientId
}

fn uuid(rng: &mut dyn CryptoRng) -> String {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .hyphenated()
        .to_string()
}

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(allowed)
}
