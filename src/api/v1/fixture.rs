//! The configuration for this wire's tests: the `standard` profile, with a required username.

use crate::config::{Config, Inputs, SignUpField, load};

pub(super) fn config() -> Config {
    let Ok(loaded) = load(&Inputs::default()) else { panic!("the standard profile is refused") };
    let mut config = loaded.config;
    config.signup.require.insert(SignUpField::Username);
    config
}
