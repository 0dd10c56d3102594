# Sourced after setup.sh: Debian packages of the ARM architectures, fetched into the cache and unpacked there. Nothing
# foreign is installed on this machine, and apt's own lists stay as they are.
# shellcheck shell=sh

# Where what is fetched or built once is kept, outside the checkout: $ALARMD_CACHE, or a folder of the user's cache.
cache=${ALARMD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/alarmd}
case "$cache" in /*) ;; *) cache=$PWD/$cache ;; esac

# apt_of TOOL ARGUMENT...: apt-get or apt-cache that knows armhf and armel beside this machine's architecture.
apt_of() {
    tool=$1
    shift
    "$tool" -q -o APT::Architectures::=armhf -o APT::Architectures::=armel -o Dir::State::Lists="$cache/apt/lists" \
        -o Dir::Cache="$cache/apt/cache" -o Dir::Cache::pkgcache=pkgcache.bin -o Dir::Cache::srcpkgcache=srcpkgcache.bin -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 "$@"
}

# Package lists of today, or of the last day that had a network.
foreign_lists() {
    mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache/archives/partial"
    [ -z "$(find "$cache/apt/stamp" -mtime -1 2>/dev/null)" ] || return 0
    # An index of another architecture may be broken on a mirror while the rest works: what is missing shows later.
    (
        flock 8
        apt_of apt-get update >"$cache/apt/update.log" 2>&1 || true
    ) 8>"$cache/apt/lock"
    # Without a network there is nothing new, and it is tried again the next time.
    [ -z "$(find "$cache/apt/lists" -name '*binary-armhf_Packages*' -mmin -1500)" ] || touch "$cache/apt/stamp"
}

# with_versions PACKAGE...: the packages as PACKAGE=VERSION, with what apt would fetch.
with_versions() {
    found=$(apt_of apt-cache policy "$@" 2>/dev/null |
        awk '/^[^ ].*:$/ { sub(/:$/, ""); name = $0 } /^  Candidate: [^(]/ { print name "=" $2 }')
    for package in "$@"; do
        case "$found" in
        *"$package="*) ;;
        *)
            echo "${0##*/}: apt knows no package $package; $cache/apt/update.log tells what its lists lack" >&2
            return 1
            ;;
        esac
    done
    echo "$found"
}

# newest_package PATTERN: the highest version among the packages with such a name.
newest_package() {
    apt_of apt-cache pkgnames | grep -E "^$1\$" | sort -V | tail -1
}

# unpack FOLDER PACKAGE[=VERSION]...: fetches the packages and lays their files into the folder.
unpack() {
    unpacked=$1
    shift
    mkdir -p "$unpacked.debs" "$unpacked"
    (cd "$unpacked.debs" && apt_of apt-get download "$@" >apt.log 2>&1) || {
        cat "$unpacked.debs/apt.log" >&2
        return 1
    }
    for deb in "$unpacked.debs"/*.deb; do
        dpkg-deb -x "$deb" "$unpacked"
    done
    rm -r "$unpacked.debs"
}

# key_of WORD...: a short name for just these versions and this recipe (files after --).
key_of() {
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        printf '%s\n' "$1"
        shift
    done >"$cache/key.$$"
    [ $# -eq 0 ] || shift
    cat "$@" "$cache/key.$$" </dev/null | sha256sum | cut -c1-12
    rm "$cache/key.$$"
}
