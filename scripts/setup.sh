#!/usr/bin/env bash
# Installs what is missing and skips what is there.
#
#   scripts/setup.sh run     what building and starting the app needs
#   scripts/setup.sh package the above plus wasm-opt, for the folder that Databricks Apps runs
#   scripts/setup.sh check   what run needs plus rustfmt, clippy and nextest
#   scripts/setup.sh bench   what run needs plus wasm-opt, Chromium and Node packages
#   scripts/setup.sh test    what check needs plus Chromium, Node packages and Python clients
#
# Ends with one sentence saying what cannot be had, and exit code 1, when it cannot finish.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

GOAL="${1:-run}"
CARGO_LEPTOS_VERSION=0.3.11
NEXTEST_VERSION=0.9
RUST_MINOR=96
BINARYEN_VERSION=132.0.0
started=$SECONDS
tools="$DIRECT_WRITE_CACHE/tools"
mkdir -p "$tools/bin"

say() { printf '  setup  %s\n' "$*"; }
fail() { printf '  setup  cannot go on: %s\n' "$*" >&2; exit 1; }

# Runs a long step quietly, says how long it took, and shows the end of its log when it fails.
step() {
  local title="$1" log began=$SECONDS
  shift
  log="$(mktemp)"
  say "$title ..."
  if "$@" >"$log" 2>&1; then
    say "$title: done in $((SECONDS - began)) s"
    rm -f "$log"
  else
    tail -n 20 "$log" >&2
    return 1
  fi
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null 2>&1; then sudo "$@"
  else return 1
  fi
}

