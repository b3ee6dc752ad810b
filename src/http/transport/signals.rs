//! Process signals: the first SIGTERM or SIGINT drains, the second stops immediately, SIGHUP
//! reloads the configuration.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::error::{Error, Result};

/// Counts the termination signals that the process received.
#[derive(Clone)]
pub struct Endings(watch::Receiver<u32>);

impl Endings {
    /// Starts to listen for signals. `on_hangup` runs on each SIGHUP.
    pub fn listen(on_hangup: impl Fn() + Send + 'static) -> Result<Self> {
        let open = |kind| {
            signal(kind)
                .map_err(|e| Error::internal("failed to install signal handlers").caused_by(e))
        };
        let mut terminate = open(SignalKind::terminate())?;
        let mut interrupt = open(SignalKind::interrupt())?;
        let mut hangup = open(SignalKind::hangup())?;
        // A write to a closed pipe or connection must fail with an error instead of ending the
        // process, however the process was started.
        drop(open(SignalKind::pipe())?);
        let (signals, endings) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => signals.send_modify(|times| *times += 1),
                    _ = interrupt.recv() => signals.send_modify(|times| *times += 1),
                    _ = hangup.recv() => on_hangup(),
                }
            }
        });
        Ok(Self(endings))
    }

    /// Completes on the first termination signal.
    pub fn first(&self) -> impl Future<Output = ()> + Send + 'static {
        self.clone().at_least(1)
    }

    /// Completes on the second termination signal.
    pub fn second(&self) -> impl Future<Output = ()> + Send + 'static {
        self.clone().at_least(2)
    }

    /// Completes on the second termination signal, or `after` the first one. The server then stops
    /// waiting for requests.
    pub fn last(&self, after: Duration) -> impl Future<Output = ()> + Send + 'static {
        let (first, second) = (self.first(), self.second());
        async move {
            let late = async {
                first.await;
                tokio::time::sleep(after).await;
            };
            tokio::select! {
                () = late => {}
                () = second => {}
            }
        }
    }

    async fn at_least(mut self, times: u32) {
        if self.0.wait_for(|received| *received >= times).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    #[tokio::test]
    async fn one_signal_drains_a_second_ends_and_a_hangup_does_neither() {
        let (hung_up, mut hangups) = tokio::sync::mpsc::unbounded_channel();
        let endings = Endings::listen(move || hung_up.send(()).unwrap_or_default()).unwrap();
        kill_process(getpid(), Signal::HUP).unwrap();
        hangups.recv().await.unwrap();
        assert!(endings.first().now_or_never().is_none());
        kill_process(getpid(), Signal::TERM).unwrap();
        endings.first().await;
        endings.last(Duration::from_millis(1)).await;
        let long = Duration::from_hours(1);
        assert!(
            endings.second().now_or_never().is_none()
                && endings.last(long).now_or_never().is_none()
        );
        kill_process(getpid(), Signal::INT).unwrap();
        endings.second().await;
        endings.last(long).await;
    }
}
