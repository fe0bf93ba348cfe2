//! New keys in a token.

use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use mdoc_core::crypto::{CryptoRng, Curve, PublicKey};

use crate::error::{TokenError, answer, failed};
use crate::module::{Settings, find_pin, open_module, open_session, the_token};
use crate::objects::{KeyEntry, entries, find, public_half};
use crate::uri::{ObjectKind, Uri};

/// Makes a key pair in the token of a URI, with the label that the URI gives and its id, or a random one.
///
/// The private key can sign and nothing else, is sensitive and not extractable; the token is asked afterwards
/// whether it kept to that.
///
/// # Errors
/// [`TokenError::Exists`] if a key with that label or id is there; what logging in can end with.
pub fn generate(
    uri: &Uri,
    curve: Curve,
    settings: &Settings<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<(KeyEntry, PublicKey), TokenError> {
    let label = uri
        .object
        .clone()
        .filter(|label| !label.is_empty())
        .ok_or(TokenError::NoLabel)?;
    if uri.kind.is_some_and(|kind| kind != ObjectKind::Private) {
        return Err(TokenError::NotPrivate);
    }
    let module = open_module(uri, settings)?;
    let (slot, token) = the_token(&module, uri)?;
    let pin = || find_pin(uri, settings, &token);
    let (session, _) = open_session(&module, (slot, &token), true, pin)?;
    let id = uri.id.clone().unwrap_or_else(|| {
        let mut id = vec![0; 16];
        rng.fill_bytes(&mut id);
        id
    });
    for (label, id) in [(Some(label.as_str()), None), (None, Some(id.as_slice()))] {
        let there = find(&session, ObjectClass::PRIVATE_KEY, label, id)?;
        if !there.is_empty() {
            return Err(TokenError::Exists(entries(&session, &there)?));
        }
    }
    let (public, private) = make(&session, curve, &label, &id)?;
    let destroy = || {
        // What remains if this fails is a key that nobody uses.
        let _ = session.destroy_object(private);
        let _ = session.destroy_object(public);
    };
    let kept = [AttributeType::Sensitive, AttributeType::Extractable];
    let kept = session
        .get_attributes(private, &kept)
        .map_err(|error| failed(&error))?;
    if !kept.contains(&Attribute::Sensitive(true)) || !kept.contains(&Attribute::Extractable(false)) {
        destroy();
        return Err(TokenError::Extractable);
    }
    let made = entries(&session, &[private])?
        .into_iter()
        .next()
        .ok_or(TokenError::KeyKind)?;
    match public_half(&session, private, &made) {
        Ok(key) => Ok((made, key)),
        Err(error) => {
            destroy();
            Err(error)
        }
    }
}

fn make(
    session: &Session,
    curve: Curve,
    label: &str,
    id: &[u8],
) -> Result<(ObjectHandle, ObjectHandle), TokenError> {
    let mechanism = if curve == Curve::Ed25519 {
        Mechanism::EccEdwardsKeyPairGen
    } else {
        Mechanism::EccKeyPairGen
    };
    let names = [
        Attribute::Token(true),
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Id(id.to_vec()),
    ];
    let private = [
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        Attribute::Derive(false),
    ];
    let private = [&names[..], &private].concat();
    let mut last = TokenError::NoSuchCurve(curve);
    for parameters in crate::point::parameters(curve) {
        let public = [
            Attribute::Private(false),
            Attribute::Verify(true),
            Attribute::EcParams(parameters.to_vec()),
        ];
        let public = [&names[..], &public].concat();
        match session.generate_key_pair(&mechanism, &public, &private) {
            Ok(made) => return Ok(made),
            Err(error) if no_such_curve(&error) => last = TokenError::NoSuchCurve(curve),
            // Tokens differ in what they call a curve they do not know by that name.
            Err(error) => last = failed(&error),
        }
    }
    Err(last)
}

fn no_such_curve(error: &Error) -> bool {
    matches!(
        answer(error),
        Some(
            RvError::MechanismInvalid
                | RvError::CurveNotSupported
                | RvError::DomainParamsInvalid
                | RvError::AttributeValueInvalid
                | RvError::FunctionNotSupported
        )
    )
}
