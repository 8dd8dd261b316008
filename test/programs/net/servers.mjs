// Node's servers and clients: http, fetch, https, http2, net, dgram, dns.
import dgram from 'node:dgram';
import dns from 'node:dns/promises';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import { text } from 'node:stream/consumers';

const key = fs.readFileSync('/tmp/key.pem');
const cert = fs.readFileSync('/tmp/cert.pem');
const times = (count, make) => Promise.all(Array.from({ length: count }, (_, i) => make(i)));

async function listen(server, ...args) {
  server.listen(...args);
  await once(server, 'listening');
  return server.address();
}

async function ask(client, options, body) {
  const request = client.request({ method: body === undefined ? 'GET' : 'POST', ...options });
  request.end(body);
  const [response] = await once(request, 'response');
  return text(response);
}

async function httpAndFetch() {
  const server = http.createServer(async (request, response) => {
    const body = await text(request);
    response.end(`${request.method} ${request.url} ${body.length}`);
  });
  const { port, family } = await listen(server, 0);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 10 });
  console.log(family, await ask(http, { port, agent, path: '/a' }));
  console.log(await ask(http, { port, agent, path: '/b' }, Buffer.alloc(3000000, 'x')));
  console.log((await times(500, (i) => ask(http, { port, agent, path: `/${i}` }))).at(-1));
  const posted = await fetch(`http://127.0.0.1:${port}/f`, { method: 'POST', body: 'x'.repeat(100000) });
  console.log(await posted.text());
  const fetched = await times(100, (i) => fetch(`http://localhost:${port}/${i}`).then((r) => r.text()));
  console.log(fetched.at(-1));
  await fetch('http://no.such.invalid/').catch((error) => console.log(error.cause.code));
  await ask(http, { port: 1, host: '127.0.0.1' }).catch((error) => console.log(error.message));
  agent.destroy();
  server.close();
}

async function secure() {
  const server = https.createServer({ key, cert }, (request, response) => {
    response.end(`secure ${request.socket.getProtocol()}`);
  });
  const { port } = await listen(server, 0, '127.0.0.1');
  const options = { host: 'localhost', family: 4, port, ca: cert };
  console.log(await ask(https, options), (await times(20, () => ask(https, options))).length);
  server.close();
  server.closeAllConnections();

  const two = http2.createSecureServer({ key, cert });
  two.on('stream', (stream, headers) => {
    stream.respond({ ':status': 200 });
    stream.end(`h2 ${headers[':path']}`);
  });
  const session = http2.connect(`https://localhost:${(await listen(two, 0)).port}`, { ca: cert });
  console.log((await times(50, (i) => text(session.request({ ':path': `/${i}` })))).at(-1));
  session.close();
  two.close();
}

async function sockets() {
  const echo = net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  await listen(echo, '/tmp/echo.sock');
  const client = net.connect('/tmp/echo.sock');
  client.end(Buffer.alloc(1000000, 'z'));
  console.log((await text(client)).length);
  echo.close();

  const rude = net.createServer((socket) => socket.resetAndDestroy());
  const { port } = await listen(rude, 0, '127.0.0.1');
  const refused = net.connect(port, '127.0.0.1');
  refused.on('error', (error) => console.log(error.code));
  await new Promise((done) => refused.on('close', done));
  rude.close();

  const busy = net.createServer();
  const second = net.createServer();
  second.listen((await listen(busy, 0)).port);
  console.log((await once(second, 'error'))[0].code);
  busy.close();
}

async function datagrams() {
  const server = dgram.createSocket('udp4');
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  server.on('message', (message, from) => {
    server.send(message.toString().toUpperCase(), from.port, from.address);
  });
  const { port } = server.address();
  const client = dgram.createSocket('udp4');
  client.send('hello', port, '127.0.0.1');
  const [answer, from] = await once(client, 'message');
  console.log(answer.toString(), from.address, from.size);
  client.connect(port, '127.0.0.1');
  await once(client, 'connect');
  client.setBroadcast(true);
  client.setTTL(3);
  client.setMulticastTTL(4);
  client.setRecvBufferSize(10000);
  console.log(client.remoteAddress().address, client.getRecvBufferSize());
  client.send('again');
  console.log((await once(client, 'message'))[0].toString());
  client.close();
  server.close();

  const six = dgram.createSocket('udp6');
  six.bind(0);
  await once(six, 'listening');
  const sender = dgram.createSocket('udp6');
  sender.send('six', six.address().port, '::1');
  const [message, source] = await once(six, 'message');
  console.log(message.toString(), source.family, source.address);
  sender.close();
  six.close();
}

async function names() {
  console.log(await dns.lookup('localhost', { all: true }));
  await dns.resolve4('example.com').catch((error) => console.log(error.code));
  console.log(JSON.stringify(os.networkInterfaces()));
}

await httpAndFetch();
await secure();
await sockets();
await datagrams();
await names();
