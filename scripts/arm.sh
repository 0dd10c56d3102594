# Sourced after setup.sh: cargo for the ARM targets, the first way that works.
# shellcheck shell=sh

# The targets: 32-bit ARM Linux with hardware floating point, ARMv6 without, ARMv5 without. All static musl.
targets='armv7-unknown-linux-musleabihf arm-unknown-linux-musleabi armv5te-unknown-linux-musleabi'

# True if the Rust that is there has std for the target.
has_target() {
    folder=$(rustc --print target-libdir --target "$1" 2>/dev/null) && [ -n "$(find "$folder" -name 'libstd-*.rlib' 2>/dev/null)" ]
}

# Sets `way`: cross, rustup (the Rust that is there, if it has or can add the target) or debian. ALARMD_BUILD chooses.
find_way() {
    way=${ALARMD_BUILD:-}
    case "$way" in
    cross | rustup | debian) return ;;
    '') ;;
    *) echo "${0##*/}: ALARMD_BUILD is '$way'; cross, rustup or debian" >&2 && return 2 ;;
    esac
    if command -v cross >/dev/null && { docker info || podman info; } >/dev/null 2>&1; then
        way=cross
        return
    fi
    way=rustup
    for target in $targets; do
        has_target "$target" || rustup target add "$target" >/dev/null 2>&1 || way=debian
    done
    # Its source lets std be built for size.
    [ "$way" = debian ] || has_source || rustup component add rust-src >/dev/null 2>&1 || true
}

has_source() { [ -e "$(rustc --print sysroot)/lib/rustlib/src/rust/library/std/Cargo.toml" ]; }

# The way in words.
way_in_words() {
    case "$way" in
    cross) echo 'cross and its container' ;;
    rustup) echo "this machine's Rust, $(rustc --version | cut -d' ' -f2)" ;;
    debian) echo "Debian's compiler, with std built for ARM" ;;
    esac
}

# need_arm: what the way needs beside Rust.
need_arm() {
    # Its container has it all.
    [ "$way" != cross ] || return 0
    need arm-linux-gnueabihf-gcc 'gcc-arm-linux-gnueabihf libc6-dev-armhf-cross' \
        arm-linux-gnueabi-gcc 'gcc-arm-linux-gnueabi libc6-dev-armel-cross'
    [ "$way" != debian ] || toolchain=$("${root:?}/scripts/toolchain")
}

# arm_cargo ARGUMENT...: cargo with a --target among its arguments, the way that find_way found. What stands in $within goes
# before it.
arm_cargo() {
    case "$way" in
    cross)
        # A target folder of its own: the container's build scripts do not run here. A fixed version, for cross would update.
        CARGO_TARGET_DIR=target/cross cross "+1.$(minimum_rust).0" "$@"
        ;;
    rustup) ${within:-} cargo "$@" ;;
    debian)
        PATH=$toolchain/bin:$PATH RUSTC=$toolchain/bin/rustc CARGO_TARGET_DIR=$(arm_target_dir) ${within:-} cargo "$@"
        ;;
    esac
}

# Where arm_cargo lays what it built.
arm_target_dir() {
    case "$way" in
    cross) echo target/cross ;;
    # Cargo does not notice that a toolchain was built anew.
    debian) echo "${CARGO_TARGET_DIR:-target}/${toolchain##*/}" ;;
    *) echo "${CARGO_TARGET_DIR:-target}" ;;
    esac
}
