/** timerfd_create(2): expirations of a timer as a readable count. */
import { EAGAIN, EINVAL } from '../../abi/errno.ts';
import { O_RDWR } from '../../abi/fcntl.ts';
import { POLLIN } from '../../abi/poll.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { Timer } from '../../time/timers.ts';
import { sharedAnonInode } from '../../vfs/anon-inode.ts';
import { FileDescription } from '../../vfs/file-description.ts';

const POLLRDNORM = 0x40;

export class TimerFile extends FileDescription {
  readonly clock: number;
  override readonly queue = new WaitQueue();
  /** Monotonic ns of the expiry not yet counted; 0: disarmed. */
  nextNs = 0;
  intervalNs = 0;
  /** Expirations since the last read or setting. */
  private ticks = 0;
  private readonly kernel: Kernel;
  private readonly timer = new Timer(() => {
    this.expire();
  });

  constructor(kernel: Kernel, clock: number, flags: number) {
    super(O_RDWR | flags, null, sharedAnonInode);
    this.kernel = kernel;
    this.clock = clock;
  }

  override name(): string {
    return 'anon_inode:[timerfd]';
  }

  override fdinfo(): string {
    const show = (ns: number): string => `(${Math.floor(ns / 1e9)}, ${Math.floor(ns % 1e9)})`;
    return (
      `clockid: ${this.clock}\nticks: ${this.ticks}\nsettime flags: 00\n` +
      `it_value: ${show(this.remainingNs())}\nit_interval: ${show(this.intervalNs)}\n`
    );
  }

  /** Arms for monotonic `firstNs` (0: disarm). */
  set(firstNs: number, intervalNs: number): void {
    this.ticks = 0;
    this.nextNs = firstNs;
    this.intervalNs = intervalNs;
    this.kernel.timers.arm(this.timer, firstNs === 0 ? Infinity : firstNs);
  }

  /** Ns until the next expiry; 0: disarmed. */
  remainingNs(): number {
    if (this.nextNs === 0) return 0;
    const now = this.kernel.clock.monotonicNs();
    if (this.nextNs > now) return this.nextNs - now;
    if (this.intervalNs === 0) return 0;
    return this.intervalNs - ((now - this.nextNs) % this.intervalNs);
  }

  override read(buf: Uint8Array, off: number, len: number): number {
    if (len < 8) return -EINVAL;
    this.catchUp();
    const count = this.ticks;
    if (count === 0) return -EAGAIN;
    this.ticks = 0;
    for (let i = 0, left = count; i < 8; i++) {
      buf[off + i] = left % 256;
      left = Math.floor(left / 256);
    }
    // Until here only the first expiry since the last read woke the host: an idle reader costs nothing.
    if (this.nextNs !== 0) this.kernel.timers.arm(this.timer, this.nextNs);
    return 8;
  }

  /** lseek(2) succeeds and does nothing. */
  override seek(): number {
    return 0;
  }

  override readiness(): number {
    return this.ticks > 0 ? POLLIN | POLLRDNORM : 0;
  }

  override release(): void {
    this.kernel.timers.cancel(this.timer);
  }

  private expire(): void {
    this.catchUp();
    this.queue.notify(POLLIN | POLLRDNORM);
  }

  /** Counts all expirations up to now. */
  private catchUp(): void {
    const now = this.kernel.clock.monotonicNs();
    if (this.nextNs === 0 || this.nextNs > now) return;
    if (this.intervalNs === 0) {
      this.ticks++;
      this.nextNs = 0;
      return;
    }
    const passed = Math.floor((now - this.nextNs) / this.intervalNs) + 1;
    this.ticks += passed;
    this.nextNs += passed * this.intervalNs;
  }
}
