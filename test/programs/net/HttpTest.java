// The JDK's HttpServer and HttpClient, plain sockets, datagrams, interfaces and channels.
import com.sun.net.httpserver.*;
import java.net.*;
import java.net.http.*;
import java.nio.ByteBuffer;
import java.nio.channels.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;

class HttpTest {
  public static void main(String[] args) throws Exception {
    http();
    sockets();
    System.exit(0);
  }

  static void http() throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("localhost", 0), 0);
    server.createContext("/", exchange -> {
      byte[] body = exchange.getRequestBody().readAllBytes();
      byte[] answer = ("got " + body.length + " " + exchange.getRequestURI()).getBytes();
      exchange.sendResponseHeaders(200, answer.length);
      exchange.getResponseBody().write(answer);
      exchange.close();
    });
    server.setExecutor(Executors.newFixedThreadPool(8));
    server.start();
    HttpClient client = HttpClient.newHttpClient();
    URI uri = URI.create("http://localhost:" + server.getAddress().getPort() + "/x");
    var text = HttpResponse.BodyHandlers.ofString();
    var post = HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.ofByteArray(new byte[500000])).build();
    System.out.println(client.send(post, text).body());
    var get = HttpRequest.newBuilder(uri).build();
    System.out.println(IntStream.range(0, 100).mapToObj(i -> client.sendAsync(get, text))
        .collect(Collectors.toList()).stream().map(answer -> answer.join().body()).distinct().collect(Collectors.toList()));
    server.stop(0);
  }

  static void sockets() throws Exception {
    try {
      new Socket("127.0.0.1", 1);
    } catch (ConnectException e) {
      System.out.println(e.getMessage());
    }
    var receiver = new DatagramSocket(0, InetAddress.getByName("127.0.0.1"));
    new DatagramSocket().send(new DatagramPacket("hello".getBytes(), 5, receiver.getLocalSocketAddress()));
    var packet = new DatagramPacket(new byte[10], 10);
    receiver.receive(packet);
    System.out.println(new String(packet.getData(), 0, packet.getLength()));
    for (NetworkInterface i : Collections.list(NetworkInterface.getNetworkInterfaces()))
      System.out.println(i.getName() + " " + i.getInterfaceAddresses() + " " + i.getMTU() + i.isLoopback() + i.isUp());
    var server = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0));
    var client = SocketChannel.open(server.getLocalAddress());
    server.accept().write(ByteBuffer.wrap("nio".getBytes()));
    var buffer = ByteBuffer.allocate(10);
    client.read(buffer);
    System.out.println(new String(buffer.array(), 0, buffer.position()));
  }
}
