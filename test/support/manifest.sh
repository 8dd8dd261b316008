#!/bin/bash
# manifest.sh DIRECTORY: a line for everything in it, to see later what has changed. Of directories without the time,
# which changes too when a file comes and goes.
set -euo pipefail
find "$1" -mindepth 1 \( -type d -printf 'd %m %U:%G %P\n' -o -printf '%y %m %U:%G %s %T@ %P %l\n' \) | LC_ALL=C sort
