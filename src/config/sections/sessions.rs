//! `[sessions]`: how long users stay logged in, and when refresh tokens are rotated.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::reader::ConfigReader;
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

/// The shortest and the longest lifetime of a session.
const LIFE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(10 * 365 * 24);

section! {
    /// `[sessions]`: how long users stay logged in.
    pub struct SessionsConfig = "sessions" {
        /// How long a session lasts without a refresh.
        idle: Duration = duration(LIFE);
        /// The longest lifetime of a session.
        absolute: Option<Duration> = optional_duration(LIFE);
        /// How long a session lasts without "remember me".
        short: Duration = duration(LIFE);
        /// When refresh tokens are rotated.
        rotate: RotationPolicy = choice(&[
            ("always", RotationPolicy::Always),
            ("cookie", RotationPolicy::Cookie),
            ("never", RotationPolicy::Never),
        ]);
        /// How long the previous refresh token still returns the same successor.
        grace: Duration = duration(Duration::ZERO..=Duration::from_mins(5));
        /// How many sessions an account may have.
        max: u32 = whole(1..=10_000);
    }
}

impl SessionsConfig {
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
