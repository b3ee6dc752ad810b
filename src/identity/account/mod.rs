//! What people do with an account of their own: sign up, prove an address, recover, change, export
//! and delete.

pub mod change_email;
pub mod delete;
pub mod export;
pub mod export_slots;
pub mod file;
pub mod link;
pub mod not_me;
pub mod password;
pub mod profile;
pub mod proved_address;
pub mod quota;
pub mod recover;
pub mod recover_by_code;
pub mod sign_up;
pub mod takeover;
pub mod upload_slots;
pub mod verify_email;
pub(in crate::identity) mod way_in;
