#!/bin/sh
# Makes this machine a host of a pool, or updates its agent; sent over SSH by `cadence host provision`, or run by hand.
# usage: install.sh AGENT SHA256 GATEWAY POOL NAME SLOTS [NAME=VALUE…]   (the join token comes on standard input)
# The agent and its state are in ~/.local/share/cadence-host/POOL; a running agent lets its runners end first.
set -eu
agent=$1 digest=$2 gateway=$3 pool=$4 name=$5 slots=$6
shift 6

say() { printf '%s\n' "$*" >&2; }

python=
for candidate in python3 python3.13 python3.12 python3.11 python3.10 python3.9; do
    if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 9))'; then
        python=$(command -v "$candidate")
        break
    fi
done
if [ -z "$python" ]; then
    say "there is no Python 3.9 or newer on this machine: install python3"
    exit 3
fi
found=$("$python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$agent")
if [ "$found" != "$digest" ]; then
    say "the agent that arrived has the SHA-256 $found, not $digest"
    exit 4
fi

umask 077
folder=$HOME/.local/share/cadence-host/$pool
mkdir -p "$folder"
cat >"$folder/join-token"
mv -f "$agent" "$folder/cadence-agent.pyz"

set -- "$@"
labels=
for label in "$@"; do
    labels="$labels --label '$(printf '%s' "$label" | sed "s/'/'\\\\''/g")'"
done
cat >"$folder/run" <<RUN
#!/bin/sh
exec '$python' '$folder/cadence-agent.pyz' host --gateway '$gateway' --pool '$pool' --name '$name' --slots '$slots' \\
    --token-file '$folder/join-token' --state '$folder/state.json'$labels
RUN
chmod 700 "$folder/run"

unit=cadence-host-$pool.service
describe() {
    cat <<UNIT
[Unit]
Description=Host of the Cadence pool $pool
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=$folder/run
Restart=always
RestartSec=5
Delegate=yes
KillMode=mixed
TimeoutStopSec=60

[Install]
WantedBy=$1
UNIT
}

if [ "$(id -u)" = 0 ] && [ -d /run/systemd/system ]; then
    describe multi-user.target >"/etc/systemd/system/$unit"
    systemctl daemon-reload
    systemctl enable --quiet "$unit"
    systemctl restart "$unit"
    say "started by systemd as $unit"
elif [ -d /run/systemd/system ] && systemctl --user show-environment >/dev/null 2>&1; then
    mkdir -p "$HOME/.config/systemd/user"
    describe default.target >"$HOME/.config/systemd/user/$unit"
    systemctl --user daemon-reload
    systemctl --user enable --quiet "$unit"
    systemctl --user restart "$unit"
    loginctl enable-linger "$(id -un)" >/dev/null 2>&1 || say "ask root for: loginctl enable-linger $(id -un)"
    say "started by the user's systemd as $unit"
else
    if [ -s "$folder/pid" ]; then
        before=$(cat "$folder/pid")
        if kill -0 "$before" 2>/dev/null && grep -q cadence-agent "/proc/$before/cmdline" 2>/dev/null; then
            kill -TERM "$before"
            waited=0
            while kill -0 "$before" 2>/dev/null && [ "$waited" -lt 60 ]; do
                sleep 1
                waited=$((waited + 1))
            done
        fi
    fi
    nohup setsid "$folder/run" >>"$folder/log" 2>&1 </dev/null &
    echo $! >"$folder/pid"
    say "started without systemd, so it does not survive a restart of the machine; log: $folder/log"
fi
