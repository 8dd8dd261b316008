#!/bin/sh
# Builds the stub for one architecture: build.sh x86_64|aarch64 OUTPUT
set -eu
arch=$1
out=$2
here=$(dirname "$0")
text=0x7fff00000000
flags=-mgeneral-regs-only
cc=${STUB_CC:-gcc}
if [ "$arch" = aarch64 ]; then
  text=0xfffe00000000
  # Atomics in place: there is no library to call.
  flags="$flags -mno-outline-atomics"
  [ "$(uname -m)" = aarch64 ] || cc=${STUB_CC:-aarch64-linux-gnu-gcc}
fi
[ "$arch" = x86_64 ] && flags="$flags -fcf-protection=none"
# shellcheck disable=SC2086
exec $cc -std=gnu11 -O2 -Wall -Wextra -Werror $flags -fpie -ffreestanding -fno-stack-protector -fno-builtin \
  -fno-asynchronous-unwind-tables -fvisibility=hidden -fno-strict-aliasing -fno-tree-loop-distribute-patterns \
  -I"$here/$arch" -static -nostdlib -Wl,-no-pie -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 \
  -Wl,--defsym=STUB_TEXT=$text -Wl,-T,"$here/stub.lds" \
  -o "$out" "$here"/*.c "$here/$arch"/*.[cS]
