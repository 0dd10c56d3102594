#!/bin/sh
# Run on the board by scripts/deploy, in the folder that it copied: switches to what is there, and goes back if it does not
# work. POSIX sh, for busybox. A broken connection does not stop it; a power cut is undone at the next start, by S60alarmd.
stage=$PWD
kept=/var/lib/alarmd/previous
journal=/var/lib/alarmd/switched
lock=/var/run/alarmd.deploy

say() { echo "deploy: $*"; }
unchanged() {
    say "$*; nothing was changed"
    exit 1
}
flat() { echo "$1" | tr / _; }
sum() { if command -v sha256sum >/dev/null; then sha256sum <"$1"; else md5sum <"$1"; fi; }

trap '' HUP INT PIPE
mkdir -p /var/lib/alarmd/laid /var/lib/alarmd/new "$kept" || unchanged '/var/lib/alarmd cannot be written'
mkdir "$lock" 2>/dev/null || unchanged "another deploy is under way ($lock)"
trap 'cd / && rm -rf "$stage" && rmdir "$lock"' EXIT

# What a power cut left of earlier ones.
for left in "${stage%/*}"/.alarmd-new.*; do
    [ "$left" = "$stage" ] || rm -rf "$left"
done
version=$(./alarmd --version) || unchanged 'the new alarmd does not run on this board'

# Who runs, as the status block says, asked through the executable that is in place. The name makes it alarmctl.
ln -s /usr/sbin/alarmd alarmctl
process() { ./alarmctl status 2>/dev/null | sed -n 's/^alarmd .*; process \([0-9]*\) since .*/\1/p'; }
# True if the file /usr/sbin/alarmd is what runs: a replaced one's link ends in "(deleted)".
works() {
    pid=$(process)
    [ -n "$pid" ] && [ "$(readlink "/proc/$pid/exe")" = /usr/sbin/alarmd ]
}
respawned() { grep -q '^[^#]*:respawn:.*alarmd' /etc/inittab 2>/dev/null; }
if [ -n "$(process)" ] && ! respawned && ! /etc/init.d/S60alarmd status >/dev/null 2>&1; then
    unchanged "an alarmd that no init script started runs as process $(process); stop it first"
fi

restart() {
    if respawned; then
        pid=$(process)
        [ -z "$pid" ] || kill "$pid"
    else
        # One that does not start might hang when it is asked, too.
        /etc/init.d/S60alarmd restart || return 1
    fi
    looks=0
    until works; do
        looks=$((looks + 1))
        # The script has waited already.
        if [ $looks -gt 10 ] || { ! respawned && [ $looks -gt 2 ]; }; then return 1; fi
        sleep 1
    done
}

# Every file as it was, by the journal: what is kept comes back, what was not there goes.
go_back() {
    while read -r file; do
        rm -f "$file.alarmd-next"
        if [ -e "$kept/$(flat "$file")" ]; then
            cp -p "$kept/$(flat "$file")" "$file.alarmd-next" && sync && mv -f "$file.alarmd-next" "$file"
        else
            rm -f "$file"
        fi
    done <"$journal"
    sync
    rm -f "$journal" "$kept"/*
    sync
}
if [ -e "$journal" ]; then
    say 'an earlier deploy was cut off; going back to what was before it'
    go_back
fi

# A file that is on the board as we last laid it, or never was, is replaced; one that was changed or removed there stays so.
: >replace
while read -r file; do
    record=/var/lib/alarmd/laid/$(flat "$file")
    if respawned && [ "$file" = /etc/init.d/S60alarmd ]; then
        say 'init keeps alarmd running (/etc/inittab): without the init script'
    elif [ -L "$file" ]; then
        say "$file is a link and stays"
    elif [ ! -e "$file" ]; then
        if [ -e "$record" ]; then say "$file was removed on the board and stays away"; else echo "$file" >>replace; fi
    elif cmp -s "root$file" "$file"; then
        sum "$file" >"$record"
    elif [ -e "$record" ] && [ "$(sum "$file")" = "$(cat "$record")" ]; then
        echo "$file" >>replace
    else
        # Not beside it: init would run a second script in its folder.
        cp "root$file" "/var/lib/alarmd/new/$(flat "$file")"
        say "$file was changed on the board and stays; the new one is /var/lib/alarmd/new/$(flat "$file")"
    fi
done <files

configuration=/etc/alarmd.conf
! grep -qx "$configuration" replace || configuration=root$configuration
if [ -e "$configuration" ]; then
    ./alarmd -c "$configuration" --check || unchanged "the new alarmd refuses the board's configuration"
fi

# Everything is kept, and the journal written, before the first file is switched.
rm -f "$kept"/*
mkdir -p root/usr/sbin
cp -p alarmd root/usr/sbin/alarmd
for file in /usr/sbin/alarmd $(cat replace); do
    [ ! -e "$file" ] || cp -p "$file" "$kept/$(flat "$file")" || { rm -f "$kept"/*; unchanged "no room to keep $file"; }
    echo "$file"
done >journal
sync
if ! { cp journal "$journal.next" && mv -f "$journal.next" "$journal"; }; then unchanged "$journal cannot be written"; fi
sync
while read -r file; do
    mkdir -p "${file%/*}"
    # By rename, and whole on the flash before it: there is always one whole file.
    if ! { cp -p "root$file" "$file.alarmd-next" && sync && mv -f "$file.alarmd-next" "$file"; }; then
        go_back
        say "$file cannot be written; all is as it was"
        exit 1
    fi
done <journal
[ -e /usr/bin/alarmctl ] || ln -s ../sbin/alarmd /usr/bin/alarmctl
sync

if restart; then
    rm -f "$journal"
    while read -r file; do sum "$file" >"/var/lib/alarmd/laid/$(flat "$file")"; done <replace
    rm -f "$kept"/*
    sync
    say "$version works on this board"
    exit 0
fi
say 'the new alarmd does not work; going back'
go_back
if [ -x /usr/sbin/alarmd ] && restart; then
    say "the previous one works again: $(/usr/sbin/alarmd --version)"
else
    say 'there is no previous one that works'
fi
exit 1
