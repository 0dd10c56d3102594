#!/bin/sh
# Run on the board by scripts/deploy, in the folder that it copied: installs the files, and restores the previous ones if the
# new alarmd does not work. POSIX sh, for busybox. A broken connection does not stop it. After a power cut, S60alarmd restores
# the previous files at the next start.
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
mkdir -p /var/lib/alarmd/installed /var/lib/alarmd/new "$kept" || unchanged '/var/lib/alarmd cannot be written'
mkdir "$lock" 2>/dev/null || unchanged "another deploy is running ($lock)"
trap 'cd / && rm -rf "$stage" && rmdir "$lock"' EXIT

# Remains of earlier deploys that a power cut ended.
for left in "${stage%/*}"/.alarmd-new.*; do
    [ "$left" = "$stage" ] || rm -rf "$left"
done
version=$(./alarmd --version) || unchanged 'the new alarmd does not run on this board'

# process: prints the process id of the running alarmd, which the installed executable reads from the status block. Called by
# the name alarmctl, it is the tool.
ln -s /usr/sbin/alarmd alarmctl
process() { ./alarmctl status 2>/dev/null | sed -n 's/^alarmd .*; process \([0-9]*\) since .*/\1/p'; }
# True if the running program is the file /usr/sbin/alarmd: the link of a replaced one ends in "(deleted)".
works() {
    pid=$(process)
    [ -n "$pid" ] && [ "$(readlink "/proc/$pid/exe")" = /usr/sbin/alarmd ]
}
respawned() { grep -q '^[^#]*:respawn:.*alarmd' /etc/inittab 2>/dev/null; }
if [ -n "$(process)" ] && ! respawned && ! /etc/init.d/S60alarmd status >/dev/null 2>&1; then
    unchanged "process $(process) is an alarmd that no init script started; stop it first"
fi

restart() {
    if respawned; then
        pid=$(process)
        [ -z "$pid" ] || kill "$pid"
    else
        /etc/init.d/S60alarmd restart || return 1
    fi
    looks=0
    until works; do
        looks=$((looks + 1))
        # The init script has already waited.
        if [ $looks -gt 10 ] || { ! respawned && [ $looks -gt 2 ]; }; then return 1; fi
        sleep 1
    done
}

# Restores every file in the journal: the kept copy, or no file where there was none.
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
    say 'an earlier deploy was interrupted; restoring the previous files'
    go_back
fi

# A file is replaced if the board has never had it, or has it as the last deploy installed it. One that was changed or removed
# on the board stays so.
: >replace
while read -r file; do
    record=/var/lib/alarmd/installed/$(flat "$file")
    if respawned && [ "$file" = /etc/init.d/S60alarmd ]; then
        say 'init starts alarmd (/etc/inittab), so the init script is not installed'
    elif [ -L "$file" ]; then
        say "$file is a link and is not replaced"
    elif [ ! -e "$file" ]; then
        if [ -e "$record" ]; then say "$file was removed on the board and is not installed"; else echo "$file" >>replace; fi
    elif cmp -s "root$file" "$file"; then
        sum "$file" >"$record"
    elif [ -e "$record" ] && [ "$(sum "$file")" = "$(cat "$record")" ]; then
        echo "$file" >>replace
    else
        # Not in the same folder: init would also run a second script there.
        cp "root$file" "/var/lib/alarmd/new/$(flat "$file")"
        say "$file was changed on the board and stays; the new one is in /var/lib/alarmd/new/$(flat "$file")"
    fi
done <files

configuration=/etc/alarmd.conf
! grep -qx "$configuration" replace || configuration=root$configuration
if [ -e "$configuration" ]; then
    ./alarmd -c "$configuration" --check || unchanged "the new alarmd refuses the board's configuration"
fi

# All files are kept and the journal is written before the first file is replaced.
rm -f "$kept"/*
mkdir -p root/usr/sbin
cp -p alarmd root/usr/sbin/alarmd
for file in /usr/sbin/alarmd $(cat replace); do
    [ ! -e "$file" ] || cp -p "$file" "$kept/$(flat "$file")" || { rm -f "$kept"/*; unchanged "no space to keep $file"; }
    echo "$file"
done >journal
sync
if ! { cp journal "$journal.next" && mv -f "$journal.next" "$journal"; }; then unchanged "$journal cannot be written"; fi
sync
while read -r file; do
    mkdir -p "${file%/*}"
    # The new file is complete on the flash before the rename, so that there is always one complete file.
    if ! { cp -p "root$file" "$file.alarmd-next" && sync && mv -f "$file.alarmd-next" "$file"; }; then
        go_back
        say "$file cannot be written; the previous files are restored"
        exit 1
    fi
done <journal
[ -e /usr/bin/alarmctl ] || ln -s ../sbin/alarmd /usr/bin/alarmctl
sync

if restart; then
    rm -f "$journal"
    while read -r file; do sum "$file" >"/var/lib/alarmd/installed/$(flat "$file")"; done <replace
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
    say 'no previous alarmd works'
fi
exit 1
