//! Who acts, and what that person may do (E2). Who is out of scope is as invisible as who is not there.

use crate::domain::Refusal;
use crate::domain::id::{ClientId, GroupId, PersonId};
use crate::domain::role::{Role, Scope, Workflow};
use crate::store::{StoreError, Tx};

use super::Failure;

/// Who does something, and from where.
#[derive(Debug, Clone)]
pub struct Actor {
    kind: Kind,
    from: String,
}

#[derive(Debug, Clone)]
enum Kind {
    /// A person of the registry, perhaps through a machine.
    Operator {
        person: PersonId,
        client: Option<ClientId>,
    },
    /// The service itself, or whoever has its files: set-up and schedules.
    System,
    /// Whoever is no operator, or not yet: a holder's wallet or browser, somebody who signs in.
    Outsider,
}

impl Actor {
    /// An operator; two sessions or machines of one person are the same operator.
    #[must_use]
    pub const fn operator(person: PersonId, client: Option<ClientId>, from: String) -> Self {
        Self {
            kind: Kind::Operator { person, client },
            from,
        }
    }

    /// The service itself.
    #[must_use]
    pub fn system(from: &str) -> Self {
        Self {
            kind: Kind::System,
            from: from.to_owned(),
        }
    }

    /// Somebody who is known by an address alone: a wallet, a browser, a machine before it has a token.
    #[must_use]
    pub const fn outsider(from: String) -> Self {
        Self {
            kind: Kind::Outsider,
            from,
        }
    }

    /// The person, if it is one.
    #[must_use]
    pub const fn person(&self) -> Option<&PersonId> {
        match &self.kind {
            Kind::Operator { person, .. } => Some(person),
            Kind::System | Kind::Outsider => None,
        }
    }

    /// The machine, if it is one.
    #[must_use]
    pub const fn client(&self) -> Option<&ClientId> {
        match &self.kind {
            Kind::Operator { client, .. } => client.as_ref(),
            Kind::System | Kind::Outsider => None,
        }
    }

    /// The address, or the place.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.from
    }

    const fn is_system(&self) -> bool {
        matches!(self.kind, Kind::System)
    }
}

/// The roles of a person.
///
/// # Errors
/// [`StoreError`].
pub fn roles_of(tx: &mut Tx<'_>, person: &PersonId) -> Result<Vec<Role>, StoreError> {
    tx.rows(
        "SELECT r.name, r.scope, r.workflows FROM role r JOIN person_role p ON p.role = r.name \
         WHERE p.person = $1 ORDER BY r.name",
        &[person.into()],
        |row| {
            role(
                &row.get::<String>(0)?,
                &row.get::<String>(1)?,
                &row.get::<String>(2)?,
            )
        },
    )
}

pub(super) fn role(name: &str, scope: &str, workflows: &str) -> Result<Role, StoreError> {
    let unexpected = |what: &str| StoreError::Unexpected(format!("the role {name} has the {what}"));
    Ok(Role {
        name: name.to_owned(),
        scope: Scope::named(scope).ok_or_else(|| unexpected("scope"))?,
        workflows: workflows
            .split_ascii_whitespace()
            .map(|name| Workflow::named(name).ok_or_else(|| unexpected("workflow")))
            .collect::<Result<_, _>>()?,
    })
}

/// Whether the actor may do that at all, to anybody.
///
/// # Errors
/// [`Refusal::NotGranted`] if no role grants it.
pub fn permit(tx: &mut Tx<'_>, actor: &Actor, workflow: Workflow) -> Result<(), Failure> {
    scope(tx, actor, workflow).map(drop)
}

/// Whether the actor may do that to a person.
///
/// # Errors
/// [`Refusal::NotGranted`] if no role grants it to anybody, [`Refusal::Unknown`] if the person is out of scope.
pub fn permit_for(
    tx: &mut Tx<'_>,
    actor: &Actor,
    workflow: Workflow,
    person: &PersonId,
) -> Result<(), Failure> {
    let scope = scope(tx, actor, workflow)?;
    let covered = match (scope, actor.person()) {
        (Scope::All, _) => is_there(tx, person)?,
        (_, None) => false,
        (_, Some(operator)) if operator == person => true,
        (Scope::Itself, _) => false,
        (Scope::Group, Some(operator)) => {
            let own = group_of(tx, operator)?;
            own.is_some() && own == group_of(tx, person)?
        }
        (Scope::GroupAndBelow, Some(operator)) => match group_of(tx, operator)? {
            Some(own) => is_in(tx, person, &own)?,
            None => false,
        },
    };
    if covered {
        Ok(())
    } else {
        Err(Refusal::Unknown { what: "person" }.into())
    }
}

