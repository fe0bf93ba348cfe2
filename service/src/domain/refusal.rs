//! Why something was not done although everything works: each rule with a code of its own, which never changes.

mod words;

use super::life::{Move, State};
use super::role::Workflow;
use super::scope::ApiScope;

/// The most characters of what somebody says in words.
const LONGEST_WORDS: usize = 1000;

/// A rule that said no.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such thing, or none that the asker may know of.
    Unknown {
        /// What kind of thing.
        what: &'static str,
    },
    /// No role of the asker grants it.
    NotGranted {
        /// What.
        workflow: Workflow,
    },
    /// A member breaks its rule.
    Field {
        /// Which.
        field: String,
        /// What is wrong with it.
        rule: String,
    },
    /// It is there already.
    Exists {
        /// What kind of thing.
        what: &'static str,
        /// The member that has to be unique.
        field: &'static str,
        /// What it is called.
        name: String,
    },
    /// Somebody else changed it meanwhile.
    ChangedMeanwhile,
    /// The layouts of a profile do not make a badge of its documents (B6).
    LayoutSelectionInvalid {
        /// Which layout, and what is wrong with it.
        why: String,
    },

    /// The profile is switched off.
    ProfileDisabled,
    /// The person has none of the roles that may receive it.
    ReceiveRole,
    /// Who requests has none of the roles that may.
    RequestRole,
    /// Who approves has none of the roles that may.
    ValidateRole,
    /// The person has none of the roles that may collect it.
    CollectRole,
    /// The person has another document of the exclusive group.
    ExclusiveGroup {
        /// The group.
        group: String,
    },
    /// Another request of the credential group is open.
    BlockMultipleRequests {
        /// The group.
        group: String,
    },
    /// The person has a document of this profile.
    IssueOverExisting,
    /// The person has no photograph.
    EnforcePhotoAtIssuance,
    /// Nobody approved the person's data.
    RequireUserDataApproved,
    /// The person lacks data.
    RequisiteUserData {
        /// What is missing, by name.
        missing: Vec<String>,
    },
    /// The device is not known.
    KnownDevices,
    /// The device is not registered for this person.
    MyDevices,
    /// The profile asks for what device management says of the device, and none is connected.
    MdmRestriction,
    /// The wallet's keys come without the attestation that the profile asks for.
    KeyAttestation,

    /// The person has no address of electronic mail.
    NoEmail,
    /// The person has no mobile phone.
    NoMobilePhone,
    /// What has to be approved is not handed out on a screen.
    NotOnScreen,
    /// Nothing that sends notifications is set up.
    NotificationsNotSetUp,
    /// The message went out, is on its way, or tells what is good no more.
    NotSentAgain,
    /// Who requested it approves it.
    OwnRequest,
    /// Who is to receive it approves it.
    OwnDocument,
    /// The person's data are others than those with which the document was approved.
    DataChanged,
    /// Who requested the cancellation approves it.
    OwnCancellation,
    /// A cancellation of this profile is to be requested, and approved by another operator.
    ValidateCancellation,

    /// Documents of a person who is to be erased are not ended.
    OpenDocuments {
        /// How many.
        open: usize,
    },
    /// The document is in a state that has no such move.
    IllegalMove {
        /// What was asked.
        made: Move,
        /// Where it is.
        state: State,
    },
    /// A document that no wallet has, or that is over, is not replaced.
    NotReplaceable {
        /// Where it is.
        state: State,
    },
    /// A batch is not where that can be done with it.
    BatchElsewhere {
        /// Where it is.
        stage: &'static str,
    },
    /// There is nothing in a batch.
    BatchEmpty,
    /// There is more in a batch than may be.
    BatchTooLarge {
        /// The most.
        most: u32,
    },
    /// Another number of rows was confirmed than there is.
    BatchCount {
        /// How many there are.
        total: i64,
    },
    /// What many get at once is shown on nobody's screen.
    BatchOnScreen,
    /// No reason was given where one is needed.
    ReasonMissing {
        /// For what.
        made: Move,
    },
    /// The reason is none of the list.
    ReasonUnknown {
        /// For what.
        made: Move,
    },

    /// There is no such offer.
    OfferUnknown,
    /// It was collected.
    OfferUsed,
    /// It expired.
    OfferExpired,
    /// It is for another document than the wallet asked for.
    OfferOfOther,
    /// The wallet's request for a sign-in is over, or was never made.
    SignInUnknown,
    /// The page of a sign-in was sent before, or is none of ours.
    PageStale,
    /// The code is missing.
    CodeMissing,
    /// There is a code where none is expected.
    CodeUnexpected,
    /// The code is another one.
    CodeWrong,
    /// It was tried too often.
    CodeExhausted,
    /// Nothing is collected at present.
    SessionsRefused,
    /// Too many collect at once.
    SessionsFull {
        /// After how many seconds to try again.
        retry_after: u32,
    },
    /// The session is over, or was never begun.
    SessionUnknown,
    /// The session belongs to another key.
    SessionOfOtherKey,
    /// It was presented before.
    Replayed {
        /// What: a nonce, a proof.
        what: &'static str,
    },
    /// More keys than the profile gives copies for.
    TooManyKeys {
        /// The most.
        most: u32,
    },
    /// As many copies of the document were given out lately as may be.
    CopiesExhausted {
        /// After how many seconds to try again.
        retry_after: u32,
    },
    /// The document cannot be made of the person's data; operators see why.
    NotIssuable,

    /// There is no machine of that name, it has another secret, or it is switched off.
    ClientUnknown,
    /// The token of a machine is over, or was never given.
    TokenUnknown,
    /// The token of a machine is not for that.
    ScopeMissing {
        /// What it is not for.
        scope: ApiScope,
    },
    /// A machine is to act in somebody else's name, or an operator to get what another one signs in by.
    OtherOperator,

    /// An operator is not signed in: a name, a password or what comes after is not right, or was tried too often.
    OperatorRefused,
    /// Nobody is signed in, or not any more.
    OperatorSession,
    /// A sign-in was not finished in time, or is finished already.
    OperatorCeremony,
    /// An invitation is over, was taken, or was never made.
    OperatorInvitation,
    /// Too many sign in at this moment.
    SignInsFull,
    /// What is done by whoever is signed in was sent by a page of another site.
    OtherSite,
}

