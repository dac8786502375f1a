//! Who may run and who may administer: lists of e-mail addresses and groups, from the configuration.

use super::{Identity, Permission};
use crate::model::EdgeError;

/// Who may run.
const RUNNERS: &str = "DIRECT_WRITE_RUNNERS";
/// Who may administer.
const ADMINISTRATORS: &str = "DIRECT_WRITE_ADMINISTRATORS";

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// An e-mail address, or the platform's id of a user.
    User(String),
    /// A group of the workspace.
    Group(String),
}

/// Who may do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Whoever reaches the app.
    Everybody,
    /// Whoever the platform names.
    SignedIn,
    /// Those on the list; an empty one is nobody.
    Listed(Vec<Party>),
}

/// Who may do what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    runners: Whom,
    administrators: Whom,
}

impl Party {
    /// `ann@example.com` or `group:data engineers`.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let party = match text.split_once(':') {
            Some(("group", name)) => Self::Group(name.trim().to_owned()),
            Some(_) => return None,
            None => Self::User(text.to_owned()),
        };
        let (Self::User(name) | Self::Group(name)) = &party;
        (!name.is_empty()).then_some(party)
    }

    fn includes(&self, identity: &Identity) -> bool {
        match self {
            // Not the preferred name: people may choose it.
            Self::User(user) => [&identity.email, &identity.user].into_iter().any(|one| one.eq_ignore_ascii_case(user)),
            Self::Group(group) => identity.groups.iter().any(|one| one == group),
        }
    }
}

impl Whom {
    /// A list separated by commas.
    ///
    /// # Errors
    /// The entry that is neither a user nor a group.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = text.split(',').filter(|entry| !entry.trim().is_empty());
        entries
            .map(|entry| Party::parse(entry).ok_or_else(|| entry.trim().to_owned()))
            .collect::<Result<_, _>>()
            .map(Self::Listed)
    }

    fn includes(&self, identity: &Identity) -> bool {
        match self {
            Self::Everybody => true,
            Self::SignedIn => identity.is_known(),
            Self::Listed(parties) => parties.iter().any(|party| party.includes(identity)),
        }
    }

    fn names_a_group(&self) -> bool {
        matches!(self, Self::Listed(parties) if parties.iter().any(|party| matches!(party, Party::Group(_))))
    }
}

impl Roles {
    /// What the lists say. Without them everybody may do everything on one's own machine; inside Databricks Apps whoever is signed
    /// in may run, and nobody may administer. Who may administer may also run.
    pub fn new(inside_apps: bool, runners: Option<Whom>, administrators: Option<Whom>) -> Self {
        let (run, administer) = match inside_apps {
            true => (Whom::SignedIn, Whom::Listed(Vec::new())),
            false => (Whom::Everybody, Whom::Everybody),
        };
        Self { runners: runners.unwrap_or(run), administrators: administrators.unwrap_or(administer) }
    }

    /// Nobody may do anything but look.
    pub fn of_nobody() -> Self {
        Self { runners: Whom::Listed(Vec::new()), administrators: Whom::Listed(Vec::new()) }
    }

    /// Whether anybody's groups matter.
    pub fn name_groups(&self) -> bool {
        self.runners.names_a_group() || self.administrators.names_a_group()
    }

    pub(super) fn allow(&self, identity: &Identity, permission: Permission) -> bool {
        match permission {
            Permission::Run => self.runners.includes(identity) || self.administrators.includes(identity),
            Permission::Administer => self.administrators.includes(identity),
        }
    }

    pub(super) fn refusal(&self, identity: &Identity, permission: Permission) -> EdgeError {
        let (what, setting) = match permission {
            Permission::Run => ("start or change anything here", RUNNERS),
            Permission::Administer => ("administer this app", ADMINISTRATORS),
        };
        let message = if identity.is_known() {
            let name = identity.name();
            let name: String = name.chars().filter(|letter| !letter.is_control()).take(200).collect();
            format!(
                "{name} may not {what}. Nothing was changed. Ask whoever deploys this app to add to its environment: \
                 {setting}={name} (users by e-mail and groups as group:<name>, separated by commas)."
            )
        } else {
            format!(
                "Nobody is signed in, so this request may not {what}. Nothing was changed. Sign in, or ask whoever deploys this \
                 app to change {setting}."
            )
        };
        EdgeError::new("ROLE_REQUIRED", message)
    }
}

impl Default for Roles {
    /// As on one's own machine.
    fn default() -> Self {
        Self::new(false, None, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> Identity {
        Identity { email: "Ann@example.com".to_owned(), groups: vec!["engineers".to_owned()], ..Identity::default() }
    }

    fn may(roles: &Roles, identity: &Identity) -> (bool, bool) {
        (roles.allow(identity, Permission::Run), roles.allow(identity, Permission::Administer))
    }

    #[test]
    fn without_lists_a_laptop_is_open_and_an_app_has_no_administrator() {
        let nobody = Identity::default();
        assert_eq!(may(&Roles::new(false, None, None), &nobody), (true, true));
        assert_eq!(may(&Roles::new(true, None, None), &nobody), (false, false));
        assert_eq!(may(&Roles::new(true, None, None), &ann()), (true, false));
    }

    #[test]
    fn lists_name_users_and_groups() {
        let listed = |text| Some(Whom::parse(text).unwrap());
        assert_eq!(may(&Roles::new(true, listed("bob@example.com"), None), &ann()), (false, false));
        assert_eq!(may(&Roles::new(true, listed("bob@example.com, ann@EXAMPLE.com"), None), &ann()), (true, false));
        assert_eq!(may(&Roles::new(true, listed("group:engineers"), None), &ann()), (true, false));
        assert_eq!(may(&Roles::new(true, listed("group:Engineers"), None), &ann()), (false, false));
        let administrators = Roles::new(true, listed("bob@example.com"), listed("group:engineers"));
        assert_eq!(may(&administrators, &ann()), (true, true), "who may administer may run");
        assert_eq!(may(&Roles::new(false, listed("bob@example.com"), None), &Identity::default()), (true, true));
        assert_eq!(Whom::parse("ann@example.com,role:admin"), Err("role:admin".to_owned()));
        assert_eq!(Whom::parse("group: "), Err("group:".to_owned()));
    }

    #[test]
    fn a_chosen_name_is_not_an_address() {
        let pretender = Identity { preferred_name: "ann@example.com".to_owned(), ..Identity::default() };
        let roles = Roles::new(true, Some(Whom::parse("ann@example.com").unwrap()), None);
        assert_eq!(may(&roles, &pretender), (false, false));
    }

    #[test]
    fn a_refusal_names_the_setting_to_paste() {
        let refusal = Roles::new(true, None, None).refusal(&ann(), Permission::Administer);
        assert_eq!(refusal.error_code, "ROLE_REQUIRED");
        assert!(refusal.message.contains("DIRECT_WRITE_ADMINISTRATORS=Ann@example.com"), "{refusal}");
    }
}
