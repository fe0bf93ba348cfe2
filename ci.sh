#!/usr/bin/env bash
# Everything that a change has to pass, step by step. `.ci/run` calls it; so may you.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

step() {
  printf '\n== %s\n' "$*"
  "$@"
}

export RUSTDOCFLAGS="-D warnings"
step cargo test --workspace --locked
step cargo run --quiet --locked -p integration --example journey
step cargo run --quiet --locked -p mdoc-release -- sbom --out target/sbom.cdx.json
step cargo fmt --all --check
step cargo clippy --workspace --all-targets --locked -- -D warnings
step cargo doc --workspace --no-deps --locked --quiet
# Measured code is released code: allocations and ratios to the floor, and ten megabytes of hostile input for every decoder.
# A workspace of its own, of which isomdl is not built here (benches/run --help).
step cargo fmt --all --check --manifest-path benches/Cargo.toml
step cargo clippy --manifest-path benches/Cargo.toml -p mdoc-benches -p mdoc-hostile --all-targets --release --locked -- -D warnings
step cargo test --manifest-path benches/Cargo.toml -p mdoc-benches -p mdoc-hostile --release --locked
step benches/run --check
step benches/run hostile
if command -v cargo-deny >/dev/null; then
  step cargo deny --locked check --hide-inclusion-graph bans licenses sources
  # The advisories are on another host than the packages, which not every machine reaches.
  if timeout 120 cargo deny --locked fetch db >/dev/null 2>&1; then
    step cargo deny --locked check --hide-inclusion-graph advisories
  else
    printf '\n!! ADVISORIES WERE NOT CHECKED: the advisory database of RustSec cannot be fetched from here\n' >&2
  fi
else
  echo "cargo-deny is not installed (cargo install cargo-deny --locked): licences and sources were NOT checked" >&2
  [ -z "${CI:-}" ]
fi
printf '\nall steps passed\n'
