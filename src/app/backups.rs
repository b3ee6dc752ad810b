//! The background task that makes scheduled backups. A shutdown stops a backup that is being made.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{every, until_dropped};
use crate::identity::Core;
use crate::identity::system::backup::BackupSchedule;

/// Makes the backups that are due, until it is stopped.
pub(super) async fn scheduled(core: Arc<Core>, stopped: watch::Receiver<()>) {
    let schedule = Arc::new(BackupSchedule::of(core));
    let stopping = until_dropped(stopped.clone());
    let cancelling = schedule.clone();
    let cancelled = async {
        stopping.await;
        cancelling.cancel();
        std::future::pending::<()>().await;
    };
    let minute = Duration::from_mins(1);
    tokio::select! {
        () = every(minute, stopped, schedule, |schedule| async move { schedule.tick().await }) => {}
        () = cancelled => {}
    }
}
