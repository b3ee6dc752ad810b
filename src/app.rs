//! The only place where the parts are wired together; `main` and the tests both use it.
