# gRPC's four kinds of calls over TCP and a unix socket.
from concurrent import futures

import grpc


class Service(grpc.GenericRpcHandler):
    def service(self, details):
        return {
            '/t/Echo': grpc.unary_unary_rpc_method_handler(lambda message, _: message.upper()),
            '/t/Count': grpc.unary_stream_rpc_method_handler(lambda n, _: (b'%d' % i for i in range(int(n)))),
            '/t/Sum': grpc.stream_unary_rpc_method_handler(lambda numbers, _: b'%d' % sum(int(n) for n in numbers)),
            '/t/Chat': grpc.stream_stream_rpc_method_handler(lambda words, _: (w + w for w in words)),
        }.get(details.method)


for address in '127.0.0.1:50051', 'unix:/tmp/grpc.sock', '[::1]:50052':
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((Service(),))
    server.add_insecure_port(address)
    server.start()
    with grpc.insecure_channel(address) as channel:
        echo = channel.unary_unary('/t/Echo')
        print(address, echo(b'hello'))
        print(sum(int(n) for n in channel.unary_stream('/t/Count')(b'1000')))
        print(channel.stream_unary('/t/Sum')(b'%d' % i for i in range(500)))
        print(len(list(channel.stream_stream('/t/Chat')(b'z' for _ in range(300)))))
        print(len(echo(b'x' * 3000000)))
        calls = [echo.future(b'%d' % i) for i in range(200)]
        print(sum(int(call.result()) for call in calls))
        try:
            channel.unary_unary('/t/None')(b'')
        except grpc.RpcError as error:
            print(error.code())
    server.stop(0).wait()
try:
    grpc.insecure_channel('127.0.0.1:50059').unary_unary('/t/Echo')(b'', timeout=60)
except grpc.RpcError as error:
    print(error.code())
