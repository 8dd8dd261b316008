/** What all TCP endpoints of one stack share: the ports, what waits in TIME-WAIT, settings and clock. */
import type { NetSettings, StackHost } from '../settings.ts';
import type { TcpConnection } from './tcp-connection.ts';
import { PortTable } from './port-table.ts';
import { TcpSegments } from './tcp-segments.ts';
import { TimeWaits } from './time-wait.ts';
import type { TimeWait } from './time-wait.ts';
import type { Wire } from './wire.ts';

export class TcpPorts {
  readonly host: StackHost;
  readonly settings: NetSettings;
  readonly table: PortTable<TcpConnection | TimeWait>;
  readonly waits: TimeWaits;

  readonly segments: TcpSegments;

  constructor(host: StackHost, settings: NetSettings, wire: Wire) {
    this.segments = new TcpSegments(wire, () => host.clock.monotonicNs() / 1e6);
    this.host = host;
    this.settings = settings;
    this.table = new PortTable(settings, (holder, comer) => !holder.listening && !comer.listening);
    this.waits = new TimeWaits(host, settings, (entry) => this.table.remove(entry));
  }
}
