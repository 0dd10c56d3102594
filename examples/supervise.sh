#!/bin/sh
# A supervisor: starts a program, starts it again when it ends, and raises an alarm until it runs again.
# usage: supervise.sh MODULE INDEX PROGRAM [ARGUMENT]...
# example: supervise.sh sdhmgt 3 /usr/sbin/fan-control --foreground
#
# MODULE is a name or an id that alarmctl knows. INDEX distinguishes the programs of one module. PROGRAM must stay in the
# foreground. Whenever it ends without a SIGTERM or SIGINT to this script, whatever its exit status, the alarm type 2
# code 1 is raised (major), and PROGRAM is started again after 1, 2, 4 and so on to LONGEST_PAUSE_S seconds. When it has
# run for STABLE_S seconds the alarm is cleared and the pauses begin again at 1 second.
#
# SIGTERM and SIGINT send SIGTERM to PROGRAM, wait for its end, and clear the alarm: this stop is intended. SIGKILL cannot
# be passed on: PROGRAM then runs on without a supervisor, so end it before another supervisor is started.
#
# For any POSIX shell with sleep and alarmctl; busybox has the first two.
# Variables: ALARMCTL (alarmctl), STABLE_S (5), LONGEST_PAUSE_S (60).
set -u

if [ $# -lt 3 ]; then
    echo 'usage: supervise.sh MODULE INDEX PROGRAM [ARGUMENT]...' >&2
    exit 2
fi
module=$1 index=$2
shift 2
alarmctl=${ALARMCTL:-alarmctl}
stable_s=${STABLE_S:-5}
longest_pause_s=${LONGEST_PAUSE_S:-60}

say() { echo "supervise: $*" >&2; }

# An alarm that cannot be written is reported, and the program is supervised nevertheless.
alarm() { # raise|clear [OPTION]...
    action=$1
    shift
    "$alarmctl" "$action" "$module" --type 2 --code 1 --index "$index" "$@" >/dev/null && return
    say "the alarm cannot be written: alarmctl $action failed"
    return 1
}

# Sends SIGUSR1 to this script after stable_s seconds. The alarm is cleared by the script itself and not by this process, so
# that it cannot be cleared after it was raised again.
start_timer() {
    (
        sleep "$stable_s"
        kill -USR1 $$ 2>/dev/null
    ) &
    timer=$!
}

# Its sleep may outlive it, without effect.
stop_timer() {
    kill -KILL "$timer" 2>/dev/null
    wait "$timer" 2>/dev/null
}

# The program has run long enough. If the alarm cannot be cleared, the timer is started again.
on_timer() {
    if [ -n "$stopping" ]; then
        # A shell may lose a signal that comes between fork and exec of the program, so it is sent a second time.
        kill -TERM "$current" 2>/dev/null
    elif alarm clear; then
        pause=1
    else
        start_timer
    fi
}

on_stop() {
    stopping=yes
    [ -z "$current" ] || kill -TERM "$current" 2>/dev/null
}

# The process that the script waits for: the program, or the sleep of a pause.
current=''
stopping=''
trap on_stop TERM INT
trap on_timer USR1

# wait_for PROCESS: waits for its end and gives its exit status. A trap ends `wait` early, with a status above 128.
wait_for() {
    current=$1
    # The signal may have come before `current` was known.
    [ -z "$stopping" ] || kill -TERM "$current" 2>/dev/null
    while :; do
        wait "$1"
        status=$?
        if [ "$status" -le 128 ] || ! kill -0 "$1" 2>/dev/null; then break; fi
    done
    current=
    return "$status"
}

pause=1
while [ -z "$stopping" ]; do
    "$@" &
    program=$!
    start_timer
    wait_for "$program"
    status=$?
    stop_timer
    [ -z "$stopping" ] || break

    say "$1 ended with status $status; starting it again in $pause s"
    alarm raise --level major
    sleep "$pause" &
    wait_for $!
    pause=$((pause * 2))
    [ "$pause" -le "$longest_pause_s" ] || pause=$longest_pause_s
done
say "stopped; $1 has ended"
alarm clear
