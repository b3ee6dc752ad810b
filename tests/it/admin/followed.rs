//! The audit log as `authd audit --follow` reads it.

use std::time::Duration;

use authd::identity::audit::log::{AuditFilter, AuditFollower};
use authd::model::event::What;
use authd::model::{Event, Source};
use authd::store::tables::audit;

use crate::support::{App, app};

/// Another server commits a record whose id it made earlier.
async fn commit(app: &App, id: &str) {
    let (id, at) = (id.to_owned(), app.core.env.now());
    let event = Event::done(What::Lockout);
    let insert = move |db: &mut dyn authd::store::db::Db| {
        audit::insert(db, &id, at, &event, &Source::command_line())
    };
    app.core.store.write(insert).await.unwrap();
}

#[tokio::test]
async fn a_record_that_is_committed_after_later_ones_is_followed_too_and_each_once() {
    let app = app().await;
    let id = || app.core.env.new_id().unwrap();
    let late = [id(), id()];
    app.join("ada").await;
    let mark = app.records().await.pop().unwrap().id;
    let all = AuditFilter::default();
    let mut follower = AuditFollower::after(&app.core, all.clone(), mark).await.unwrap();
    let mut next = async || {
        let found = follower.next(&app.core).await.unwrap();
        found.into_iter().map(|record| record.id).collect::<Vec<_>>()
    };
    assert_eq!(next().await, [""; 0], "what was there before");
    let late = [&late[..], &[id()]].concat();
    commit(&app, &id()).await;
    assert_eq!(next().await.len(), 1);
    for id in &late {
        commit(&app, id).await;
        assert_eq!(next().await, std::slice::from_ref(id));
        assert_eq!(next().await, [""; 0]);
    }
    // More than a piece within the time, and one that begins with the log.
    app.turn_clock(Duration::from_secs(10));
    for _ in 0..600 {
        commit(&app, &id()).await;
    }
    let first = next().await.len();
    assert_eq!((first + next().await.len(), next().await.len()), (600, 0));
    let mut whole = AuditFollower::after(&app.core, all, String::new()).await.unwrap();
    let mut count = 0;
    loop {
        match whole.next(&app.core).await.unwrap().len() {
            0 => break,
            more => count += more,
        }
    }
    assert_eq!(count, app.records().await.len());
}
