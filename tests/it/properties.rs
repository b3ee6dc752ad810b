//! Properties that hold for any script of calls, not only for the scenarios that were thought of.
//! They are generated where possible, so that a new operation is covered without a change here.

mod across_calls;
pub mod bounded;
mod two_holders;
mod two_people;
mod with_providers;
