# Sourced by the scripts: installs from Debian's packages what is missing, and nothing else.
# shellcheck shell=sh

# as_root COMMAND...: directly, or through sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "${0##*/}: '$*' needs root, and there is no sudo; run it yourself and start again" >&2
        return 1
    fi
}

# update: the lists of packages, once. Somebody else may be installing: apt waits for the one lock, and not for the other.
update() {
    [ -z "${updated:-}" ] || return 0
    for turn in 1 2 3 4; do
        as_root apt-get update -qq && break
        sleep $((turn * 5))
    done
    updated=yes
}

# install PACKAGE...
install() {
    echo "${0##*/}: installing $*"
    update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=300 \
        --no-install-recommends "$@" >/dev/null
}

# need COMMAND PACKAGE [COMMAND PACKAGE]...: the packages of those commands that are missing.
need() {
    missing=
    while [ $# -ge 2 ]; do
        command -v "$1" >/dev/null || missing="$missing $2"
        shift 2
    done
    # shellcheck disable=SC2086 # a list of words
    [ -z "$missing" ] || install $missing
}

# The oldest Rust that builds this, from Cargo.toml.
minimum_rust() {
    sed -n 's/^rust-version = "1\.\([0-9]*\)"/\1/p' "${root:?}/Cargo.toml"
}

# True if cargo and rustc are there and new enough.
rust_is_good() {
    command -v cargo >/dev/null && command -v rustc >/dev/null || return 1
    [ "$(rustc --version | sed -n 's/^rustc 1\.\([0-9]*\).*/\1/p')" -ge "$(minimum_rust)" ]
}

# A Rust toolchain: the one that is there, or Debian's. Debian 12 has it as rustc-web, Debian 13 as rustc.
need_rust() {
    # cargo fetches crates by https.
    [ -e /etc/ssl/certs/ca-certificates.crt ] || install ca-certificates
    rust_is_good && return
    update
    if apt-cache show cargo-web >/dev/null 2>&1; then
        install rustc-web cargo-web
    else
        install rustc cargo
    fi
    hash -r
    rust_is_good && return
    echo "${0##*/}: Debian's Rust is older than 1.$(minimum_rust); install one from https://rustup.rs and start again" >&2
    return 1
}

# rustfmt and clippy, for the toolchain that is there.
need_rust_checks() {
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return
    if command -v rustup >/dev/null; then
        rustup component add rustfmt clippy
    elif apt-cache show rust-web-clippy >/dev/null 2>&1; then
        install rustfmt-web rust-web-clippy
    else
        install rustfmt rust-clippy
    fi
}
