"""TCP with another namespace: half close, reset, refusal, a flood of connections, a slow reader."""
import select
import socket
import struct
import time

from lib import IN4, IN6, OUT4, OUT6, attempt, reach, read_all, serve

servers = [serve(IN4, 7000), serve(IN6, 7000)]
for s in servers:
    c, peer = s.accept()
    print('from', peer[0])
    data = read_all(c)
    c.sendall(data[::-1])
    c.close()
    print('half close', len(data))

for host in (OUT4, OUT6):
    c = reach(host, 7001)
    print('peer', c.getpeername()[:2])
    c.sendall(b'0123456789' * 10000)
    c.shutdown(socket.SHUT_WR)
    print('answer', len(read_all(c)))
    attempt('peer', c.getpeername)

c = reach(OUT4, 7002)
c.sendall(b'?')
attempt('reset', lambda: c.recv(10))
print('after', c.recv(10))
attempt('refused', lambda: socket.create_connection((OUT4, 7999), timeout=5))
c = socket.socket()
c.setblocking(False)
print('in progress', c.connect_ex((OUT4, 7999)))
print('polled', select.select([], [c], [], 60)[1] == [c], c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

# A reset of ours.
c = reach(OUT4, 7003)
c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
c.close()

# A flood: every connection is served, edge-triggered.
s = serve(IN4, 7004, 512)
s.setblocking(False)
poll = select.epoll()
poll.register(s, select.EPOLLIN | select.EPOLLET)
open_, served = {}, 0
while served < 1500:
    for fd, bits in poll.poll(20):
        if fd == s.fileno():
            while True:
                try:
                    c, _ = s.accept()
                except BlockingIOError:
                    break
                c.setblocking(False)
                open_[c.fileno()] = c
                poll.register(c, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET)
        else:
            c = open_[fd]
            try:
                data = c.recv(100)
                if data:
                    c.send(data.upper())
                    continue
            except BlockingIOError:
                continue
            poll.unregister(fd)
            del open_[fd]
            c.close()
            served += 1
print('flood', served)

# A slow reader outside: the sender is held up, and loses nothing.
c = reach(OUT4, 7005)
c.settimeout(None)
sent, blocked = 0, 0
c.setblocking(False)
block = bytes(65536)
while sent < 32 << 20:
    try:
        sent += c.send(block)
    except BlockingIOError:
        blocked += 1
        if blocked == 1:
            reach(OUT4, 7006).close()  # now it may read
        select.select([], [c], [])
c.setblocking(True)
c.shutdown(socket.SHUT_WR)
print('slow reader', sent >= 32 << 20, blocked > 0, c.recv(20))
