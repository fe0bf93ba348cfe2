//! `pkcs11:` URIs (RFC 7512): which module, which token, which object, and where its PIN is.

use core::fmt;
use core::str::FromStr;
use std::path::PathBuf;

use zeroize::Zeroizing;

/// What kind of object is meant (`type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// `public`: a public key.
    Public,
    /// `private`: a private key.
    Private,
    /// `cert`: a certificate.
    Certificate,
    /// `secret-key`: a symmetric key.
    SecretKey,
    /// `data`: anything else.
    Data,
}

impl ObjectKind {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Public, "public"),
        (Self::Private, "private"),
        (Self::Certificate, "cert"),
        (Self::SecretKey, "secret-key"),
        (Self::Data, "data"),
    ];
}

/// A `pkcs11:` URI. What is not there matches anything.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Uri {
    /// `token`: the label of the token.
    pub token: Option<String>,
    /// `manufacturer` of the token.
    pub manufacturer: Option<String>,
    /// `model` of the token.
    pub model: Option<String>,
    /// `serial` number of the token.
    pub serial: Option<String>,
    /// `slot-id`: a number that may change when a reader is plugged in elsewhere.
    pub slot_id: Option<u64>,
    /// `slot-description`.
    pub slot_description: Option<String>,
    /// `slot-manufacturer`.
    pub slot_manufacturer: Option<String>,
    /// `library-manufacturer`.
    pub library_manufacturer: Option<String>,
    /// `library-description`.
    pub library_description: Option<String>,
    /// `library-version`: major and minor.
    pub library_version: Option<(u8, u8)>,
    /// `object`: the label of the object (`CKA_LABEL`).
    pub object: Option<String>,
    /// `id` of the object (`CKA_ID`): any octets.
    pub id: Option<Vec<u8>>,
    /// `type` of the object.
    pub kind: Option<ObjectKind>,
    /// `module-path`: the file of the module.
    pub module_path: Option<PathBuf>,
    /// `module-name`: its name, without `lib` in front and `.so` behind.
    pub module_name: Option<String>,
    /// `pin-source`: where the PIN is, `file:/path` or a path.
    pub pin_source: Option<String>,
    /// `pin-value`: the PIN itself. Whoever sees the URI has it; it is in no `Display` and no `Debug`.
    pub pin_value: Option<Zeroizing<String>>,
    /// Names of attributes in the path that nobody here knows: what they ask for cannot be matched.
    pub unknown: Vec<String>,
}

/// What is wrong with a URI. Names attributes and never shows their values.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UriError {
    /// It does not begin with `pkcs11:`.
    Scheme,
    /// A part is no `name=value`; counted from one.
    NoValue(usize),
    /// The name of an attribute is empty or has other characters than letters, digits, `-` and `_`; counted.
    Name(usize),
    /// An attribute is there twice.
    Twice(String),
    /// A `%` is not followed by two hexadecimal digits.
    Percent(String),
    /// A character has to be written with `%`.
    Character(String, char),
    /// The octets of the value are no UTF-8.
    Utf8(String),
    /// The value is none that the attribute can have; what it can have.
    Value(String, &'static str),
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str("it does not begin with `pkcs11:`"),
            Self::NoValue(place) => write!(f, "part {place} is no `name=value`"),
            Self::Name(place) => write!(f, "part {place} has no proper name before its `=`"),
            Self::Twice(name) => write!(f, "attribute {name} is there twice"),
            Self::Percent(name) => {
                write!(
                    f,
                    "attribute {name} has a `%` without two hexadecimal digits after it"
                )
            }
            Self::Character(name, found) => {
                let mut octets = [0; 4];
                write!(
                    f,
                    "attribute {name} has the character {found:?}, which is to be written "
                )?;
                let octets = found.encode_utf8(&mut octets).as_bytes();
                octets.iter().try_for_each(|octet| write!(f, "%{octet:02X}"))
            }
            Self::Utf8(name) => write!(f, "attribute {name} is no UTF-8"),
            Self::Value(name, expected) => write!(f, "attribute {name} must be {expected}"),
        }
    }
}

