"""An interface goes down: rtnetlink tells, and its network is gone."""
import socket
import struct
import sys

from lib import OUT4, attempt

s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
s.bind((0, 1))  # RTMGRP_LINK
s.settimeout(300)
open('/tmp/told/listens', 'w').close()
print('ready', flush=True)
up = True
while up:
    data = s.recv(65536)
    kind = struct.unpack_from('H', data, 4)[0]
    flags = struct.unpack_from('I', data, 24)[0]
    up = kind != 16 or flags & 1 != 0  # RTM_NEWLINK, IFF_UP
print('down', flush=True)
attempt('connect', lambda: socket.create_connection((OUT4, 80), timeout=5))
attempt('send', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', (OUT4, 9)))
print(open('/proc/net/route').read().count('eth0'))
