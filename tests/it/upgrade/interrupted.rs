//! An upgrade that is interrupted leaves version 1 or version 2, and nothing between.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use authd::error::{Error, Result};
use authd::store::db::Db;
use authd::store::steps::{SchemaChange, UpgradeStep};
use authd::store::{Engine, Plan};

use super::*;

/// The upgrade to version 2 up to its change `place`, followed by another change.
fn stopped_at(place: usize, by: SchemaChange) -> Plan {
    let plan = Plan::of(ProcessRole::Server);
    let [step, ..] = plan.steps else { panic!("there is no step") };
    let mut changes = step.changes[..place].to_vec();
    changes.push(by);
    let step = UpgradeStep { changes: changes.leak(), ..*step };
    Plan { steps: vec![step].leak(), ..plan }
}

fn changes() -> usize {
    Plan::of(ProcessRole::Server).steps[0].changes.len()
}

fn open(folder: &Path, plan: &Plan) -> Result<Engine> {
    Engine::open(&Database::File(folder.join("authd.db")), plan, &Env::real())
}

/// The database is as version 1 left it, or completely upgraded, and opens.
fn assert_whole(folder: &Path, version_1: &RawDatabase) {
    let database = RawDatabase::at(folder.join("authd.db"));
    assert_eq!(database.texts("pragma integrity_check"), ["ok"]);
    if version_of(&database) == 1 {
        assert_eq!(schema_of(&database), schema_of(version_1));
        assert_eq!(rows_of(&database), rows_of(version_1));
    }
    drop(open(folder, &Plan::of(ProcessRole::Server)).unwrap());
    assert_eq!(version_of(&database), 2);
    assert_eq!(database.number("select count(*) from pragma_foreign_key_check"), 0);
    let missing = "select count(*) from accounts where length(handle) <> 32";
    assert_eq!(database.number(missing), 0);
    assert_eq!(
        database.number("select count(*) from accounts"),
        version_1.number("select count(*) from accounts")
    );
}

#[test]
fn a_change_that_fails_leaves_version_1() {
    fn fail(_: &mut dyn Db, _: &Env) -> Result<()> {
        Err(Error::internal("failed on purpose"))
    }
    let folder = tempfile::tempdir().unwrap();
    let version_1 = put_into(folder.path());
    let (schema, rows) = (schema_of(&version_1), rows_of(&version_1));
    for place in 0..=changes() {
        let error =
            open(folder.path(), &stopped_at(place, SchemaChange::Fill(fail))).err().unwrap();
        assert!(error.chain().contains("failed on purpose"), "{place}: {error:?}");
        assert_eq!(version_of(&version_1), 1, "{place}");
        assert!(schema_of(&version_1) == schema, "{place}");
        assert!(rows_of(&version_1) == rows, "{place}");
    }
    let untouched = tempfile::tempdir().unwrap();
    assert_whole(folder.path(), &put_into(untouched.path()));
}

thread_local! {
    /// Where the running upgrade is copied from and to.
    static COPIES: RefCell<Option<(PathBuf, PathBuf)>> = const { RefCell::new(None) };
}

/// Copies the files of a running upgrade: what a machine that stops now would find.
#[allow(clippy::unnecessary_wraps, reason = "a change returns a result")]
fn copy_files(_: &mut dyn Db, _: &Env) -> Result<()> {
    COPIES.with_borrow(|copies| {
        let (from, to) = copies.as_ref().expect("the folders");
        for file in ["authd.db", "authd.db-wal", "authd.key"] {
            fs::copy(from.join(file), to.join(file)).unwrap();
        }
    });
    Ok(())
}

#[test]
fn a_process_that_ends_after_any_change_leaves_version_1() {
    let untouched = tempfile::tempdir().unwrap();
    let version_1 = put_into(untouched.path());
    for place in 0..=changes() {
        let (folder, end) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        put_into(folder.path());
        COPIES.set(Some((folder.path().to_owned(), end.path().to_owned())));
        // The step is too short to be the real one, but is only looked at while it runs.
        drop(open(folder.path(), &stopped_at(place, SchemaChange::Fill(copy_files))));
        assert_eq!(version_of(&RawDatabase::at(end.path().join("authd.db"))), 1, "{place}");
        assert_whole(end.path(), &version_1);
    }
}

/// Starts the real server and kills it as soon as `is_time` says so. Returns false if it was ready
/// to serve before.
fn kill_when(folder: &Folder, is_time: impl Fn() -> bool) -> bool {
    let mut child = folder.command(&["serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    let (is_up, output) = (Arc::new(AtomicBool::new(false)), child.stdout.take().unwrap());
    let greeting = std::thread::spawn({
        let is_up = is_up.clone();
        move || {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).unwrap();
            is_up.store(!line.is_empty(), Ordering::SeqCst);
        }
    });
    let in_time = loop {
        if is_time() {
            break true;
        }
        if is_up.load(Ordering::SeqCst) {
            break false;
        }
        assert!(child.try_wait().unwrap().is_none(), "the server ended by itself");
    };
    child.kill().unwrap();
    child.wait().unwrap();
    greeting.join().unwrap();
    in_time
}

#[test]
fn a_server_that_is_killed_while_it_upgrades_leaves_version_1_or_2() {
    let large = tempfile::tempdir().unwrap();
    let version_1 = put_into(large.path());
    let many = "with recursive n(i) as (select 1000 union all select i + 1 from n where i < 30999)
        insert into accounts (id, number, email, email_key, password_hash, stamp, created_at, updated_at)
        select 'id' || i, i, 'p' || i, 'p' || i, hex(randomblob(50)), 0, 0, 0 from n";
    assert_eq!(version_1.tamper(many), 30_000);

    let killed_when = |is_time: &dyn Fn(&Path) -> bool| {
        let folder = Folder::new();
        let place = folder.path("authd.db");
        for file in ["authd.db", "authd.key"] {
            fs::copy(large.path().join(file), folder.path(file)).unwrap();
        }
        let in_time = kill_when(&folder, || is_time(&place));
        let version = version_of(&RawDatabase::at(&place));
        assert_whole(place.parent().unwrap(), &version_1);
        (in_time, version)
    };
    let is_copying = |place: &Path| place.with_extension("db.copying").exists();
    let is_copied = |place: &Path| copies_in(place.parent().unwrap()).len() == 1;
    let mut in_the_middle = 0;
    for is_time in [&is_copying as &dyn Fn(&Path) -> bool, &is_copied] {
        in_the_middle += u32::from(killed_when(is_time) == (true, 1));
    }
    // The log grows while the upgrade runs, and keeps its size afterwards.
    for doublings in 0.. {
        let size = 1_000_000 << doublings;
        let has_grown = |place: &Path| {
            place.with_extension("db-wal").metadata().is_ok_and(|log| log.len() >= size)
        };
        let (in_time, version) = killed_when(&has_grown);
        in_the_middle += u32::from(in_time && version == 1);
        if !in_time {
            break;
        }
    }
    assert!(in_the_middle > 0, "no kill hit the upgrade");
}
