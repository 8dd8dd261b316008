"""UDP with another namespace: both versions, errors of the far side, ancillary data, a closed port, an absent host."""
import select
import socket
import struct

from lib import IN4, IN6, OUT4, OUT6, attempt, family, reach

IP_RECVERR, IP_PKTINFO, IP_RECVTTL = 11, 8, 12
for host in (IN4, IN6):
    s = socket.socket(family(host), socket.SOCK_DGRAM)
    s.bind((host, 7100))
    data, peer = s.recvfrom(100)
    s.sendto(data.upper(), peer)
    print(data, peer[0])

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
s.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
s.setsockopt(socket.SOL_SOCKET, 35, 1)
s.bind(('', 7101))
data, control, flags, peer = s.recvmsg(100, 200)
seen = {(level, kind): value for level, kind, value in control}
print('pktinfo', socket.inet_ntoa(seen[0, IP_PKTINFO][4:8]), 'ttl', struct.unpack('i', seen[0, 2])[0], (1, 35) in seen)
s.sendmsg([b'a', b'b'], [(0, IP_PKTINFO, struct.pack('i4s4s', 0, socket.inet_aton(IN4), bytes(4)))], 0, peer)
data = b'cont'
while data == b'cont':  # asked again before our answer came
    data, _, flags, _ = s.recvmsg(4)
print('cut', data, flags & socket.MSG_TRUNC != 0)

reach(OUT4, 7102).close()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.connect((OUT4, 7199))
u.settimeout(60)
u.send(b'x')
attempt('closed port', lambda: u.recv(1))
e = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
e.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
e.sendto(b'question', (OUT4, 7199))
poll = select.poll()
poll.register(e, 0)
print('polled', poll.poll(60000)[0][1] & select.POLLERR != 0)
data, control, flags, peer = e.recvmsg(100, 200, socket.MSG_ERRQUEUE)
error, origin, kind, code = struct.unpack('IBBB', control[0][2][:7])
print('queue', data, error, origin, kind, code, peer, flags & socket.MSG_ERRQUEUE != 0)
attempt('empty', lambda: e.recvmsg(100, 200, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT))
attempt('no route', lambda: e.sendto(b'x', ('198.51.100.1', 9)))
attempt('too long', lambda: e.sendto(bytes(65508), (OUT4, 9)))
