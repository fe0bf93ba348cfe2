//! Who may do what to whom: roles grant workflows over the people in their scope (E2).

use core::fmt;

/// Something that a role may grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Workflow {
    /// Request a document for somebody.
    RequestId,
    /// Request a document for oneself.
    RequestMyId,
    /// Approve or reject requests of others.
    ValidateRequest,
    /// Switch documents off and on.
    EnableDisable,
    /// Cancel documents.
    CancelCredential,
    /// Approve or reject cancellations that others requested.
    ValidateCancellation,
    /// Have documents made anew.
    RequestUpdate,
    /// Have lost documents replaced.
    RequestReplacement,
    /// Collect one's own updates.
    CollectMyUpdates,
    /// Hand out a document in person: the codes are shown on the screen.
    IssueDevice,
    /// See reports, and people and documents.
    ViewReports,
    /// See the audit trail.
    ViewAudit,
    /// Change credential profiles.
    EditProfiles,
    /// Change people.
    EditPeople,
    /// Change roles, and who has them.
    EditRoles,
}

impl Workflow {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::RequestId,
        Self::RequestMyId,
        Self::ValidateRequest,
        Self::EnableDisable,
        Self::CancelCredential,
        Self::ValidateCancellation,
        Self::RequestUpdate,
        Self::RequestReplacement,
        Self::CollectMyUpdates,
        Self::IssueDevice,
        Self::ViewReports,
        Self::ViewAudit,
        Self::EditProfiles,
        Self::EditPeople,
        Self::EditRoles,
    ];

    /// Its name, in the interface and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestId => "RequestId",
            Self::RequestMyId => "RequestMyId",
            Self::ValidateRequest => "ValidateRequest",
            Self::EnableDisable => "EnableDisable",
            Self::CancelCredential => "CancelCredential",
            Self::ValidateCancellation => "ValidateCancellation",
            Self::RequestUpdate => "RequestUpdate",
            Self::RequestReplacement => "RequestReplacement",
            Self::CollectMyUpdates => "CollectMyUpdates",
            Self::IssueDevice => "IssueDevice",
            Self::ViewReports => "ViewReports",
            Self::ViewAudit => "ViewAudit",
            Self::EditProfiles => "EditProfiles",
            Self::EditPeople => "EditPeople",
            Self::EditRoles => "EditRoles",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|workflow| workflow.name() == name)
    }
}

impl fmt::Display for Workflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Over whom a role grants its workflows, the narrowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Oneself.
    Itself,
    /// The people of one's own group.
    Group,
    /// Those, and the people of all groups below it.
    GroupAndBelow,
    /// Everybody.
    All,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Itself, Self::Group, Self::GroupAndBelow, Self::All];

    /// Its name, in the interface and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Itself => "self",
            Self::Group => "group",
            Self::GroupAndBelow => "group-and-below",
            Self::All => "all",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a role is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name, which is what profiles refer to.
    pub name: String,
    /// Over whom it grants.
    pub scope: Scope,
    /// What it grants.
    pub workflows: Vec<Workflow>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        assert!(
            Workflow::ALL
                .into_iter()
                .all(|one| Workflow::named(one.name()) == Some(one))
        );
        assert!(
            Scope::ALL
                .into_iter()
                .all(|one| Scope::named(one.name()) == Some(one))
        );
        assert_eq!(Workflow::named("requestid"), None);
    }
}
