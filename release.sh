#!/usr/bin/env bash
# Makes a release: dist/mdoc-VERSION-TARGET.tar.gz with the programs, their manual, completions, licences and bill of
# materials, and the SHA-256 of it and of everything in it. The same commit on the same machine gives the same file.
#
#   ./release.sh                    for this machine
#   TARGET=aarch64-… ./release.sh   for another one, if its Rust target and linker are there
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

programs=(mdoc-issuer mdoc-holder mdoc-service mdoc-verifier)
host=$(rustc --version --verbose | sed -n 's/^host: //p')
target=${TARGET:-$host}
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
name=mdoc-$version-$target
# What is in the release is as old as its commit, so that it can be made again.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

if [ -n "$(git status --porcelain)" ]; then
  echo "release.sh: error: there are changes that are not committed" >&2
  echo "hint: commit them, or put them away with \`git stash\`" >&2
  exit 2
fi

# No path of this machine is in the programs.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=. --remap-path-prefix=$cargo_home=cargo"
build=target/dist
packages=()
for program in "${programs[@]}"; do
  packages+=(-p "$program")
done
cargo build --release --locked --target-dir "$build" --target "$target" "${packages[@]}"

# Where secrets lie in memory is up to the compiler: it is looked at in what is optimised as the programs are.
if [ "$target" = "$host" ]; then
  cargo test --release --locked --target-dir "$build" --target "$target" -p integration --test integration memory::
fi

rm -rf "dist/$name"
mkdir -p "dist/$name/bin"
into=dist/$name
for program in "${programs[@]}"; do
  install -m 755 "$build/$target/release/$program" "$into/bin/"
done
# The manual is the program's own; that of another machine's program is the same.
if [ "$target" = "$host" ]; then
  for program in "${programs[@]}"; do
    "$into/bin/$program" man --out "$into/share/man/man1" >/dev/null
    mkdir -p "$into"/share/{bash-completion/completions,zsh/site-functions,fish/vendor_completions.d}
    "$into/bin/$program" completions bash >"$into/share/bash-completion/completions/$program"
    "$into/bin/$program" completions zsh >"$into/share/zsh/site-functions/_$program"
    "$into/bin/$program" completions fish >"$into/share/fish/vendor_completions.d/$program.fish"
  done
else
  echo "release.sh: warning: the programs for $target do not run here: no manual and no completions" >&2
fi
git archive HEAD README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE document-formats docs | tar --extract --directory "$into"
export RUSTFLAGS=''
parts() { cargo run --quiet --locked -p mdoc-release -- "$@"; }
made_at=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
parts sbom --target "$target" --made-at "$made_at" --out "$into/sbom.cdx.json"
parts licences --target "$target" --out "$into/licences"

(cd "$into" && find . -type f ! -name SHA256SUMS -print0 | LC_ALL=C sort -z | xargs -0 sha256sum >SHA256SUMS)
tar --create --directory dist --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
  --mode='u+rwX,go=rX' --format=gnu "$name" | gzip -9 -n >"dist/$name.tar.gz"
(cd dist && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
printf 'made dist/%s.tar.gz\n' "$name"