apt_install() {
  command -v apt-get >/dev/null 2>&1 || return 1
  if [ -z "${apt_updated:-}" ]; then
    as_root apt-get update || return 1
    apt_updated=1
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

rust_minor() { "${1:-rustc}" --version 2>/dev/null | sed -n 's/^rustc 1\.\([0-9]*\)\..*/\1/p'; }
wasm_std() {
  local root
  root="$("${1:-rustc}" --print sysroot 2>/dev/null)" || return 1
  compgen -G "$root/lib/rustlib/wasm32-unknown-unknown/lib/libstd*.rlib" >/dev/null || return 1
  # One that an earlier version of this script built names this machine's folders, and a package would hand them on.
  ! grep -qF "${CARGO_HOME:-$HOME/.cargo}/registry/" "$root"/lib/rustlib/wasm32-unknown-unknown/lib/*.rlib
}
rust_ready() { [ "$(rust_minor "$@")" -ge "$RUST_MINOR" ] 2>/dev/null && wasm_std "$@"; }

# rustup can bring the browser target where its server can be reached.
rust_from_rustup() {
  command -v rustup >/dev/null 2>&1 || return 1
  [ "$(rust_minor)" -ge "$RUST_MINOR" ] 2>/dev/null || return 1
  timeout 120 rustup target add wasm32-unknown-unknown && rust_ready
}

# Debian's own toolchain, with std for the browser built from the sources it ships.
rust_from_debian() {
  apt_install rustc-web cargo-web rust-web-src rust-web-llvm rustfmt-web rust-web-clippy || return 1
  local lld
  lld="$(readlink /usr/bin/rust-lld)"
  apt_install "$lld" || return 1
  ln -sf "/usr/bin/$lld" "$tools/bin/ld.lld"
  if ! wasm_std /usr/bin/rustc; then
    build_wasm_std || return 1
  fi
  if command -v rustup >/dev/null 2>&1; then
    rustup toolchain link direct-write-debian /usr || return 1
    echo direct-write-debian >"$DIRECT_WRITE_CACHE/toolchain"
    export RUSTUP_TOOLCHAIN=direct-write-debian
  fi
  rust_ready /usr/bin/rustc
}

build_wasm_std() {
  local work sources
  sources="$(ls -d /usr/src/rustc-*/library | sort -V | tail -n 1)"
  work="$(mktemp -d)"
  cp -r "$sources" "$work/library"
  (
    cd "$work/library"
    unset RUSTUP_TOOLCHAIN
    # Its panics name source files: not by this machine's folders.
    CARGO_TARGET_DIR="$work/target" RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
      RUSTFLAGS="-Zforce-unstable-if-unmarked --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo --remap-path-prefix=$work=std" \
      /usr/bin/cargo build --release --target wasm32-unknown-unknown -p sysroot
  ) || return 1
  as_root mkdir -p /usr/lib/rustlib/wasm32-unknown-unknown/lib
  # Two of them would be ambiguous.
  as_root rm -f /usr/lib/rustlib/wasm32-unknown-unknown/lib/*.rlib
  as_root cp "$work"/target/wasm32-unknown-unknown/release/deps/*.rlib /usr/lib/rustlib/wasm32-unknown-unknown/lib/
  # What was built against another std cannot be linked with this one, and cargo does not know that they differ.
  rm -rf "$CARGO_TARGET_DIR/wasm32-unknown-unknown" "$CARGO_TARGET_DIR/front/wasm32-unknown-unknown"
  rm -rf "$work"
}

need_rust() {
  if rust_ready; then
    say "Rust $(rustc --version | cut -d' ' -f2) with the browser target: there"
    return
  fi
  if step "browser target from rustup" rust_from_rustup 2>/dev/null; then return; fi
  step "Rust 1.$RUST_MINOR from Debian, browser std built from its sources" rust_from_debian && return
  fail "Rust 1.$RUST_MINOR or newer with the wasm32-unknown-unknown target is needed; install it from https://rustup.rs and run 'rustup target add wasm32-unknown-unknown'."
}

need_c_compiler() {
  command -v cc >/dev/null 2>&1 && return
  step "C compiler from the distribution" apt_install gcc g++ libc6-dev \
    || fail "a C compiler is needed (Debian: apt-get install gcc)."
}

at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

need_cargo_leptos() {
  local have
  have="$({ cargo-leptos --version 2>/dev/null || true; } | sed -n 's/.* \([0-9.]*\)$/\1/p')"
  if [ -n "$have" ] && at_least "$have" "$CARGO_LEPTOS_VERSION"; then
    say "cargo-leptos $have: there"
    return
  fi
  # The crate's own profile (fat LTO) takes over twenty minutes on two cores; speed of this tool does not matter.
  step "cargo-leptos $CARGO_LEPTOS_VERSION from its sources (about 6 minutes on two cores)" \
    env CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
    CARGO_TARGET_DIR="$DIRECT_WRITE_CACHE/tools-target" \
    cargo install cargo-leptos --version "$CARGO_LEPTOS_VERSION" --locked --features no_downloads --root "$tools" \
    || fail "cargo-leptos $CARGO_LEPTOS_VERSION could not be built; try 'cargo install cargo-leptos --locked'."
}

need_wasm_bindgen() {
  local want have
  want="$(sed -n '/^name = "wasm-bindgen"$/{n;s/^version = "\(.*\)"$/\1/p}' Cargo.lock)"
  have="$({ wasm-bindgen --version 2>/dev/null || true; } | cut -d" " -f2)"
  if [ "$have" = "$want" ]; then
    say "wasm-bindgen $have: there"
    return
  fi
  # Without --locked: the tool's lock file names packages that not every registry mirror carries.
  step "wasm-bindgen $want from its sources (about 2 minutes on two cores)" \
    env CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_TARGET_DIR="$DIRECT_WRITE_CACHE/tools-target" \
    cargo install wasm-bindgen-cli --version "$want" --force --root "$tools" \
    || fail "wasm-bindgen $want could not be built; try 'cargo install wasm-bindgen-cli --version $want'."
}

# cargo-leptos looks for it on the PATH; scripts/package.sh and scripts/wasm-size.sh put it there.
need_wasm_opt() {
  local tool="$DIRECT_WRITE_CACHE/binaryen/node_modules/.bin/wasm-opt"
  if [ -x "$tool" ]; then
    say "wasm-opt: there"
    return
  fi
  command -v npm >/dev/null 2>&1 || step "Node.js from the distribution" apt_install nodejs npm \
    || fail "npm is needed to fetch wasm-opt (binaryen)."
  step "wasm-opt (binaryen $BINARYEN_VERSION)" \
    npm --prefix "$DIRECT_WRITE_CACHE/binaryen" install --no-audit --no-fund "binaryen@$BINARYEN_VERSION" \
    || fail "npm could not install binaryen@$BINARYEN_VERSION, which has wasm-opt."
}

need_package_checks() {
  command -v objdump >/dev/null 2>&1 || step "objdump from the distribution" apt_install binutils \
    || fail "objdump is needed to check the package (Debian: apt-get install binutils)."
}

need_rust_checks() {
  cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 \
    || step "rustfmt and clippy" rustup component add rustfmt clippy \
    || fail "rustfmt and clippy are needed; run 'rustup component add rustfmt clippy'."
  if cargo nextest --version >/dev/null 2>&1; then
    say "cargo-nextest: there"
  else
    step "cargo-nextest from its sources (about 6 minutes on two cores)" \
      env CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
      CARGO_TARGET_DIR="$DIRECT_WRITE_CACHE/tools-target" \
      cargo install cargo-nextest --version "^$NEXTEST_VERSION" --locked --root "$tools" \
      || fail "cargo-nextest could not be built; try 'cargo install cargo-nextest --locked'."
  fi
}

need_chromium() {
  if [ -n "$CHROMIUM_PATH" ]; then
    say "Chromium: there"
    return
  fi
  step "Chromium from the distribution" apt_install chromium fonts-dejavu-core \
    || fail "Chromium is needed for the browser tests; install it and set CHROMIUM_PATH."
}

# Copies the lock file's packages once per lock file; node_modules in the clone is a link to it.
need_node_packages() {
  command -v npm >/dev/null 2>&1 || step "Node.js from the distribution" apt_install nodejs npm \
    || fail "Node.js 20 or newer with npm is needed for the browser tests."
  local node="$DIRECT_WRITE_CACHE/node"
  mkdir -p "$node"
  if ! cmp -s end2end/package-lock.json "$node/package-lock.json"; then
    cp end2end/package.json end2end/package-lock.json "$node/"
    step "Node packages for the browser tests" npm --prefix "$node" ci --no-audit --no-fund \
      || { rm -f "$node/package-lock.json"; fail "npm could not install the packages of end2end/package-lock.json."; }
  else
    say "Node packages: there"
  fi
  ln -sfn "$node/node_modules" end2end/node_modules
}

# One virtual environment per requirements file: the two Zerobus SDKs are the same package in versions that exclude each other.
python_environment() {
  local venv="$DIRECT_WRITE_CACHE/$1" requirements="$2" title="$3"
  if cmp -s "$requirements" "$venv/requirements.txt"; then
    say "$title: there"
    return
  fi
  command -v python3 >/dev/null 2>&1 || step "Python from the distribution" apt_install python3 python3-venv python3-pip \
    || fail "Python 3.10 or newer is needed for the independent clients of the tests."
  step "Python environment" python3 -m venv --clear "$venv" \
    || fail "python3 -m venv failed (Debian: apt-get install python3-venv)."
  step "$title" "$venv/bin/pip" install --quiet --requirement "$requirements" \
    || fail "pip could not install $requirements."
  cp "$requirements" "$venv/requirements.txt"
}

need_python_clients() {
  python_environment python tests/requirements.txt "Python clients (deltalake, pyarrow, Zerobus SDK)"
  python_environment python-0.2 tests/requirements-0.2.txt "Python client (Zerobus SDK 0.2)"
}

need_c_compiler
need_rust
need_cargo_leptos
need_wasm_bindgen
case "$GOAL" in
  run) ;;
  package) need_wasm_opt; need_package_checks ;;
  check) need_rust_checks ;;
  bench) need_wasm_opt; need_chromium; need_node_packages ;;
  test) need_rust_checks; need_chromium; need_node_packages; need_python_clients ;;
  *) fail "unknown goal '$GOAL' (run, package, check, bench or test)." ;;
esac
say "ready in $((SECONDS - started)) s"
