//! The steps about what the device vouches for.

use super::check::Check;
use super::reason::{Code, Detail, Why};
use super::report::Steps;
use super::{Inputs, MDL_NAME_SPACE};
use crate::cbor::Item;
use crate::cose::CoseFault;
use crate::cose::key::KeyFault;
use crate::crypto::{CryptoError, PublicKey};
use crate::device_signed::{
    DeviceAuth, DeviceSigned, Elements, device_authentication_bytes, device_elements, mac_key_of_shared,
};
use crate::mso::{Authorized, MobileSecurityObject};
use crate::scrub::scrubbed;

/// The device key that the issuer put into the MSO.
pub(super) fn key(mso: &MobileSecurityObject, steps: &mut Steps) {
    match &mso.device_key_info.device_key {
        Ok(_) => steps.pass(Check::DeviceKey),
        Err(fault @ KeyFault::Unsupported { .. }) => {
            steps.find(Code::DeviceKeyUnsupported, Detail::Key(fault.clone()));
        }
        Err(fault) => steps.find(Code::DeviceKeyInvalid, Detail::Key(fault.clone())),
    }
}

/// Decodes the device's part.
pub(super) fn decode<'b>(
    item: Option<Result<Item<'b>, ()>>,
    steps: &mut Steps,
    inputs: &Inputs<'_>,
) -> Option<DeviceSigned<'b>> {
    let Some(item) = item else {
        steps.not_done(Check::KeyAuthorization, Why::NoDeviceSigned);
        steps.not_done(Check::DeviceAuthentication, Why::NoDeviceSigned);
        return None;
    };
    DeviceSigned::from_item(item.ok()?, &inputs.limits)
        .map_err(|error| steps.decode_error(error.within("deviceSigned")))
        .ok()
}

/// Decodes the elements of the device and compares them with what it may vouch for.
pub(super) fn elements<'d>(
    device: &'d DeviceSigned<'_>,
    mso: Option<&MobileSecurityObject>,
    steps: &mut Steps,
    inputs: &Inputs<'_>,
) -> Elements<'d> {
    let elements = device.name_spaces.item(&inputs.limits).and_then(device_elements);
    match elements {
        Ok(elements) => {
            let authorized = mso.map(|mso| mso.device_key_info.key_authorizations.lookup());
            for (name_space, values) in &elements {
                for (identifier, _) in values {
                    authorization(name_space, identifier, authorized.as_ref(), steps);
                }
            }
            if mso.is_some() {
                steps.pass_unless_found(Check::KeyAuthorization);
            }
            elements
        }
        Err(error) => {
            steps.decode_error(error.within("nameSpaces").within("deviceSigned"));
            Vec::new()
        }
    }
}

fn authorization(name_space: &str, element: &str, authorized: Option<&Authorized<'_>>, steps: &mut Steps) {
    let detail = || Detail::Element {
        name_space: name_space.to_owned(),
        element: element.to_owned(),
        what: "",
    };
    if authorized.is_some_and(|authorized| !authorized.permits(name_space, element)) {
        steps.find(Code::DeviceElementUnauthorized, detail());
    }
    if name_space == MDL_NAME_SPACE {
        steps.find(Code::DeviceElementMdl, detail());
    }
}

/// Checks the signature or MAC of the device.
pub(super) fn authentication(
    device: &DeviceSigned<'_>,
    doc_type: Option<&str>,
    mso: &MobileSecurityObject,
    steps: &mut Steps,
    inputs: &Inputs<'_>,
) {
    const CHECK: Check = Check::DeviceAuthentication;
    let auth = &device.device_auth;
    let (tagged, attached) = match auth {
        DeviceAuth::Signature(signature) => (signature.tagged(), signature.payload().is_some()),
        DeviceAuth::Mac(mac) => (mac.tagged(), mac.payload().is_some()),
    };
    if tagged {
        steps.find(Code::CoseTagged, Detail::Text("deviceAuth".to_owned()));
    }
    if attached {
        steps.find(Code::PayloadAttached, Detail::None);
    }
    // What needs no transcript is looked at before the transcript is missed.
    let key = match &mso.device_key_info.device_key {
        Ok(key) => key,
        Err(fault) => {
            let unsupported = matches!(fault, KeyFault::Unsupported { .. });
            let code = if unsupported {
                Code::DeviceKeyCurve
            } else {
                Code::DeviceKeyUnusable
            };
            steps.find(code, Detail::Key(fault.clone()));
            return;
        }
    };
    let algorithm = match auth {
        DeviceAuth::Signature(signature) => signature.algorithm_for(key).map(|_| ()),
        DeviceAuth::Mac(mac) => mac.check_algorithm(),
    };
    if let Err(fault) = algorithm {
        steps.find(Code::DeviceAlg, Detail::Cose(fault));
        return;
    }
    let Some(transcript) = inputs.transcript else {
        steps.not_done(CHECK, Why::NoTranscript);
        return;
    };
    let doc_type = doc_type.unwrap_or(&mso.doc_type);
    let payload = device_authentication_bytes(transcript, doc_type, device.name_spaces.raw());
    let result = match auth {
        DeviceAuth::Signature(signature) => signature.verify_detached(key, &payload, inputs.backend),
        DeviceAuth::Mac(mac) => {
            let Some(reader_key) = inputs.reader_key else {
                steps.not_done(CHECK, Why::NoReaderKey);
                return;
            };
            let key: &PublicKey = key;
            let shared = match scrubbed(|| inputs.backend.agree(reader_key, key)) {
                Ok(shared) => shared,
                Err(fault) => {
                    steps.find(Code::DeviceMacKey, Detail::Crypto(fault));
                    return;
                }
            };
            let right = || {
                let key = mac_key_of_shared(&shared, transcript, inputs.backend);
                mac.has_tag(&key, &payload, inputs.backend)
            };
            mac.check_detached(&payload).and_then(|()| {
                let wrong = CoseFault::Crypto(CryptoError::BadTag);
                scrubbed(right).then_some(()).ok_or(wrong)
            })
        }
    };
    match result {
        Ok(()) => steps.pass(CHECK),
        Err(fault @ CoseFault::AttachedPayload) => steps.find(Code::DevicePayload, Detail::Cose(fault)),
        Err(fault) => {
            let code = match auth {
                DeviceAuth::Signature(_) => Code::DeviceSignature,
                DeviceAuth::Mac(_) => Code::DeviceMac,
            };
            steps.find(code, Detail::Cose(fault));
        }
    }
}
