"""The other side of tcp-inside.py."""
import socket
import struct
import threading

from lib import IN4, IN6, OUT4, OUT6, attempt, reach, read_all, serve

echoes = [serve(OUT4, 7001), serve(OUT6, 7001)]
resetting, reset, slow = serve(OUT4, 7002), serve(OUT4, 7003), serve(OUT4, 7005)
held_up = serve(OUT4, 7006)
for host in (IN4, IN6):
    c = reach(host, 7000)
    c.sendall(b'abc' * 100000)
    c.shutdown(socket.SHUT_WR)
    print('answer', len(read_all(c)))
for s in echoes:
    c, _ = s.accept()
    c.sendall(read_all(c))
    c.close()
c, _ = resetting.accept()
c.recv(1)
c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
c.close()
c, _ = reset.accept()
attempt('reset', lambda: c.recv(10))


def client(count):
    for _ in range(count):
        c = reach(IN4, 7004)
        c.sendall(b'hello')
        if c.recv(10) != b'HELLO':
            print('wrong answer')
        c.close()


threads = [threading.Thread(target=client, args=(150,)) for _ in range(10)]
for t in threads:
    t.start()
for t in threads:
    t.join()
c, _ = slow.accept()
held_up.accept()
print('read', len(read_all(c)) >= 32 << 20)
c.sendall(b'all of it')
c.close()
