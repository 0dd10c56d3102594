# Sourced by the scripts: installs the Debian packages that are missing, and nothing else.
# shellcheck shell=sh

# as_root COMMAND...: runs it directly as root, else through sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "${0##*/}: '$*' needs root, and sudo is not installed; run it as root and start again" >&2
        return 1
    fi
}

# update: fetches the package lists, once. Another process may be running apt, which does not wait for the lock of the lists.
update() {
    [ -z "${updated:-}" ] || return 0
    for turn in 1 2 3 4; do
        as_root apt-get update -qq && break
        sleep $((turn * 5))
    done
    updated=yes
}

# install PACKAGE...: installs them with apt-get.
install() {
    echo "${0##*/}: installing $*"
    update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=300 \
        --no-install-recommends "$@" >/dev/null
}

# need COMMAND PACKAGE [COMMAND PACKAGE]...: installs the packages of the commands that are missing.
need() {
    missing=
    while [ $# -ge 2 ]; do
        command -v "$1" >/dev/null || missing="$missing $2"
        shift 2
    done
    # shellcheck disable=SC2086 # a list of words
    [ -z "$missing" ] || install $missing
}

# Prints the minor version of the oldest Rust that builds alarmd, from Cargo.toml.
minimum_rust() {
    sed -n 's/^rust-version = "1\.\([0-9]*\)"/\1/p' "${root:?}/Cargo.toml"
}

# True if cargo and rustc are installed and new enough.
rust_is_good() {
    command -v cargo >/dev/null && command -v rustc >/dev/null || return 1
    [ "$(rustc --version | sed -n 's/^rustc 1\.\([0-9]*\).*/\1/p')" -ge "$(minimum_rust)" ]
}

# Installs Debian's Rust where there is none, or too old a one. Debian 12 calls the package rustc-web, later ones rustc.
need_rust() {
    # cargo downloads crates over HTTPS.
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

# Installs rustfmt and clippy for the toolchain in use.
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
