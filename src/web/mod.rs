//! What people see in a browser: the pages that links in mail lead to.

pub mod pages;
