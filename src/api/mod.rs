//! The wires. Each translates its requests into core calls and the answers back; none holds a rule of its own.

pub mod v1;
