"""How calls end that a rule may forbid."""
import errno
import socket
import sys

socket.setdefaulttimeout(5)


def attempt(what, call):
    try:
        call()
        print(what, 'ok')
    except OSError as e:
        print(what, errno.errorcode.get(e.errno, repr(e)))


def tcp(host, port):
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    s.connect((host, port))


def fast(host, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setblocking(True)
    s.sendto(b'x', socket.MSG_FASTOPEN, (host, port))


def routed(host, port):
    # A loose source route: the next router, which no rule judges.
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b'\x01\x83\x07\x04' + socket.inet_aton(host))


def udp(host, port):
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    socket.socket(family, socket.SOCK_DGRAM).sendto(b'x', (host, port))


def often(host, port):
    # A socket that is used much has another way to the host.
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(100):
        s.sendto(b'x', (host, port + 1))
    s.sendto(b'x', (host, port))


def associate(host, port):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect((host, port))


def bind(host, port):
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, port))


def only6(host, port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind((host, port))


for word in sys.argv[1:]:
    call, host, port = word.split(',')
    attempt(word, lambda: globals()[call](host, int(port)))
