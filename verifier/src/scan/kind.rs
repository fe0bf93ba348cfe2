//! What a code is that is no engagement.

use core::fmt;

/// What a text is, as far as it shows; its content stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// An engagement, `mdoc:…`.
    Engagement,
    /// A request for documents over the internet (OpenID4VP).
    PresentationRequest,
    /// An offer of a document for a wallet (OpenID4VCI).
    CredentialOffer,
    /// The address of a web page.
    WebAddress,
    /// The access to a wireless network.
    Network,
    /// Somebody's contact data.
    Contact,
    /// A telephone number, mail or message to be written.
    Message,
    /// The secret of one-time passwords.
    OneTimePassword,
    /// A sign-in by a passkey of another device.
    Passkey,
    /// A certificate about somebody's health.
    HealthCertificate,
    /// The data of a payment.
    Payment,
    /// A link with any other scheme.
    OtherLink,
    /// Digits alone.
    Number,
    /// Any other text.
    Text,
}

/// How texts begin, in small letters.
const BEGINNINGS: [(&str, Kind); 30] = [
    ("mdoc:", Kind::Engagement),
    ("openid4vp:", Kind::PresentationRequest),
    ("mdoc-openid4vp:", Kind::PresentationRequest),
    ("eudi-openid4vp:", Kind::PresentationRequest),
    ("haip-vp:", Kind::PresentationRequest),
    ("haip:", Kind::PresentationRequest),
    ("openid-vc:", Kind::PresentationRequest),
    ("openid-credential-offer:", Kind::CredentialOffer),
    ("haip-vci:", Kind::CredentialOffer),
    ("http:", Kind::WebAddress),
    ("https:", Kind::WebAddress),
    ("www.", Kind::WebAddress),
    ("wifi:", Kind::Network),
    ("begin:vcard", Kind::Contact),
    ("mecard:", Kind::Contact),
    ("mailto:", Kind::Message),
    ("matmsg:", Kind::Message),
    ("tel:", Kind::Message),
    ("sms:", Kind::Message),
    ("smsto:", Kind::Message),
    ("otpauth:", Kind::OneTimePassword),
    ("otpauth-migration:", Kind::OneTimePassword),
    ("fido:", Kind::Passkey),
    ("hc1:", Kind::HealthCertificate),
    ("shc:", Kind::HealthCertificate),
    ("bcd\n", Kind::Payment),
    ("bcd\r\n", Kind::Payment),
    ("spc\n", Kind::Payment),
    ("spc\r\n", Kind::Payment),
    ("bitcoin:", Kind::Payment),
];

/// Whether a text begins with these small letters, in any case.
pub(super) fn begins_with(text: &str, beginning: &str) -> bool {
    text.get(..beginning.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(beginning))
}

/// Whether the text of a code is meant to be an engagement.
pub(super) fn is_mdoc(text: &str) -> bool {
    Kind::of(text) == Kind::Engagement
}

impl Kind {
    /// What a text is.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let text = text.trim_start();
        let known = BEGINNINGS
            .iter()
            .find(|(beginning, _)| begins_with(text, beginning));
        match known {
            // Offers and requests are also sent as links to a page that opens the wallet.
            Some((_, Self::WebAddress)) if text.contains("credential_offer") => Self::CredentialOffer,
            Some((_, Self::WebAddress)) if text.contains("request_uri=") || text.contains("client_id=") => {
                Self::PresentationRequest
            }
            Some((_, kind)) => *kind,
            None if is_link(text) => Self::OtherLink,
            None if !text.is_empty() && text.trim_end().bytes().all(|b| b.is_ascii_digit()) => Self::Number,
            None => Self::Text,
        }
    }
}

/// Whether a scheme and a colon are at the beginning (RFC 3986, 3.1), and no space follows as in a sentence.
fn is_link(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        (2..=40).contains(&scheme.len())
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
            && rest.starts_with(|c: char| !c.is_whitespace())
    })
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Engagement => "an engagement",
            Self::PresentationRequest => "a request to present documents over the internet (OpenID4VP)",
            Self::CredentialOffer => "an offer to collect a document (OpenID4VCI)",
            Self::WebAddress => "the address of a web page",
            Self::Network => "the access to a wireless network",
            Self::Contact => "contact data",
            Self::Message => "a telephone number or a message",
            Self::OneTimePassword => "the secret of one-time passwords",
            Self::Passkey => "a sign-in by passkey",
            Self::HealthCertificate => "a health certificate",
            Self::Payment => "a payment",
            Self::OtherLink => "a link of another kind",
            Self::Number => "a number",
            Self::Text => "some other text",
        })
    }
}
