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
    for each in $targets; do
        has_target "$each" || rustup target add "$each" >/dev/null 2>&1 || way=debian
    done
    # With its source, std can be built for size.
    [ "$way" = debian ] || has_source || rustup component add rust-src >/dev/null 2>&1 || true
}

has_source() { [ -e "$(rustc --print sysroot)/lib/rustlib/src/rust/library/std/Cargo.toml" ]; }

# The way as a phrase for messages.
way_in_words() {
    case "$way" in
    cross) echo 'cross and its container' ;;
    rustup) echo "this machine's Rust, $(rustc --version | cut -d' ' -f2)" ;;
    debian) echo "Debian's compiler, with std built for ARM" ;;
    esac
}

# need_arm: installs what the way needs besides Rust.
need_arm() {
    # The container of cross has everything.
    [ "$way" != cross ] || return 0
    need arm-linux-gnueabihf-gcc 'gcc-arm-linux-gnueabihf libc6-dev-armhf-cross' \
        arm-linux-gnueabi-gcc 'gcc-arm-linux-gnueabi libc6-dev-armel-cross'
    [ "$way" != debian ] || toolchain=$("${root:?}/scripts/toolchain")
}

# arm_cargo ARGUMENT...: cargo with a --target among its arguments, in the way that find_way found. $within is a command
# that runs it, or empty.
arm_cargo() {
    case "$way" in
    cross)
        # A separate target folder: the container's build scripts do not run here. A fixed version: cross would update it.
        CARGO_TARGET_DIR=target/cross cross "+1.$(minimum_rust).0" "$@"
        ;;
    rustup) ${within:-} cargo "$@" ;;
    debian)
        PATH=$toolchain/bin:$PATH RUSTC=$toolchain/bin/rustc CARGO_TARGET_DIR=$(arm_target_dir) ${within:-} cargo "$@"
        ;;
    esac
}

# The folder where arm_cargo puts what it builds.
arm_target_dir() {
    case "$way" in
    cross) echo target/cross ;;
    # Cargo does not notice a rebuilt toolchain, so each toolchain has a folder.
    debian) echo "${CARGO_TARGET_DIR:-target}/${toolchain##*/}" ;;
    *) echo "${CARGO_TARGET_DIR:-target}" ;;
    esac
}

# firmware_cargo build|rustc TARGET [ARGUMENT...]: cargo for the small executable. Its bytes depend on the source and on the
# toolchain only: the names of this machine's folders are not in it.
firmware_cargo() {
    subcommand=$1 firmware=$2
    shift 2
    # They would replace the flags of .cargo/config.toml. Those of --config are added to them.
    unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
    # It unpacks the crates, so that their folders can be listed.
    arm_cargo fetch --quiet --locked --target "$firmware"
    flags="'--remap-path-prefix=$(pwd -P)='"
    home=${CARGO_HOME:-$HOME/.cargo}
    for folder in "$home"/registry/src/*; do
        # The container has Cargo's folder there.
        [ "$way" != cross ] || folder=/cargo/${folder#"$home"/}
        flags="$flags, '--remap-path-prefix=$folder='"
    done
    case "$way" in
    debian) library=$toolchain/lib/rustlib/src/rust/library ;;
    rustup) library=$(rustc --print sysroot)/lib/rustlib/src/rust/library ;;
    cross) library=/rust/lib/rustlib/src/rust/library ;;
    esac
    set -- --quiet --locked --profile firmware --target "$firmware" \
        --config "target.$firmware.rustflags=[$flags, '--remap-path-prefix=$library=rust']" "$@"
    if [ "$way" = cross ] || { [ "$way" = rustup ] && ! has_source; }; then
        arm_cargo "$subcommand" "$@"
    else
        # std is compiled with panic=abort and for size. The one that rustup brings also prints backtraces, which takes more
        # room than all of alarmd; the one of scripts/toolchain unwinds, for the tests. No message prints a value for
        # debugging, so the code for that is left out.
        RUSTC_BOOTSTRAP=1 arm_cargo "$subcommand" --config "target.$firmware.rustflags=['-Zfmt-debug=none']" -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size "$@"
    fi
}
