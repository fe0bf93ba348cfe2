#!/usr/bin/env bash
# Everything that a change has to pass, step by step. `.ci/run` calls it; so may you.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Runs a command; what it prints is in target/ci, and a line here says how long it took. If it fails, what it said is
# shown, and everything ends with its status.
mkdir -p target/ci
rm -f target/ci/*.log
began=$SECONDS
number=0
step() {
  local status=0 start=$SECONDS log
  number=$((number + 1))
  log=target/ci/$(printf '%02d-%s' "$number" "$(tr -cs 'a-zA-Z0-9\n' - <<<"${*##*/}" | cut -c-60)").log
  "$@" >"$log" 2>&1 || status=$?
  case $status in
    0) printf 'ok      %4d s  %s%s\n' $((SECONDS - start)) "$*" "$(counted "$log")" ;;
    "${spared:-0}") printf 'not done      %s\n' "$*" ;;
    *)
      printf '\n== what `%s` said:\n' "$*"
      grep -nE '^(error|FAILED|failures:)|panicked at|\.\.\. FAILED|beyond a bound|^(hostile|bench|kiosk\.py):' "$log" | head -40 || true
      printf '== and at its end:\n'
      tail -n 80 "$log"
      printf '\nFAILED after %d s with status %d, %d s after the beginning: %s\n' \
        $((SECONDS - start)) "$status" $((SECONDS - began)) "$*"
      ;;
  esac
  return "$status"
}
# Notes what could not be done here, and what is missing for it.
lacking() {
  echo "$1" >>"$MDOC_NOT_DONE"
}
# A step that says by a status of its own that this machine lacks what it needs; any other one ends everything. `set -e` does not
# see to that behind `||`.
step_unless() {
  local lacks=$1 what=$2 status=0
  shift 2
  spared=$lacks step "$@" || status=$?
  [ "$status" != 0 ] || return 0
  [ "$status" = "$lacks" ] || exit "$status"
  # Some say themselves what they lack.
  [ -z "$what" ] || lacking "$what"
}
# Whatever goes on in the background ends with everything else.
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
# How many tests passed, if it was a run of tests.
counted() {
  awk '/^test result: ok/ { passed += $4; ignored += $8 } END { if (passed) printf ": %d tests passed, %d ignored", passed, ignored }' "$1"
}

export RUSTDOCFLAGS="-D warnings"
# What a step could not do on this machine, to be said at the end.
mkdir -p target
export MDOC_NOT_DONE="$PWD/target/not-done.txt"
: >"$MDOC_NOT_DONE"
# What the last step needs is built of as many crates as everything here: in the time that the steps before it leave.
installing=
if [ -n "${INSTALL:-}" ] && ! command -v cargo-deny >/dev/null; then
  nice -n 19 cargo install cargo-deny --locked --quiet --debug >target/ci/cargo-deny.log 2>&1 &
  installing=$!
fi
step cargo test --workspace --locked --no-run
# Tests wait more than they compute. What they leave of the processors, later steps use in advance.
ahead=(cargo clippy --workspace --all-targets --locked -- -D warnings)
benches=(--manifest-path benches/Cargo.toml -p mdoc-benches -p mdoc-hostile --release --locked)
in_advance() {
  sleep 20
  nice -n 19 "${ahead[@]}"
  nice -n 19 cargo clippy "${benches[@]}" --all-targets
  nice -n 19 cargo test "${benches[@]}" --no-run
}
in_advance >target/ci/ahead.log 2>&1 &
looking=$!
# Beside a PostgreSQL server, on which the rules of the service are tested as well as on SQLite.
if [ -d /usr/lib/postgresql ]; then
  step tests/postgres/run cargo test --workspace --locked
else
  lacking "PostgreSQL: it is not installed; the service was tested on SQLite alone"
  step cargo test --workspace --locked
