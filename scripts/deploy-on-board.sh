#!/bin/sh
# Run on the board by scripts/deploy: checks what was copied, switches to it, and goes back if it does not work.
# POSIX sh, for busybox.
cd /usr/sbin/.alarmd-new || exit 1
trap '' HUP INT PIPE
trap 'cd / && rm -rf /usr/sbin/.alarmd-new' EXIT
say() { echo "deploy: $*"; }
unchanged() { say "$*; nothing was changed" && exit 1; }

# Not every busybox has each.
for tool in sha256sum md5sum cksum ''; do
    ! command -v "$tool" >/dev/null || break
done
[ -n "$tool" ] || unchanged 'the board has neither sha256sum nor md5sum nor cksum to verify the copy with'
sum() { "$tool" <"$1"; }
[ "$(sum alarmd)" = "$(cat "$tool")" ] || unchanged 'the copy has another checksum than the original'
version=$(./alarmd --version) || unchanged 'the new alarmd does not run on this board'

# A file that is on the board as we last laid it, or not at all, is replaced; one that was changed there stays.
laid=/var/lib/alarmd
mkdir -p "$laid" || exit 1
: >replace
while read -r file; do
    record=$laid/$(echo "$file" | tr / _)
    if [ -e "$file" ] && cmp -s "root$file" "$file"; then
        sum "$file" >"$record"
    elif [ ! -e "$file" ] || { [ -e "$record" ] && [ "$(sum "$file")" = "$(cat "$record")" ]; }; then
        echo "$file" >>replace
    else
        cp "root$file" "$file.new"
        say "$file was changed on the board and stays; the new one is $file.new"
    fi
done <files

configuration=/etc/alarmd.conf
! grep -qx "$configuration" replace || configuration=root$configuration
if [ -e "$configuration" ]; then
    ./alarmd -c "$configuration" --check || unchanged "the new alarmd refuses the board's configuration"
fi

# switch NEW FILE: by rename, so that there is always a whole one. What was there is kept until all works.
switch() {
    mkdir -p "${2%/*}"
    rm -f "$2.previous"
    [ ! -e "$2" ] || ln "$2" "$2.previous" 2>/dev/null || cp -p "$2" "$2.previous" || return 1
    cp -p "$1" "$2.next" && mv -f "$2.next" "$2"
}
switched=
# go_back: every file as it was; one that was not there goes.
go_back() {
    for file in $switched; do
        rm -f "$file.next"
        if [ -e "$file.previous" ]; then mv -f "$file.previous" "$file"; else rm -f "$file"; fi
    done
}
for file in /usr/sbin/alarmd $(cat replace); do
    case "$file" in
    */alarmd) [ "$file" = /usr/sbin/alarmd ] && from=alarmd || from=root$file ;;
    *) from=root$file ;;
    esac
    switched="$file $switched"
    if ! switch "$from" "$file"; then
        go_back
        say "$file cannot be written; all is as it was" && exit 1
    fi
done
[ -e /usr/bin/alarmctl ] || ln -s ../sbin/alarmd /usr/bin/alarmctl
sync

if /etc/init.d/S60alarmd restart; then
    for file in $switched; do rm -f "$file.previous"; done
    while read -r file; do sum "$file" >"$laid/$(echo "$file" | tr / _)"; done <replace
    say "$version works on this board"
    exit 0
fi
say 'the new alarmd does not work; going back'
go_back
if [ -x /usr/sbin/alarmd ] && /etc/init.d/S60alarmd restart; then
    say "the previous one works again: $(/usr/sbin/alarmd --version)"
else
    say 'there is no previous one that works'
fi
exit 1
