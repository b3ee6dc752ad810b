//! A limit's rate: how many per how long, and in which shape.

use std::time::Duration;

/// A number of calls per time window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many calls are allowed.
    pub count: u32,
    /// The time in which they are counted.
    pub window: Duration,
    /// How calls are counted.
    pub shape: Shape,
}

/// How calls are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// In a fixed window that begins with the first call.
    Window,
    /// With an even refill; `count` is the burst.
    Smooth,
}
