//! The life of a document: its states, and the moves between them. There is no other way from one state to another.

use core::fmt;

/// Where a document is in its life (E13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Somebody asked for it.
    Requested,
    /// Another operator is to approve it.
    AwaitingValidation,
    /// It waits for the person's wallet.
    Collectable,
    /// A wallet is collecting it.
    Issuing,
    /// The wallet has it.
    Active,
    /// It was switched off, and may be switched on again.
    Disabled,
    /// The wallet has it, and is to fetch it anew.
    Updating,
    /// Another operator is to approve its cancellation.
    CancelRequested,
    /// It was cancelled, for good.
    Cancelled,
    /// Its time ran out, or nobody collected it.
    Expired,
    /// It could not be issued.
    Failed,
    /// It was not approved.
    Rejected,
}

/// What can happen to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Move {
    /// It was requested, and needs approval.
    Submit,
    /// It was requested, and needs no approval.
    Release,
    /// Another operator approved it.
    Approve,
    /// Another operator rejected it.
    Reject,
    /// A wallet began to collect it.
    Begin,
    /// It was signed and given to the wallet.
    Issue,
    /// The wallet did not finish in time.
    Abandon,
    /// It cannot be issued.
    Fail,
    /// It is switched off.
    Disable,
    /// It is switched on again.
    Enable,
    /// The wallet is to fetch it anew.
    Update,
    /// Its cancellation was requested, and needs approval.
    RequestCancel,
    /// The cancellation was approved.
    ApproveCancel,
    /// The cancellation was rejected.
    RejectCancel,
    /// It is cancelled at once.
    Cancel,
    /// Its time ran out.
    Expire,
}

impl State {
    /// All states, in the order of a life.
    pub const ALL: [Self; 12] = [
        Self::Requested,
        Self::AwaitingValidation,
        Self::Collectable,
        Self::Issuing,
        Self::Active,
        Self::Disabled,
        Self::Updating,
        Self::CancelRequested,
        Self::Cancelled,
        Self::Expired,
        Self::Failed,
        Self::Rejected,
    ];

    /// Its name, in the interface and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::AwaitingValidation => "awaiting-validation",
            Self::Collectable => "collectable",
            Self::Issuing => "issuing",
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Updating => "updating",
            Self::CancelRequested => "cancel-requested",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The state after a move, or none if the move is not legal. `before` is the state in which a cancellation was
    /// requested, or in which the document was switched off: its rejection, and switching on, lead back to it.
    #[must_use]
    pub const fn after(self, made: Move, before: Option<Self>) -> Option<Self> {
        Some(match (self, made) {
            (Self::Requested, Move::Submit) => Self::AwaitingValidation,
            // What was approved is approved again if the data were changed since.
            (Self::Requested, Move::Release)
            | (Self::AwaitingValidation | Self::Collectable, Move::Approve) => Self::Collectable,
            (Self::Issuing, Move::Approve) => Self::Issuing,
            (Self::Updating, Move::Approve) => Self::Updating,
            (Self::AwaitingValidation, Move::Reject) => Self::Rejected,
            (Self::Collectable, Move::Begin) => Self::Issuing,
            (Self::Issuing, Move::Abandon) => Self::Collectable,
            (Self::Issuing, Move::Fail) => Self::Failed,
            (Self::Issuing | Self::Updating, Move::Issue) | (Self::Active, Move::Approve) => Self::Active,
            // What was to be fetched anew still is.
            (Self::Disabled, Move::Enable) => match before {
                Some(Self::Updating) => Self::Updating,
                _ => Self::Active,
            },
            (Self::Active, Move::Update) => Self::Updating,
            (Self::Active | Self::Updating, Move::Disable) => Self::Disabled,
            (Self::Active | Self::Disabled | Self::Updating, Move::RequestCancel) => Self::CancelRequested,
            (Self::CancelRequested, Move::ApproveCancel) => Self::Cancelled,
            (Self::CancelRequested, Move::RejectCancel) => return before,
            (
                Self::Requested
                | Self::AwaitingValidation
                | Self::Collectable
                | Self::Issuing
                | Self::Active
                | Self::Disabled
                | Self::Updating,
                Move::Cancel,
            ) => Self::Cancelled,
            (
                Self::AwaitingValidation
                | Self::Collectable
                | Self::Issuing
                | Self::Active
                | Self::Disabled
                | Self::Updating
                | Self::CancelRequested,
                Move::Expire,
            ) => Self::Expired,
            _ => return None,
        })
    }

    /// Whether it is on its way to the wallet, or there: what a person can have one of.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !matches!(
            self,
            Self::Cancelled | Self::Expired | Self::Failed | Self::Rejected
        )
    }

    /// Whether a wallet was given it, and it was not ended since.
    #[must_use]
    pub const fn is_issued(self) -> bool {
        matches!(
            self,
            Self::Active | Self::Disabled | Self::Updating | Self::CancelRequested
        )
    }
}

impl Move {
    /// All moves.
    pub const ALL: [Self; 16] = [
        Self::Submit,
        Self::Release,
        Self::Approve,
        Self::Reject,
        Self::Begin,
        Self::Issue,
        Self::Abandon,
        Self::Fail,
        Self::Disable,
        Self::Enable,
        Self::Update,
        Self::RequestCancel,
        Self::ApproveCancel,
        Self::RejectCancel,
        Self::Cancel,
        Self::Expire,
    ];

