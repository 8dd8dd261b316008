/** The network of `--network none`: lo and nothing else. */
import { ARPHRD_LOOPBACK, LO } from '../../../abi/inet.ts';
import type { WaitQueue } from '../../../base/wait-queue.ts';
import type { InetStack, NetworkInterface } from '../inet-stack.ts';
import { LOOPBACK4, LOOPBACK6, sameEndpoint } from '../ip.ts';
import type { Endpoint, Ip } from '../ip.ts';
import { NetSettings } from '../settings.ts';
import type { StackHost } from '../settings.ts';
import type { DatagramShared } from './datagram-endpoint.ts';
import { GroupCounts } from './groups.ts';
import { LoopbackPing } from './loopback-ping.ts';
import type { PingTable } from './loopback-ping.ts';
import { LoopbackRaw } from './loopback-raw.ts';
import { LoopbackTcp } from './loopback-tcp.ts';
import { LoopbackUdp } from './loopback-udp.ts';
import { covers, PortTable } from './port-table.ts';
import { TcpInput } from './tcp-input.ts';
import type { TcpTable } from './tcp-input.ts';
import { TcpPorts } from './tcp-ports.ts';
import type { TimeWait } from './time-wait.ts';
import { CLOCK_REALTIME } from '../../../time/clock.ts';
import { Wire } from './wire.ts';

const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_RUNNING = 0x40;
const IFF_LOWER_UP = 0x10000;
const RT_SCOPE_HOST = 254;

const lo: NetworkInterface = {
  index: LO,
  name: 'lo',
  flags: IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_LOWER_UP,
  mtu: 65536,
  type: ARPHRD_LOOPBACK,
  hardwareAddress: new Uint8Array(6),
  addresses: [
    { ip: LOOPBACK4, prefix: 8, scope: RT_SCOPE_HOST },
    { ip: LOOPBACK6, prefix: 128, scope: RT_SCOPE_HOST },
  ],
};

export class LoopbackStack implements InetStack, TcpTable {
  readonly interfaces = [lo];
  readonly settings = new NetSettings();
  private readonly tcpPorts: TcpPorts;
  private readonly udpPorts = new PortTable<LoopbackUdp>(this.settings, () => true);
  private readonly udplitePorts = new PortTable<LoopbackUdp>(this.settings, () => true);
  private readonly pings: PingTable = new Map();
  private readonly pings6: PingTable = new Map();
  private readonly datagrams: DatagramShared;

  /** What raw and packet sockets see; null: there are none (`--net-raw` was not given). */
  readonly wire: Wire | null;

  constructor(host: StackHost, raw = false) {
    const wire = new Wire(() => host.clock.nowNs(CLOCK_REALTIME) / 1e6);
    this.wire = raw ? wire : null;
    this.datagrams = { groups: new GroupCounts(), host, wire };
    const injector = new LoopbackUdp(true, this.udpPorts, this.datagrams);
    wire.udpInput = (datagram, port) => {
      injector.dispatch(datagram, port);
    };
    this.tcpPorts = new TcpPorts(host, this.settings, wire);
    const input = new TcpInput(wire, this, this.tcpPorts.segments);
    wire.tcpInput = (packet, info) => {
      input.receive(packet, info);
    };
  }

  tcp(v6: boolean, queue?: WaitQueue): LoopbackTcp {
    return new LoopbackTcp(v6, this.tcpPorts, queue);
  }
  udp(v6: boolean): LoopbackUdp {
    return new LoopbackUdp(v6, this.udpPorts, this.datagrams);
  }
  udplite(v6: boolean): LoopbackUdp {
    return new LoopbackUdp(v6, this.udplitePorts, this.datagrams, true);
  }
  ping(v6: boolean): LoopbackPing {
    return new LoopbackPing(v6, v6 ? this.pings6 : this.pings, this.datagrams);
  }
  raw(v6: boolean, protocol: number): LoopbackRaw | null {
    return this.wire === null ? null : new LoopbackRaw(v6, protocol, this.datagrams);
  }
  realtimeNs(): number {
    return this.datagrams.host.clock.nowNs(CLOCK_REALTIME);
  }
  groupMembers(): Iterable<readonly [Ip, number]> {
    return this.datagrams.groups.entries();
  }
  *tcpEndpoints(): Generator<LoopbackTcp> {
    for (const holder of this.tcpPorts.table.all()) if (holder instanceof LoopbackTcp) yield holder;
  }
  // ---- for segments of raw sockets
  connection(local: Endpoint, remote: Endpoint): LoopbackTcp | null {
    for (const holder of this.tcpPorts.table.at(local.port) ?? []) {
      if (!(holder instanceof LoopbackTcp) || holder.remote === null || !holder.connected) continue;
      if (holder.local.ip === local.ip && sameEndpoint(holder.remote, remote)) return holder;
    }
    return null;
  }
  listens(at: Endpoint): boolean {
    const listeners = this.tcpPorts.table.listenersAt(at.port) as LoopbackTcp[];
    return listeners.some((l) => covers(l.local.ip, l.options, at.ip) && l.takesSyn);
  }

  endedConnections(): Iterable<TimeWait> {
    this.tcpPorts.waits.expire();
    return this.tcpPorts.waits.all();
  }
}
