//! Questions to the person at the terminal: a secret typed without echo, a yes before something is destroyed.
//!
//! A secret comes from standard input, piped or typed, and never from an argument, where every process could read it.

use std::io::{self, BufReader, IsTerminal, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::failure::Failure;
use crate::model::Password;

/// More than any password may have, so that a file piped in by mistake is not read whole.
const MOST_BYTES: usize = 4096;

const CANCEL: u8 = 3;
const END: u8 = 4;
const BACKSPACE: u8 = 8;
const CLEAR: u8 = 21;
const DELETE: u8 = 127;

/// Where a new password comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFrom {
    /// Standard input, to its end.
    Stdin,
    /// The terminal, asked for twice.
    Terminal,
}

/// Makes sure that a password can come from there, before anything else is tried.
///
/// # Errors
/// Usage, when there is no terminal to ask at.
pub fn need_source(from: PasswordFrom) -> Result<(), Failure> {
    if from == PasswordFrom::Stdin || io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage("a password is needed and there is no terminal to ask at")
        .hint("pipe it in with --password-stdin < file"))
}

/// A new password.
///
/// # Errors
/// Usage, when there is no terminal to ask at; failure, when what came cannot be one.
pub fn new_password(from: PasswordFrom) -> Result<Password, Failure> {
    need_source(from)?;
    match from {
        PasswordFrom::Stdin => piped_password(io::stdin().lock()),
        PasswordFrom::Terminal => typed_password(),
    }
}

/// Makes sure that there is somebody to ask; a script says its yes in the call.
///
/// # Errors
/// Usage, when there is nobody.
pub fn need_somebody() -> Result<(), Failure> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage("this asks for a yes and there is no terminal to ask at").hint("say it with --yes"))
}

/// Asks before something is destroyed.
///
/// # Errors
/// Usage, when there is nobody to ask; failure, when the answer is no.
pub fn confirm(question: &str) -> Result<(), Failure> {
    need_somebody()?;
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

/// A file's or an echo's last line end is no part of the password; everything before it is.
fn piped_password(input: impl Read) -> Result<Password, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES + 1));
    let limit = u64::try_from(MOST_BYTES + 1).unwrap_or(u64::MAX);
    input.take(limit).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    let mut secret = bytes.as_slice();
    secret = secret.strip_suffix(b"\n").unwrap_or(secret);
    secret = secret.strip_suffix(b"\r").unwrap_or(secret);
    password(secret)
}

fn password(bytes: &[u8]) -> Result<Password, Failure> {
    if bytes.len() > MOST_BYTES {
        return Err(Failure::failed(format_args!("a password has at most {MOST_BYTES} bytes, and more came")));
    }
    if bytes.is_empty() {
        return Err(Failure::failed("a password is needed and nothing came"));
    }
    let text =
        std::str::from_utf8(bytes).map_err(|_| Failure::failed("a password is UTF-8 text, and other bytes came"))?;
    Ok(Password::new(text))
}

fn typed_password() -> Result<Password, Failure> {
    let first = ask("Password: ")?;
    let again = ask("Once more: ")?;
    if *first != *again {
        return Err(Failure::failed("the two passwords differ; nothing was changed"));
    }
    password(&first)
}

fn ask(label: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // Silence comes before the question: whoever answers at once is not shown either.
    let silence = Silence::begin().map_err(|error| unreadable(&error))?;
    let mut err = io::stderr();
    let _ = write!(err, "{label}");
    let _ = err.flush();
    let typed = read_typed(io::stdin().lock());
    drop(silence);
    let _ = writeln!(err);
    typed
}

/// The terminal hands over every key as it is pressed and shows none, until this is dropped. Interrupts come as keys
/// too: a process that they ended would leave the terminal silent.
struct Silence(Termios);

impl Silence {
    fn begin() -> io::Result<Self> {
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

/// Takes the last character away: its trailing bytes (`10……`) and then the one that began it.
fn rub_out(typed: &mut Vec<u8>) {
    while typed.pop().is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piped_password_loses_its_line_end_and_nothing_else() {
        for (piped, password) in [("  a b \n", "  a b "), ("x\r\n", "x"), ("x\n\n", "x\n"), ("x", "x")] {
            assert_eq!(piped_password(piped.as_bytes()).unwrap().reveal(), password);
        }
    }

    #[test]
    fn what_cannot_be_a_password_is_refused() {
        for bad in [Vec::new(), b"\n".to_vec(), vec![0xff, 0xfe], vec![b'a'; MOST_BYTES + 1], vec![b'a'; 1 << 20]] {
            assert!(piped_password(bad.as_slice()).is_err());
        }
        assert!(piped_password([b'a'; MOST_BYTES].as_slice()).is_ok());
    }

    #[test]
    fn typed_keys_can_be_taken_back() {
        let typed = |keys: &str| read_typed(keys.as_bytes()).map(|typed| String::from_utf8(typed.to_vec()).unwrap());
        assert_eq!(typed("abc\x7f\x7fd\nrest").unwrap(), "ad");
        assert_eq!(typed("añ\x7fo\r").unwrap(), "ao");
        assert_eq!(typed("wrong\x15right\n").unwrap(), "right");
        assert_eq!(typed("\x7f\x08x\x04").unwrap(), "x");
        assert!(typed("abc\x03").is_err());
    }
}
