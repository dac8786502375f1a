#!/usr/bin/env bash
# Measures the page in Chromium: release builds of page and server, loopback, cold cache. Prints figures and asserts none of them.
# Needs what `scripts/setup.sh bench` installs.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh
site="$CARGO_TARGET_DIR/bench-site"
PATH="$DIRECT_WRITE_CACHE/binaryen/node_modules/.bin:$PATH" LEPTOS_SITE_ROOT="$site" \
  cargo leptos build --release --frontend-only --precompress
# Building the other benchmarks builds the program as well, with the same library.
cargo bench --no-default-features --features local --bench ratios --no-run
export DIRECT_WRITE_BINARY="$CARGO_TARGET_DIR/release/direct-write" DIRECT_WRITE_SITE_ROOT="$site"
cd end2end
exec node_modules/.bin/playwright test --config bench/config.ts
