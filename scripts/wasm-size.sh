#!/usr/bin/env bash
# Measures what the browser loads: the release build of the page's wasm and its JavaScript, optimised and compressed,
# once with islands as it is, once with the whole page hydrated (a copy of the tree, changed by the few lines that differ).
# Needs what `scripts/setup.sh run` installs, Node.js and npm. Takes about ten minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh
BINARYEN=132.0.0
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
tool="$DIRECT_WRITE_CACHE/binaryen/node_modules/.bin/wasm-opt"
[ -x "$tool" ] || npm --prefix "$DIRECT_WRITE_CACHE/binaryen" install --no-audit --no-fund --silent "binaryen@$BINARYEN"

measure() {
  local name="$1" tree="$2" out="$work/$1"
  (cd "$tree" && CARGO_TARGET_DIR="$CARGO_TARGET_DIR/front" cargo build --quiet --profile wasm-release --lib \
    --target wasm32-unknown-unknown --no-default-features --features hydrate)
  wasm-bindgen --target web --no-typescript --out-dir "$out" \
    "$CARGO_TARGET_DIR/front/wasm32-unknown-unknown/wasm-release/direct_write.wasm"
  "$tool" -Oz --all-features "$out/direct_write_bg.wasm" -o "$out/optimised.wasm"
  node -e '
    const { readFileSync } = require("fs");
    const { brotliCompressSync, constants } = require("zlib");
    const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 } };
    const [name, ...files] = process.argv.slice(1);
    const sizes = files.map((file) => readFileSync(file)).flatMap((bytes) => [bytes.length, brotliCompressSync(bytes, options).length]);
    console.log([name.padEnd(16), ...sizes.map((size) => String(size).padStart(10))].join(" "));
  ' "$name" "$out/optimised.wasm" "$out/direct_write.js"
}

printf '%-16s %10s %10s %10s %10s\n' "bytes" "wasm" "brotli" "js" "brotli"
measure islands .
git ls-files -z | xargs -0 cp --parents -t "$work" 2>/dev/null || true
sed -i 's/^#\[island\]$/#[component]/' "$work"/src/ui/*.rs
sed -i 's/leptos::mount::hydrate_islands()/leptos::mount::hydrate_body(app::App)/' "$work/src/lib.rs"
sed -i 's/^leptos = { version = "0.8", features = \["islands"\] }/leptos = "0.8"/' "$work/Cargo.toml"
sed -i 's/ islands=true//' "$work/src/app.rs"
measure whole-page "$work"
