//! Principals and grants: who may do what, as Unity Catalog decides it.
//!
//! The client made at first start is the administrator: it owns whatever nobody else owns and may do everything, as a
//! metastore's administrator. Others are made with `CREATE SERVICE PRINCIPAL` and may do what they own or were granted.
//! A privilege on a catalog or schema holds for everything in it; ALL PRIVILEGES stands for each privilege there is.
//!
//! **Zerobus is stricter**, for the administrator too: SELECT and MODIFY must be granted by name on the table itself.
//! So that a table can be written at once, its creator is granted them here (Databricks does not do that), and likewise
//! USE CATALOG and USE SCHEMA on what it creates.
//!
//! Where the service's rules are not known these are ours: owners of a catalog or schema may drop and grant what is in
//! it, but read and write it only after granting themselves; what a dropped principal owned falls to the administrator.
//!
//! Everything is kept in `<data>/grants.json` ([`file`]). Knows the store, to tell what is there; knows no SQL and no
//! tokens' texts.

mod api;
mod file;
mod principal;
mod scim;
mod securable;
mod state;
mod zerobus;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use secrecy::SecretString;

use super::error::LakehouseError;
use super::store::Store;
pub use api::router;
pub(super) use principal::random_secret;
use principal::{Principal, SecretHash};
pub use securable::{Privilege, Securable, SecurableKind};
pub use state::Assignment;
use state::{Missing, State};

/// The administrator's name.
pub const ADMINISTRATOR: &str = "administrator";

const FILE: &str = "grants.json";
/// All of them are in memory and in one file.
const MOST_PRINCIPALS: usize = 1000;

/// The principals and grants of a lakehouse. Clones share them.
#[derive(Clone)]
pub struct Grants {
    inner: Arc<Inner>,
}

struct Inner {
    objects: Objects,
    path: PathBuf,
    state: RwLock<Arc<State>>,
    /// Held while a change is written.
    changing: Mutex<()>,
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grants").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

/// What there is to grant on.
struct Objects {
    store: Store,
    /// Volumes are the folders `<data>/volumes/<catalog>/<schema>/<volume>`.
    volumes: PathBuf,
}

/// A principal as anybody may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalInfo {
    /// Its name.
    pub name: String,
    /// Its client id; grants show this.
    pub client_id: String,
}

/// A new principal; the secret is nowhere else.
#[derive(Debug)]
pub struct NewPrincipal {
    /// Its client id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
}

/// A change of what one principal is granted on one object.
#[derive(Clone, Debug)]
pub struct Change {
    /// Name or client id.
    pub principal: String,
    /// What it gets.
    pub add: Vec<Privilege>,
    /// What is taken away, whether or not it was granted.
    pub remove: Vec<Privilege>,
}

