//! What is done to many documents, or for many people, at once (E16).

use core::fmt;

use super::life::Move;
use super::role::Workflow;

/// What is done to each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Documents are made anew.
    Update,
    /// They are made anew for another lifetime.
    Renew,
    /// They are switched off.
    Disable,
    /// They are switched on again.
    Enable,
    /// They are cancelled for good.
    Cancel,
    /// Their cancellation is asked for.
    RequestCancel,
    /// A document is requested for each of many people.
    Request,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Update,
        Self::Renew,
        Self::Disable,
        Self::Enable,
        Self::Cancel,
        Self::RequestCancel,
        Self::Request,
    ];

    /// Its name, in the interface and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Renew => "renew",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Cancel => "cancel",
            Self::RequestCancel => "request-cancel",
            Self::Request => "request",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// What has to be granted for it.
    #[must_use]
    pub const fn workflow(self) -> Workflow {
        match self {
            Self::Update | Self::Renew => Workflow::RequestUpdate,
            Self::Disable | Self::Enable => Workflow::EnableDisable,
            Self::Cancel | Self::RequestCancel => Workflow::CancelCredential,
            Self::Request => Workflow::RequestId,
        }
    }

    /// The move that it makes of a document that is there, whose reasons it takes.
    #[must_use]
    pub const fn made(self) -> Option<Move> {
        Some(match self {
            Self::Update | Self::Renew => Move::Update,
            Self::Disable => Move::Disable,
            Self::Enable => Move::Enable,
            Self::Cancel => Move::Cancel,
            Self::RequestCancel => Move::RequestCancel,
            Self::Request => return None,
        })
    }
}

/// Where a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Its rows are written down.
    Selecting,
    /// It waits for somebody who confirms how many there are.
    Waiting,
    /// It is done, row by row.
    Running,
    /// Every row was done, or could not be.
    Done,
    /// Somebody stopped it: what was pending stays so.
    Stopped,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Selecting,
        Self::Waiting,
        Self::Running,
        Self::Done,
        Self::Stopped,
    ];

    /// Its name, in the interface and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Selecting => "selecting",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Stopped => "stopped",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }
}

/// Where a row of a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowState {
    /// Nobody has it yet.
    Pending,
    /// A node has it, and nothing of it is done.
    InProgress,
    /// It is done.
    Completed,
    /// It was refused; nothing of it is done.
    Failed,
}

impl RowState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::InProgress, Self::Completed, Self::Failed];

    /// Its name, in the interface and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

macro_rules! display {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    )*};
}

display!(Operation, Stage, RowState);
