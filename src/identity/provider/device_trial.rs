//! Testing a provider by a device: a login that only reads, for which the person opens a page elsewhere.

use std::sync::Arc;

use super::establish;
use super::trial::{TrialFailure, TrialResult};
use crate::identity::Core;
use crate::model::Provider;
use crate::oidc::{DeviceLogin, DevicePoll, ProvedAccount};

/// A login by a device that only reads.
pub struct DeviceTrial {
    provider: Arc<Provider>,
    pub login: DeviceLogin,
}

/// How far a login by a device is.
#[derive(Debug)]
pub enum TrialPoll {
    Pending,
    /// The provider is asked too often, or cannot be reached now.
    SlowDown,
    Done(Box<TrialResult>),
}

/// Begins a login by a device that only reads.
///
/// # Errors
/// The step that failed.
pub async fn begin_device_trial(
    core: &Core,
    name: &str,
) -> std::result::Result<DeviceTrial, TrialFailure> {
    let provider = super::find(core, name).await.map_err(TrialFailure::Core)?;
    let login = core.oidc.begin_device(&provider).await.map_err(TrialFailure::Exchange)?;
    Ok(DeviceTrial { provider, login })
}

/// Asks the provider whether the person has logged in, and says what a login would do.
///
/// # Errors
/// The step that failed.
pub async fn poll_device_trial(
    core: &Core,
    trial: &DeviceTrial,
) -> std::result::Result<TrialPoll, TrialFailure> {
    let provider = &*trial.provider;
    let polled = core.oidc.poll_device(provider, &trial.login).await;
    match polled.map_err(TrialFailure::Exchange)? {
        DevicePoll::Pending => Ok(TrialPoll::Pending),
        DevicePoll::SlowDown => Ok(TrialPoll::SlowDown),
        DevicePoll::Done(proved) => {
            let ProvedAccount { account, claims, .. } = *proved;
            let preview = establish::preview(core, provider, account.clone()).await;
            let (decision, holder) = preview.map_err(TrialFailure::Core)?;
            Ok(TrialPoll::Done(Box::new(TrialResult { account, claims, decision, holder })))
        }
    }
}
