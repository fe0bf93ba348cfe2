//! Credential profiles: what is issued, to whom, and by which rules (E4).

use core::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refusal::Refusal;

/// The most copies that one collection may have.
pub const MOST_COPIES: u32 = 50;

/// The most badge layouts that a profile names.
const MOST_LAYOUTS: usize = 16;

/// The settings of one version of a profile, as its file and the interface have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own, named by the requirements"
)]
pub struct Settings {
    /// What wallets and operators are shown.
    pub display_name: String,
    /// For operators, and in wallets.
    pub description: String,
    /// A picture that wallets show: an address, `https:` or `data:image/`.
    pub logo: Option<String>,
    /// The colour behind it, as `#0b4f8a`.
    pub background_color: Option<String>,
    /// The colour of text on that.
    pub text_color: Option<String>,
    /// The document format, by its name.
    pub format: String,
    /// The badge layouts, by their names: one default front, at most one back for it, all for documents of the format. The
    /// badge is drawn when the document is issued, and goes to the wallet with it.
    pub badge_layouts: Vec<String>,
    /// How long a document lasts from its first collection, in days.
    pub lifetime_days: u32,
    /// How long each signed copy is valid, in days; the wallet refreshes it. Never beyond the lifetime.
    pub copy_days: u32,
    /// So many days before its end a document in a wallet is made anew for another lifetime; not at all if 0.
    #[serde(default)]
    pub renew_days: u32,
    /// The most copies of one collection, each for a key of its own.
    pub copies: u32,
    /// Another operator approves each request.
    pub validate_issuance: bool,
    /// Another operator approves each cancellation.
    pub validate_cancellation: bool,
    /// Documents that stand for each other.
    pub credential_group: Option<String>,
    /// Documents of which a person has one at most.
    pub exclusive_group: Option<String>,
    /// No request while another one of the credential group is open.
    pub block_multiple_requests: bool,
    /// Collection cancels the other documents of the credential group.
    pub cancel_previously_issued: bool,
    /// A person who has a document of this profile may get another one.
    pub issue_over_existing: bool,
    /// No collection without a photograph.
    pub enforce_photo_at_issuance: bool,
    /// No request and no collection unless the person's data were approved.
    pub require_user_data_approved: bool,
    /// How address and code reach the person.
    pub notification_scheme: Scheme,
    /// Whether a code is generated with a request, and which.
    pub generate_code_on_request: GenerateCode,
    /// Members and attributes that the person has to have, by name.
    pub requisite_user_data: Vec<String>,
    /// What an external device management has to say of the device.
    pub mdm_restriction: MdmRestriction,
    /// Onto which devices.
    pub devices: Devices,
    /// What the wallet has to prove of its keys.
    pub key_attestation: KeyAttestation,
    /// How verifiers learn of a revocation.
    pub status: StatusKind,
    /// Who may do what with documents of this profile.
    pub roles: Roles,
}

/// Roles by name; where none is named, every role may.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Roles {
    /// The person has one of them.
    pub receive: Vec<String>,
    /// Who requests has one of them.
    pub request: Vec<String>,
    /// Who approves has one of them.
    pub validate: Vec<String>,
    /// The person has one of them when the document is collected.
    pub collect: Vec<String>,
}

/// How the address of a collection and its code reach the person (E9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// The address by mail, the code by mail and by message.
    Default,
    /// Both are shown on the screen.
    #[default]
    None,
    /// The address goes by message, the code by mail.
    AuthCodeViaEmail,
    /// The address goes by mail, the code by message.
    AuthCodeViaSms,
}

/// How a document reaches its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// By the profile's notification scheme.
    Notified,
    /// Address and code are shown to the operator who requested it, at once.
    Screen,
    /// An operator hands it out later.
    Held,
}

impl Delivery {
    /// Its name, in the interface and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notified => "notified",
            Self::Screen => "screen",
            Self::Held => "held",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Notified, Self::Screen, Self::Held]
            .into_iter()
            .find(|delivery| delivery.name() == name)
    }
}

/// Whether a request generates a code, and of which of the two forms that are configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GenerateCode {
    /// None: whoever has the address collects.
    None,
    /// One of the simple form.
    #[default]
    Simple,
    /// One of the complex form.
    Complex,
}

/// What device management has to say of a device (F2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MdmRestriction {
    /// Nothing.
    #[default]
    Unrestricted,
    /// It is managed.
    MustBeRegistered,
    /// It is not managed.
    MustNotBeRegistered,
}

/// Onto which devices a document may go (F1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Devices {
    /// Any; it is registered by the collection.
    #[default]
    Any,
    /// One that was registered before.
    Known,
    /// One that was registered before for this person.
    Mine,
}

/// What a wallet has to prove of its keys (F3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyAttestation {
    /// That it has them.
    #[default]
    None,
    /// That they are kept well, by the word of somebody who is trusted.
    Required,
}

/// How verifiers learn of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusKind {
    /// A bit or two in a token status list.
    #[default]
    StatusList,
    /// An identifier in a list of those that were revoked.
    IdentifierList,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            display_name: String::new(),
            description: String::new(),
            logo: None,
            background_color: None,
            text_color: None,
            format: String::new(),
            badge_layouts: Vec::new(),
            lifetime_days: 365,
            copy_days: 30,
            renew_days: 0,
            copies: 1,
            validate_issuance: false,
            validate_cancellation: false,
            credential_group: None,
            exclusive_group: None,
            block_multiple_requests: false,
            cancel_previously_issued: false,
            issue_over_existing: false,
            enforce_photo_at_issuance: false,
            require_user_data_approved: false,
            notification_scheme: Scheme::default(),
            generate_code_on_request: GenerateCode::default(),
            requisite_user_data: Vec::new(),
            mdm_restriction: MdmRestriction::default(),
            devices: Devices::default(),
            key_attestation: KeyAttestation::default(),
            status: StatusKind::default(),
            roles: Roles::default(),
        }
    }
}

