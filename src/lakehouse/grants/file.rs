//! `<data>/grants.json`: principals, owners and grants as they are kept, mode 0600.
//!
//! One file, replaced as a whole: a principal and its grants come and go together. Whatever in it is not as it is
//! written here is damage, and a lakehouse that does not know who may do what does not start.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ADMINISTRATOR;
use super::principal::{Principal, SecretHash};
use super::securable::{Privilege, Securable, SecurableKind};
use super::state::{Object, State};
use crate::lakehouse::error::LakehouseError;
use crate::lakehouse::private_file;

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    principals: Vec<PrincipalRecord>,
    objects: Vec<ObjectRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<GroupRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupRecord {
    name: String,
    /// Client ids.
    members: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrincipalRecord {
    name: String,
    client_id: String,
    secret: SecretHash,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectRecord {
    securable_type: SecurableKind,
    full_name: String,
    owner: String,
    grants: Vec<GrantRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantRecord {
    /// A client id; the administrator's is in another file, so here it goes by its name.
    principal: String,
    privileges: Vec<Privilege>,
}

/// Reads the file; `None` when there is none yet.
pub(super) fn load(path: &Path, administrator: &str) -> Result<Option<State>, LakehouseError> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(LakehouseError::io(path, "Reading"))?,
    };
    read(&bytes, administrator).map(Some).map_err(|what| LakehouseError::Damaged { path: path.to_owned(), what })
}

/// The state, or in what way the file is damaged. Hashes stay out of the text.
fn read(bytes: &[u8], administrator: &str) -> Result<State, String> {
    let file: File = serde_json::from_slice(bytes)
        .map_err(|error| format!("not the JSON written here, at line {}, column {}", error.line(), error.column()))?;
    if file.version != VERSION {
        return Err(format!("version {} is not known, only {VERSION} is", file.version));
    }
    let mut state = State::new(administrator);
    for PrincipalRecord { name, client_id, secret } in file.principals {
        if state.knows(&client_id) || state.principals.values().any(|other| other.name == name) {
            return Err(format!("the principal '{name}' is there twice"));
        }
        state.principals.insert(client_id.clone(), Principal { name, client_id, secret });
    }
    for record in file.objects {
        let (name, kind) = (record.full_name.clone(), record.securable_type);
        let securable = Securable::parse(kind, &name).filter(|securable| securable.to_string() == name);
        let securable = securable.ok_or_else(|| format!("'{name}' is not the name of a {}", kind.sql()))?;
        let object = read_object(&state, record)?;
        if state.objects.insert(securable, object).is_some() {
            return Err(format!("{} '{name}' is there twice", kind.sql()));
        }
    }
    for GroupRecord { name, members } in file.groups {
        let members = members.into_iter().map(|member| read_principal(&state, member)).collect::<Result<_, _>>()?;
        if state.groups.insert(name.clone(), members).is_some() {
            return Err(format!("the group '{name}' is there twice"));
        }
    }
    Ok(state)
}

/// The client id of whom the file means.
fn read_principal(state: &State, principal: String) -> Result<String, String> {
    match principal.as_str() {
        ADMINISTRATOR => Ok(state.administrator.clone()),
        known if state.principals.contains_key(known) => Ok(principal),
        _ => Err(format!("'{principal}' is no principal")),
    }
}

fn read_object(state: &State, record: ObjectRecord) -> Result<Object, String> {
    let read = |principal| read_principal(state, principal);
    let owner = read(record.owner)?;
    let mut grants = BTreeMap::new();
    for GrantRecord { principal, privileges } in record.grants {
        if let Some(wrong) = privileges.iter().find(|privilege| !privilege.applies_to(record.securable_type)) {
            return Err(format!("{} is granted on '{}'", wrong.sql(), record.full_name));
        }
        grants.insert(read(principal)?, privileges.into_iter().collect());
    }
    Ok(Object { owner: (owner != state.administrator).then_some(owner), grants })
}

/// Replaces the file.
pub(super) fn save(path: &Path, state: &State) -> std::io::Result<()> {
    let written = |principal: &String| {
        if *principal == state.administrator { ADMINISTRATOR.to_owned() } else { principal.clone() }
    };
    let principals = state.principals.values().cloned();
    let file = File {
        version: VERSION,
        principals: principals
            .map(|Principal { name, client_id, secret }| PrincipalRecord { name, client_id, secret })
            .collect(),
        objects: state.objects.iter().map(|(securable, object)| write_object(securable, object, &written)).collect(),
        groups: state
            .groups
            .iter()
            .map(|(name, members)| GroupRecord { name: name.clone(), members: members.iter().map(&written).collect() })
            .collect(),
    };
    private_file::write(path, &serde_json::to_vec_pretty(&file)?)
}

fn write_object(securable: &Securable, object: &Object, written: &dyn Fn(&String) -> String) -> ObjectRecord {
    let grants = object.grants.iter().map(|(principal, privileges)| GrantRecord {
        principal: written(principal),
        privileges: privileges.iter().copied().collect(),
    });
    let mut grants: Vec<GrantRecord> = grants.collect();
    // By what is written: the administrator's id is not the same at every start.
    grants.sort_by(|left, right| left.principal.cmp(&right.principal));
    ObjectRecord {
        securable_type: securable.kind(),
        full_name: securable.to_string(),
        owner: object.owner.as_ref().map_or_else(|| ADMINISTRATOR.to_owned(), written),
        grants,
    }
}
