#!/usr/bin/env bash
# Measures what the browser loads: the release build of the page's wasm and its JavaScript, optimised with the flags that
# `cargo leptos build --release` uses and compressed. Fails when there is more of it than docs/decisions/0002-wasm-diet.md allows.
# Needs what `scripts/setup.sh run` installs, Node.js and npm. Takes about five minutes on two cores the first time.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh
BINARYEN=132.0.0
LIMIT=200000
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
tool="$DIRECT_WRITE_CACHE/binaryen/node_modules/.bin/wasm-opt"
[ -x "$tool" ] || npm --prefix "$DIRECT_WRITE_CACHE/binaryen" install --no-audit --no-fund --silent "binaryen@$BINARYEN"
read -ra flags < <(sed -n 's/^wasm-opt-features = \[\(.*\)\]$/\1/p' Cargo.toml | tr -d '",')

CARGO_TARGET_DIR="$CARGO_TARGET_DIR/front" cargo build --quiet --profile wasm-release --lib \
  --target wasm32-unknown-unknown --no-default-features --features hydrate
wasm-bindgen --target web --no-typescript --out-dir "$work" \
  "$CARGO_TARGET_DIR/front/wasm32-unknown-unknown/wasm-release/direct_write.wasm"
"$tool" "${flags[@]}" "$work/direct_write_bg.wasm" -o "$work/optimised.wasm"
node -e '
  const { readFileSync } = require("fs");
  const { brotliCompressSync, constants } = require("zlib");
  const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 } };
  const [limit, ...files] = process.argv.slice(1);
  let total = 0;
  const tell = (name, ...sizes) => console.log([name.padEnd(12), ...sizes.map((size) => String(size).padStart(10))].join(" "));
  tell("bytes", "plain", "brotli");
  for (const [name, file] of [["wasm", files[0]], ["JavaScript", files[1]]]) {
    const bytes = readFileSync(file);
    const packed = brotliCompressSync(bytes, options).length;
    total += packed;
    tell(name, bytes.length, packed);
  }
  tell("together", "", total);
  if (total > Number(limit)) {
    console.error(`more than ${limit} bytes`);
    process.exit(1);
  }
' "$LIMIT" "$work/optimised.wasm" "$work/direct_write.js"
