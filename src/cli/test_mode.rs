//! The options of `authd serve` for the test mode, and the temporary database that it uses.

use std::fs::{self, DirBuilder};
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use crate::config::{Config, Inputs};
use crate::env::Env;
use crate::model::secret;
use crate::testing::TestMode;

/// Options for the test mode.
#[derive(Debug, Args)]
pub struct TestOptions {
    /// Serve for the tests of an app: with a mailbox, a clock and users by one call under /test
    ///
    /// The server listens on this machine alone, sends nothing, and keeps its data in a temporary
    /// database unless --db is given. See docs/test-mode.md.
    #[arg(long)]
    test: bool,

    /// Make every one-time code this one
    #[arg(long, value_name = "DIGITS", requires = "test", value_parser = six_digits)]
    test_code: Option<u32>,
}

fn six_digits(text: &str) -> Result<u32, String> {
    let is_code = text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit());
    let code = text.parse().ok().filter(|_| is_code);
    code.ok_or_else(|| "expected six digits, like 123456".to_owned())
}

/// A server in test mode that is about to start.
pub struct TestStart {
    pub mode: TestMode,
    pub env: Env,
    /// The folder of the database, which is removed in the end; `None` with --db.
    pub folder: Option<TemporaryFolder>,
}

impl TestOptions {
    /// What the test mode needs, if it is wanted, added to the sources of the configuration.
    pub fn start(self, inputs: &mut Inputs) -> Result<Option<TestStart>, Failure> {
        if !self.test {
            return Ok(None);
        }
        let (mode, env) = TestMode::new(self.test_code);
        // When the clock is set back, a key that was made in the meantime would be of the future.
        inputs.flags.push(("tokens.rotate_every".to_owned(), "none".to_owned()));
        let folder = if inputs.flags.iter().any(|(name, _)| name == "db") {
            None
        } else {
            let folder = TemporaryFolder::new(&env)?;
            inputs.flags.push(("db".to_owned(), folder.database()?));
            Some(folder)
        };
        Ok(Some(TestStart { mode, env, folder }))
    }
}

/// Replaces port 0 by a free port, because the links in mail contain it.
pub fn choose_port(config: &Config, inputs: &mut Inputs) -> Result<(), Failure> {
    let listen = config.server.listen;
    if listen.port() != 0 {
        return Ok(());
    }
    let free = TcpListener::bind(listen).and_then(|socket| socket.local_addr());
    let free = free.map_err(|error| Failure::failed(format_args!("no port is free: {error}")))?;
    inputs.flags.push(("listen".to_owned(), free.to_string()));
    Ok(())
}

/// A folder that only this user can read, removed in the end.
pub struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn new(env: &Env) -> Result<Self, Failure> {
        let name = format!("authd-test-{}", secret::encode(&env.random::<9>()?));
        let path = std::env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| {
            Failure::failed(format_args!("{} could not be created: {error}", path.display()))
        })?;
        Ok(Self(path))
    }

    fn database(&self) -> Result<String, Failure> {
        let path = self.0.join("authd.db").into_os_string().into_string();
        path.map_err(|_| Failure::failed("the path of the temporary folder is not UTF-8 text"))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_code_is_six_digits() {
        assert_eq!(six_digits("012345"), Ok(12_345));
        for bad in ["", "12345", "1234567", "12345x", "+12345", " 12345"] {
            assert!(six_digits(bad).is_err(), "{bad}");
        }
    }
}
