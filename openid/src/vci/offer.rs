//! The credential offer: what opens a wallet (OpenID4VCI 1.0, 4.1).
//!
//! It is not authenticated: a wallet takes it as what anybody may have written, and an issuer puts nothing personal in it.

use core::fmt;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Secret;
use crate::jose::json::{self, BadJson};
use crate::web::{Address, BadAddress, BadForm, Form};

/// The scheme where nothing is known about the wallet.
pub const SCHEME: &str = "openid-credential-offer";

/// The name of the grant with a code that was authorized before.
pub const PRE_AUTHORIZED_CODE: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

/// The longest description of a transaction code, in characters.
const LONGEST_DESCRIPTION: usize = 300;

/// Why an offer was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OfferError {
    /// It is no address of an offer.
    Address,
    /// It has neither `credential_offer` nor `credential_offer_uri`, or both.
    Parameter,
    /// The query cannot be read.
    Form(BadForm),
    /// The JSON is not that of an offer.
    Json(BadJson),
    /// `credential_offer_uri` cannot be used.
    Reference(BadAddress),
    /// `credential_issuer` cannot be used.
    Issuer(BadAddress),
    /// There is no configuration, or one twice.
    Configurations,
}

impl fmt::Display for OfferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("it is no address of a credential offer"),
            Self::Parameter => {
                f.write_str("the offer must have either credential_offer or credential_offer_uri")
            }
            Self::Form(fault) => write!(f, "the offer cannot be read: {fault}"),
            Self::Json(fault) => write!(f, "the offer cannot be read: {fault}"),
            Self::Reference(fault) => write!(f, "the address of the offer cannot be used: {fault}"),
            Self::Issuer(fault) => write!(f, "the issuer of the offer cannot be used: {fault}"),
            Self::Configurations => f.write_str("the offer names no document, or one twice"),
        }
    }
}

impl core::error::Error for OfferError {}

/// Where an offer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// Here.
    ByValue(CredentialOffer),
    /// To be had from this address by GET, as `application/json`.
    ByReference(String),
}

/// An offer of documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialOffer {
    /// The identifier of the issuer.
    pub credential_issuer: String,
    /// Which configurations of its metadata.
    pub credential_configuration_ids: Vec<String>,
    /// How they may be had; without any the wallet looks at the metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Grants>,
}

/// The ways to an access token; the wallet takes one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// The person signs in at the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_code: Option<AuthorizationCode>,
    /// The person was authorized before.
    #[serde(
        default,
        rename = "urn:ietf:params:oauth:grant-type:pre-authorized_code",
        skip_serializing_if = "Option::is_none"
    )]
    pub pre_authorized_code: Option<PreAuthorizedCode>,
}

/// The grant with a sign-in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationCode {
    /// To be echoed in the authorization request. A server has to treat it as anything a stranger may have made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_state: Option<String>,
    /// Which server, if the metadata names several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_server: Option<String>,
}

/// The grant with a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreAuthorizedCode {
    /// The code, for one use.
    #[serde(rename = "pre-authorized_code")]
    pub code: Secret,
    /// That a second code is asked for, which comes another way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_code: Option<TxCode>,
    /// Which server, if the metadata names several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_server: Option<String>,
    /// Seconds between two tries (draft 13).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u64>,
}

/// What a transaction code looks like; even without members it says that one is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxCode {
    /// `numeric`, which is the default, or `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_mode: Option<String>,
    /// How long it is; for the field to type it into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    /// Where to find it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl TxCode {
    /// Whether it has digits alone.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        self.input_mode.as_deref().unwrap_or("numeric") == "numeric"
    }
}

