/** What was sent to a socket whose filter doesn't let it in: it is sent again when the filter is another one. */
import type { SocketFilter } from '../../../base/bpf/socket-filter.ts';
import { FIN, LARGEST, PSH, TcpSegments } from './tcp-segments.ts';
import type { SegmentSource } from './tcp-segments.ts';

/** Who gets it in the end. */
export interface Hearer extends SegmentSource {
  readonly options: { readonly mark: number; readonly filter: SocketFilter | null };
  hear(data: Uint8Array): void;
  hearEnd(): void;
}

export class Unheard {
  bytes = 0;
  private readonly parts: Uint8Array[] = [];
  private ended = false;

  get empty(): boolean {
    return this.parts.length === 0 && !this.ended;
  }

  add(data: Uint8Array): void {
    this.bytes += data.length;
    for (let at = 0; at < data.length; at += LARGEST) this.parts.push(data.subarray(at, at + LARGEST));
  }
  end(): void {
    this.ended = true;
  }

  /** Tries all of it again. */
  retry(segments: TcpSegments, from: SegmentSource, to: Hearer): void {
    const { filter } = to.options;
    for (let part = this.parts[0]; part !== undefined; part = this.parts[0]) {
      const wanted = filter === null ? Infinity : filter.run(segments.view(from, to, PSH, part));
      // What is cut off comes again in a segment of its own.
      const n = Math.min(part.length, TcpSegments.keptData(wanted));
      if (n === 0) return;
      if (n === part.length) this.parts.shift();
      else this.parts[0] = part.subarray(n);
      this.bytes -= n;
      to.hear(part.subarray(0, n));
    }
    if (!this.ended || (filter !== null && filter.run(segments.view(from, to, FIN)) === 0)) return;
    this.ended = false;
    to.hearEnd();
  }
}
