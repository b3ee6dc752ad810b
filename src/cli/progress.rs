//! A progress bar on standard error, shown only on a terminal.

use std::io::{self, IsTerminal, Write};

use crate::env::Env;
use crate::model::Time;

const WIDTH: usize = 30;
/// Milliseconds between two redraws.
const PAUSE: i64 = 100;

/// The progress of a long command.
pub struct ProgressBar {
    env: Env,
    total: Option<u64>,
    drawn_at: Option<Time>,
    is_seen: bool,
}

impl ProgressBar {
    /// Starts a progress display, with a bar if the total is known.
    pub fn new(env: &Env, total: Option<u64>) -> Self {
        Self { env: env.clone(), total, drawn_at: None, is_seen: io::stderr().is_terminal() }
    }

    /// Sets the total of the next stage.
    pub fn set_total(&mut self, total: Option<u64>) {
        self.total = total;
    }

    /// Redraws the progress, at most once per pause so that it costs little.
    pub fn show(&mut self, done: u64, words: &str) {
        let now = self.env.now();
        let is_due = self.drawn_at.is_none_or(|last| now.millis() - last.millis() >= PAUSE);
        if !self.is_seen || !is_due {
            return;
        }
        self.drawn_at = Some(now);
        let bar = self.total.filter(|&total| total > 0).map_or(String::new(), |total| {
            let percent = usize::try_from(done.min(total) * 100 / total).unwrap_or(100);
            let full = percent * WIDTH / 100;
            format!("[{}{}] {percent:3} % ", "#".repeat(full), " ".repeat(WIDTH - full))
        });
        let _ = write!(io::stderr(), "\r\x1b[K{bar}{words}").and_then(|()| io::stderr().flush());
    }
}

impl Drop for ProgressBar {
    fn drop(&mut self) {
        if self.drawn_at.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
