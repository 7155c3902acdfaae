#!/bin/sh
# Asks a service of a treatment whether it is healthy, in the service's own container, and tells the agent what it said.
# usage: sh -c 'this text' sh FILE COMMAND…   (FILE ends with a line `ended CODE` once the command has ended)
set -u
file=$1
shift
said=$("$@" 2>&1)
code=$?
printf '%s\nended %s\n' "$said" "$code" >"$file"
exit "$code"
