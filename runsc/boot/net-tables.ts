/** Rows of /proc/net: the sockets that processes have open, in the columns of Linux's tables. */
import { familiesOf } from '../../sentry/net/socket/families.ts';
import { InetSocket } from '../../sentry/net/socket/inet/inet-socket.ts';
import { TcpSocket } from '../../sentry/net/socket/inet/tcp-socket.ts';
import { SocketFile } from '../../sentry/net/socket/socket-file.ts';
import { UnixSocket } from '../../sentry/net/socket/unix/unix-socket.ts';
import { HostStack } from '../../sentry/net/stack/host/host-stack.ts';
import type { Endpoint, Ip } from '../../sentry/net/stack/ip.ts';
import type { NetTables } from '../../sentry/fs/proc/context.ts';
import type { Kernel } from '../../sentry/kernel/kernel.ts';
import { hostNetTables, hostSysctl } from './host-net-tables.ts';

const TCP_ESTABLISHED = 1;
const TCP_CLOSE = 7;
/** TCP_LISTEN. */
const LISTEN = 10;
const SO_ACCEPTCON = 0x10000;
const SS_UNCONNECTED = 1;
const SS_CONNECTED = 3;
const NO_PEER: Endpoint = { ip: '0'.repeat(32), port: 0 };

/** seq_file pads the IPv4 tables' lines to these widths. */
const TCP_WIDTH = 149;
const UDP_WIDTH = 127;
const INET_HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const INET6_HEADER =
  '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

export function netTables(kernel: Kernel): NetTables {
  const { stack } = familiesOf(kernel);
  if (stack instanceof HostStack) {
    return {
      files: new Map([...hostNetTables(stack), ['unix', () => unixTable(kernel)]]),
      sysctl: (path) => hostSysctl(stack, path),
    };
  }
  return {
    files: new Map([
      ['tcp', () => inetTable(kernel, true, false)],
      ['tcp6', () => inetTable(kernel, true, true)],
      ['udp', () => inetTable(kernel, false, false)],
      ['udp6', () => inetTable(kernel, false, true)],
      ['unix', () => unixTable(kernel)],
      ['sockstat', () => sockstat(kernel)],
    ]),
  };
}

/** Every open socket once, however many descriptors refer to it. */
function sockets(kernel: Kernel): Set<SocketFile> {
  const found = new Set<SocketFile>();
  const tables = new Set<unknown>();
  for (const task of kernel.allTasks()) {
    if (tables.has(task.files)) continue;
    tables.add(task.files);
    for (let fd = task.files.nextOpen(0); fd >= 0; fd = task.files.nextOpen(fd + 1)) {
      const file = task.files.get(fd);
      if (file instanceof SocketFile) found.add(file);
    }
  }
  return found;
}

function inetTable(kernel: Kernel, tcp: boolean, v6: boolean): string {
  const width = v6 ? 0 : tcp ? TCP_WIDTH : UDP_WIDTH;
  const head = v6 ? INET6_HEADER : `${tcp ? '' : ' '}${INET_HEADER}`;
  const tail = tcp ? '' : ' ref pointer drops';
  const lines = [`${head}${tail}`];
  for (const socket of sockets(kernel)) {
    if (!(socket instanceof InetSocket) || socket instanceof TcpSocket !== tcp || socket.v6 !== v6) continue;
    const { local, remote, options } = socket.endpoint;
    // Sockets without a port are in no table of Linux's.
    if (local.port === 0) continue;
    const state =
      socket instanceof TcpSocket ? tcpState(socket) : remote === null ? TCP_CLOSE : TCP_ESTABLISHED;
    const slot = String(lines.length - 1).padStart(tcp ? 4 : 5);
    const queues =
      socket instanceof TcpSocket
        ? `${hex(socket.endpoint.unread, 8)}:${hex(socket.endpoint.queued, 8)}`
        : '00000000:00000000';
    const end = tcp ? '1 0000000000000000 100 0 0 10 0' : '2 0000000000000000 0';
    lines.push(
      `${slot}: ${place(local, v6)} ${place(remote ?? NO_PEER, v6)} ${hex(state, 2)} ${queues} 00:00000000 00000000 ` +
        `${String(options.uid).padStart(5)}        0 ${socket.inode.ino} ${end}`,
    );
  }
  return lines.map((line) => `${line.padEnd(width)}\n`).join('');
}

function tcpState(socket: TcpSocket): number {
  return socket.endpoint.listening ? LISTEN : socket.endpoint.state;
}

function place({ ip, port }: Endpoint, v6: boolean): string {
  return `${v6 ? words(ip, 0) : words(ip, 24)}:${hex(port, 4)}`;
}

/** The address as the kernel prints it: 32-bit words of this little-endian machine. */
function words(ip: Ip, from: number): string {
  let text = '';
  for (let at = from; at < 32; at += 8) {
    for (let byte = 6; byte >= 0; byte -= 2) text += ip.slice(at + byte, at + byte + 2);
  }
  return text.toUpperCase();
}

function hex(value: number, width: number): string {
  return value.toString(16).toUpperCase().padStart(width, '0');
}

function unixTable(kernel: Kernel): string {
  let text = 'Num       RefCount Protocol Flags    Type St Inode Path\n';
  for (const socket of sockets(kernel)) {
    if (!(socket instanceof UnixSocket)) continue;
    const flags = hex(socket.listening ? SO_ACCEPTCON : 0, 8);
    const state = hex(socket.peer === null ? SS_UNCONNECTED : SS_CONNECTED, 2);
    const name = socket.address?.name ?? '';
    const shown = name === '' ? '' : ` ${name.replaceAll('\0', '@')}`;
    text +=
      `0000000000000000: ${hex(Math.max(2, socket.refs + 1), 8)} 00000000 ${flags} ${hex(socket.type, 4)} ${state} ` +
      `${String(socket.inode.ino).padStart(5)}${shown}\n`;
  }
  return text;
}

function sockstat(kernel: Kernel): string {
  let used = 0;
  let tcp = 0;
  let udp = 0;
  for (const socket of sockets(kernel)) {
    used++;
    if (socket instanceof TcpSocket) tcp++;
    else if (socket instanceof InetSocket) udp++;
  }
  return (
    `sockets: used ${used}\nTCP: inuse ${tcp} orphan 0 tw 0 alloc ${tcp} mem 0\nUDP: inuse ${udp} mem 0\n` +
    'UDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n'
  );
}