impl CredentialOffer {
    /// Reads an address of any scheme with an offer in its query, or an offer in JSON.
    ///
    /// # Errors
    /// [`OfferError`].
    pub fn parse(text: &str) -> Result<Received, OfferError> {
        let text = text.trim();
        if text.starts_with('{') {
            return Self::decode(text.as_bytes()).map(Received::ByValue);
        }
        let (before, query) = text.split_once('?').ok_or(OfferError::Address)?;
        if !before.contains(':') {
            return Err(OfferError::Address);
        }
        let query = query.split('#').next().unwrap_or_default();
        let form = Form::parse(query.as_bytes()).map_err(OfferError::Form)?;
        let parameter = |name| form.get(name).map_err(OfferError::Form);
        match (parameter("credential_offer")?, parameter("credential_offer_uri")?) {
            (Some(offer), None) => Self::decode(offer.as_bytes()).map(Received::ByValue),
            (None, Some(address)) => {
                Address::parse(address).map_err(OfferError::Reference)?;
                Ok(Received::ByReference(address.to_owned()))
            }
            _ => Err(OfferError::Parameter),
        }
    }

    /// Reads the JSON of an offer. A description of a transaction code that is too long is cut.
    ///
    /// # Errors
    /// [`OfferError`].
    pub fn decode(body: &[u8]) -> Result<Self, OfferError> {
        let mut offer: Self = json::read(body).map_err(OfferError::Json)?;
        Address::identifier(&offer.credential_issuer).map_err(OfferError::Issuer)?;
        let ids = &offer.credential_configuration_ids;
        let mut seen = BTreeSet::new();
        // A set, and not each with each: there may be tens of thousands of them, and nobody has vouched for an offer.
        if ids.is_empty() || !ids.iter().all(|id| seen.insert(id)) {
            return Err(OfferError::Configurations);
        }
        let grant = offer
            .grants
            .as_mut()
            .and_then(|grants| grants.pre_authorized_code.as_mut());
        if let Some(description) = grant
            .and_then(|grant| grant.tx_code.as_mut())
            .and_then(|tx_code| tx_code.description.as_mut())
            && let Some((cut, _)) = description.char_indices().nth(LONGEST_DESCRIPTION)
        {
            description.truncate(cut);
        }
        Ok(offer)
    }

    /// The JSON: what is answered at the address of an offer by reference.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        json::write(self)
    }

    /// The offer by value, for a wallet's endpoint such as `openid-credential-offer://`.
    #[must_use]
    pub fn to_uri(&self, endpoint: &str) -> String {
        let text = String::from_utf8(self.encode()).unwrap_or_default();
        uri(endpoint, "credential_offer", &text)
    }
}

/// An offer by reference: short enough for a QR code.
#[must_use]
pub fn reference_uri(endpoint: &str, address: &str) -> String {
    uri(endpoint, "credential_offer_uri", address)
}

