//! The options of all commands, and the parsers that commands share.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Args};

use crate::config::report;
use crate::model::Email;

/// Options of all commands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Print JSON instead of tables and sentences
    #[arg(long, global = true)]
    pub(in crate::cli) json: bool,

    /// Read this configuration file instead of authd.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub(in crate::cli) config: Option<PathBuf>,

    /// Read environment variables from this file; the environment overrides them
    #[arg(long, global = true, value_name = "FILE")]
    pub(in crate::cli) env_file: Option<PathBuf>,

    /// Start from this preset (see `authd profile list`)
    #[arg(long, global = true, value_name = "NAME", value_parser = profile_names(), hide_possible_values = true)]
    pub(in crate::cli) profile: Option<String>,

    /// Use this database: a file, or `postgres://USER@HOST/DATABASE`
    #[arg(long, global = true, value_name = "DATABASE")]
    pub(in crate::cli) db: Option<PathBuf>,

    /// Set any configuration key; may be repeated
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = setting)]
    pub(in crate::cli) set: Vec<(String, String)>,

    /// Log more to standard error; repeat for even more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(in crate::cli) verbose: u8,
}

/// The names of the presets.
pub(in crate::cli) fn profile_names() -> PossibleValuesParser {
    PossibleValuesParser::new(report::profiles().into_iter().map(|(name, _)| name))
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected key=value, like server.listen=127.0.0.1:8080".to_owned()),
    }
}

/// Parses an email address.
pub(in crate::cli) fn email(text: &str) -> Result<Email, String> {
    Email::parse(text)
        .ok_or_else(|| "expected one e-mail address, like jane@example.com".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_key_and_a_value_that_may_hold_anything() {
        assert_eq!(setting("a.b=c=d"), Ok(("a.b".to_owned(), "c=d".to_owned())));
        assert_eq!(setting("a="), Ok(("a".to_owned(), String::new())));
        assert!(setting("a").is_err() && setting("=b").is_err());
    }
}
