# Sourced by the Makefile and the other scripts: where tools and build products live, and which
# Rust to use. Sets variables only; scripts/setup.sh is what installs.
#
# Everything that can be kept between clones lives in one folder of the project, outside the clone:
#   $DIRECT_WRITE_CACHE/tools    cargo-leptos, wasm-bindgen, linker link
#   $DIRECT_WRITE_CACHE/target   cargo's target directory
#   $DIRECT_WRITE_CACHE/node     node_modules for the end-to-end tests
#   $DIRECT_WRITE_CACHE/python   virtual environment with the independent readers and clients; python-0.2 with an older client

export DIRECT_WRITE_CACHE="${DIRECT_WRITE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/direct-write}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$DIRECT_WRITE_CACHE/target}"
export PATH="$DIRECT_WRITE_CACHE/tools/bin:$PATH"

# Written by setup.sh when the distribution's toolchain is used instead of rustup's default.
if [ -z "${RUSTUP_TOOLCHAIN:-}" ] && [ -f "$DIRECT_WRITE_CACHE/toolchain" ]; then
  RUSTUP_TOOLCHAIN="$(cat "$DIRECT_WRITE_CACHE/toolchain")"
  export RUSTUP_TOOLCHAIN
fi

# A debug server with DataFusion in it links four times faster with lld than with GNU ld.
if [ -z "${CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS:-}" ] && command -v ld.lld >/dev/null 2>&1; then
  export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-Clink-arg=-fuse-ld=lld"
fi

# cargo-leptos sets this and Leptos looks at it while it compiles: without it plain cargo would build Leptos anew each time,
# and a server that looks for the page's wasm under another name.
export LEPTOS_OUTPUT_NAME=direct-write

# Playwright drives the system's Chromium; its own download is never wanted.
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
if [ -z "${CHROMIUM_PATH:-}" ]; then
  CHROMIUM_PATH="$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)"
  export CHROMIUM_PATH
fi
