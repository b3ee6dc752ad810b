//! Properties that hold for every call of every document. A new operation is covered without a
//! change here.

pub mod bounded;
