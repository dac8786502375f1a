//! Who owns what and who was granted what, and the questions about it. No files, no clocks: a value.

use std::collections::{BTreeMap, BTreeSet};

use super::principal::Principal;
use super::securable::{Privilege, Securable, SecurableKind, grant_statement};

/// Principals, owners and grants at one moment. Principals are meant by their client ids.
#[derive(Clone)]
pub(super) struct State {
    /// The client made at first start: owns whatever nobody else owns, and may do everything.
    pub(super) administrator: String,
    /// All others, by client id.
    pub(super) principals: BTreeMap<String, Principal>,
    pub(super) objects: BTreeMap<Securable, Object>,
    /// Members by the group's name.
    pub(super) groups: BTreeMap<String, BTreeSet<String>>,
}

/// What is recorded of one catalog, schema, table or volume.
#[derive(Clone, Default)]
pub(super) struct Object {
    /// `None`: the administrator.
    pub(super) owner: Option<String>,
    pub(super) grants: BTreeMap<String, BTreeSet<Privilege>>,
}

/// A privilege that somebody lacks, and on what.
pub(super) type Missing = Vec<(Securable, Vec<Privilege>)>;

/// Privileges of one principal that have a bearing on an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Its client id.
    pub principal: String,
    /// Each with what it was granted on: the object, or what holds it.
    pub privileges: Vec<(Privilege, Securable)>,
}

impl State {
    pub(super) fn new(administrator: &str) -> Self {
        let administrator = administrator.to_owned();
        Self { administrator, principals: BTreeMap::new(), objects: BTreeMap::new(), groups: BTreeMap::new() }
    }

    pub(super) fn knows(&self, principal: &str) -> bool {
        principal == self.administrator || self.principals.contains_key(principal)
    }

    pub(super) fn owner(&self, on: &Securable) -> &str {
        self.objects.get(on).and_then(|object| object.owner.as_deref()).unwrap_or(&self.administrator)
    }

    /// Whether the object, or what holds it, belongs to the principal.
    pub(super) fn owns(&self, principal: &str, on: &Securable) -> bool {
        principal == self.administrator || on.lineage().iter().any(|object| self.owner(object) == principal)
    }

    /// Whether it was granted that privilege by name and on that very object.
    pub(super) fn was_granted(&self, principal: &str, privilege: Privilege, on: &Securable) -> bool {
        self.granted(principal, on).is_some_and(|granted| granted.contains(&privilege))
    }

    /// Whether it has the privilege: as owner of the object, or granted there or on what holds it, by name or as ALL
    /// PRIVILEGES. Owners of a schema own no rows in it; they can grant themselves what they need.
    pub(super) fn has(&self, principal: &str, privilege: Privilege, on: &Securable) -> bool {
        principal == self.administrator
            || self.owner(on) == principal
            || on.lineage().iter().any(|object| {
                self.was_granted(principal, privilege, object)
                    || self.was_granted(principal, Privilege::AllPrivileges, object)
            })
    }

    /// What the principal lacks to use `privileges` on `on`: USE CATALOG and USE SCHEMA on the way there included.
    pub(super) fn missing(&self, principal: &str, privileges: &[Privilege], on: &Securable) -> Missing {
        self.missing_by(principal, privileges, on, |privilege| self.has(principal, privilege, on))
    }

    /// The same for Zerobus, where only what was granted by name on the table itself counts.
    pub(super) fn missing_for_zerobus(&self, principal: &str, table: &Securable) -> Missing {
        self.missing_by(principal, &[Privilege::Select, Privilege::Modify], table, |privilege| {
            self.was_granted(principal, privilege, table)
        })
    }

    fn missing_by(
        &self,
        principal: &str,
        privileges: &[Privilege],
        on: &Securable,
        has: impl Fn(Privilege) -> bool,
    ) -> Missing {
        let mut missing: Missing = Vec::new();
        // The catalog first.
        for object in on.lineage().into_iter().rev() {
            let mut needed = match object.kind() {
                SecurableKind::Catalog => vec![Privilege::UseCatalog],
                SecurableKind::Schema => vec![Privilege::UseSchema],
                SecurableKind::Table | SecurableKind::Volume => Vec::new(),
            };
            needed.retain(|privilege| !self.has(principal, *privilege, &object));
            if object == *on {
                let further = privileges.iter().filter(|privilege| !needed.contains(privilege) && !has(**privilege));
                needed.extend(further.copied().collect::<Vec<_>>());
            }
            if !needed.is_empty() {
                missing.push((object, needed));
            }
        }
        missing
    }

