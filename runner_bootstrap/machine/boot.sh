#!/bin/sh
# The first program of a machine or container that becomes a runner: finds a Python, runs boot.py,
# and always switches a machine off at the end.
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
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 \
        /usr/libexec/platform-python; do
        if new_enough "$candidate"; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

# Reports what boot.py would otherwise report. Without a token or curl it is only printed.
report_no_python() {
    say 'python FAILED: there is no Python 3.9 or newer on this machine'
    if [ -r "$folder/token" ] && [ -n "${CADENCE_RUNNER_ID:-}" ] && command -v curl >/dev/null 2>&1; then
        # The header is read from standard input, since every user can see arguments.
        { printf 'Authorization: Bearer '; cat "$folder/token"; echo; } | curl -fsS -m 20 --retry 2 -o /dev/null \
            -H @- -H 'Content-Type: application/json' \
            -d '{"phase": "python", "ok": false, "seconds": 0, "detail": "there is no Python 3.9 or newer on this machine"}' \
            "${CADENCE_GATEWAY%/}/runner/v1/runners/$CADENCE_RUNNER_ID/boot" ||
            say 'the report could not be sent to the control plane'
    fi
}

switch_off() { # switch_off WHEN
    if [ -n "${CADENCE_POWER_OFF:-}" ]; then
        shutdown -h "$1" || say "the machine could not be switched off ($1)"
    fi
}

# The machine switches off even if everything else fails.
switch_off "+${CADENCE_MINUTES:-1440}"
status=1
if [ -n "${CADENCE_WARM:-}" ] && python=$(find_python); then
    # A warm machine, started in advance: its user data says which runner it has become, if any.
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
    report_no_python
elif [ -z "${CADENCE_POWER_OFF:-}" ]; then
    # In a container signals are sent to the first process.
    exec "$python" "$folder/boot.py" "$folder" "$@"
else
    "$python" "$folder/boot.py" "$folder" "$@"
    status=$?
fi
rm -f "$folder/token"
say "ended with status $status"
switch_off now
exit "$status"
