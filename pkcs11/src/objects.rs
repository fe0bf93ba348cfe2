//! Keys in a token: finding one, listing all, and their public halves.

use core::fmt;

use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use mdoc_core::crypto::{Curve, PublicKey};
use mdoc_core::keys::public_from_file;
use mdoc_core::x509::Certificate;

use crate::error::{TokenError, failed};
use crate::module::{Settings, TokenInfo, find_pin, open_module, open_session, the_token};
use crate::point;
use crate::uri::{ObjectKind, Uri};

/// A key in a token, by what tells it from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// `CKA_LABEL`.
    pub label: String,
    /// `CKA_ID`.
    pub id: Vec<u8>,
    /// The curve; none if it is another kind of key, or a curve that is not supported.
    pub curve: Option<Curve>,
    /// Whether it may sign.
    pub signs: bool,
    /// Whether the token would give it away, wrapped or in clear.
    pub extractable: bool,
}

impl KeyEntry {
    /// The part of a URI that names the key within its token.
    #[must_use]
    pub fn uri(&self) -> Uri {
        Uri {
            object: Some(self.label.clone()),
            id: (!self.id.is_empty()).then(|| self.id.clone()),
            ..Uri::default()
        }
    }
}

impl fmt::Display for KeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri().fmt(f)
    }
}

/// What is in a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The token.
    pub token: TokenInfo,
    /// Its private keys.
    pub keys: Vec<KeyEntry>,
}

/// Lists the private keys of a token that fit a URI. Needs its PIN, since nobody else may see them.
///
/// # Errors
/// [`TokenError`] if the URI fits no token or several, and what logging in can end with.
pub fn keys(uri: &Uri, settings: &Settings<'_>) -> Result<Listing, TokenError> {
    let module = open_module(uri, settings)?;
    let (slot, token) = the_token(&module, uri)?;
    let pin = || find_pin(uri, settings, &token);
    let (session, _) = open_session(&module, (slot, &token), false, pin)?;
    let found = find(
        &session,
        ObjectClass::PRIVATE_KEY,
        uri.object.as_deref(),
        uri.id.as_deref(),
    )?;
    let keys = entries(&session, &found)?;
    Ok(Listing { token, keys })
}

/// The objects of a class with a label and an id.
pub(crate) fn find(
    session: &Session,
    class: ObjectClass,
    label: Option<&str>,
    id: Option<&[u8]>,
) -> Result<Vec<ObjectHandle>, TokenError> {
    let mut template = vec![Attribute::Class(class), Attribute::Token(true)];
    template.extend(label.map(|label| Attribute::Label(label.as_bytes().to_vec())));
    template.extend(id.map(|id| Attribute::Id(id.to_vec())));
    session.find_objects(&template).map_err(|error| failed(&error))
}

/// What private keys say of themselves.
pub(crate) fn entries(session: &Session, handles: &[ObjectHandle]) -> Result<Vec<KeyEntry>, TokenError> {
    let asked = [
        AttributeType::Label,
        AttributeType::Id,
        AttributeType::EcParams,
        AttributeType::Sign,
        AttributeType::Extractable,
    ];
    let mut all = Vec::new();
    for handle in handles {
        let mut entry = KeyEntry {
            label: String::new(),
            id: Vec::new(),
            curve: None,
            signs: false,
            extractable: false,
        };
        for attribute in session
            .get_attributes(*handle, &asked)
            .map_err(|error| failed(&error))?
        {
            match attribute {
                Attribute::Label(label) => entry.label = String::from_utf8_lossy(&label).into_owned(),
                Attribute::Id(id) => entry.id = id,
                Attribute::EcParams(parameters) => entry.curve = point::curve(&parameters),
                Attribute::Sign(signs) => entry.signs = signs,
                Attribute::Extractable(extractable) => entry.extractable = extractable,
                _ => {}
            }
        }
        all.push(entry);
    }
    all.sort_by(|a, b| (&a.label, &a.id).cmp(&(&b.label, &b.id)));
    Ok(all)
}