/// Whether the actor may do that to somebody who is not there yet, and would be in that group: judged before anything is
/// written, since who adds many goes on after a refusal.
///
/// # Errors
/// [`Refusal::NotGranted`] if no role grants it to anybody, [`Refusal::Unknown`] if the group is out of scope,
/// [`Refusal::Field`] if there is none and the scope is not everybody.
pub fn permit_into(
    tx: &mut Tx<'_>,
    actor: &Actor,
    workflow: Workflow,
    group: Option<&GroupId>,
) -> Result<(), Failure> {
    let scope = scope(tx, actor, workflow)?;
    if scope == Scope::All {
        return Ok(());
    }
    let own = match actor.person() {
        Some(operator) => group_of(tx, operator)?,
        None => None,
    };
    let covered = match (scope, group, own) {
        (Scope::Group, Some(group), Some(own)) => *group == own,
        (Scope::GroupAndBelow, Some(group), Some(own)) => is_below(tx, group, &own)?,
        // Nobody who is added is the operator.
        _ => false,
    };
    match group {
        _ if covered => Ok(()),
        Some(_) => Err(Refusal::Unknown { what: "group" }.into()),
        None => {
            let rule = "whoever sees to some people alone adds them to a group of theirs";
            Err(Refusal::field("group", rule).into())
        }
    }
}

/// The widest scope in which the actor may do that.
///
/// # Errors
/// [`Refusal::NotGranted`] if no role grants it.
pub fn scope(tx: &mut Tx<'_>, actor: &Actor, workflow: Workflow) -> Result<Scope, Failure> {
    if actor.is_system() {
        return Ok(Scope::All);
    }
    let not_granted = Refusal::NotGranted { workflow };
    let Some(person) = actor.person() else {
        return Err(not_granted.into());
    };
    roles_of(tx, person)?
        .into_iter()
        .filter(|role| role.workflows.contains(&workflow))
        .map(|role| role.scope)
        .max()
        .ok_or_else(|| not_granted.into())
}

/// The groups that a scope reaches, for a query: `$4` is the operator, `$5` the [`width`] of the scope.
pub(super) const BELOW: &str = "WITH RECURSIVE below (id) AS ( \
       SELECT group_id FROM person WHERE id = $4 AND $5 >= 1 \
       UNION SELECT g.id FROM person_group g JOIN below ON g.parent = below.id WHERE $5 >= 2 \
     )";

/// Whether the person `p` is in that scope.
pub(super) const IS_COVERED: &str = "($5 = 3 OR p.id = $4 OR p.group_id IN (SELECT id FROM below))";

/// A scope as queries have it.
pub(super) const fn width(scope: Scope) -> i64 {
    match scope {
        Scope::Itself => 0,
        Scope::Group => 1,
        Scope::GroupAndBelow => 2,
        Scope::All => 3,
    }
}

/// Whether the actor may do that to everybody.
///
/// # Errors
/// [`Failure::Store`].
pub(super) fn over_all(tx: &mut Tx<'_>, actor: &Actor, workflow: Workflow) -> Result<bool, Failure> {
    match scope(tx, actor, workflow) {
        Ok(scope) => Ok(scope == Scope::All),
        Err(Failure::Refused(_)) => Ok(false),
        Err(other) => Err(other),
    }
}

/// Whether a person has one of the roles; any person if none is named.
///
/// # Errors
/// [`StoreError`].
pub fn has_one_of(tx: &mut Tx<'_>, person: Option<&PersonId>, roles: &[String]) -> Result<bool, StoreError> {
    if roles.is_empty() {
        return Ok(true);
    }
    let Some(person) = person else { return Ok(false) };
    Ok(roles_of(tx, person)?
        .iter()
        .any(|role| roles.contains(&role.name)))
}

fn is_there(tx: &mut Tx<'_>, person: &PersonId) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.value("SELECT 1 FROM person WHERE id = $1", &[person.into()])?;
    Ok(found.is_some())
}

fn group_of(tx: &mut Tx<'_>, person: &PersonId) -> Result<Option<GroupId>, StoreError> {
    let group: Option<Option<GroupId>> =
        tx.value("SELECT group_id FROM person WHERE id = $1", &[person.into()])?;
    Ok(group.flatten())
}

/// Whether a person is in a group or one below it.
fn is_in(tx: &mut Tx<'_>, person: &PersonId, group: &GroupId) -> Result<bool, StoreError> {
    match group_of(tx, person)? {
        Some(own) => is_below(tx, &own, group),
        None => Ok(false),
    }
}

/// Whether a group is another one, or below it.
fn is_below(tx: &mut Tx<'_>, group: &GroupId, top: &GroupId) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.value(
        "WITH RECURSIVE above (id) AS ( \
           SELECT id FROM person_group WHERE id = $1 \
           UNION SELECT g.parent FROM person_group g JOIN above ON g.id = above.id \
         ) SELECT CAST(COUNT(*) AS BIGINT) FROM above WHERE id = $2",
        &[group.into(), top.into()],
    )?;
    Ok(found.is_some_and(|count| count > 0))
}