    /// Its name, in the interface, the database and the audit trail.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Release => "release",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Begin => "begin",
            Self::Issue => "issue",
            Self::Abandon => "abandon",
            Self::Fail => "fail",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Update => "update",
            Self::RequestCancel => "request-cancel",
            Self::ApproveCancel => "approve-cancel",
            Self::RejectCancel => "reject-cancel",
            Self::Cancel => "cancel",
            Self::Expire => "expire",
        }
    }

    /// The reasons of which one is to be given; none if the move explains itself.
    #[must_use]
    pub const fn reasons(self) -> &'static [&'static str] {
        match self {
            Self::Disable => &["suspended", "mislaid", "on-leave", "under-investigation", "other"],
            Self::Enable => &["reinstated", "found", "returned", "investigation-closed", "other"],
            Self::Cancel | Self::RequestCancel => &[
                "lost",
                "stolen",
                "damaged",
                "compromised",
                "no-longer-entitled",
                "left",
                "deceased",
                "superseded",
                "issued-in-error",
                "holder-request",
                "other",
            ],
            Self::Reject | Self::RejectCancel => &[
                "not-entitled",
                "wrong-data",
                "duplicate",
                "not-justified",
                "other",
            ],
            _ => &[],
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What anybody who asks is told of a document (E17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may be relied on.
    Valid,
    /// Not now, perhaps later.
    Disabled,
    /// Not any more.
    Cancelled,
    /// Its time ran out.
    Expired,
    /// There is no such document, or it is in nobody's wallet.
    Unknown,
}

impl Standing {
    /// Its name, in the interface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Disabled => "disabled",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }

    /// That of a document in a state; `before` as in [`State::after`], `issued` whether a wallet ever had it.
    #[must_use]
    pub const fn of(state: State, before: Option<State>, issued: bool) -> Self {
        if !issued {
            return Self::Unknown;
        }
        match (state, before) {
            (State::Disabled, _) | (State::CancelRequested, Some(State::Disabled)) => Self::Disabled,
            (State::Active | State::Updating | State::CancelRequested, _) => Self::Valid,
            (State::Cancelled | State::Rejected, _) => Self::Cancelled,
            (State::Expired, _) => Self::Expired,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_lead_back() {
        for state in State::ALL {
            assert_eq!(State::named(state.name()), Some(state));
        }
        for (at, one) in Move::ALL.iter().enumerate() {
            assert!(
                Move::ALL
                    .iter()
                    .skip(at + 1)
                    .all(|other| other.name() != one.name())
            );
        }
    }

    #[test]
    fn the_table_of_the_architecture_is_this_one() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../ARCHITECTURE.md");
        let text = std::fs::read_to_string(file).unwrap();
        for state in State::ALL.into_iter().filter(|state| state.is_open()) {
            let moves: Vec<String> = Move::ALL
                .into_iter()
                .filter_map(|made| {
                    let before = Some(State::Requested);
                    let after = state.after(made, before)?;
                    let back = matches!(made, Move::RejectCancel | Move::Enable);
                    Some(format!(
                        "{made} → {}",
                        if back { "the state before" } else { after.name() }
                    ))
                })
                .collect();
            let prefix = format!("| {state} | ");
            let row = text.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap();
            let mut written: Vec<&str> = row.trim_end_matches(" |").split("; ").collect();
            written.sort_unstable();
            let mut expected: Vec<&str> = moves.iter().map(String::as_str).collect();
            expected.sort_unstable();
            assert_eq!(written, expected, "{state}");
        }
    }

    #[test]
    fn nothing_leads_out_of_an_end() {
        for state in State::ALL.into_iter().filter(|state| !state.is_open()) {
            for made in Move::ALL {
                assert_eq!(state.after(made, Some(State::Active)), None, "{state} {made}");
            }
        }
    }

    #[test]
    fn every_state_can_be_reached_and_left_unless_it_is_an_end() {
        for state in State::ALL.into_iter().filter(|state| *state != State::Requested) {
            let from = State::ALL.into_iter().any(|other| {
                Move::ALL
                    .into_iter()
                    .any(|made| other.after(made, None) == Some(state))
            });
            assert!(from, "{state} cannot be reached");
        }
        for state in State::ALL.into_iter().filter(|state| state.is_open()) {
            assert!(
                Move::ALL
                    .into_iter()
                    .any(|made| state.after(made, None).is_some())
            );
        }
    }

    #[test]
    fn a_rejected_cancellation_leads_back_to_where_it_was() {
        for before in [State::Active, State::Disabled, State::Updating] {
            assert_eq!(
                before.after(Move::RequestCancel, None),
                Some(State::CancelRequested)
            );
            assert_eq!(
                State::CancelRequested.after(Move::RejectCancel, Some(before)),
                Some(before)
            );
        }
    }

    #[test]
    fn what_is_switched_on_is_where_it_was_before_it_was_switched_off() {
        for before in [State::Active, State::Updating] {
            assert_eq!(before.after(Move::Disable, None), Some(State::Disabled));
            assert_eq!(State::Disabled.after(Move::Enable, Some(before)), Some(before));
        }
        // An older program did not note it.
        assert_eq!(State::Disabled.after(Move::Enable, None), Some(State::Active));
    }

    #[test]
    fn an_issued_document_has_a_standing_and_another_one_is_unknown() {
        for state in State::ALL {
            assert_eq!(Standing::of(state, None, false), Standing::Unknown);
            assert_eq!(
                Standing::of(state, None, true) == Standing::Unknown,
                !state.is_issued() && state.is_open() || state == State::Failed,
                "{state}"
            );
        }
        let before = Some(State::Disabled);
        assert_eq!(
            Standing::of(State::CancelRequested, before, true),
            Standing::Disabled
        );
    }
}
