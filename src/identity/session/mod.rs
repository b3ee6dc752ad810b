//! Sessions after login: list, refresh, end, and where they come from.

pub mod holder;
pub mod list;
pub mod location;
pub mod page_session;
pub mod refresh;
pub mod sign_out;
