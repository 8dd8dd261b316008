# Python's servers and clients: asyncio streams and datagrams, ssl, socketserver, http, xmlrpc, multiprocessing.
import asyncio
import http.server
import multiprocessing.connection
import os
import socket
import socketserver
import ssl
import sys
import threading
import urllib.request
import xmlrpc.client
import xmlrpc.server


def in_thread(function):
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


def server_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain('/tmp/cert.pem', '/tmp/key.pem')
    return context


client_context = ssl.create_default_context(cafile='/tmp/cert.pem')


async def streams():
    async def serve(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()

    async def client(port, i):
        reader, writer = await asyncio.open_connection('127.0.0.1', port)
        for k in range(20):
            writer.write(b'line %d\n' % k)
            assert await reader.readline() == b'LINE %d\n' % k
        writer.write_eof()
        assert await reader.read() == b''
        writer.close()
        return i

    server = await asyncio.start_server(serve, 'localhost', 0)
    print(sorted(s.family.name for s in server.sockets))
    port = next(s.getsockname()[1] for s in server.sockets if s.family == socket.AF_INET)
    print(sum(await asyncio.gather(*[client(port, i) for i in range(50)])))
    server.close()

    async def backwards(reader, writer):
        writer.write((await reader.readexactly(1000000))[::-1])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(backwards, '127.0.0.1', 0, ssl=server_context())
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection('localhost', port, ssl=client_context, family=socket.AF_INET)
    data = os.urandom(1000000)
    writer.write(data)
    await writer.drain()
    print(await reader.read() == data[::-1], writer.get_extra_info('cipher')[1])
    writer.close()
    server.close()
    try:
        await asyncio.open_connection('127.0.0.1', 1)
    except OSError as error:
        print(error)


async def datagrams():
    loop = asyncio.get_running_loop()

    class Mirror(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, address):
            self.transport.sendto(data[::-1], address)

    class Client(asyncio.DatagramProtocol):
        def __init__(self):
            self.answer = loop.create_future()

        def connection_made(self, transport):
            transport.sendto(b'abc')

        def datagram_received(self, data, address):
            self.answer.set_result(data)

        def error_received(self, error):
            self.answer.set_result(error)

    mirror, _ = await loop.create_datagram_endpoint(Mirror, ('127.0.0.1', 0))
    _, client = await loop.create_datagram_endpoint(Client, remote_addr=mirror.get_extra_info('sockname'))
    print(await client.answer)
    _, client = await loop.create_datagram_endpoint(Client, remote_addr=('127.0.0.1', 9))
    print(repr(await client.answer))


def socketservers():
    class Lines(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                self.wfile.write(b'> ' + line)

    class Shout(socketserver.BaseRequestHandler):
        def handle(self):
            self.request[1].sendto(self.request[0] + b'!', self.client_address)

    for kind in socketserver.ThreadingTCPServer, socketserver.ForkingTCPServer, socketserver.ThreadingUnixStreamServer:
        address = '/tmp/lines.sock' if 'Unix' in kind.__name__ else ('127.0.0.1', 0)
        with kind(address, Lines) as server:
            in_thread(lambda: server.serve_forever(poll_interval=0.05))
            for _ in range(5):
                with socket.socket(server.address_family) as client:
                    client.connect(server.server_address)
                    client.sendall(b'hello\nthere\n')
                    client.shutdown(socket.SHUT_WR)
                    answer = client.makefile('rb').read()
            print(kind.__name__, answer)
            server.shutdown()
    with socketserver.UDPServer(('127.0.0.1', 0), Shout) as server:
        in_thread(lambda: server.serve_forever(poll_interval=0.05))
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.sendto(b'udp', server.server_address)
        print(client.recvfrom(100)[0])
        server.shutdown()


def sockets():
    print(socket.getaddrinfo('localhost', 80, type=socket.SOCK_STREAM))
    print(socket.gethostbyname('localhost'), socket.getfqdn('127.0.0.1'), socket.gethostbyaddr('127.0.0.1'))
    print(socket.if_nameindex(), socket.has_dualstack_ipv6(), socket.getservbyname('http'))
    server = socket.create_server(('::', 0), family=socket.AF_INET6, dualstack_ipv6=True)
    client = socket.create_connection(('127.0.0.1', server.getsockname()[1]))
    print(server.accept()[1][0])
    client.settimeout(0.05)
    try:
        client.recv(1)
    except TimeoutError as error:
        print(repr(error))
    read, write = os.pipe()
    left, right = socket.socketpair()
    socket.send_fds(left, [b'm'], [write])
    message, fds, _, _ = socket.recv_fds(right, 10, 2)
    os.write(fds[0], b'through')
    print(message, os.read(read, 10))

    with open('/tmp/big', 'wb') as file:
        file.write(b'q' * 3000000)
    server = socket.create_server(('127.0.0.1', 0))
    received = []

    def drain():
        connection, _ = server.accept()
        received.append(sum(iter(lambda: len(connection.recv(65536)), 0)))

    thread = in_thread(drain)
    client = socket.create_connection(server.getsockname())
    print(client.sendfile(open('/tmp/big', 'rb')))
    client.close()
    thread.join()
    print(received)


def http_and_rpc():
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Quiet)
    in_thread(server.serve_forever)
    url = 'http://127.0.0.1:%d' % server.server_port
    print(len(urllib.request.urlopen(url + '/big').read()))
    try:
        urllib.request.urlopen(url + '/none')
    except urllib.error.HTTPError as error:
        print(error)
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Quiet)
    server.socket = server_context().wrap_socket(server.socket, server_side=True)
    in_thread(server.serve_forever)
    print(len(urllib.request.urlopen('https://localhost:%d/big' % server.server_port, context=client_context).read()))

    rpc = xmlrpc.server.SimpleXMLRPCServer(('127.0.0.1', 0), logRequests=False)
    rpc.register_function(pow)
    in_thread(rpc.serve_forever)
    print(xmlrpc.client.ServerProxy('http://127.0.0.1:%d' % rpc.server_address[1]).pow(2, 10))
    listener = multiprocessing.connection.Listener(('127.0.0.1', 0), authkey=b'k')
    in_thread(lambda: listener.accept().send([1, 2]))
    print(multiprocessing.connection.Client(listener.address, authkey=b'k').recv())


os.chdir('/tmp')
asyncio.run(streams())
asyncio.run(datagrams())
socketservers()
sockets()
http_and_rpc()
sys.stdout.flush()
os._exit(0)