impl Grants {
    /// Reads the grants of a data folder. Where there are none yet the administrator is granted everything that Zerobus
    /// asks of it, on every table there is.
    ///
    /// # Errors
    /// [`LakehouseError::Io`] when the file cannot be read or written, [`LakehouseError::Damaged`].
    pub fn open(data: &Path, store: Store, administrator: &str) -> Result<Self, LakehouseError> {
        let path = data.join(FILE);
        let loaded = file::load(&path, administrator)?;
        let objects = Objects { store, volumes: data.join("volumes") };
        let new = loaded.is_none();
        let mut state = loaded.unwrap_or_else(|| State::new(administrator));
        // A drop that was interrupted before its grants went, or a folder that somebody removed.
        state.objects.retain(|object, _| objects.check(object).is_ok());
        if new {
            for object in objects.all()? {
                state.created(&object, administrator);
            }
            file::save(&path, &state).map_err(LakehouseError::io(&path, "Writing"))?;
        }
        let inner = Inner { objects, path, state: RwLock::new(Arc::new(state)), changing: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Makes a principal.
    ///
    /// # Errors
    /// [`LakehouseError::PrincipalExists`], [`LakehouseError::InvalidArgument`] for a name that cannot be one or when
    /// there are too many, [`LakehouseError::Io`].
    pub fn create_principal(&self, name: &str) -> Result<NewPrincipal, LakehouseError> {
        principal::check_name(name)?;
        let (principal, client_secret) = Principal::new(name)?;
        let client_id = principal.client_id.clone();
        self.change_state(|state| {
            if name == ADMINISTRATOR || state.principals.values().any(|other| other.name == name) {
                return Err(LakehouseError::PrincipalExists(name.to_owned()));
            }
            if state.principals.len() >= MOST_PRINCIPALS {
                let message = format!("There are {MOST_PRINCIPALS} service principals already. Drop one first.");
                return Err(LakehouseError::InvalidArgument(message));
            }
            state.principals.insert(principal.client_id.clone(), principal);
            Ok(())
        })?;
        Ok(NewPrincipal { client_id, client_secret })
    }

    /// Drops a principal with its grants; its tokens end at once.
    ///
    /// # Errors
    /// [`LakehouseError::PrincipalNotFound`], [`LakehouseError::InvalidArgument`] for the administrator,
    /// [`LakehouseError::Io`].
    pub fn drop_principal(&self, name_or_id: &str) -> Result<(), LakehouseError> {
        self.change_state(|state| {
            let principal = find(state, name_or_id)?;
            if principal.client_id == state.administrator {
                let message = "The administrator cannot be dropped; nothing was changed.".to_owned();
                return Err(LakehouseError::InvalidArgument(message));
            }
            state.drop_principal(&principal.client_id);
            Ok(())
        })
    }

    /// All principals, the administrator first, then by name.
    pub fn principals(&self) -> Vec<PrincipalInfo> {
        let state = self.state();
        let mut principals: Vec<PrincipalInfo> = state.principals.values().map(info).collect();
        principals.sort_by(|one, other| one.name.cmp(&other.name));
        principals.insert(0, administrator(&state));
        principals
    }

    /// The principal of that name or client id.
    ///
    /// # Errors
    /// [`LakehouseError::PrincipalNotFound`].
    pub fn principal(&self, name_or_id: &str) -> Result<PrincipalInfo, LakehouseError> {
        find(&self.state(), name_or_id)
    }

    /// Whether there is a principal of that client id.
    pub fn knows(&self, client_id: &str) -> bool {
        self.state().knows(client_id)
    }

    /// Whether it is the administrator's client id.
    pub fn is_administrator(&self, client_id: &str) -> bool {
        self.state().administrator == client_id
    }

    /// Whether that is the secret of a principal that is not the administrator. Takes some milliseconds of computing.
    pub(super) fn is_secret_of(&self, client_id: &str, secret: &str) -> bool {
        match self.state().principals.get(client_id) {
            Some(principal) => principal.secret.is_of(secret),
            None => SecretHash::of_nobody().is_of(secret),
        }
    }

    /// Records a new object and who made it. Whoever made it is granted what Zerobus asks for.
    ///
    /// # Errors
    /// [`LakehouseError::Io`]: then it is the administrator's.
    pub fn created(&self, on: &Securable, owner: &str) -> Result<(), LakehouseError> {
        self.change_state(|state| {
            state.created(on, owner);
            Ok(())
        })
    }

    /// Forgets what was recorded of an object that is gone, and of what was in it.
    ///
    /// # Errors
    /// [`LakehouseError::Io`]: then it is forgotten at the next start, or when an object of that name is made.
    pub fn dropped(&self, on: &Securable) -> Result<(), LakehouseError> {
        self.change_state(|state| {
            state.dropped(on);
            Ok(())
        })
    }

    /// Grants and revokes on an object: all of the changes or none.
    ///
    /// # Errors
    /// [`LakehouseError::PrincipalNotFound`], [`LakehouseError::InvalidArgument`] for privileges that such an object
    /// does not have, that there is no such object, [`LakehouseError::Io`].
    pub fn change(&self, on: &Securable, changes: &[Change]) -> Result<(), LakehouseError> {
        self.inner.objects.check(on)?;
        self.change_state(|state| {
            for change in changes {
                let mut privileges = change.add.iter().chain(&change.remove);
                if let Some(wrong) = privileges.find(|privilege| !privilege.applies_to(on.kind())) {
                    return Err(not_applicable(*wrong, on));
                }
                let principal = find(state, &change.principal)?;
                state.change(on, &principal.client_id, &change.add, &change.remove);
            }
            Ok(())
        })
    }

    /// Who an object belongs to: a client id.
    pub fn owner(&self, on: &Securable) -> String {
        self.state().owner(on).to_owned()
    }

    /// Whether `who` may use `privilege` on an object, and may reach it.
    pub fn may(&self, who: &str, privilege: Privilege, on: &Securable) -> bool {
        self.state().missing(who, &[privilege], on).is_empty()
    }

    /// Checks that `who` may use `privilege` on an object, may reach it, and that it is there.
    ///
    /// # Errors
    /// [`LakehouseError::Denied`] with the statements that would help; whoever may not reach an object does not learn
    /// whether it exists. [`LakehouseError::NotFound`] and its like.
    pub fn check(&self, who: &str, privilege: Privilege, on: &Securable) -> Result<(), LakehouseError> {
        let missing = self.state().missing(who, &[privilege], on);
        self.judge(on, &missing, |missing| state::describe(missing, who))
    }

    /// Checks that `who` may reach an object and that it, or what holds it, is theirs: for DROP and GRANT.
    ///
    /// # Errors
    /// As [`Grants::check`].
    pub fn check_owner(&self, who: &str, on: &Securable) -> Result<(), LakehouseError> {
        let state = self.state();
        self.judge(on, &state.missing(who, &[], on), |missing| state::describe(missing, who))?;
        if state.owns(who, on) {
            return Ok(());
        }
        Err(LakehouseError::Denied(format!(
            "User is not an owner of {}. Ask its owner or the administrator to run the statement.",
            on.described()
        )))
    }

    /// Checks that `who` is the administrator.
    ///
    /// # Errors
    /// [`LakehouseError::Denied`]; `what` is the end of the sentence "Only the administrator may ...".
    pub fn check_administrator(&self, who: &str, what: &str) -> Result<(), LakehouseError> {
        if self.is_administrator(who) {
            return Ok(());
        }
        Err(LakehouseError::Denied(format!("Only the administrator may {what}; nothing was changed.")))
    }

    /// What was granted on an object to one principal (name or client id) or to all; with `inherited`, on what holds it
    /// too. Everybody may ask for themselves, owners for everybody.
    ///
    /// # Errors
    /// As [`Grants::check_owner`], and [`LakehouseError::PrincipalNotFound`].
    pub fn assignments(
        &self,
        who: &str,
        on: &Securable,
        of: Option<&str>,
        inherited: bool,
    ) -> Result<Vec<Assignment>, LakehouseError> {
        let state = self.state();
        let of = of.map(|of| find(&state, of)).transpose()?.map(|of| of.client_id);
        if of.as_deref() != Some(who) {
            self.check_owner(who, on)?;
        }
        self.inner.objects.check(on)?;
        Ok(state.assignments(on, of.as_deref(), inherited))
    }

    /// Refuses when something is missing. Whether the object is there is told only to who can reach it.
    fn judge(
        &self,
        on: &Securable,
        missing: &Missing,
        describe: impl FnOnce(&Missing) -> String,
    ) -> Result<(), LakehouseError> {
        if missing.iter().all(|(object, _)| object == on) {
            self.inner.objects.check(on)?;
        }
        if missing.is_empty() { Ok(()) } else { Err(LakehouseError::Denied(describe(missing))) }
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.inner.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state: first on the disk, then here, or not at all.
    fn change_state(
        &self,
        change: impl FnOnce(&mut State) -> Result<(), LakehouseError>,
    ) -> Result<(), LakehouseError> {
        let _one_at_a_time = self.inner.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = State::clone(&self.state());
        change(&mut state)?;
        file::save(&self.inner.path, &state).map_err(LakehouseError::io(&self.inner.path, "Writing"))?;
        *self.inner.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
        Ok(())
    }
}

fn administrator(state: &State) -> PrincipalInfo {
    PrincipalInfo { name: ADMINISTRATOR.to_owned(), client_id: state.administrator.clone() }
}

fn info(principal: &Principal) -> PrincipalInfo {
    PrincipalInfo { name: principal.name.clone(), client_id: principal.client_id.clone() }
}

fn find(state: &State, name_or_id: &str) -> Result<PrincipalInfo, LakehouseError> {
    if name_or_id == ADMINISTRATOR || name_or_id == state.administrator {
        return Ok(administrator(state));
    }
    let mut principals = state.principals.values();
    let found = principals.find(|principal| principal.client_id == name_or_id || principal.name == name_or_id);
    found.map(info).ok_or_else(|| LakehouseError::PrincipalNotFound(name_or_id.to_owned()))
}

fn not_applicable(privilege: Privilege, on: &Securable) -> LakehouseError {
    let possible = Privilege::ALL.into_iter().filter(|one| one.applies_to(on.kind()));
    let possible: Vec<&str> = possible.map(Privilege::sql).collect();
    let kind = on.kind().sql();
    LakehouseError::InvalidArgument(format!(
        "Privilege {} is not applicable to a {kind}; nothing was changed. A {kind} takes {}.",
        privilege.sql(),
        possible.join(", "),
    ))
}

impl Objects {
    /// Checks that there is such an object.
    fn check(&self, on: &Securable) -> Result<(), LakehouseError> {
        let store = &self.store;
        let (there, error) = match on {
            Securable::Catalog(name) => (store.has_catalog(name), LakehouseError::CatalogNotFound(name.clone())),
            Securable::Schema(catalog, _) if !store.has_catalog(catalog) => {
                (false, LakehouseError::CatalogNotFound(catalog.clone()))
            }
            Securable::Schema(catalog, name) => {
                (store.has_schema(catalog, name), LakehouseError::SchemaNotFound(on.to_string()))
            }
            Securable::Table(name) => (store.has_table(name), LakehouseError::NotFound(name.clone())),
            Securable::Volume(name) => {
                let folder = self.volumes.join(name.catalog()).join(name.schema()).join(name.table());
                (folder.is_dir(), LakehouseError::VolumeNotFound(name.clone()))
            }
        };
        if there { Ok(()) } else { Err(error) }
    }

    /// All catalogs, schemas and tables.
    fn all(&self) -> Result<Vec<Securable>, LakehouseError> {
        let mut objects: Vec<Securable> = self.store.tables()?.into_iter().map(Securable::Table).collect();
        for catalog in self.store.catalogs()? {
            let schemas = self.store.schemas(&catalog)?.into_iter();
            objects.extend(schemas.map(|schema| Securable::Schema(catalog.clone(), schema)));
            objects.push(Securable::Catalog(catalog));
        }
        Ok(objects)
    }
}

#[cfg(test)]
#[path = "grants/tests.rs"]
mod tests;
