//! Every way to log in, the counters of failed attempts, and the gate where a session is issued.

pub mod burst;
pub mod challenge;
pub mod gate;
pub mod guard;
pub mod in_flight;
pub mod new_device;
pub mod one_time_code;
pub mod open_login;
pub mod passkey;
pub mod passkey_step;
pub mod passwordless;
pub mod pending;
pub mod reauthenticate;
pub mod remember;
pub mod sign_in;
