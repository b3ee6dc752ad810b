//! The OpenAPI documents and the pages that show them.

pub mod openapi;
pub mod part;
pub mod reference;
pub mod shared;
pub mod site;
pub mod static_file;
