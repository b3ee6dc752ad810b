//! The program: everything is in the library; here its command line meets the process.

use std::process::ExitCode;

fn main() -> ExitCode {
    authd::cli::main(std::env::args_os())
}
