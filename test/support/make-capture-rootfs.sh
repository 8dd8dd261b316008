#!/bin/bash
# Makes the root filesystem for the tests of programs that look at packets, once: prints where it is. It is the
# `debian` one of make-rootfs.sh with tcpdump and nmap added.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/derived-rootfs.sh"

derived_rootfs capture tcpdump nmap
