//! The steps about what the issuer signed.

use std::borrow::Cow;

use super::certificates::Chain;
use super::check::Check;
use super::reason::{Code, Detail, Why};
use super::report::{DocumentReport, Steps};
use super::{Inputs, certificates, device, elements, items, mso, status};
use crate::cbor::{Embedded, Item, Shape};
use crate::cose::{CoseFault, Sign1};
use crate::crypto::{CryptoError, equal_in_constant_time};
use crate::error::DecodeError;
use crate::issuer_signed;
use crate::mso::MobileSecurityObject;
use crate::x509::Certificate;

/// A document taken apart; what is missing was reported before.
pub(super) struct Parts<'b> {
    /// The type that the document claims; an issued document alone claims none.
    pub(super) doc_type: Option<Cow<'b, str>>,
    pub(super) issuer_signed: Option<Item<'b>>,
    /// None for an issued document alone; an error for one that lacks it.
    pub(super) device_signed: Option<Result<Item<'b>, ()>>,
}

/// The procedure for one document.
pub(super) fn inspect<'b>(
    parts: Parts<'b>,
    shape: Shape,
    mut steps: Steps,
    inputs: &Inputs<'_>,
) -> DocumentReport<'b> {
    let mut shape = shape;
    let (auth_item, spaces) = match parts
        .issuer_signed
        .map(|item| item.members(["issuerAuth", "nameSpaces"]))
    {
        Some(Ok([auth, spaces])) => (Some(auth.ok_or(DecodeError::missing("issuerAuth"))), spaces),
        Some(Err(error)) => (Some(Err(error)), None),
        None => (None, None),
    };
    let issuer_auth = auth_item.and_then(|auth| issuer_auth(auth, &mut steps, inputs));
    let mso = issuer_auth
        .as_ref()
        .and_then(|auth| mso(auth, &mut shape, &mut steps, inputs));
    let claimed = parts.doc_type.as_deref();
    let doc_type = claimed.or(mso.as_ref().map(|mso| mso.doc_type.as_str()));

    let chain = issuer_auth
        .as_ref()
        .and_then(|auth| Chain::read(auth, &mut steps, inputs));
    let mut issuer = None;
    if let (Some(auth), Some(chain)) = (&issuer_auth, &chain) {
        let led = certificates::inspect(chain, doc_type, &mut steps, inputs);
        if signature(auth, chain.certificates(), &mut steps, inputs) {
            issuer = led;
        }
    }
    let ds = chain.as_ref().and_then(|chain| chain.certificates().first());
    if let Some(mso) = &mso {
        mso::inspect(mso, claimed, ds, &mut steps, inputs);
    }
    let status = mso
        .as_ref()
        .and_then(|mso| status::inspect(mso, issuer, doc_type, &mut steps, inputs));
    let name_spaces = parts.issuer_signed.and_then(|_| {
        issuer_signed::name_spaces(spaces)
            .map_err(|error| steps.decode_error(error.within("issuerSigned")))
            .ok()
    });
    let complete = name_spaces.is_some();
    let name_spaces = name_spaces.unwrap_or_default();
    let released = items::decode(
        &name_spaces,
        complete,
        mso.as_ref(),
        &mut shape,
        &mut steps,
        inputs,
    );
    let device = device::decode(parts.device_signed, &mut steps, inputs);
    let of_device = device.as_ref().map(|device| {
        let elements = device::elements(device, mso.as_ref(), &mut steps, inputs);
        if let Some(mso) = &mso {
            device::authentication(device, doc_type, mso, &mut steps, inputs);
        }
        elements
    });
    let of_device = of_device.unwrap_or_default();
    let mut seen = items::seen(&released, &of_device);
    items::duplicates(&mut seen, &mut steps);
    items::country(&released, doc_type, ds, &mut steps);
    if parts.issuer_signed.is_some() {
        elements::inspect(&released, doc_type, &mut steps);
        items::requested(&seen, doc_type, &mut steps, inputs);
    }
    form(shape, &mut steps);
    if parts.device_signed.is_none() {
        steps.not_done(Check::ResponseStatus, Why::NoDeviceSigned);
    }
    let doc_type = doc_type.map(str::to_owned);
    drop(seen);
    drop((of_device, released));
    DocumentReport {
        doc_type,
        steps: steps.finish(),
        policy: inputs.policy,
        issuer_signed: name_spaces,
        device_signed: device.map(|device| device.name_spaces),
        status,
        limits: inputs.limits,
    }
}

