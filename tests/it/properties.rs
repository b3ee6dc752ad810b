//! Properties that hold for any script of calls, not only for the scenarios that were thought of.

mod across_calls;
