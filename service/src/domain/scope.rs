//! What the token of a machine is for (RFC 6749, 3.3). A scope never grants more than the roles of the operator in whose name
//! the machine acts; what no role is about (how documents stand, which profiles there are) it grants by itself.

use core::fmt;

/// A part of the interface for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApiScope {
    /// See people and groups.
    PeopleRead,
    /// Add and change people and groups, and register their devices.
    PeopleWrite,
    /// See everything that is kept of somebody, and erase it.
    PeopleKept,
    /// See documents and what happened to them.
    DocumentsRead,
    /// Request documents, approve and reject, disable, enable, cancel.
    DocumentsWrite,
    /// Ask for the status of documents.
    Status,
    /// See credential profiles.
    ProfilesRead,
    /// Change credential profiles.
    ProfilesWrite,
    /// See and change roles, and who has them.
    Roles,
    /// See the audit trail.
    Audit,
}

impl ApiScope {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::PeopleRead,
        Self::PeopleWrite,
        Self::PeopleKept,
        Self::DocumentsRead,
        Self::DocumentsWrite,
        Self::Status,
        Self::ProfilesRead,
        Self::ProfilesWrite,
        Self::Roles,
        Self::Audit,
    ];

    /// Its name, in tokens, the interface and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PeopleRead => "people.read",
            Self::PeopleWrite => "people.write",
            Self::PeopleKept => "people.kept",
            Self::DocumentsRead => "documents.read",
            Self::DocumentsWrite => "documents.write",
            Self::Status => "status",
            Self::ProfilesRead => "profiles.read",
            Self::ProfilesWrite => "profiles.write",
            Self::Roles => "roles",
            Self::Audit => "audit",
        }
    }

    /// What it is for, in words.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::PeopleRead => "See people and groups",
            Self::PeopleWrite => "Add and change people and groups, and register their devices",
            Self::PeopleKept => "See everything that is kept of somebody, and erase it",
            Self::DocumentsRead => "See documents and what happened to them",
            Self::DocumentsWrite => "Request documents, approve and reject, disable, enable, cancel",
            Self::Status => "Ask for the status of documents",
            Self::ProfilesRead => "See credential profiles",
            Self::ProfilesWrite => "Change credential profiles",
            Self::Roles => "See and change roles, and who has them",
            Self::Audit => "See the audit trail",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// Those of a list with spaces between, each once; none if one of them is none.
    #[must_use]
    pub fn list(text: &str) -> Option<Vec<Self>> {
        let mut scopes: Vec<Self> = text
            .split_ascii_whitespace()
            .map(Self::named)
            .collect::<Option<_>>()?;
        scopes.sort_unstable();
        scopes.dedup();
        Some(scopes)
    }

    /// The names of several, with spaces between.
    #[must_use]
    pub fn names(scopes: &[Self]) -> String {
        let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
        names.join(" ")
    }
}

impl fmt::Display for ApiScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_and_lists_are_in_order() {
        for scope in ApiScope::ALL {
            assert_eq!(ApiScope::named(scope.name()), Some(scope));
        }
        let found = ApiScope::list(" status  people.read status").unwrap();
        assert_eq!(ApiScope::names(&found), "people.read status");
        assert_eq!(ApiScope::list("status everything"), None);
        assert_eq!(ApiScope::list(""), Some(Vec::new()));
    }
}
