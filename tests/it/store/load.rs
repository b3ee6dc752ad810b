//! Many changes at once: against a model, and the size of the write-ahead log.

use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

/// One change of the model: add to a name's number, then succeed or fail.
#[derive(Debug, Clone)]
struct Change {
    name: u8,
    by: i64,
    ending: Ending,
}

#[derive(Debug, Clone, Copy)]
enum Ending {
    Well,
    Error,
    Panic,
}

fn change() -> impl Strategy<Value = Change> {
    let ending =
        prop_oneof![3 => Just(Ending::Well), 1 => Just(Ending::Error), 1 => Just(Ending::Panic)];
    (0..6_u8, 1..100_i64, ending).prop_map(|(name, by, ending)| Change { name, by, ending })
}

impl Change {
    fn work(&self) -> impl Fn(&mut dyn Db) -> Result<i64> + Send + use<> {
        let Self { name, by, ending } = self.clone();
        move |db| {
            let sql = sql!(
                "insert into instance (name, number) values ($1, $2)
                 on conflict (name) do update set number = instance.number + excluded.number returning number"
            );
            let sum = db.first(sql, &[name.to_string().into(), by.into()])?.unwrap().take()?;
            match ending {
                Ending::Well => Ok(sum),
                Ending::Error => Err(Error::new(Kind::Forbidden)),
                Ending::Panic => resume_unwind(Box::new("on purpose")),
            }
        }
    }

    /// The store's expected result, given the sums before it.
    fn expect(&self, sums: &mut [i64; 6]) -> Result<i64, Kind> {
        let sum = sums[usize::from(self.name)] + self.by;
        match self.ending {
            Ending::Well => {
                sums[usize::from(self.name)] = sum;
                Ok(sum)
            }
            Ending::Error => Err(Kind::Forbidden),
            Ending::Panic => Err(Kind::Internal),
        }
    }
}

#[test]
fn changes_in_groups_are_the_same_as_one_after_the_other() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let Opened { store, path: _, _folder } = opened();
    let mut sums = [0; 6];
    let groups = prop::collection::vec(prop::collection::vec(change(), 0..40), 1..6);
    let config =
        Config { cases: 32, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let sums = std::cell::RefCell::new(&mut sums);
    let run = |groups: Vec<Vec<Change>>| {
        let mut sums = sums.borrow_mut();
        for group in groups {
            let expected: Vec<_> = group.iter().map(|change| change.expect(*sums)).collect();
            let answers =
                runtime.block_on(join_all(group.iter().map(|change| store.write(change.work()))));
            let answers: Vec<_> =
                answers.into_iter().map(|answer| answer.map_err(|error| error.kind())).collect();
            prop_assert_eq!(answers, expected);
        }
        let rows = runtime
            .block_on(store.read(|db| db.all(sql!("select name, number from instance"), &[])));
        let mut kept = [0; 6];
        for mut row in rows.unwrap() {
            let name: String = row.take().unwrap();
            kept[name.parse::<usize>().unwrap()] = row.take().unwrap();
        }
        prop_assert_eq!(&kept, &**sums);
        Ok(())
    };
    TestRunner::new(config).run(&groups, run).unwrap();
}

/// A change of a million bytes, different in each round, because SQLite does not write unchanged
/// pages.
fn megabyte(round: u8) -> impl Fn(&mut dyn Db) -> Result<u64> + Send {
    move |db| {
        let sql = sql!(
            "insert into instance (name, bytes) values ($1, $2) on conflict (name) do update set bytes = $2"
        );
        db.run(sql, &["blob".into(), vec![round; 1_000_000].into()])
    }
}

#[tokio::test]
async fn the_log_does_not_grow_with_what_was_written() {
    let Opened { store, path, _folder } = opened();
    for round in 0..40 {
        store.write(megabyte(round)).await.unwrap();
        names(&store).await;
    }
    let log = path.with_extension("db-wal").metadata().unwrap().len();
    assert!(log < 16 * 1024 * 1024, "the log has {log} bytes after 40 MB");
}

#[tokio::test]
async fn an_idle_server_lets_a_command_restart_the_wal() {
    let Opened { store, path, _folder } = &opened();
    store.write(keep("a", 1)).await.unwrap();
    let command = open(path, ProcessRole::Command).unwrap();
    for round in 0..120 {
        command.write(megabyte(round)).await.unwrap();
    }
    let log = path.with_extension("db-wal").metadata().unwrap().len();
    assert!(log < 64 * 1024 * 1024, "the log has {log} bytes after 120 MB");
}

#[tokio::test]
async fn scans_that_take_their_time_leave_reads_by_key_alone() {
    let Opened { store, path: _, _folder } = opened();
    store.write(keep("a", 1)).await.unwrap();
    let all = Arc::new(Barrier::new(5));
    let scans: Vec<_> = (0..4)
        .map(|_| {
            let (store, all) = (store.clone(), Arc::clone(&all));
            tokio::spawn(async move {
                let wait = move |_: &mut dyn Db| {
                    all.wait();
                    all.wait();
                    Ok(())
                };
                store.scan(wait).await
            })
        })
        .collect();
    let barrier = Arc::clone(&all);
    tokio::task::spawn_blocking(move || barrier.wait()).await.unwrap();
    assert_eq!(names(&store).await, ["a"]);
    tokio::task::spawn_blocking(move || all.wait()).await.unwrap();
    for scan in scans {
        scan.await.unwrap().unwrap();
    }
}
