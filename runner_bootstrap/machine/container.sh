#!/bin/sh
# The first process of a container with the treatment's own image in a pod: starts commands that the agent, in another
# container of the pod, passes to it through a shared folder. It needs nothing but the shell itself.
# usage: sh -c 'this text' sh FOLDER
# A line in the FIFO `calls` names the command to start: alone-… has the container to itself, and there is at most one;
# others run concurrently. Each command has a folder with the FIFOs script (the command with its variables), in (if it
# reads), out, err, and exit (its exit code).
set -u
folder=$1
if [ $$ -ne 1 ]; then
    # Signals are sent to all visible processes; unless this one is the first, some would belong to others.
    echo "cadence: this has to be the first process of a container" >&2
    exit 125
fi
trap 'exit 0' TERM
trap '' HUP

# Runs one command. SIGTERM is remembered meanwhile, so that the exit code is always reported before this process ends.
start() {
    terminated=
    trap 'terminated=1' TERM
    exec 4>"$folder/$1/exit"
    (
        trap - TERM HUP INT QUIT
        exec 3<&- 4>&-
        if [ -p "$folder/$1/in" ]; then exec <"$folder/$1/in"; else exec </dev/null; fi
        exec >"$folder/$1/out" 2>"$folder/$1/err"
        # shellcheck source=/dev/null
        . "$folder/$1/script"
    )
    echo "$?" >&4
    exec 4>&-
    trap 'exit 0' TERM
    [ -z "$terminated" ] || exit 0
}

# Serves calls until one is to run alone. A signal is sent to all processes of the container except this one.
serve() {
    while read -r call <&3; do
        case $call in
            signal-*) kill -s "${call#signal-}" -- -1 2>/dev/null ;;
            alone-*) return ;;
            *) start "$call" & ;;
        esac
    done
}

# For reading and writing, so that there is always a writer.
exec 3<>"$folder/calls"
serve
alone=$call
(
    trap - TERM
    serve
) &
# In the foreground, since shells let background commands ignore interrupts.
start "$alone"
wait
