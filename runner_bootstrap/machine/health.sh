#!/bin/sh
# Runs the health command of a service in its own container, and writes its output and exit code for the agent.
# usage: sh -c 'this text' sh FILE COMMAND…   (FILE ends with a line `ended CODE` once the command has ended)
set -u
file=$1
shift
output=$("$@" 2>&1)
code=$?
printf '%s\nended %s\n' "$output" "$code" >"$file"
exit "$code"
