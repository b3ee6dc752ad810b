//! The `authd` program, which passes its arguments to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    authd::cli::main(std::env::args_os())
}