    /// What was granted on the object, and with `inherited` on what holds it; of one principal or of all.
    pub(super) fn assignments(&self, on: &Securable, of: Option<&str>, inherited: bool) -> Vec<Assignment> {
        let lineage = on.lineage();
        let objects = if inherited { &lineage[..] } else { &lineage[..1] };
        let mut assignments: BTreeMap<&str, Vec<(Privilege, Securable)>> = BTreeMap::new();
        for object in objects {
            let Some(recorded) = self.objects.get(object) else { continue };
            let wanted = recorded.grants.iter().filter(|(principal, _)| of.is_none_or(|of| of == *principal));
            for (principal, privileges) in wanted {
                let here = privileges.iter().map(|privilege| (*privilege, object.clone()));
                assignments.entry(principal).or_default().extend(here);
            }
        }
        let assignments = assignments.into_iter();
        assignments.map(|(principal, privileges)| Assignment { principal: principal.to_owned(), privileges }).collect()
    }

    /// Records a new object: its owner, and for it by name what it takes to write there through Zerobus. Whatever was
    /// recorded of an earlier object of that name is forgotten.
    pub(super) fn created(&mut self, on: &Securable, owner: &str) {
        let privileges: &[Privilege] = match on.kind() {
            SecurableKind::Catalog => &[Privilege::UseCatalog],
            SecurableKind::Schema => &[Privilege::UseSchema],
            SecurableKind::Table => &[Privilege::Select, Privilege::Modify],
            SecurableKind::Volume => &[Privilege::ReadVolume, Privilege::WriteVolume],
        };
        let grants = BTreeMap::from([(owner.to_owned(), privileges.iter().copied().collect())]);
        let owner = (owner != self.administrator).then(|| owner.to_owned());
        self.objects.insert(on.clone(), Object { owner, grants });
    }

    /// Forgets an object and what was in it.
    pub(super) fn dropped(&mut self, on: &Securable) {
        self.objects.retain(|object, _| !object.lineage().contains(on));
    }

    /// Forgets a principal with its grants; what it owned falls to the administrator.
    pub(super) fn drop_principal(&mut self, principal: &str) {
        self.principals.remove(principal);
        for members in self.groups.values_mut() {
            members.remove(principal);
        }
        for object in self.objects.values_mut() {
            object.grants.remove(principal);
            object.owner.take_if(|owner| owner == principal);
        }
    }

    /// Adds and takes away privileges of a principal on an object.
    pub(super) fn change(&mut self, on: &Securable, principal: &str, add: &[Privilege], remove: &[Privilege]) {
        let object = self.objects.entry(on.clone()).or_default();
        let granted = object.grants.entry(principal.to_owned()).or_default();
        granted.extend(add);
        granted.retain(|privilege| !remove.contains(privilege));
        if granted.is_empty() {
            object.grants.remove(principal);
        }
    }

    fn granted(&self, principal: &str, on: &Securable) -> Option<&BTreeSet<Privilege>> {
        self.objects.get(on)?.grants.get(principal)
    }
}

/// What is missing and the statements that would give it, as one text.
pub(super) fn describe(missing: &Missing, principal: &str) -> String {
    let lacks: Vec<String> = missing
        .iter()
        .map(|(on, privileges)| {
            let privileges: Vec<&str> = privileges.iter().map(|privilege| privilege.sql()).collect();
            format!("{} on {}", privileges.join(" and "), on.described())
        })
        .collect();
    let statements: Vec<String> =
        missing.iter().map(|(on, privileges)| grant_statement(privileges, on, principal)).collect();
    format!(
        "User does not have {}. The owner or the administrator can grant it: {}",
        lacks.join(", "),
        statements.join(" ")
    )
}
