//! Promises of the grants over a store in a temporary folder.

use std::collections::BTreeSet;

use deltalake::kernel::{PrimitiveType, StructField};
use secrecy::ExposeSecret;

use super::*;
use crate::lakehouse::oidc::TokenInfo;
use crate::lakehouse::store::TableOptions;
use crate::model::TableName;

const ADMIN: &str = "3d5b8a7e-0000-4000-8000-000000000001";

/// A lakehouse's folder with the tables `main.s.t` and `main.s.u`.
struct Folder {
    grants: Grants,
    store: Store,
    folder: tempfile::TempDir,
}

impl Folder {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = Store::open(folder.path(), Default::default(), Default::default()).expect("open");
        store.create_catalog("main").expect("catalog");
        store.create_schema("main", "s").expect("schema");
        for name in ["main.s.t", "main.s.u"] {
            create(&store, name).await;
        }
        let grants = Grants::open(folder.path(), store.clone(), ADMIN).expect("grants");
        Self { grants, store, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    fn reopened(&self) -> Result<Grants, LakehouseError> {
        Grants::open(self.folder.path(), self.store.clone(), ADMIN)
    }

    fn principal(&self, name: &str) -> String {
        self.grants.create_principal(name).expect("made").client_id
    }

    fn grant(&self, who: &str, privileges: &[Privilege], on: &Securable) {
        self.grants.change(on, &[change(who, privileges, &[])]).expect("granted");
    }
}

async fn create(store: &Store, name: &str) {
    let fields = vec![StructField::nullable("id", PrimitiveType::Long)];
    store.create_table(&name_of(name), fields, TableOptions::default()).await.expect("table");
}

fn name_of(text: &str) -> TableName {
    TableName::parse(text).expect("table name")
}

fn table(text: &str) -> Securable {
    Securable::Table(name_of(text))
}

fn schema() -> Securable {
    Securable::Schema("main".to_owned(), "s".to_owned())
}

fn catalog() -> Securable {
    Securable::Catalog("main".to_owned())
}

fn change(who: &str, add: &[Privilege], remove: &[Privilege]) -> Change {
    Change { principal: who.to_owned(), add: add.to_vec(), remove: remove.to_vec() }
}

fn denied(result: Result<(), LakehouseError>) -> String {
    match result {
        Err(LakehouseError::Denied(text)) => text,
        other => panic!("a refusal was expected: {other:?}"),
    }
}

#[tokio::test]
async fn a_new_lakehouse_grants_its_administrator_what_zerobus_asks_for() {
    let folder = Folder::new().await;
    for name in ["main.s.t", "main.s.u"] {
        folder.grants.check_zerobus_grants(ADMIN, &name_of(name)).expect("granted");
    }
    // Later it is granted what it makes itself, and nothing when the lakehouse starts again.
    create(&folder.store, "main.s.v").await;
    let again = folder.reopened().expect("open again");
    assert!(again.may(ADMIN, Privilege::Modify, &table("main.s.v")), "it owns the table");
    let text = denied(again.check_zerobus_grants(ADMIN, &name_of("main.s.v")));
    assert!(text.contains(&format!("GRANT SELECT, MODIFY ON TABLE `main`.`s`.`v` TO `{ADMIN}`;")), "{text}");
    again.created(&table("main.s.v"), ADMIN).expect("recorded");
    again.check_zerobus_grants(ADMIN, &name_of("main.s.v")).expect("granted");
}

#[tokio::test]
async fn privileges_come_from_the_object_from_what_holds_it_and_from_owning_it() {
    use Privilege::{AllPrivileges, CreateTable, Modify, ReadVolume, Select, UseCatalog, UseSchema};
    let folder = Folder::new().await;
    let (t, u) = (table("main.s.t"), table("main.s.u"));
    for (granted, on, asked, of, answer) in [
        (Select, &t, Select, &t, true),
        (Select, &t, Modify, &t, false),
        (Select, &t, Select, &u, false),
        (Modify, &t, Select, &t, false),
        (AllPrivileges, &t, Modify, &t, true),
        (AllPrivileges, &t, Modify, &u, false),
        (Select, &schema(), Select, &u, true),
        (AllPrivileges, &schema(), Modify, &t, true),
        (AllPrivileges, &schema(), CreateTable, &schema(), true),
        (Select, &catalog(), Select, &t, true),
        (AllPrivileges, &catalog(), Select, &t, true),
        (AllPrivileges, &catalog(), CreateTable, &schema(), true),
        (CreateTable, &catalog(), CreateTable, &schema(), true),
        (CreateTable, &schema(), Modify, &t, false),
        (ReadVolume, &schema(), Select, &t, false),
    ] {
        let who = folder.principal("one");
        assert!(!folder.grants.may(&who, asked, of));
        folder.grant(&who, &[granted], on);
        folder.grant(&who, &[UseCatalog], &catalog());
        folder.grant(&who, &[UseSchema], &schema());
        assert_eq!(folder.grants.may(&who, asked, of), answer, "{granted:?} on {on}: {asked:?} on {of}?");
        folder.grants.drop_principal("one").expect("dropped");
    }
    let who = folder.principal("owner");
    folder.grant(&who, &[UseCatalog], &catalog());
    folder.grant(&who, &[UseSchema], &schema());
    folder.grants.created(&t, &who).expect("recorded");
    assert!(folder.grants.may(&who, Select, &t) && !folder.grants.may(&who, Select, &u));
    folder.grants.check_owner(&who, &t).expect("its own");
    assert!(denied(folder.grants.check_owner(&who, &u)).contains("not an owner of Table 'main.s.u'"));
    assert_eq!((folder.grants.owner(&t), folder.grants.owner(&u)), (who, ADMIN.to_owned()));
}

#[tokio::test]
async fn the_owner_of_a_schema_may_drop_and_grant_what_is_in_it_but_reads_it_only_after_granting_itself() {
    let folder = Folder::new().await;
    let who = folder.principal("owner");
    folder.grants.created(&schema(), &who).expect("recorded");
    folder.grant(&who, &[Privilege::UseCatalog], &catalog());
    folder.grants.check_owner(&who, &table("main.s.t")).expect("in its schema");
    assert!(folder.grants.may(&who, Privilege::CreateTable, &schema()));
    assert!(!folder.grants.may(&who, Privilege::Select, &table("main.s.t")));
    assert!(folder.grants.check_owner(&who, &catalog()).is_err());
}

#[tokio::test]
async fn a_refusal_names_everything_that_is_missing_and_the_statements_that_give_it() {
    let folder = Folder::new().await;
    let who = folder.principal("o`neil");
    let select = || folder.grants.check(&who, Privilege::Select, &table("main.s.t"));
    assert_eq!(
        denied(select()),
        format!(
            "User does not have USE CATALOG on Catalog 'main', USE SCHEMA on Schema 'main.s', SELECT on Table \
             'main.s.t'. The owner or the administrator can grant it: GRANT USE CATALOG ON CATALOG `main` TO `{who}`; \
             GRANT USE SCHEMA ON SCHEMA `main`.`s` TO `{who}`; GRANT SELECT ON TABLE `main`.`s`.`t` TO `{who}`;"
        )
    );
    folder.grant("o`neil", &[Privilege::UseCatalog, Privilege::UseSchema], &catalog());
    assert!(denied(select()).starts_with("User does not have SELECT on Table 'main.s.t'. "));
    folder.grant(&who, &[Privilege::Select], &table("main.s.t"));
    select().expect("granted");
    assert_eq!(securable::quoted("o`neil"), "`o``neil`");
}

#[tokio::test]
async fn who_cannot_reach_an_object_does_not_learn_whether_it_exists() {
    let folder = Folder::new().await;
    let who = folder.principal("one");
    let check = |name: &str| folder.grants.check(&who, Privilege::Select, &table(name));
    let differs_in_name = denied(check("main.s.nothing")).replace("nothing", "t");
    assert_eq!(differs_in_name, denied(check("main.s.t")));
    folder.grant(&who, &[Privilege::UseCatalog, Privilege::UseSchema], &catalog());
    assert!(matches!(check("main.s.nothing"), Err(LakehouseError::NotFound(_))));
    assert!(matches!(
        folder.grants.check(ADMIN, Privilege::Select, &table("main.s.nothing")),
        Err(LakehouseError::NotFound(_))
    ));
}

#[tokio::test]
async fn zerobus_takes_only_what_is_granted_by_name_on_the_table_of_the_token() {
    let folder = Folder::new().await;
    let who = folder.principal("ingest");
    let name = name_of("main.s.t");
    let token = |table: Option<&str>| TokenInfo {
        client_id: who.clone(),
        table: table.map(name_of),
        expires_at: u64::MAX,
        issued_at: 0,
    };
    folder.grant(&who, &[Privilege::AllPrivileges, Privilege::Select, Privilege::Modify], &catalog());
    folder.grant(&who, &[Privilege::AllPrivileges], &table("main.s.t"));
    let text = denied(folder.grants.check_zerobus(&token(Some("main.s.t")), &name));
    assert!(text.starts_with("User does not have SELECT and MODIFY on Table 'main.s.t'."), "{text}");
    assert!(text.contains("ALL PRIVILEGES") && text.ends_with("Error Code: 4024, Error State: 1."), "{text}");
    folder.grant(&who, &[Privilege::Select, Privilege::Modify], &table("main.s.t"));
    folder.grants.check_zerobus(&token(Some("main.s.t")), &name).expect("granted");
    for (bound, word) in [(Some("main.s.u"), "main.s.u"), (None, "authorization_details")] {
        let text = denied(folder.grants.check_zerobus(&token(bound), &name));
        assert!(text.contains(word) && text.contains("Error Code: 4024"), "{text}");
    }
    // The administrator is no exception.
    let revoke = change(ADMINISTRATOR, &[], &[Privilege::Modify]);
    folder.grants.change(&table("main.s.t"), &[revoke]).expect("revoked");
    assert!(denied(folder.grants.check_zerobus_grants(ADMIN, &name)).contains("MODIFY on Table"));
}

#[tokio::test]
async fn changes_are_made_together_or_not_at_all() {
    let folder = Folder::new().await;
    let (one, two) = (folder.principal("one"), folder.principal("two"));
    let t = table("main.s.t");
    let good = change(&one, &[Privilege::Select], &[]);
    let select = [Privilege::Select];
    for (on, bad, word) in [
        (t.clone(), change("nobody", &select, &[]), "Principal 'nobody' does not exist"),
        (t.clone(), change(&two, &[Privilege::UseCatalog], &[]), "USE CATALOG is not applicable to a TABLE"),
        (t.clone(), change(&two, &[], &[Privilege::ReadVolume]), "READ VOLUME is not applicable to a TABLE"),
        (table("main.s.nothing"), change(&two, &select, &[]), "'main.s.nothing' does not exist"),
        (Securable::Catalog("other".to_owned()), change(&two, &select, &[]), "'other' does not exist"),
        (Securable::Volume(name_of("main.s.v")), change(&two, &[Privilege::ReadVolume], &[]), "does not exist"),
    ] {
        let error = folder.grants.change(&on, &[good.clone(), bad]).expect_err("refused").to_string();
        assert!(error.contains(word), "{error}");
        assert!(!folder.grants.state().was_granted(&one, Privilege::Select, &on));
    }
    let both = change(&one, &[Privilege::Select, Privilege::Modify], &[]);
    folder.grants.change(&t, &[both, change("two", &select, &[])]).expect("granted");
    let revoke = change("one", &[], &[Privilege::Select, Privilege::AllPrivileges]);
    folder.grants.change(&t, &[revoke]).expect("revoked");
    let own = |who: &str| folder.grants.assignments(who, &t, Some(who), false).expect("its own");
    assert_eq!(own(&one)[0].privileges, [(Privilege::Modify, t.clone())]);
    assert_eq!(own(&two)[0].privileges, [(Privilege::Select, t.clone())]);
    folder.grants.change(&t, &[change("one", &[], &[Privilege::Modify])]).expect("revoked");
    assert_eq!(own(&one), [], "nothing is left of an empty grant");
}

#[tokio::test]
async fn volumes_have_privileges_of_their_own() {
    let folder = Folder::new().await;
    let who = folder.principal("one");
    let volume = Securable::Volume(name_of("main.s.v"));
    std::fs::create_dir_all(folder.folder.path().join("volumes/main/s/v")).expect("volume");
    let read = || folder.grants.check(&who, Privilege::ReadVolume, &volume);
    folder.grant(&who, &[Privilege::UseCatalog, Privilege::UseSchema], &catalog());
    let text = denied(read());
    assert!(text.contains(&format!("GRANT READ VOLUME ON VOLUME `main`.`s`.`v` TO `{who}`;")), "{text}");
    folder.grant(&who, &[Privilege::ReadVolume], &volume);
    read().expect("granted");
    assert!(!folder.grants.may(&who, Privilege::WriteVolume, &volume));
    assert!(folder.grants.change(&volume, &[change(&who, &[Privilege::Select], &[])]).is_err());
    // A volume and a table of one name are two things.
    std::fs::create_dir_all(folder.folder.path().join("volumes/main/s/t")).expect("volume");
    folder.grant(&who, &[Privilege::AllPrivileges], &Securable::Volume(name_of("main.s.t")));
    assert!(!folder.grants.may(&who, Privilege::Select, &table("main.s.t")));
    let again = folder.reopened().expect("open again");
    assert!(again.may(&who, Privilege::ReadVolume, &volume));
    folder.grants.dropped(&volume).expect("dropped");
    assert!(!folder.grants.may(&who, Privilege::ReadVolume, &volume));
}

#[tokio::test]
async fn grants_are_shown_with_where_they_come_from_to_owners_and_to_whom_they_belong() {
    let folder = Folder::new().await;
    let (one, two) = (folder.principal("one"), folder.principal("two"));
    let t = table("main.s.t");
    folder.grant(&one, &[Privilege::Select], &t);
    folder.grant(&one, &[Privilege::UseCatalog, Privilege::Select], &catalog());
    let shown = folder.grants.assignments(&one, &t, Some("one"), true).expect("its own");
    let expected =
        vec![(Privilege::Select, t.clone()), (Privilege::Select, catalog()), (Privilege::UseCatalog, catalog())];
    assert_eq!(shown, [Assignment { principal: one.clone(), privileges: expected }]);
    assert!(folder.grants.assignments(&one, &t, None, true).is_err());
    assert!(folder.grants.assignments(&one, &t, Some(&two), true).is_err());
    let all = folder.grants.assignments(ADMIN, &t, None, true).expect("all");
    let principals: BTreeSet<&str> = all.iter().map(|assignment| assignment.principal.as_str()).collect();
    assert_eq!(principals, BTreeSet::from([ADMIN, one.as_str()]));
}

#[tokio::test]
async fn what_is_dropped_takes_its_grants_along() {
    let folder = Folder::new().await;
    let who = folder.principal("one");
    let t = table("main.s.t");
    folder.grants.created(&t, &who).expect("recorded");
    folder.grant(&who, &[Privilege::Select], &schema());
    folder.grants.dropped(&t).expect("dropped");
    assert_eq!(folder.grants.owner(&t), ADMIN);
    assert!(!folder.grants.state().was_granted(&who, Privilege::Select, &t));
    assert!(folder.grants.state().was_granted(&who, Privilege::Select, &schema()));
    // A new one of that name begins anew even if nobody said that the old one went.
    folder.grant(&who, &[Privilege::Modify], &t);
    folder.grants.created(&t, ADMIN).expect("recorded");
    assert!(!folder.grants.state().was_granted(&who, Privilege::Modify, &t));

    folder.grant(&who, &[Privilege::Modify], &t);
    folder.grants.created(&table("main.s.u"), &who).expect("recorded");
    folder.grants.drop_principal(&who).expect("dropped");
    assert_eq!(folder.grants.owner(&table("main.s.u")), ADMIN);
    assert!(folder.grants.assignments(ADMIN, &t, None, true).expect("all").iter().all(|one| one.principal == ADMIN));
    assert!(matches!(folder.grants.drop_principal(&who), Err(LakehouseError::PrincipalNotFound(_))));
    assert!(folder.grants.drop_principal(ADMINISTRATOR).is_err() && folder.grants.drop_principal(ADMIN).is_err());
}

#[tokio::test]
async fn everything_is_there_again_after_a_restart_and_no_secret_is_on_the_disk() {
    let folder = Folder::new().await;
    let made = folder.grants.create_principal("ingest").expect("made");
    let secret = made.client_secret.expose_secret().to_owned();
    assert!(!format!("{made:?}").contains(&secret));
    folder.grants.created(&schema(), &made.client_id).expect("recorded");
    folder.grant("ingest", &[Privilege::AllPrivileges], &table("main.s.u"));
    let text = std::fs::read_to_string(folder.path()).expect("file");
    assert!(!text.contains(&secret));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(folder.path()).expect("file").permissions().mode() & 0o777, 0o600);
    }
    // The administrator may have got other credentials meanwhile.
    let again = Grants::open(folder.folder.path(), folder.store.clone(), "another-admin").expect("open again");
    assert_eq!(again.principals().len(), 2);
    assert!(again.is_secret_of(&made.client_id, &secret));
    for (id, wrong) in [(made.client_id.as_str(), "wrong"), (&made.client_id, ""), ("nobody", &secret)] {
        assert!(!again.is_secret_of(id, wrong));
    }
    assert_eq!(again.owner(&schema()), made.client_id);
    assert!(again.state().was_granted(&made.client_id, Privilege::AllPrivileges, &table("main.s.u")));
    again.check_zerobus_grants("another-admin", &name_of("main.s.t")).expect("its grants are its own");
    assert!(!again.knows(ADMIN));
    // Nothing was written by opening, and writing what was read changes no byte.
    again.dropped(&table("main.s.nothing")).expect("written");
    assert_eq!(std::fs::read_to_string(folder.path()).expect("file"), text);
}

