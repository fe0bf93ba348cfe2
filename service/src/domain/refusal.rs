//! Why something was not done although everything works: each rule with a code of its own, which never changes.

use core::fmt;

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

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Unknown { what } => return write!(f, "there is no such {what}"),
            Self::NotGranted { workflow } => {
                return write!(f, "no role of the operator grants {workflow} here");
            }
            Self::Field { field, rule } => return write!(f, "{field}: {rule}"),
            Self::LayoutSelectionInvalid { why } => return write!(f, "badge_layouts: {why}"),
            Self::Exists { what, field, name } => {
                return write!(f, "a {what} with the {field} {name:?} exists already");
            }
            Self::ExclusiveGroup { group } => {
                return write!(
                    f,
                    "the person has a document of the exclusive group {group} already"
                );
            }
            Self::BlockMultipleRequests { group } => {
                return write!(
                    f,
                    "the person has an open request of the credential group {group}"
                );
            }
            Self::RequisiteUserData { missing } => {
                return write!(
                    f,
                    "the person lacks what the profile needs: {}",
                    missing.join(", ")
                );
            }
            Self::OpenDocuments { open } => {
                return write!(
                    f,
                    "the person has documents that are not ended: cancel or reject them first ({open} of them)"
                );
            }
            Self::IllegalMove { made, state } => {
                return write!(f, "a document that is {state} has no move {made}");
            }
            Self::NotReplaceable { state } => {
                return write!(f, "a document that is {state} is not replaced");
            }
            Self::BatchElsewhere { stage } => {
                return write!(f, "a batch that is {stage} cannot be seen to so");
            }
            Self::BatchTooLarge { most } => return write!(f, "a batch has at most {most} rows"),
            Self::BatchCount { total } => {
                return write!(f, "the batch has {total} rows, and another number was confirmed");
            }
            Self::ReasonUnknown { made } if made.reasons().is_empty() => {
                return write!(
                    f,
                    "{made} explains itself and takes no reason; notes may be given"
                );
            }
            Self::ReasonMissing { made } | Self::ReasonUnknown { made } => {
                return write!(f, "{made} needs a reason: one of {}", made.reasons().join(", "));
            }
            Self::SessionsFull { retry_after } => {
                return write!(f, "too many collect at once; try again in {retry_after} s");
            }
            Self::Replayed { what } => return write!(f, "the {what} was presented before"),
            Self::TooManyKeys { most } => {
                return write!(
                    f,
                    "there are more keys than copies of this document: at most {most}"
                );
            }
            Self::CopiesExhausted { retry_after } => {
                return write!(
                    f,
                    "so many copies of this document were given out within an hour that there are no more for now; try \
                     again in {retry_after} s"
                );
            }
            Self::ScopeMissing { scope } => return write!(f, "the token is not for {scope}"),
            Self::ClientUnknown => {
                "there is no machine of that name, it has another secret, or it is switched off"
            }
            Self::TokenUnknown => "the token is over, or was never given",
            Self::OtherOperator => {
                "what acts in somebody else's name, or signs in as somebody else, is made by whoever has the files of the \
                 service"
            }
            Self::OperatorRefused => "name, password or code is not right, or was tried too often",
            Self::OperatorSession => "nobody is signed in, or not any more",
            Self::OperatorCeremony => "the sign-in took too long, or was finished already",
            Self::OperatorInvitation => "the invitation is over, was taken, or was never made",
            Self::SignInsFull => "too many sign in at this moment",
            Self::OtherSite => "a page of another site sent this",
            Self::ChangedMeanwhile => "somebody else changed it meanwhile: read it again",
            Self::ProfileDisabled => "the profile is switched off",
            Self::ReceiveRole => "the person has none of the roles that receive documents of this profile",
            Self::RequestRole => "the operator has none of the roles that request documents of this profile",
            Self::ValidateRole => "the operator has none of the roles that approve documents of this profile",
            Self::CollectRole => "the person has none of the roles that collect documents of this profile",
            Self::IssueOverExisting => "the person has a document of this profile already",
            Self::EnforcePhotoAtIssuance => "the person has no photograph",
            Self::RequireUserDataApproved => "the person's data were not approved",
            Self::KnownDevices => "the device is not registered",
            Self::MyDevices => "the device is not registered for this person",
            Self::MdmRestriction => {
                "the profile asks what device management says of the device, and none is connected"
            }
            Self::KeyAttestation => {
                "the wallet's keys come without the attestation that the profile asks for"
            }
            Self::NoEmail => "the person has no address of electronic mail",
            Self::NoMobilePhone => "the person has no mobile phone",
            Self::NotOnScreen => "documents that are approved first are not handed out on a screen",
            Self::NotificationsNotSetUp => "nothing that sends notifications is set up",
            Self::NotSentAgain => {
                "the message went out, is on its way, or tells what is good no more; a new offer is sent by a new message"
            }
            Self::OwnRequest => "who requested a document, or hands it out anew, does not approve it",
            Self::OwnDocument => "who is to receive a document does not approve it",
            Self::DataChanged => {
                "the person's data were changed after the document was approved: another operator approves it again"
            }
            Self::OwnCancellation => "who requested a cancellation does not approve it",
            Self::ValidateCancellation => {
                "a cancellation of this profile is requested, and approved by another operator"
            }
            Self::BatchEmpty => "nothing is selected",
            Self::BatchOnScreen => {
                "a document of this profile is handed out on the screen if nothing else is said: deliver it notified or held"
            }
            Self::OfferUnknown => "there is no such offer",
            Self::OfferUsed => "the offer was taken already",
            Self::OfferExpired => "the offer expired",
            Self::OfferOfOther => "the offer is for another document than the wallet asks for",
            Self::SignInUnknown => "the wallet's request for a sign-in is over, or was never made",
            Self::PageStale => "the page was sent before, or is not the newest one",
            Self::CodeMissing => "the authentication code is missing",
            Self::CodeUnexpected => "there is an authentication code where none is expected",
            Self::CodeWrong => "the authentication code is wrong",
            Self::CodeExhausted => "a wrong authentication code was given too often",
            Self::SessionsRefused => "nothing is collected at present",
            Self::SessionUnknown => "the session is over, or was never begun",
            Self::SessionOfOtherKey => "the session belongs to another key",
            Self::NotIssuable => "the document cannot be made of the person's data",
        };
        f.write_str(words)
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
        let (codes, _) = codes.split_once("impl fmt::Display").unwrap();
        let codes: Vec<&str> = codes.split('"').skip(1).step_by(2).collect();
        assert!(codes.len() > 40, "{codes:?}");
        for (at, code) in codes.iter().enumerate() {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
            assert!(code.bytes().all(plain), "{code}");
            assert!(!codes[..at].contains(code), "{code} is there twice");
        }
    }
}
