//! Properties: what holds over all orders of calls, not in the cases that someone thought of.

mod two_people;