#[tokio::test]
async fn a_table_that_is_gone_when_the_lakehouse_starts_has_no_grants() {
    let folder = Folder::new().await;
    let who = folder.principal("one");
    folder.grant(&who, &[Privilege::Select], &table("main.s.t"));
    // As after a crash between the drop and the removal of its grants.
    folder.store.drop_table(&name_of("main.s.t"), false).await.expect("dropped");
    let again = folder.reopened().expect("open again");
    create(&folder.store, "main.s.t").await;
    assert!(!again.state().was_granted(&who, Privilege::Select, &table("main.s.t")));
}

#[tokio::test]
async fn a_damaged_file_keeps_the_lakehouse_from_starting_and_is_left_as_it_is() {
    let folder = Folder::new().await;
    let who = folder.principal("one");
    folder.grant(&who, &[Privilege::Select], &table("main.s.t"));
    let good = std::fs::read_to_string(folder.path()).expect("file");
    let principal = good.find("\"client_id\"").expect("a principal");
    let mut damages: Vec<String> = (0..good.len()).step_by(37).map(|length| good[..length].to_owned()).collect();
    damages.extend([
        good.replace("\"version\": 1", "\"version\": 2"),
        good.replace("\"version\": 1", "\"version\": 1, \"more\": 1"),
        good.replace("SELECT", "LOOK"),
        good.replacen("\"SELECT\"", "\"USE_CATALOG\"", 1),
        good.replacen("main.s.t", "main.s.u", 1),
        good.replacen("main.s.t", "../t", 1),
        good.replacen("main.s.t", "MAIN.s.t", 1),
        good.replacen("\"TABLE\"", "\"VIEW\"", 1),
        good.replacen("\"rounds\": 10000", "\"rounds\": 4000000000", 1),
        good.replacen("\"rounds\": 10000", "\"rounds\": 0", 1),
        good.replacen("\"salt\": \"", "\"salt\": \"AA", 1),
        format!("{}{}", &good[..principal], good[principal..].replacen(&who, "someone-else", 1)),
    ]);
    for damaged in damages {
        assert_ne!(damaged, good);
        std::fs::write(folder.path(), &damaged).expect("write");
        let error = folder.reopened().expect_err(&damaged);
        assert!(matches!(error, LakehouseError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains(FILE), "{error}");
        assert_eq!(std::fs::read_to_string(folder.path()).expect("file"), damaged);
    }
    std::fs::write(folder.path(), good).expect("write");
    folder.reopened().expect("the good one opens");
}

#[tokio::test]
async fn a_change_that_cannot_be_written_is_not_made() {
    let folder = Folder::new().await;
    let who = folder.principal("one");
    let in_the_way = folder.path().with_extension("json.tmp");
    std::fs::create_dir(&in_the_way).expect("folder");
    let grant = [change(&who, &[Privilege::Select], &[])];
    let error = folder.grants.change(&table("main.s.t"), &grant).expect_err("cannot be written");
    assert!(matches!(error, LakehouseError::Io { .. }), "{error}");
    assert!(folder.grants.create_principal("two").is_err());
    assert!(!folder.grants.state().was_granted(&who, Privilege::Select, &table("main.s.t")));
    assert_eq!(folder.grants.principals().len(), 2);
    std::fs::remove_dir(&in_the_way).expect("remove");
    folder.grants.change(&table("main.s.t"), &grant).expect("granted");
}

#[tokio::test]
async fn changes_at_once_are_all_kept() {
    let folder = Folder::new().await;
    std::thread::scope(|scope| {
        for number in 0..8 {
            let folder = &folder;
            scope.spawn(move || {
                let who = folder.principal(&format!("principal {number}"));
                folder.grant(&who, &[Privilege::Select], &table("main.s.t"));
            });
        }
    });
    let again = folder.reopened().expect("open again");
    assert_eq!(again.assignments(ADMIN, &table("main.s.t"), None, false).expect("all").len(), 9);
}

#[tokio::test]
async fn principals_have_names_that_can_be_told_apart() {
    let folder = Folder::new().await;
    let id = folder.principal("one");
    assert_eq!(folder.grants.principal("one").expect("by name").client_id, id);
    assert_eq!(folder.grants.principal(&id).expect("by id").name, "one");
    assert_eq!(folder.grants.principal(ADMINISTRATOR).expect("by name").client_id, ADMIN);
    let long = "x".repeat(256);
    for name in ["", " ", " x", "x ", "a\nb", &long, &id, "one", ADMINISTRATOR] {
        folder.grants.create_principal(name).expect_err(name);
    }
    for name in ["Zoë's ingest", "one@example.com", "One", "o`neil"] {
        folder.principal(name);
    }
}

#[test]
fn privileges_and_securables_are_read_as_they_are_written() {
    for privilege in Privilege::ALL {
        assert_eq!(Privilege::parse(privilege.sql()), Some(privilege));
        let api = serde_json::to_value(privilege).expect("JSON");
        assert_eq!(api, privilege.sql().replace(' ', "_"));
        assert_eq!(Privilege::parse(api.as_str().expect("text")), Some(privilege));
    }
    for (kind, name, good) in [
        (SecurableKind::Catalog, "main", true),
        (SecurableKind::Catalog, "main.s", false),
        (SecurableKind::Schema, "main.s", true),
        (SecurableKind::Schema, "main", false),
        (SecurableKind::Schema, "main.s.t", false),
        (SecurableKind::Table, "Main.S.T", true),
        (SecurableKind::Table, "main..t", false),
        (SecurableKind::Volume, "main.s.v", true),
        (SecurableKind::Volume, "main.s.v/../w", false),
    ] {
        let parsed = Securable::parse(kind, name);
        assert_eq!(parsed.is_some(), good, "{kind:?} {name}");
        if let Some(securable) = parsed {
            assert_eq!((securable.kind(), securable.to_string()), (kind, name.to_ascii_lowercase()));
        }
    }
}
