"""Loads for the sockets of a sandbox: a line when each is over, and a pause to look at the sandbox in."""
import select
import socket
import sys
import threading


def done(what):
    print(what, flush=True)
    sys.stdin.readline()


def connections(count):
    """Opened and closed, each with a byte, some with an end by reset."""
    server = socket.create_server(('127.0.0.1', 0), backlog=512)

    def serve():
        for _ in range(count):
            c, _ = server.accept()
            c.recv(1)
            c.close()

    thread = threading.Thread(target=serve)
    thread.start()
    for i in range(count):
        c = socket.create_connection(server.getsockname())
        c.send(b'xy' if i % 10 == 0 else b'x')
        c.close()
    thread.join()
    server.close()


def unread(count):
    """Peers that never read, with writers that write all they can."""
    server = socket.create_server(('127.0.0.1', 0), backlog=512)
    pairs, block = [], bytes(65536)
    for _ in range(count):
        c = socket.create_connection(server.getsockname())
        c.setblocking(False)
        pairs.append((c, server.accept()[0]))
    for c, _ in pairs:
        while select.select([], [c], [], 0.02)[1]:
            try:
                c.send(block)
            except BlockingIOError:
                break
    done('full')
    for c, s in pairs:
        c.close()
        s.close()


connections(10000)
done('warm')
connections(10000)
done('opened and closed')
unread(400)
done('closed')
