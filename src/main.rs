//! Parses the command line, runs it, prints what went wrong, sets the exit code.

fn main() {}
