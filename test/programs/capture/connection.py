"""A connection, one that is refused, and a datagram: for tcpdump to look at."""
import socket

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 5000))
listener.listen()
client = socket.create_connection(("127.0.0.1", 5000))
server, _ = listener.accept()
client.sendall(b"hello")
assert server.recv(10) == b"hello"
server.sendall(b"x" * 100000)
left = 100000
while left > 0:
    left -= len(client.recv(left))
client.shutdown(socket.SHUT_WR)
assert server.recv(1) == b""
server.close()
assert client.recv(1) == b""
client.close()
try:
    socket.create_connection(("127.0.0.1", 5001))
except ConnectionRefusedError:
    pass
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hi", ("127.0.0.1", 5002))
six = socket.socket(socket.AF_INET6)
six.bind(("::1", 5000))
six.listen()
client = socket.create_connection(("::1", 5000))
server, _ = six.accept()
client.sendall(b"six")
server.close()
client.close()
