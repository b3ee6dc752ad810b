//! `[sessions]`: how long users stay logged in, and when refresh tokens are rotated.

use std::time::Duration;

use crate::config::reader::{ConfigReader, ReadResult};
use crate::config::values::span;

/// When a refresh token is rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationPolicy {
    /// At every use.
    Always,
    /// If the client sent it in the cookie, but not if it came in the body.
    Cookie,
    /// Never.
    Never,
}

/// `[sessions]`: how long users stay logged in.
#[derive(Debug, Clone)]
pub struct SessionsConfig {
    /// How long a session lasts without a refresh.
    pub idle: Duration,
    /// The longest lifetime of a session.
    pub absolute: Option<Duration>,
    /// How long a session lasts without "remember me".
    pub short: Duration,
    /// When refresh tokens are rotated.
    pub rotate: RotationPolicy,
    /// How long the previous refresh token still returns the same successor.
    pub grace: Duration,
    /// How many sessions an account may have.
    pub max: u32,
}

impl SessionsConfig {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let life = Duration::from_secs(1)..=Duration::from_hours(10 * 365 * 24);
        let idle = r.duration("sessions.idle", life.clone());
        let absolute = r.optional_duration("sessions.absolute", life.clone());
        let short = r.duration("sessions.short", life);
        let rotate = r.choice(
            "sessions.rotate",
            &[
                ("always", RotationPolicy::Always),
                ("cookie", RotationPolicy::Cookie),
                ("never", RotationPolicy::Never),
            ],
        );
        let grace = r.duration("sessions.grace", Duration::ZERO..=Duration::from_mins(5));
        let max = r.whole("sessions.max", 1..=10_000);
        Ok(Self {
            idle: idle?,
            absolute: absolute?,
            short: short?,
            rotate: rotate?,
            grace: grace?,
            max: max?,
        })
    }

    pub(in crate::config) fn validate(&self, r: &mut ConfigReader) {
        if let Some(absolute) = self.absolute
            && absolute < self.idle
        {
            let (idle, absolute) = (span::to_text(self.idle), span::to_text(absolute));
            r.refuse(
                "sessions.absolute",
                format!("expected at least sessions.idle ({idle}), got {absolute}"),
            );
        }
    }
}
