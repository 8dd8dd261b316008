"""What the scripts share: addresses, waiting for the other side, names of errors."""
import errno
import socket
import time

IN4, OUT4, IN6, OUT6 = '10.77.0.1', '10.77.0.2', 'fd00:77::1', 'fd00:77::2'


def family(host):
    return socket.AF_INET6 if ':' in host else socket.AF_INET


def reach(host, port):
    """A connection to a server that may still be starting."""
    for _ in range(1200):
        try:
            return socket.create_connection((host, port), timeout=120)
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f'{host}:{port} never came up')


def serve(host, port, backlog=128):
    s = socket.socket(family(host), socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, port))
    s.listen(backlog)
    return s


def attempt(what, call):
    """Prints how a call ends."""
    try:
        print(what, call(), flush=True)
    except OSError as e:
        print(what, errno.errorcode.get(e.errno, repr(e)), flush=True)


def read_all(s):
    parts = []
    while True:
        part = s.recv(65536)
        if not part:
            return b''.join(parts)
        parts.append(part)
