#!/usr/bin/env bash
# Runs the browser tests against the binary that was just built. Arguments go to Playwright.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh
export DIRECT_WRITE_BINARY="${DIRECT_WRITE_BINARY:-$CARGO_TARGET_DIR/debug/direct-write}"
export DIRECT_WRITE_SITE_ROOT="${DIRECT_WRITE_SITE_ROOT:-$PWD/target/site}"
cd end2end
exec node_modules/.bin/playwright test "$@"
