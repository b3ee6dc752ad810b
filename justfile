# Short names for the commands of CONTRIBUTING.md. `just --list` shows them.

# Format and lints
check:
    cargo fmt --check
    cargo clippy --all-targets --locked -- -D warnings

# Repair what can be repaired
fix:
    cargo clippy --fix --allow-dirty --allow-staged --all-targets --locked
    cargo fmt

# The tests, or those whose name contains a word
test *words:
    cargo test --locked {{words}}

# Speed beside the machine's limits: `just bench quick`, `just bench logins`
bench *words:
    cargo bench -- {{words}}

# Fuzz one parser: jwt, email, cookie, forwarded, json or multipart
fuzz target seconds="60":
    cp Cargo.lock fuzz/
    cargo +nightly fuzz run {{target}} -- -max_total_time={{seconds}}

# Everything that must pass before a change is accepted
ci:
    bash .ci/run

# Static binary, checksums and bill of materials, into dist/
release:
    scripts/release
