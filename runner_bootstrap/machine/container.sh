#!/bin/sh
# The first process of a container of a pod whose image is the treatment's own: starts what the agent, in another
# container of the pod, hands to it through a folder that both have. Nothing is used but the shell itself.
# usage: sh -c 'this text' sh FOLDER
# What is to be started is told by a line in the FIFO `calls` there, which names it: alone-… is the one that has the
# container to itself, of which there is at most one; others are started beside. Each has a folder of its own, with FIFOs:
# script (what to do, variables and all), in (if it reads), out, err, and exit, where its exit code is told.
set -u
folder=$1
if [ $$ -ne 1 ]; then
    # Signals go to all processes that it sees: where it is not the first, those would be others'.
    echo "cadence: this has to be the first process of a container" >&2
    exit 125
fi
trap 'exit 0' TERM
trap '' HUP

start() {
    trap '' TERM
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
}

# Until there is the one to be started alone. A signal goes to all processes of the container but this one.
serve() {
    while read -r call <&3; do
        case $call in
            signal-*) kill -s "${call#signal-}" -- -1 2>/dev/null ;;
            alone-*) return ;;
            *) start "$call" & ;;
        esac
    done
}

# For reading and writing, so that there is always somebody who writes.
exec 3<>"$folder/calls"
serve
alone=$call
(
    trap - TERM
    serve
) &
# Not beside, where shells make commands deaf to interrupts.
start "$alone"
wait
