//! Which files are opened, created, migrated or refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use authd::store::steps::{OlderServers, SchemaChange, UpgradeStep};

use super::*;
use crate::database::RawDatabase;

/// Name and content of every file in the folder of this path.
fn folder_of(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|file| {
            (
                file.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read(&file).unwrap_or_default(),
            )
        })
        .filter(|(name, _)| name != "authd.db.lock")
        .collect();
    files.sort();
    files
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// Refused in both roles, with an error that has the path and these words; every byte is unchanged.
fn assert_refused(path: &Path, words: &str) {
    let before = folder_of(path);
    for role in [ProcessRole::Server, ProcessRole::Command] {
        let error = refusal(path, role);
        assert!(error.message().contains(words), "{role:?}: {error:?}");
        assert!(error.message().contains(path.file_name().unwrap().to_str().unwrap()), "{error:?}");
        assert!(folder_of(path) == before, "{role:?} changed something");
    }
}

#[test]
fn a_database_that_others_may_read_is_refused_and_so_are_the_files_beside_it() {
    let (path, _folder) = closed();
    let set =
        |file: &Path, mode| fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    for open in [0o644, 0o640, 0o604, 0o660] {
        set(&path, open);
        assert_refused(&path, &format!("has mode {open:04o}; run: chmod 600 '"));
    }
    set(&path, 0o600);
    for ending in ["db-wal", "db-shm"] {
        let beside = path.with_extension(ending);
        fs::write(&beside, "").unwrap();
        set(&beside, 0o644);
        assert_refused(&path, ending);
        fs::remove_file(&beside).unwrap();
    }
    assert!(open(&path, ProcessRole::Server).is_ok());
}

/// A closed authd database.
fn closed() -> (PathBuf, TempDir) {
    let Opened { store, path, _folder: folder } = opened();
    drop(store);
    (path, folder)
}

#[test]
fn a_new_database_is_for_its_owner_alone_and_closes_into_one_file() {
    let Opened { store, path, _folder } = opened();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&path.with_extension("db.lock")), 0o600);
    assert!(store.notes().is_empty());
    drop(store);
    let names: Vec<_> = folder_of(&path).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["authd.db"]);
}

#[test]
fn a_second_server_is_refused_and_learns_the_first_ones_process_id() {
    let Opened { store, path, _folder } = opened();
    let error = refusal(&path, ProcessRole::Server);
    assert!(
        error.message().contains(&format!("another authd (process {})", std::process::id())),
        "{error}"
    );
    drop(store);
    open(&path, ProcessRole::Server).unwrap();
}

#[tokio::test]
async fn a_command_reads_and_writes_beside_a_server() {
    let Opened { store, path, _folder } = opened();
    let command = open(&path, ProcessRole::Command).unwrap();
    command.write(keep("command", 1)).await.unwrap();
    store.write(keep("server", 1)).await.unwrap();
    assert_eq!(names(&command).await, ["command", "server"]);
    drop(command);
    assert_eq!(names(&store).await, ["command", "server"]);
}

#[test]
fn a_command_makes_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authd.db");
    let error = refusal(&path, ProcessRole::Command);
    assert!(
        error.message().contains("there is no database") && error.message().contains("authd serve"),
        "{error}"
    );
    assert!(folder_of(&path).is_empty());
}

#[test]
fn a_log_without_its_database_is_refused() {
    for ending in ["db-wal", "db-shm", "db-journal"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("authd.db");
        fs::write(path.with_extension(ending), "left").unwrap();
        assert_refused(&path, "there was a database");
    }
}

#[test]
fn a_database_that_has_gone_is_not_made_again() {
    let (path, _folder) = closed();
    fs::remove_file(&path).unwrap();
    assert_refused(&path, "there was a database");
    fs::remove_file(path.with_extension("db.lock")).unwrap();
    open(&path, ProcessRole::Server).unwrap();
}

#[test]
fn a_foreign_sqlite_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authd.db");
    RawDatabase::at(&path).load("create table accounts (id text)");
    assert_refused(&path, "another program");
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authd.db");
    fs::write(&path, "Dear diary, ".repeat(1000)).unwrap();
    assert_refused(&path, "not a SQLite database");
    fs::write(&path, "").unwrap();
    assert_refused(&path, "is empty");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_refused(&path, "something else");
}

#[test]
fn a_damaged_file_is_refused() {
    let (path, _folder) = closed();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert_refused(&path, "damaged");
    let mut scratched = whole.clone();
    scratched[100..4096].fill(0xAA);
    fs::write(&path, &scratched).unwrap();
    assert_refused(&path, "damaged");
    fs::write(&path, &whole).unwrap();
    open(&path, ProcessRole::Server).unwrap();
}

#[test]
fn a_file_of_a_newer_authd_is_refused() {
    let (path, _folder) = closed();
    RawDatabase::at(&path).tamper("pragma user_version = 1000");
    assert_refused(&path, "newer authd");
}

const ADD_PETS: UpgradeStep = UpgradeStep {
    says: "add pets",
    older: OlderServers::Stop,
    changes: &[SchemaChange::Sql(
        "create table pets (\n  name text primary key,\n  age bigint\n);",
    )],
};
const ADD_LAIKA: UpgradeStep = UpgradeStep {
    says: "give an age",
    older: OlderServers::Stop,
    changes: &[SchemaChange::Sql("insert into pets (name, age) values ('Laika', 3)")],
};
const BREAK: UpgradeStep = UpgradeStep {
    says: "break",
    older: OlderServers::Stop,
    changes: &[
        SchemaChange::Sql("create table half (n bigint)"),
        SchemaChange::Sql("insert into nowhere values (1)"),
    ],
};