fn uri(endpoint: &str, parameter: &str, value: &str) -> String {
    let mut form = Form::default();
    form.add(parameter, value);
    let between = if endpoint.contains('?') { '&' } else { '?' };
    // Wallets undo percent signs and not all of them plus signs.
    format!("{endpoint}{between}{}", form.encode().replace('+', "%20"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the reference (OpenID4VCI 1.0, 4.1.1).
    const OFFER: &str = r#"{
        "credential_issuer": "https://id.example.org/t/dmv",
        "credential_configuration_ids": ["mdl-2025"],
        "grants": {
            "authorization_code": { "issuer_state": "s-7f3c" },
            "urn:ietf:params:oauth:grant-type:pre-authorized_code": {
                "pre-authorized_code": "q1Zb",
                "tx_code": { "input_mode": "numeric", "length": 6, "description": "Code from the letter + we sent" }
            }
        },
        "not_known": [1]
    }"#;

    fn offer() -> CredentialOffer {
        CredentialOffer::decode(OFFER.as_bytes()).unwrap()
    }

    #[test]
    fn an_offer_is_read_and_what_is_not_known_is_passed_over() {
        let offer = offer();
        let grants = offer.grants.unwrap();
        assert_eq!(
            grants.authorization_code.unwrap().issuer_state.as_deref(),
            Some("s-7f3c")
        );
        let grant = grants.pre_authorized_code.unwrap();
        assert_eq!(grant.code.expose(), "q1Zb");
        let tx_code = grant.tx_code.unwrap();
        assert!(tx_code.is_numeric() && tx_code.length == Some(6));
    }

    #[test]
    fn offers_come_back_by_value_and_by_reference() {
        let by_value = offer().to_uri("openid-credential-offer://");
        assert!(!by_value.contains('+') && !by_value.contains(' '));
        assert_eq!(CredentialOffer::parse(&by_value), Ok(Received::ByValue(offer())));
        let link = reference_uri(
            "https://wallet.example/offer?a=b",
            "https://id.example.org/offer/x?y=z",
        );
        assert_eq!(
            CredentialOffer::parse(&link),
            Ok(Received::ByReference(
                "https://id.example.org/offer/x?y=z".to_owned()
            ))
        );
        assert_eq!(CredentialOffer::parse(OFFER), Ok(Received::ByValue(offer())));
    }

    #[test]
    fn an_empty_tx_code_still_asks_for_one() {
        let text = OFFER.replace(
            r#"{ "input_mode": "numeric", "length": 6, "description": "Code from the letter + we sent" }"#,
            "{}",
        );
        let offer = CredentialOffer::decode(text.as_bytes()).unwrap();
        assert_eq!(
            offer.grants.unwrap().pre_authorized_code.unwrap().tx_code,
            Some(TxCode::default())
        );
    }

    #[test]
    fn a_description_that_is_too_long_is_cut() {
        let text = OFFER.replace("Code from", &"é".repeat(400));
        let offer = CredentialOffer::decode(text.as_bytes()).unwrap();
        let tx_code = offer
            .grants
            .unwrap()
            .pre_authorized_code
            .unwrap()
            .tx_code
            .unwrap();
        assert_eq!(tx_code.description.unwrap().chars().count(), 300);
    }

    #[test]
    fn offers_that_are_none_are_refused() {
        for (text, expected) in [
            ("hello", OfferError::Address),
            ("hello?credential_offer=1", OfferError::Address),
            ("openid-credential-offer://?x=1", OfferError::Parameter),
            (
                "openid-credential-offer://?credential_offer={}&credential_offer_uri=https://a",
                OfferError::Parameter,
            ),
            (
                "openid-credential-offer://?credential_offer=a&credential_offer=b",
                OfferError::Form(BadForm::Repeated("credential_offer")),
            ),
            (
                "openid-credential-offer://?credential_offer_uri=ftp://a",
                OfferError::Reference(BadAddress::Scheme),
            ),
            (
                "openid-credential-offer://?credential_offer={}",
                OfferError::Json(BadJson::Shape),
            ),
        ] {
            assert_eq!(CredentialOffer::parse(text), Err(expected), "{text}");
        }
        let with = |from: &str, to: &str| CredentialOffer::decode(OFFER.replace(from, to).as_bytes());
        assert_eq!(with(r#"["mdl-2025"]"#, "[]"), Err(OfferError::Configurations));
        assert_eq!(
            with(r#"["mdl-2025"]"#, r#"["a","a"]"#),
            Err(OfferError::Configurations)
        );
        assert_eq!(
            with("https://id.example.org/t/dmv", "https://id.example.org/?a"),
            Err(OfferError::Issuer(BadAddress::Tail))
        );
    }

    #[test]
    fn one_of_tens_of_thousands_of_documents_that_is_there_twice_is_found_at_once() {
        let ids: Vec<String> = (0..40_000).map(|at| format!("\"{at}\"")).collect();
        let offer = |ids: &str| {
            let text = OFFER.replace(r#"["mdl-2025"]"#, &format!("[{ids}]"));
            CredentialOffer::decode(text.as_bytes()).map(|offer| offer.credential_configuration_ids.len())
        };
        let all = ids.join(",");
        assert_eq!(offer(&all), Ok(40_000));
        assert_eq!(offer(&format!("{all},\"7\"")), Err(OfferError::Configurations));
    }

    #[test]
    fn codes_are_not_shown() {
        assert!(!format!("{:?}", offer()).contains("q1Zb"));
    }
}
