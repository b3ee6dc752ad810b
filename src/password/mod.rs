//! Passwords: what a new one must be, how they are hashed, and the pool of threads that does it.

pub mod pool;