/// The program's plan with further steps, for a schema of new files that stays as it is.
fn plan(further: &[UpgradeStep]) -> Plan {
    let real = Plan::of(ProcessRole::Server);
    Plan { steps: [real.steps, further].concat().leak(), ..real }
}

/// The version of the schema that the program itself has.
fn current() -> i64 {
    Plan::of(ProcessRole::Server).version()
}

fn number(path: &Path, sql: &str) -> i64 {
    RawDatabase::at(path).number(sql)
}

fn copies(path: &Path) -> Vec<PathBuf> {
    let copies = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    copies.filter(|file| file.extension().is_some_and(|ending| ending == "bak")).collect()
}

#[tokio::test]
async fn an_older_file_is_brought_up_to_date_after_a_copy() {
    let Opened { store, path, _folder } = opened();
    store.write(keep("old", 1)).await.unwrap();
    drop(store);
    let store = open_as(&path, &plan(&[ADD_PETS, ADD_LAIKA])).unwrap();
    assert_eq!(names(&store).await, ["old"]);
    drop(store);
    assert_eq!(number(&path, "select user_version from pragma_user_version"), current() + 2);
    assert_eq!(number(&path, "select age from pets"), 3);
    let copies = copies(&path);
    let [copy] = copies.as_slice() else { panic!("expected one copy, found {copies:?}") };
    assert!(
        copy.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with(&format!("authd.db.v{}-", current()))
    );
    assert_eq!(mode(copy), 0o600);
    assert_eq!(number(copy, "select user_version from pragma_user_version"), current());
    let old = open(copy, ProcessRole::Server).unwrap();
    assert_eq!(names(&old).await, ["old"]);
}

#[test]
fn a_step_that_fails_leaves_the_version_before_it() {
    let (path, _folder) = closed();
    let error = open_as(&path, &plan(&[ADD_PETS, BREAK])).err().unwrap();
    assert!(error.message().contains(&format!("version {}: break", current() + 2)), "{error}");
    assert_eq!(number(&path, "select user_version from pragma_user_version"), current() + 1);
    assert_eq!(
        number(&path, "select count(*) from sqlite_schema where name in ('pets', 'half')"),
        1
    );
    open_as(&path, &plan(&[ADD_PETS, ADD_LAIKA])).unwrap();
    assert_eq!(number(&path, "select age from pets"), 3);
    assert_eq!(copies(&path).len(), 2);
}

#[test]
fn a_step_that_leaves_another_schema_than_a_new_file_has_changes_nothing() {
    let (path, _folder) = closed();
    let plan = plan(&[ADD_PETS]);
    let schema = format!("{}\ncreate table toys (\n  n bigint\n);\n", plan.schema).leak();
    let error = open_as(&path, &Plan { schema, ..plan }).err().unwrap();
    assert!(error.chain().contains("no table toys"), "{}", error.chain());
    assert_eq!(number(&path, "select user_version from pragma_user_version"), current());
    assert_eq!(number(&path, "select count(*) from sqlite_schema where name = 'pets'"), 0);
}

#[test]
fn a_command_leaves_an_older_file_to_the_server() {
    let (path, _folder) = closed();
    let before = folder_of(&path);
    let error =
        open_as(&path, &Plan { role: ProcessRole::Command, ..plan(&[ADD_PETS]) }).err().unwrap();
    assert!(error.message().contains("older authd"), "{error}");
    assert!(folder_of(&path) == before);
}

#[tokio::test]
async fn an_older_file_can_be_looked_into_before_it_is_brought_up_to_date() {
    let count = |db: &mut dyn Db, _| {
        let row = db.first(sql!("select count(*) from instance where name = 'kept'"), &[])?;
        row.map_or(Ok(0), |mut row| row.take::<i64>())
    };
    let Opened { store, path, _folder } = opened();
    store.write(keep("kept", 1)).await.unwrap();
    let newer = Plan { role: ProcessRole::Command, ..plan(&[ADD_PETS]) };
    assert_eq!(
        Engine::inspect(&file(&path), &newer, count).unwrap().unwrap(),
        1,
        "what only the log holds is read"
    );
    drop(store);
    let before = folder_of(&path);
    assert_eq!(Engine::inspect(&file(&path), &newer, count).unwrap().unwrap(), 1);
    assert!(folder_of(&path) == before, "something is left beside it");
    let error =
        Engine::inspect(&file(&path), &newer, |db, _| db.run(sql!("delete from instance"), &[]))
            .unwrap_err();
    assert!(error.chain().contains("write"), "{error}");

    RawDatabase::at(&path).tamper("pragma user_version = 1000");
    assert!(
        Engine::inspect(&file(&path), &newer, count).unwrap_err().message().contains("newer authd")
    );
}

#[test]
fn an_interrupted_creation_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authd.db");
    fs::write(path.with_extension("db.new"), "half").unwrap();
    open(&path, ProcessRole::Server).unwrap();
    assert_eq!(folder_of(&path).len(), 1);
}
