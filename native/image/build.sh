#!/bin/sh
# Builds the restorer: build.sh OUTPUT
set -eu
here=$(dirname "$0")
exec gcc -std=gnu11 -O2 -Wall -Wextra -Werror -fcf-protection=none -ffreestanding -fno-pie -fno-stack-protector -fno-builtin \
  -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -mgeneral-regs-only -I"$here/../include" -static -nostdlib \
  -Wl,-no-pie -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-Ttext-segment=0x60000000 -o "$1" "$here/restore.c"
