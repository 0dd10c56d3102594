# Sourced after setup.sh: downloads Debian packages of the ARM architectures and unpacks them into the cache. It installs
# none of them on this machine and does not change apt's own lists.
# shellcheck shell=sh

# The folder for downloads and for what is built once, outside the checkout: $ALARMD_CACHE, or a folder of the user's cache.
cache=${ALARMD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/alarmd}
case "$cache" in /*) ;; *) cache=$PWD/$cache ;; esac

# apt_of TOOL ARGUMENT...: apt-get or apt-cache for armhf and armel as well as this machine's architecture.
apt_of() {
    tool=$1
    shift
    "$tool" -q -o APT::Architectures::=armhf -o APT::Architectures::=armel -o Dir::State::Lists="$cache/apt/lists" \
        -o Dir::Cache="$cache/apt/cache" -o Dir::Cache::pkgcache=pkgcache.bin -o Dir::Cache::srcpkgcache=srcpkgcache.bin -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 "$@"
}

# Updates the package lists once a day. Without a network the previous lists remain.
foreign_lists() {
    mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache/archives/partial"
    [ -z "$(find "$cache/apt/stamp" -mtime -1 2>/dev/null)" ] || return 0
    # A mirror may lack the index of one architecture. A package that is missing is reported where it is needed.
    (
        flock 8
        apt_of apt-get update >"$cache/apt/update.log" 2>&1 || true
    ) 8>"$cache/apt/lock"
    # Without a network no list is new, and the next call tries again.
    [ -z "$(find "$cache/apt/lists" -name '*binary-armhf_Packages*' -mmin -1500)" ] || touch "$cache/apt/stamp"
}

# with_versions PACKAGE...: prints PACKAGE=VERSION for each, with the version that apt would download.
with_versions() {
    found=$(apt_of apt-cache policy "$@" 2>/dev/null |
        awk '/^[^ ].*:$/ { sub(/:$/, ""); name = $0 } /^  Candidate: [^(]/ { print name "=" $2 }')
    for package in "$@"; do
        case "$found" in
        *"$package="*) ;;
        *)
            echo "${0##*/}: apt has no package $package; see $cache/apt/update.log for errors of its lists" >&2
            return 1
            ;;
        esac
    done
    echo "$found"
}

# newest_package PATTERN: prints the package with the highest version in its name, among those that match.
newest_package() {
    apt_of apt-cache pkgnames | grep -E "^$1\$" | sort -V | tail -1
}

# unpack FOLDER PACKAGE[=VERSION]...: downloads the packages and unpacks them into the folder.
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

# key_of WORD... [-- FILE...]: prints a short hash of the words and of the content of the files.
key_of() {
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        printf '%s\n' "$1"
        shift
    done >"$cache/key.$$"
    [ $# -eq 0 ] || shift
    cat "$@" "$cache/key.$$" </dev/null | sha256sum | cut -c1-12
    rm "$cache/key.$$"
}