fi
wait "$looking" || true
# What the tests have built: by itself it would be built anew, with other features.
export MDOC_BIN=${CARGO_TARGET_DIR:-target}/debug
step "$MDOC_BIN/examples/journey"
step bash -n release.sh
step "$MDOC_BIN/mdoc-release" sbom --out target/sbom.cdx.json
step cargo fmt --all --check
step "${ahead[@]}"
# What is not built by default: cameras. With all targets, so that only what depends on it is looked at again.
step cargo clippy --workspace --all-targets --features mdoc-verifier/camera --locked -- -D warnings
step cargo doc --workspace --no-deps --locked --quiet
# Nothing grows: allocations and ratios to the floor, and ten megabytes of hostile input for every decoder.
# A workspace of its own, of which isomdl is not built here (benches/run --help).
step cargo fmt --all --check --manifest-path benches/Cargo.toml
step cargo clippy "${benches[@]}" --all-targets -- -D warnings
step cargo test "${benches[@]}"
step benches/run --check
step benches/run hostile --busy
# Bluetooth: over a mock of bluetoothd, then on a real one in a virtual machine. 77: it has said what is missing.
# The programs are those that the tests above have built; they are not optimised, so that reading may take longer than
# the five seconds that are asserted otherwise.
for part in run-mock "run central-client peripheral-server again-central-client"; do
  # shellcheck disable=SC2086 # the words are a program and its arguments
  READ_LIMIT=60 step_unless 77 "" tests/ble/$part
done
# The kiosk's page, by the keyboard of a real browser.
step_unless 77 "the kiosk's page: chromium or chromedriver is missing" tests/browser/kiosk.py "$MDOC_BIN"
# How operators sign in: a browser with a passkey, a provider of somebody else, certificates over TLS.
step_unless 77 "operators' pages: chromium or chromedriver is missing" tests/browser/operator.py "$MDOC_BIN"
# What people are told, by a mail server of somebody else.
if tests/mail/run --install >target/ci/mail-install.log 2>&1; then
  step tests/mail/run
else
  lacking "mail: aiosmtpd cannot be had from PyPI"
fi
# The interface for machines, against its description.
if tests/service/describe --install >target/ci/describe-install.log 2>&1; then
  step tests/service/describe 25
else
  lacking "the description of the interface: schemathesis cannot be had from here"
fi
# A wallet by others, from the npm registry, collects from the service.
if command -v npm >/dev/null; then
  step_unless 2 "a wallet by others: its packages cannot be had from here" tests/interop/run-wallet
else
  lacking "a wallet by others: node and npm are missing"
fi
[ -z "$installing" ] || wait "$installing" || tail -n 20 target/ci/cargo-deny.log
if command -v cargo-deny >/dev/null; then
  step cargo deny --locked check --hide-inclusion-graph bans licenses sources
  # What is measured beside, in no program; the exceptions are those of the programs.
  step cargo deny --manifest-path benches/Cargo.toml --workspace --locked --config deny.toml check --hide-inclusion-graph --allow \
    license-exception-not-encountered bans licenses sources
  # The advisories are on another host than the packages, which not every machine reaches.
  if timeout 120 cargo deny --locked fetch db >/dev/null 2>&1; then
    for part in . benches; do
      step cargo deny --manifest-path "$part/Cargo.toml" --workspace --locked --config "$part/deny.toml" check --hide-inclusion-graph \
        advisories
    done
  else
    lacking "advisories: the database of RustSec cannot be fetched from here"
  fi
else
  lacking "licences, sources, advisories: cargo-deny is not installed (cargo install cargo-deny --locked)"
  [ -z "${CI:-}" ]
fi
if [ -s "$MDOC_NOT_DONE" ]; then
  printf '\n!! NOT DONE, because this machine lacks what it needs:\n' >&2
  sort -u "$MDOC_NOT_DONE" | sed 's/^/!!   /' >&2
  printf '\nall other steps passed\n'
else
  printf '\nall steps passed\n'
fi
