#!/bin/sh
# The first program of a machine, or container, that is to be a runner: finds a Python, hands over to boot.py,
# and switches a machine off in the end, whatever happened.
# usage: boot.sh FOLDER [AGENT COMMAND…]   (FOLDER holds boot.py and, on machines, settings and token)
set -u
folder=$1
shift
if [ -r "$folder/settings" ]; then
    # shellcheck source=/dev/null
    . "$folder/settings"
fi

say() {
    printf 'cadence-boot: %s\n' "$1" >&2
    if [ -n "${CADENCE_CONSOLE:-}" ] && [ -w "$CADENCE_CONSOLE" ]; then
        printf 'cadence-boot: %s\n' "$1" >>"$CADENCE_CONSOLE"
    fi
}

new_enough() {
    command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null
}

find_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 /usr/libexec/platform-python; do
        if new_enough "$candidate"; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

# What boot.py tells otherwise. Without a token of its own here, or without curl, the console has it alone.
tell_no_python() {
    say 'python FAILED: there is no Python 3.9 or newer on this machine'
    if [ -r "$folder/token" ] && [ -n "${CADENCE_RUNNER_ID:-}" ] && command -v curl >/dev/null 2>&1; then
        # The header comes on standard input: arguments can be seen by everybody.
        { printf 'Authorization: Bearer '; cat "$folder/token"; echo; } | curl -fsS -m 20 --retry 2 -o /dev/null \
            -H @- -H 'Content-Type: application/json' \
            -d '{"phase": "python", "ok": false, "seconds": 0, "detail": "there is no Python 3.9 or newer on this machine"}' \
            "${CADENCE_GATEWAY%/}/runner/v1/runners/$CADENCE_RUNNER_ID/boot" || say 'the control plane could not be told'
    fi
}

switch_off() { # switch_off WHEN
    if [ -n "${CADENCE_POWER_OFF:-}" ]; then
        shutdown -h "$1" || say "the machine could not be told to switch off ($1)"
    fi
}

# Should everything else fail, the machine still goes.
switch_off "+${CADENCE_MINUTES:-1440}"
status=1
if [ -n "${CADENCE_WARM:-}" ] && python=$(find_python); then
    # Made in advance. Whose runner it is by now, if it is one's, its cloud knows.
    if "$python" "$folder/boot.py" "$folder" --wake; then
        unset CADENCE_WARM
        # shellcheck source=/dev/null
        . "$folder/settings"
        switch_off "+${CADENCE_MINUTES:-1440}"
    else
        say 'this machine waits for a runner'
        switch_off now
        exit 0
    fi
fi
if ! python=$(find_python); then
    tell_no_python
elif [ -z "${CADENCE_POWER_OFF:-}" ]; then
    # In a container signals come to the first process.
    exec "$python" "$folder/boot.py" "$folder" "$@"
else
    "$python" "$folder/boot.py" "$folder" "$@"
    status=$?
fi
rm -f "$folder/token"
say "ended with status $status"
switch_off now
exit "$status"
