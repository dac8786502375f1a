#!/usr/bin/env bash
# Builds dist/app, the folder that Databricks Apps runs: the release server without the local lakehouse, compressed; the page with
# hashed names, compressed once; app.yaml; the launcher; checksums. Nothing is fetched when it starts.
# Needs what `scripts/setup.sh package` installs. docs/decisions/0005-package.md has the sizes and the reasons.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

app=dist/app
# A part of the compressed server; Databricks Apps takes no file of more than 10,485,760 bytes.
PART_BYTES=9000000
page="$CARGO_TARGET_DIR/package-site"
program="$CARGO_TARGET_DIR/app/direct-write"

# Neither this machine's folders nor its user belong into a program that is handed on. (This folder cargo does not name; and were it
# among the flags, every clone would build all libraries anew.)
unnamed="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo --remap-path-prefix=$HOME=home"
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS="${CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS:-} $unnamed"
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="$unnamed"
cargo build --profile app --no-default-features --features ssr --bin direct-write

export PATH="$DIRECT_WRITE_CACHE/binaryen/node_modules/.bin:$PATH"
# The page of `make build` stays where it is.
LEPTOS_SITE_ROOT="$page" LEPTOS_HASH_FILES=true LEPTOS_HASH_FILE_NAME="$CARGO_TARGET_DIR/app/hash.txt" \
  cargo leptos build --release --frontend-only --precompress

rm -rf "$app"
mkdir -p "$app"
cp -r "$page" "$app/site"
# What is smaller as it is, or as small, is sent as it is.
while IFS= read -r -d '' packed; do
  plain="${packed%.*}"
  if [ "$(stat -c %s "$packed")" -ge "$(stat -c %s "$plain")" ]; then rm "$packed"; fi
done < <(find "$app/site" -type f \( -name '*.br' -o -name '*.gz' \) -print0)
cp app.yaml scripts/launcher.py "$app/"
cp "$CARGO_TARGET_DIR/app/hash.txt" "$app/hash.txt"
gzip --best --no-name --stdout "$program" | split --bytes="$PART_BYTES" --numeric-suffixes - "$app/direct-write.gz."
(cd "$(dirname "$program")" && sha256sum direct-write) >"$app/direct-write.sha256"
(cd "$app" && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum) >"$app.sums"
mv "$app.sums" "$app/SHA256SUMS"

scripts/package-check.sh "$app" "$program"