/// Decoding that found nothing wrong in any part has passed.
fn form(shape: Shape, steps: &mut Steps) {
    if shape.indefinite + shape.not_shortest > 0 {
        let counts = format!(
            "{} indefinite, {} not the shortest",
            shape.indefinite, shape.not_shortest
        );
        steps.find(Code::NotPreferred, Detail::Text(counts));
    }
    for check in [
        Check::Decode,
        Check::DuplicateKeys,
        Check::Embedded,
        Check::Structure,
        Check::Version,
        Check::Encoding,
    ] {
        steps.pass_unless_found(check);
    }
}

fn issuer_auth<'b>(
    auth: Result<Item<'b>, DecodeError>,
    steps: &mut Steps,
    inputs: &Inputs<'_>,
) -> Option<Sign1<'b>> {
    match auth.and_then(|auth| Sign1::decode(auth, &inputs.limits)) {
        Ok(auth) => {
            if auth.tagged() {
                steps.find(Code::CoseTagged, Detail::Text("issuerAuth".to_owned()));
            }
            if auth.x5chain_is_protected() {
                steps.find(Code::X5chainProtected, Detail::None);
            }
            Some(auth)
        }
        Err(error) => {
            steps.decode_error(error.within("issuerAuth"));
            None
        }
    }
}

fn mso(
    auth: &Sign1<'_>,
    shape: &mut Shape,
    steps: &mut Steps,
    inputs: &Inputs<'_>,
) -> Option<MobileSecurityObject> {
    let decode = || {
        let payload = auth.payload().ok_or(DecodeError::missing("payload"))?;
        let (payload, outer) = Item::parse_with_shape(payload, &inputs.limits)?;
        let bytes = Embedded::new(payload)?;
        let (item, inner) = bytes.item_with_shape(&inputs.limits)?;
        Ok((MobileSecurityObject::decode(item)?, outer.and(inner)))
    };
    match decode() {
        Ok((mso, found)) => {
            *shape = shape.and(found);
            Some(mso)
        }
        Err(error) => {
            let error: DecodeError = error;
            steps.decode_error(error.within("payload").within("issuerAuth"));
            None
        }
    }
}

/// Whether the issuer's signature holds.
fn signature(auth: &Sign1<'_>, chain: &[Certificate], steps: &mut Steps, inputs: &Inputs<'_>) -> bool {
    let Some(ds) = chain.first() else { return false };
    match auth.thumbprint() {
        Some(thumbprint) if !equal_in_constant_time(&thumbprint, &ds.fingerprint()) => {
            steps.find(Code::ThumbprintMismatch, Detail::None);
        }
        Some(_) => steps.pass(Check::Thumbprint),
        None => steps.not_done(Check::Thumbprint, Why::NotApplicable),
    }
    let key = match ds.key() {
        Ok(key) => key,
        Err(why) => {
            steps.find(Code::DsKeyUnusable, Detail::Text(why.to_string()));
            return false;
        }
    };
    let Some(payload) = auth.payload() else {
        return false;
    };
    let verified = auth.verify(key, payload, inputs.backend);
    let holds = verified.is_ok();
    match verified {
        Ok(()) => {
            steps.pass(Check::Algorithm);
            steps.pass(Check::IssuerSignature);
        }
        Err(fault) if fault.is_algorithm() => {
            let code = match fault {
                CoseFault::AlgorithmMissing => Code::AlgMissing,
                CoseFault::AlgorithmCurve(..) => Code::AlgCurve,
                _ => Code::AlgUnsupported,
            };
            steps.find(code, Detail::Cose(fault));
        }
        Err(fault) => {
            steps.pass(Check::Algorithm);
            let code = match fault {
                CoseFault::Crypto(CryptoError::SignatureLength { .. }) => Code::IssuerSignatureForm,
                _ => Code::IssuerSignatureInvalid,
            };
            steps.find(code, Detail::Cose(fault));
        }
    }
    holds
}
