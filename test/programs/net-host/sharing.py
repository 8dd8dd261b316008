"""Sockets that several processes have: fork, descriptors over AF_UNIX, SO_REUSEPORT, ports below 1024."""
import array
import os
import select
import signal
import socket

from lib import attempt, read_all, serve

s = serve('127.0.0.1', 0)
where = s.getsockname()
children = []
for _ in range(3):
    pid = os.fork()
    if pid == 0:
        for _ in range(10):
            c, _ = s.accept()
            c.sendall(c.recv(100) * 2)
            c.close()
        os._exit(0)
    children.append(pid)
answers = 0
for i in range(30):
    c = socket.create_connection(where)
    c.sendall(b'ab')
    answers += read_all(c) == b'abab'
    c.close()
print('prefork', answers, [os.waitpid(pid, 0)[1] for pid in children])

a, b = socket.socketpair()
if os.fork() == 0:
    data, control, _, _ = b.recvmsg(1, socket.CMSG_SPACE(8))
    fds = array.array('i', control[0][2])
    listener, connection = [socket.socket(fileno=fd) for fd in fds]
    connection.sendall(b'from the other process')
    connection.close()
    c, _ = listener.accept()
    c.sendall(b'accepted there')
    os._exit(0)
client = socket.create_connection(where)
server, _ = s.accept()
a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [s.fileno(), server.fileno()]))])
server.close()
print(read_all(client), read_all(socket.create_connection(where)))
os.wait()

pool = []
for _ in range(4):
    r = socket.socket()
    r.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    r.bind(('127.0.0.1', pool[0].getsockname()[1] if pool else 0))
    r.listen(64)
    pool.append(r)
clients = [socket.create_connection(pool[0].getsockname()) for _ in range(60)]
ready, _, _ = select.select(pool, [], [], 5)
got = 0
for r in pool:
    r.setblocking(False)
    while True:
        try:
            r.accept()
        except BlockingIOError:
            break
        got += 1
print('reuseport', got, len(ready) > 1)
attempt('in use', lambda: socket.socket().bind(pool[0].getsockname()))

# A socket that signals.
n = []
signal.signal(signal.SIGIO, lambda *_: n.append(1))
import fcntl
x, y = socket.create_connection(where), None
y, _ = s.accept()
fcntl.fcntl(y, fcntl.F_SETOWN, os.getpid())
fcntl.fcntl(y, fcntl.F_SETFL, fcntl.fcntl(y, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
x.sendall(b'!')
while not n:
    signal.sigtimedwait([], 0.05)
print('signalled', y.recv(10))

os.setgid(1000)
os.setuid(1000)
attempt('port 80', lambda: socket.socket().bind(('127.0.0.1', 80)))
attempt('raw', lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