impl Refusal {
    /// A member that breaks its rule.
    #[must_use]
    pub fn field(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            rule: rule.into(),
        }
    }

    /// Whether a text can be a name: something can be seen of it, it has at most so many bytes and no control character.
    ///
    /// # Errors
    /// [`Refusal::Field`] for the member of that name.
    pub fn check_name(field: &str, name: &str, longest: usize) -> Result<(), Self> {
        if name.trim().is_empty() || name.len() > longest || name.chars().any(char::is_control) {
            return Err(Self::field(
                field,
                "it is empty, too long, or has a control character",
            ));
        }
        Ok(())
    }

    /// Whether a text can be kept as it stands: it has at most 1000 characters, and no control character but line ends.
    ///
    /// # Errors
    /// [`Refusal::Field`] for the member of that name.
    pub fn check_words(field: &str, text: &str) -> Result<(), Self> {
        let plain = text.replace("\r\n", "\n");
        if plain.chars().count() > LONGEST_WORDS || plain.chars().any(|c| c.is_control() && c != '\n') {
            return Err(Self::field(
                field,
                "it has more than 1000 characters, or a control character",
            ));
        }
        Ok(())
    }

    /// Its code: stable for ever, never renamed, never reused.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "not-found",
            Self::NotGranted { .. } => "role.not-granted",
            Self::Field { .. } => "field.invalid",
            Self::Exists { .. } => "exists",
            Self::ChangedMeanwhile => "changed-meanwhile",
            Self::LayoutSelectionInvalid { .. } => "LayoutSelectionInvalid",
            Self::ProfileDisabled => "profile.disabled",
            Self::ReceiveRole => "profile.receive-role",
            Self::RequestRole => "profile.request-role",
            Self::ValidateRole => "profile.validate-role",
            Self::CollectRole => "profile.collect-role",
            Self::ExclusiveGroup { .. } => "profile.exclusive-group",
            Self::BlockMultipleRequests { .. } => "profile.block-multiple-requests",
            Self::IssueOverExisting => "profile.issue-over-existing",
            Self::EnforcePhotoAtIssuance => "profile.enforce-photo-at-issuance",
            Self::RequireUserDataApproved => "profile.require-user-data-approved",
            Self::RequisiteUserData { .. } => "profile.requisite-user-data",
            Self::KnownDevices => "profile.known-devices",
            Self::MyDevices => "profile.my-devices",
            Self::MdmRestriction => "profile.mdm-restriction",
            Self::KeyAttestation => "profile.key-attestation",
            Self::NoEmail => "request.no-email",
            Self::NoMobilePhone => "request.no-mobile-phone",
            Self::NotOnScreen => "request.not-on-screen",
            Self::NotificationsNotSetUp => "request.notifications-not-set-up",
            Self::NotSentAgain => "message.not-again",
            Self::OwnRequest => "validation.own-request",
            Self::OwnDocument => "validation.own-document",
            Self::DataChanged => "validation.data-changed",
            Self::OwnCancellation => "cancellation.own-request",
            Self::ValidateCancellation => "profile.validate-cancellation",
            Self::OpenDocuments { .. } => "person.open-documents",
            Self::IllegalMove { .. } => "document.illegal-move",
            Self::NotReplaceable { .. } => "document.not-replaceable",
            Self::BatchElsewhere { .. } => "batch.elsewhere",
            Self::BatchEmpty => "batch.empty",
            Self::BatchTooLarge { .. } => "batch.too-large",
            Self::BatchCount { .. } => "batch.count",
            Self::BatchOnScreen => "batch.on-screen",
            Self::ReasonMissing { .. } => "reason.missing",
            Self::ReasonUnknown { .. } => "reason.unknown",
            Self::OfferUnknown => "offer.unknown",
            Self::OfferUsed => "offer.used",
            Self::OfferExpired => "offer.expired",
            Self::OfferOfOther => "offer.other-document",
            Self::SignInUnknown => "sign-in.unknown",
            Self::PageStale => "sign-in.page-stale",
            Self::CodeMissing => "code.missing",
            Self::CodeUnexpected => "code.unexpected",
            Self::CodeWrong => "code.wrong",
            Self::CodeExhausted => "code.exhausted",
            Self::SessionsRefused => "sessions.refused",
            Self::SessionsFull { .. } => "sessions.full",
            Self::SessionUnknown => "session.unknown",
            Self::SessionOfOtherKey => "session.other-key",
            Self::Replayed { .. } => "replayed",
            Self::TooManyKeys { .. } => "keys.too-many",
            Self::CopiesExhausted { .. } => "copies.exhausted",
            Self::NotIssuable => "issuance.failed",
            Self::ClientUnknown => "client.unknown",
            Self::TokenUnknown => "token.unknown",
            Self::ScopeMissing { .. } => "token.scope",
            Self::OtherOperator => "client.other-operator",
            Self::OperatorRefused => "operator.refused",
            Self::OperatorSession => "operator.session",
            Self::OperatorCeremony => "operator.sign-in-over",
            Self::OperatorInvitation => "operator.invitation",
            Self::SignInsFull => "operator.busy",
            Self::OtherSite => "operator.other-site",
        }
    }
}

impl core::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    /// The match in [`super::Refusal::code`] has every refusal; this has every code of it.
    #[test]
    fn no_two_refusals_have_one_code() {
        let source = include_str!("refusal.rs");
        let (_, codes) = source.split_once("pub const fn code(").unwrap();
        let (codes, _) = codes.split_once("impl core::error::Error").unwrap();
        let codes: Vec<&str> = codes.split('"').skip(1).step_by(2).collect();
        assert!(codes.len() > 40, "{codes:?}");
        for (at, code) in codes.iter().enumerate() {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
            assert!(code.bytes().all(plain), "{code}");
            assert!(!codes[..at].contains(code), "{code} is there twice");
        }
    }
}
