//! The last findings, so that no page of the console waits for them.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::doctor::glance;
use crate::identity::Core;
use crate::model::Time;
use crate::model::finding::CheckReport;

/// How old findings may be before they are looked for again.
const LASTS: Duration = Duration::from_mins(1);

/// The findings of the last look, and when it was.
type Look = Option<(Time, Arc<CheckReport>)>;

/// The last findings. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct RememberedFindings {
    last: Arc<RwLock<Look>>,
    looking: Arc<Mutex<()>>,
}

impl RememberedFindings {
    fn last(&self) -> Look {
        self.last.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn look(&self, core: &Core) -> Arc<CheckReport> {
        let report = Arc::new(glance(core).await);
        let look = Some((core.env.now(), report.clone()));
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = look;
        report
    }

    /// The findings. If they are old, they are looked for again meanwhile.
    pub async fn current(&self, core: &Arc<Core>) -> Arc<CheckReport> {
        let Some((at, report)) = self.last() else { return self.look(core).await };
        if core.env.now().since(at) >= LASTS
            && let Ok(looking) = self.looking.clone().try_lock_owned()
        {
            let (findings, core) = (self.clone(), core.clone());
            tokio::spawn(async move {
                findings.look(&core).await;
                drop(looking);
            });
        }
        report
    }
}
