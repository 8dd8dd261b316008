"""The other side of udp-inside.py."""
import socket
import time

from lib import IN4, IN6, OUT4, family, serve


def ask(s, text, to):
    """Until an answer comes: the other side may not be there yet, and says so."""
    s.settimeout(0.2)
    for _ in range(1000):
        try:
            s.sendto(text, to)
            return s.recv(100)
        except OSError:
            time.sleep(0.05)
    return None


for host in (IN4, IN6):
    print(ask(socket.socket(family(host), socket.SOCK_DGRAM), b'hello', (host, 7100)))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((OUT4, 0))
print(ask(s, b'control', (IN4, 7101)))
s.sendto(b'much longer', (IN4, 7101))
serve(OUT4, 7102).accept()