impl Settings {
    /// Whether a badge goes with the document.
    #[must_use]
    pub fn has_badge(&self) -> bool {
        !self.badge_layouts.is_empty()
    }

    /// Checks what can be checked of the settings alone; whether format, layouts and roles are there is another matter.
    ///
    /// # Errors
    /// [`Refusal::Field`] that names the setting and the rule.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.display_name.trim().is_empty() {
            return Err(Refusal::field("display_name", "it is empty"));
        }
        if self.format.trim().is_empty() {
            return Err(Refusal::field("format", "it is empty"));
        }
        if self.logo.as_deref().is_some_and(|logo| !is_picture(logo)) {
            return Err(Refusal::field("logo", PICTURE));
        }
        for (color, field) in [
            (&self.background_color, "background_color"),
            (&self.text_color, "text_color"),
        ] {
            if color.as_deref().is_some_and(|color| !is_color(color)) {
                return Err(Refusal::field(field, "it is # and six hexadecimal digits"));
            }
        }
        if !(1..=36_525).contains(&self.lifetime_days) {
            return Err(Refusal::field("lifetime_days", "it is not from 1 to 36525"));
        }
        if !(1..=self.lifetime_days).contains(&self.copy_days) {
            return Err(Refusal::field("copy_days", "it is not from 1 to lifetime_days"));
        }
        if self.renew_days >= self.lifetime_days {
            return Err(Refusal::field("renew_days", "it is not less than lifetime_days"));
        }
        if !(1..=MOST_COPIES).contains(&self.copies) {
            return Err(Refusal::field("copies", "it is not from 1 to 50"));
        }
        if self.badge_layouts.len() > MOST_LAYOUTS {
            return Err(Refusal::field("badge_layouts", "there are more than 16"));
        }
        let grouped = self.credential_group.is_some();
        for (set, field) in [
            (self.block_multiple_requests, "block_multiple_requests"),
            (self.cancel_previously_issued, "cancel_previously_issued"),
        ] {
            if set && !grouped {
                return Err(Refusal::field(field, "it needs a credential_group"));
            }
        }
        let by_notification = self.notification_scheme != Scheme::None;
        if by_notification && self.generate_code_on_request == GenerateCode::None {
            return Err(Refusal::field(
                "generate_code_on_request",
                "an address that is sent needs a code beside it",
            ));
        }
        Ok(())
    }
}

/// What the address of a picture is.
pub const PICTURE: &str = "it is an address of a picture, https: or data:image/, of at most 64 KiB";

/// Whether a text can be the address of a picture that wallets fetch and show.
#[must_use]
pub fn is_picture(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\');
    text.len() <= 64 * 1024
        && (text.starts_with("https://") || text.starts_with("data:image/"))
        && text.bytes().all(plain)
}

fn is_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or_default();
    digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a text can be the name of a profile: it is part of addresses and of what wallets ask for.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_');
    (1..=64).contains(&text.len())
        && text.bytes().all(allowed)
        && text
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
}

/// A version of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Its version, from 1.
    pub version: i64,
    /// Its settings.
    pub settings: Settings,
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (version {})", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Settings {
        Settings {
            display_name: "Driving licence".to_owned(),
            format: "iso-18013-5-mdl".to_owned(),
            ..Settings::default()
        }
    }

    #[test]
    fn a_setting_that_breaks_its_rule_is_named() {
        good().check().unwrap();
        type Change = fn(&mut Settings);
        let bad: [(&str, Change); 14] = [
            ("logo", |s| {
                s.logo = Some("http://id.example.org/logo.png".to_owned())
            }),
            ("logo", |s| s.logo = Some("data:text/html,<script>".to_owned())),
            ("background_color", |s| {
                s.background_color = Some("red".to_owned())
            }),
            ("text_color", |s| s.text_color = Some("#12345".to_owned())),
            ("badge_layouts", |s| {
                s.badge_layouts = vec!["front".to_owned(); 17]
            }),
            ("display_name", |s| s.display_name.clear()),
            ("format", |s| s.format.clear()),
            ("lifetime_days", |s| s.lifetime_days = 0),
            ("copy_days", |s| s.copy_days = 366),
            ("renew_days", |s| s.renew_days = 365),
            ("copies", |s| s.copies = 51),
            ("block_multiple_requests", |s| s.block_multiple_requests = true),
            ("cancel_previously_issued", |s| s.cancel_previously_issued = true),
            ("generate_code_on_request", |s| {
                s.notification_scheme = Scheme::Default;
                s.generate_code_on_request = GenerateCode::None;
            }),
        ];
        for (expected, change) in bad {
            let mut settings = good();
            change(&mut settings);
            match settings.check() {
                Err(Refusal::Field { field, .. }) => assert_eq!(field, expected),
                other => panic!("{expected}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_setting_that_nobody_knows_is_refused() {
        let read: Result<Settings, _> = serde_json::from_str(r#"{"display_name": "x", "formt": "y"}"#);
        assert!(read.unwrap_err().to_string().contains("formt"));
    }

    #[test]
    fn names_fit_into_addresses() {
        assert!(is_name("mdl-2026.1"));
        for bad in ["", "-x", "Mdl", "a/b", "..", "a b", &"x".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
