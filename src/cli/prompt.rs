//! Prompts on the terminal: passwords typed without echo, and confirmations before something is
//! deleted.
//!
//! A secret comes from standard input, piped or typed. It never comes from an argument, because
//! every process could read it there.

use std::io::{self, BufReader, IsTerminal, Read, Write};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use zeroize::Zeroizing;

use super::failure::Failure;
use crate::model::{Password, Secret};

/// More bytes than any password may have, so that a file piped in by mistake is not read
/// completely.
const MOST_BYTES: usize = 4096;

const CANCEL: u8 = 3;
const END: u8 = 4;
const BACKSPACE: u8 = 8;
const CLEAR: u8 = 21;
const DELETE: u8 = 127;

/// Where a new password comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFrom {
    /// Standard input, up to its end.
    Stdin,
    /// The terminal, typed twice.
    Terminal,
}

/// Checks that a password can be read, before anything else is done.
///
/// # Errors
/// `Usage` if a prompt is needed and there is no terminal.
pub fn need_source(from: PasswordFrom) -> Result<(), Failure> {
    if from == PasswordFrom::Stdin || io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage("a password is needed, and there is no terminal to prompt on")
        .hint("pipe it in with --password-stdin < file"))
}

/// Reads a new password.
///
/// # Errors
/// `Usage` if a prompt is needed and there is no terminal; `Failed` if the input is not a valid
/// password.
pub fn new_password(from: PasswordFrom) -> Result<Password, Failure> {
    need_source(from)?;
    match from {
        PasswordFrom::Stdin => piped_password(io::stdin().lock()),
        PasswordFrom::Terminal => typed_password(),
    }
}

/// Checks that there is a terminal for a confirmation. Scripts confirm with `--yes` instead.
///
/// # Errors
/// `Usage` if there is no terminal.
pub fn require_terminal() -> Result<(), Failure> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage("this needs confirmation, and there is no terminal to prompt on")
        .hint("confirm with --yes"))
}

/// Asks for confirmation before something is deleted.
///
/// # Errors
/// `Usage` if there is no terminal; `Failed` if the answer is no.
pub fn confirm(question: &str) -> Result<(), Failure> {
    require_terminal()?;
    let mut err = io::stderr();
    let _ = write!(err, "{question} [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(|error| unreadable(&error))?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::failed("nothing was changed")),
    }
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::failed(format_args!("standard input could not be read: {error}"))
}

/// Reads a piped password. Only the last line end, which files and `echo` add, is not part of it.
fn piped_password(input: impl Read) -> Result<Password, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES + 1));
    let limit = u64::try_from(MOST_BYTES + 1).unwrap_or(u64::MAX);
    input.take(limit).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    let mut secret = bytes.as_slice();
    secret = secret.strip_suffix(b"\n").unwrap_or(secret);
    secret = secret.strip_suffix(b"\r").unwrap_or(secret);
    password(secret)
}

/// The most bytes of a piped secret: a private key in PEM form is far smaller.
const MOST_PIPED: u64 = 16 * 1024;

/// Reads a secret that is no password from a file or standard input, to its end.
///
/// # Errors
/// `Failed` if it cannot be read, or is too long or no text.
pub fn piped_text(input: impl Read) -> Result<Secret, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES));
    input.take(MOST_PIPED + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MOST_PIPED {
        return Err(Failure::failed("the secret is longer than 16 KiB"));
    }
    text(&bytes)
}

/// Prompts for a secret that is no password, without echo.
///
/// # Errors
/// `Failed` if it cannot be read or is no text.
pub fn typed_text(label: &str) -> Result<Secret, Failure> {
    text(&ask(label)?)
}

fn text(bytes: &[u8]) -> Result<Secret, Failure> {
    let text = std::str::from_utf8(bytes);
    text.map(Secret::new).map_err(|_| Failure::failed("a secret must be UTF-8 text"))
}

fn password(bytes: &[u8]) -> Result<Password, Failure> {
    if bytes.len() > MOST_BYTES {
        return Err(Failure::failed(format_args!(
            "a password has at most {MOST_BYTES} bytes, got more"
        )));
    }
    if bytes.is_empty() {
        return Err(Failure::failed("a password is needed, and nothing came"));
    }
    let text =
        std::str::from_utf8(bytes).map_err(|_| Failure::failed("a password must be UTF-8 text"))?;
    Ok(Password::new(text))
}

fn typed_password() -> Result<Password, Failure> {
    let first = ask("Password: ")?;
    let again = ask("Repeat password: ")?;
    if *first != *again {
        return Err(Failure::failed("the two passwords differ; nothing was changed"));
    }
    password(&first)
}

fn ask(label: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // Switch the echo off before the prompt, so that even a password typed at once is not shown.
    let silence = Silence::begin().map_err(|error| unreadable(&error))?;
    let mut err = io::stderr();
    let _ = write!(err, "{label}");
    let _ = err.flush();
    let typed = read_typed(io::stdin().lock());
    drop(silence);
    let _ = writeln!(err);
    typed
}

/// Switches the terminal to unbuffered input without echo, until this value is dropped. Interrupts
/// are read as keys too: if they ended the process, the terminal would stay without echo.
pub(in crate::cli) struct Silence(Termios);

impl Silence {
    pub(in crate::cli) fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

fn read_typed(input: impl Read) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut typed = Zeroizing::new(Vec::with_capacity(MOST_BYTES + 1));
    for byte in BufReader::new(input).bytes() {
        match byte.map_err(|error| unreadable(&error))? {
            b'\r' | b'\n' | END => return Ok(typed),
            CANCEL => return Err(Failure::failed("cancelled; nothing was changed")),
            CLEAR => typed.clear(),
            BACKSPACE | DELETE => rub_out(&mut typed),
            key if typed.len() <= MOST_BYTES => typed.push(key),
            _ => {}
        }
    }
    Ok(typed)
}

/// Removes the last UTF-8 character: its continuation bytes (`10……`) and then its first byte.
fn rub_out(typed: &mut Vec<u8>) {
    while typed.pop().is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piped_password_loses_its_line_end_and_nothing_else() {
        for (piped, password) in
            [("  a b \n", "  a b "), ("x\r\n", "x"), ("x\n\n", "x\n"), ("x", "x")]
        {
            assert_eq!(piped_password(piped.as_bytes()).unwrap().reveal(), password);
        }
    }

    #[test]
    fn what_cannot_be_a_password_is_refused() {
        for bad in [
            Vec::new(),
            b"\n".to_vec(),
            vec![0xff, 0xfe],
            vec![b'a'; MOST_BYTES + 1],
            vec![b'a'; 1 << 20],
        ] {
            assert!(piped_password(bad.as_slice()).is_err());
        }
        assert!(piped_password([b'a'; MOST_BYTES].as_slice()).is_ok());
    }

    #[test]
    fn typed_keys_can_be_taken_back() {
        let typed = |keys: &str| {
            read_typed(keys.as_bytes()).map(|typed| String::from_utf8(typed.to_vec()).unwrap())
        };
        assert_eq!(typed("abc\x7f\x7fd\nrest").unwrap(), "ad");
        assert_eq!(typed("añ\x7fo\r").unwrap(), "ao");
        assert_eq!(typed("wrong\x15right\n").unwrap(), "right");
        assert_eq!(typed("\x7f\x08x\x04").unwrap(), "x");
        assert!(typed("abc\x03").is_err());
    }
}