/// The one private key that a URI names, fit to sign.
pub(crate) fn the_key(session: &Session, uri: &Uri) -> Result<(ObjectHandle, KeyEntry), TokenError> {
    if uri.kind.is_some_and(|kind| kind != ObjectKind::Private) {
        return Err(TokenError::NotPrivate);
    }
    let class = ObjectClass::PRIVATE_KEY;
    let found = find(session, class, uri.object.as_deref(), uri.id.as_deref())?;
    let handle = match found.as_slice() {
        [one] => *one,
        [] => {
            return Err(TokenError::NoKey(entries(
                session,
                &find(session, class, None, None)?,
            )?));
        }
        several => return Err(TokenError::SeveralKeys(entries(session, several)?)),
    };
    let entry = entries(session, &[handle])?
        .into_iter()
        .next()
        .ok_or(TokenError::KeyKind)?;
    if entry.curve.is_none() {
        return Err(TokenError::KeyKind);
    }
    if !entry.signs {
        return Err(TokenError::MayNotSign);
    }
    let each_time = session
        .get_attributes(handle, &[AttributeType::AlwaysAuthenticate])
        .unwrap_or_default();
    if each_time.contains(&Attribute::AlwaysAuthenticate(true)) {
        return Err(TokenError::PinEachTime);
    }
    Ok((handle, entry))
}

/// The public half of a private key: of the public key object with its id or label, or of such a certificate.
pub(crate) fn public_half(
    session: &Session,
    handle: ObjectHandle,
    entry: &KeyEntry,
) -> Result<PublicKey, TokenError> {
    let curve = entry.curve.ok_or(TokenError::KeyKind)?;
    let (label, id) = (Some(entry.label.as_str()), Some(entry.id.as_slice()));
    let mut ways = vec![(None, id), (label, None)];
    if entry.id.is_empty() {
        ways.remove(0);
    }
    let mut seen = false;
    for class in [ObjectClass::PUBLIC_KEY, ObjectClass::CERTIFICATE] {
        for (label, id) in &ways {
            let mut keys = Vec::new();
            for object in find(session, class, *label, *id)? {
                seen = true;
                keys.extend(public_of(session, object, class, curve)?);
            }
            keys.dedup();
            match keys.as_slice() {
                [one] => return Ok(one.clone()),
                [] => {}
                _ => return Err(TokenError::BadPublicKey),
            }
        }
    }
    // PKCS#11 2.40: a private key may carry its public half.
    let own = session
        .get_attributes(handle, &[AttributeType::PublicKeyInfo])
        .unwrap_or_default();
    for attribute in own {
        if let Attribute::PublicKeyInfo(info) = attribute
            && let Ok(key) = public_from_file(&info)
            && key.curve() == curve
        {
            return Ok(key);
        }
    }
    Err(if seen {
        TokenError::BadPublicKey
    } else {
        TokenError::NoPublicKey
    })
}

/// The key in an object, if it is one on that curve.
fn public_of(
    session: &Session,
    object: ObjectHandle,
    class: ObjectClass,
    curve: Curve,
) -> Result<Option<PublicKey>, TokenError> {
    let asked = if class == ObjectClass::CERTIFICATE {
        vec![AttributeType::Value]
    } else {
        vec![AttributeType::EcParams, AttributeType::EcPoint]
    };
    let (mut of_curve, mut key) = (false, None);
    for attribute in session
        .get_attributes(object, &asked)
        .map_err(|error| failed(&error))?
    {
        match attribute {
            Attribute::EcParams(parameters) => of_curve = point::curve(&parameters) == Some(curve),
            Attribute::EcPoint(value) => key = point::public_key(curve, &value),
            Attribute::Value(der) => {
                of_curve = true;
                key = Certificate::from_der(&der)
                    .ok()
                    .and_then(|found| found.public_key().ok());
            }
            _ => {}
        }
    }
    Ok(key.filter(|key| of_curve && key.curve() == curve))
}
