//! What each rule says that said no: for people, and different from release to release, unlike its code.

use core::fmt;

use super::Refusal;

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