impl core::error::Error for UriError {}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let (scheme, rest) = text.split_once(':').ok_or(UriError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("pkcs11") {
            return Err(UriError::Scheme);
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::default();
        let mut seen = Vec::new();
        let path = path.split(';').map(|part| (part, true));
        let query = query.split('&').map(|part| (part, false));
        for (place, (part, in_path)) in (1..).zip(path.chain(query).filter(|(part, _)| !part.is_empty())) {
            let (name, value) = part.split_once('=').ok_or(UriError::NoValue(place))?;
            let letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.is_empty() || name.len() > 64 || !name.chars().all(letter) {
                return Err(UriError::Name(place));
            }
            let value = decode(name, value, in_path)?;
            if seen.contains(&(name, in_path)) {
                return Err(UriError::Twice(name.to_owned()));
            }
            seen.push((name, in_path));
            if in_path {
                uri.path_attribute(name, value)?;
            } else {
                uri.query_attribute(name, value)?;
            }
        }
        Ok(uri)
    }
}

impl Uri {
    fn path_attribute(&mut self, name: &str, value: Zeroizing<Vec<u8>>) -> Result<(), UriError> {
        let place = match name {
            "token" => &mut self.token,
            "manufacturer" => &mut self.manufacturer,
            "model" => &mut self.model,
            "serial" => &mut self.serial,
            "slot-description" => &mut self.slot_description,
            "slot-manufacturer" => &mut self.slot_manufacturer,
            "library-manufacturer" => &mut self.library_manufacturer,
            "library-description" => &mut self.library_description,
            "object" => &mut self.object,
            "id" => {
                self.id = Some(value.to_vec());
                return Ok(());
            }
            "slot-id" => {
                let number = digits(text(name, &value)?).and_then(|digits| digits.parse().ok());
                let wrong = || UriError::Value(name.to_owned(), "a decimal number");
                self.slot_id = Some(number.ok_or_else(wrong)?);
                return Ok(());
            }
            "library-version" => {
                let version = version(text(name, &value)?);
                let wrong = || UriError::Value(name.to_owned(), "a version such as 2 or 2.40");
                self.library_version = Some(version.ok_or_else(wrong)?);
                return Ok(());
            }
            "type" => {
                let found = text(name, &value)?;
                let kind = ObjectKind::ALL.into_iter().find(|(_, known)| *known == found);
                let wrong = || UriError::Value(name.to_owned(), "private, public, cert, secret-key or data");
                self.kind = Some(kind.ok_or_else(wrong)?.0);
                return Ok(());
            }
            _ => {
                self.unknown.push(name.to_owned());
                return Ok(());
            }
        };
        *place = Some(text(name, &value)?.to_owned());
        Ok(())
    }

    /// Attributes that say how to get there; those of vendors are passed over.
    fn query_attribute(&mut self, name: &str, value: Zeroizing<Vec<u8>>) -> Result<(), UriError> {
        match name {
            "module-path" => self.module_path = Some(PathBuf::from(text(name, &value)?)),
            "module-name" => self.module_name = Some(text(name, &value)?.to_owned()),
            "pin-source" => self.pin_source = Some(text(name, &value)?.to_owned()),
            "pin-value" => self.pin_value = Some(Zeroizing::new(text(name, &value)?.to_owned())),
            _ => {}
        }
        Ok(())
    }

    /// The same without what names an object: the token alone.
    #[must_use]
    pub fn without_object(&self) -> Self {
        Self {
            object: None,
            id: None,
            kind: None,
            ..self.clone()
        }
    }
}

/// The octets of a value (RFC 7512, 2.3: `pk11-pchar`, and what path and query have besides).
fn decode(name: &str, value: &str, in_path: bool) -> Result<Zeroizing<Vec<u8>>, UriError> {
    let mut octets = Zeroizing::new(Vec::with_capacity(value.len()));
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        if c == '%' {
            let mut digit = || characters.next().and_then(|digit| digit.to_digit(16));
            let (Some(high), Some(low)) = (digit(), digit()) else {
                return Err(UriError::Percent(name.to_owned()));
            };
            octets.push(u8::try_from(high * 16 + low).unwrap_or_default());
            continue;
        }
        let everywhere = c.is_ascii_alphanumeric() || "-._~:[]@!$'()*+,=".contains(c);
        let here = if in_path { c == '&' } else { "/?|".contains(c) };
        if !everywhere && !here {
            return Err(UriError::Character(name.to_owned(), c));
        }
        octets.push(u8::try_from(c).unwrap_or_default());
    }
    Ok(octets)
}

fn text<'t>(name: &str, value: &'t [u8]) -> Result<&'t str, UriError> {
    core::str::from_utf8(value).map_err(|_| UriError::Utf8(name.to_owned()))
}

fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())).then_some(text)
}

fn version(text: &str) -> Option<(u8, u8)> {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    Some((digits(major)?.parse().ok()?, digits(minor)?.parse().ok()?))
}

fn encode(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    octets.iter().try_for_each(|octet| {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(octet) {
            write!(f, "{}", char::from(*octet))
        } else {
            write!(f, "%{octet:02X}")
        }
    })
}

/// Everything but the PIN and where it is.
impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pkcs11:")?;
        let version = self
            .library_version
            .map(|(major, minor)| format!("{major}.{minor}"));
        let slot_id = self.slot_id.map(|id| id.to_string());
        let kind = ObjectKind::ALL
            .into_iter()
            .find(|(kind, _)| Some(*kind) == self.kind);
        let octets = |text: &Option<String>| text.as_ref().map(|text| text.as_bytes().to_vec());
        let path = [
            ("token", octets(&self.token)),
            ("manufacturer", octets(&self.manufacturer)),
            ("model", octets(&self.model)),
            ("serial", octets(&self.serial)),
            ("slot-id", octets(&slot_id)),
            ("slot-description", octets(&self.slot_description)),
            ("slot-manufacturer", octets(&self.slot_manufacturer)),
            ("library-manufacturer", octets(&self.library_manufacturer)),
            ("library-description", octets(&self.library_description)),
            ("library-version", octets(&version)),
            ("object", octets(&self.object)),
            ("id", self.id.clone()),
            ("type", kind.map(|(_, name)| name.as_bytes().to_vec())),
        ];
        let mut between = "";
        for (name, value) in path {
            if let Some(value) = value {
                write!(f, "{between}{name}=")?;
                if name == "id" {
                    value.iter().try_for_each(|octet| write!(f, "%{octet:02X}"))?;
                } else {
                    encode(&value, f)?;
                }
                between = ";";
            }
        }
        let module_path = self.module_path.as_ref().map(|path| path.display().to_string());
        let mut between = "?";
        for (name, value) in [("module-path", &module_path), ("module-name", &self.module_name)] {
            if let Some(value) = value {
                write!(f, "{between}{name}=")?;
                encode(value.as_bytes(), f)?;
                between = "&";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// RFC 7512, 3: every example that is to be accepted.
    #[test]
    fn the_examples_of_the_rfc() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(uri("pkcs11:"), Uri::default());
        assert_eq!(
            uri("pkcs11:object=my-pubkey;type=public"),
            Uri {
                object: some("my-pubkey"),
                kind: Some(ObjectKind::Public),
                ..Uri::default()
            }
        );
        assert_eq!(
            uri("pkcs11:object=my-key;type=private?pin-source=file:/etc/token"),
            Uri {
                object: some("my-key"),
                kind: Some(ObjectKind::Private),
                pin_source: some("file:/etc/token"),
                ..Uri::default()
            }
        );
        assert_eq!(
            uri(
                "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;\
                 object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin"
            ),
            Uri {
                token: some("The Software PKCS#11 Softtoken"),
                manufacturer: some("Snake Oil, Inc."),
                model: some("1.0"),
                object: some("my-certificate"),
                kind: Some(ObjectKind::Certificate),
                id: Some(vec![0x69, 0x95, 0x3e, 0x5c, 0xf4, 0xbd, 0xec, 0x91]),
                serial: some(""),
                pin_source: some("file:/etc/token_pin"),
                ..Uri::default()
            }
        );
        assert_eq!(
            uri("pkcs11:object=my-sign-key;type=private?module-name=mypkcs11").module_name,
            some("mypkcs11")
        );
        assert_eq!(
            uri("pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1").module_path,
            Some(PathBuf::from("/mnt/libmypkcs11.so.1"))
        );
        let with_pin = uri(
            "pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.?pin-value=the-pin",
        );
        assert_eq!(with_pin.pin_value.as_ref().unwrap().as_str(), "the-pin");
        assert_eq!(
            uri("pkcs11:slot-description=Sun%20Metaslot").slot_description,
            some("Sun Metaslot")
        );
        assert_eq!(
            uri(
                "pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;\
                 library-version=1.23"
            )
            .library_version,
            Some((1, 23))
        );
        assert_eq!(
            uri("pkcs11:token=A%20name%20with%20a%20substring%20%25%3B;object=my-certificate;type=cert")
                .token,
            some("A name with a substring %;")
        );
        assert_eq!(
            uri(
                "pkcs11:token=Name%20with%20a%20small%20A%20with%20acute:%20%C3%A1;object=my-certificate;type=cert"
            )
            .token,
            some("Name with a small A with acute: \u{e1}")
        );
        let vendors = uri(
            "pkcs11:token=my-token;object=my-certificate;type=cert;vendor-aaa=value-a\
             ?pin-source=file:/etc/token_pin&vendor-bbb=value-b",
        );
        assert_eq!(vendors.unknown, ["vendor-aaa"]);
    }

    #[test]
    fn what_is_malformed_is_said_by_the_name_of_the_attribute() {
        let named = |name: &str| name.to_owned();
        for (text, error) in [
            ("pkcs12:token=a", UriError::Scheme),
            ("token", UriError::Scheme),
            ("pkcs11:token", UriError::NoValue(1)),
            ("pkcs11:token=a;object", UriError::NoValue(2)),
            ("pkcs11:=a", UriError::Name(1)),
            ("pkcs11:to%6ben=a", UriError::Name(1)),
            ("pkcs11:token=a;token=b", UriError::Twice(named("token"))),
            ("pkcs11:token=a%2", UriError::Percent(named("token"))),
            ("pkcs11:token=a%zz", UriError::Percent(named("token"))),
            ("pkcs11:id=%", UriError::Percent(named("id"))),
            ("pkcs11:token=my token", UriError::Character(named("token"), ' ')),
            ("pkcs11:token=a/b", UriError::Character(named("token"), '/')),
            ("pkcs11:token=a#b", UriError::Character(named("token"), '#')),
            (
                "pkcs11:object=\u{e9}",
                UriError::Character(named("object"), '\u{e9}'),
            ),
            ("pkcs11:object=%ff", UriError::Utf8(named("object"))),
            (
                "pkcs11:slot-id=-1",
                UriError::Value(named("slot-id"), "a decimal number"),
            ),
            (
                "pkcs11:slot-id=",
                UriError::Value(named("slot-id"), "a decimal number"),
            ),
            (
                "pkcs11:slot-id=99999999999999999999",
                UriError::Value(named("slot-id"), "a decimal number"),
            ),
            (
                "pkcs11:type=key",
                UriError::Value(named("type"), "private, public, cert, secret-key or data"),
            ),
            (
                "pkcs11:library-version=a",
                UriError::Value(named("library-version"), "a version such as 2 or 2.40"),
            ),
            (
                "pkcs11:?pin-value=a b",
                UriError::Character(named("pin-value"), ' '),
            ),
        ] {
            assert_eq!(text.parse::<Uri>().unwrap_err(), error, "{text}");
        }
        let spoken = UriError::Character(named("object"), '\u{e9}').to_string();
        assert!(spoken.ends_with("which is to be written %C3%A9"), "{spoken}");
    }

    #[test]
    fn a_pin_is_shown_nowhere() {
        let uri = uri("pkcs11:token=a;object=b?pin-value=4711&pin-source=file:/etc/4711&module-path=/m.so");
        for shown in [uri.to_string(), format!("{uri:?}"), format!("{:#?}", Some(&uri))] {
            assert!(!shown.contains("4711"), "{shown}");
        }
        assert_eq!(uri.to_string(), "pkcs11:token=a;object=b?module-path=%2Fm.so");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let all = Uri {
            token: Some("a;b=c%d \u{e9}/?&".to_owned()),
            manufacturer: Some("m".to_owned()),
            model: Some(String::new()),
            serial: Some("0".to_owned()),
            slot_id: Some(u64::MAX),
            slot_description: Some("s".to_owned()),
            slot_manufacturer: Some("t".to_owned()),
            library_manufacturer: Some("u".to_owned()),
            library_description: Some("v".to_owned()),
            library_version: Some((2, 40)),
            object: Some("key".to_owned()),
            id: Some(vec![0, 0xff, b'a']),
            kind: Some(ObjectKind::SecretKey),
            module_path: Some(PathBuf::from("/usr/lib/a b.so")),
            module_name: Some("name".to_owned()),
            ..Uri::default()
        };
        assert_eq!(uri(&all.to_string()), all);
        assert_eq!(uri(&all.to_string().replace("pkcs11:", "PKCS11:")), all);
    }
}
