/** System V message queues (msgget(2), msgop(2), msgctl(2)). */
import { E2BIG, EAGAIN, EIDRM, ENOMEM } from '../abi/errno.ts';
import { MSGMAX, MSGMNB, MSGMNI } from '../abi/ipc.ts';
import { WaitQueue } from '../base/wait-queue.ts';
import type { Credentials } from '../auth/credentials.ts';
import { IpcIds, IpcObject } from './ipc-ids.ts';
import { compareTypes, matches, SEARCH_LESS_EQUAL, SEARCH_PLACE, type MsgType } from './msg-type.ts';

/** What all queues of a namespace may hold; Linux has its memory controller for that. */
const MAX_TOTAL_BYTES = 256 << 20;
/** What a message takes beside its text, as far as that limit goes. */
const MESSAGE_OVERHEAD = 128;

export interface MsgMessage {
  readonly type: MsgType;
  readonly text: Uint8Array;
}

/** Somebody in msgrcv(2). */
export class MsgReceiver {
  readonly pid: number;
  readonly mode: number;
  readonly wanted: MsgType;
  /** The longest that it takes. */
  readonly maxBytes: number;
  /** What it was given, a negated errno (-EAGAIN: look again), or null while it waits. */
  got: MsgMessage | number | null = null;
  readonly queue = new WaitQueue();

  constructor(pid: number, mode: number, wanted: MsgType, maxBytes: number) {
    this.pid = pid;
    this.mode = mode;
    this.wanted = wanted;
    this.maxBytes = maxBytes;
  }

  finish(got: MsgMessage | number): void {
    this.got = got;
    this.queue.notify(1);
  }
}

export class MsgQueue extends IpcObject {
  messages: MsgMessage[] = [];
  bytes = 0;
  maxBytes: number;
  /** Seconds since the epoch, and processes. */
  stime = 0;
  rtime = 0;
  ctime: number;
  lspid = 0;
  lrpid = 0;
  removed = false;
  /** Notified (any bit) when there may be room, or none ever. */
  readonly senders = new WaitQueue();
  private readonly receivers = new Set<MsgReceiver>();
  private readonly table: MsgTable;

  constructor(table: MsgTable, key: number, mode: number, creds: Credentials, nowSec: number) {
    super(key, mode, creds);
    this.table = table;
    this.maxBytes = table.queueBytes;
    this.ctime = nowSec;
  }

  /** Is there room for a text of so many bytes? Empty messages count too. */
  fits(bytes: number): boolean {
    return bytes + this.bytes <= this.maxBytes && 1 + this.messages.length <= this.maxBytes;
  }

  /** Gives it to a receiver that waits for it, or keeps it: 0 or -ENOMEM. */
  send(message: MsgMessage, pid: number, nowSec: number): number {
    if (!this.table.charge(message)) return -ENOMEM;
    this.lspid = pid;
    this.stime = nowSec;
    if (this.giveToReceiver(message, nowSec)) {
      this.table.uncharge(message);
      return 0;
    }
    this.messages.push(message);
    this.bytes += message.text.length;
    return 0;
  }

  private giveToReceiver(message: MsgMessage, nowSec: number): boolean {
    for (const receiver of this.receivers) {
      if (!matches(message.type, receiver.mode, receiver.wanted)) continue;
      this.receivers.delete(receiver);
      if (message.text.length > receiver.maxBytes) {
        receiver.finish(-E2BIG);
        continue;
      }
      this.lrpid = receiver.pid;
      this.rtime = nowSec;
      receiver.finish(message);
      return true;
    }
    return false;
  }

  /** The message that msgrcv(2) means; it stays. */
  find(mode: number, wanted: MsgType): MsgMessage | undefined {
    const { messages } = this;
    if (mode === SEARCH_PLACE) return wanted.hi === 0 ? messages[wanted.lo >>> 0] : undefined;
    if (mode !== SEARCH_LESS_EQUAL) return messages.find(({ type }) => matches(type, mode, wanted));
    let lowest: MsgMessage | undefined;
    for (const message of messages) {
      if (!matches(message.type, mode, wanted)) continue;
      if (lowest === undefined || compareTypes(message.type, lowest.type) < 0) lowest = message;
    }
    return lowest;
  }

  take(message: MsgMessage, pid: number, nowSec: number): void {
    if (this.messages[0] === message) this.messages.shift();
    else this.messages.splice(this.messages.indexOf(message), 1);
    this.bytes -= message.text.length;
    this.table.uncharge(message);
    this.lrpid = pid;
    this.rtime = nowSec;
    this.senders.notify(1);
  }

  wait(receiver: MsgReceiver): void {
    this.receivers.add(receiver);
  }

  withdraw(receiver: MsgReceiver): void {
    this.receivers.delete(receiver);
  }

  /** IPC_SET: who waits may not be allowed to any more, or has room now. */
  changed(nowSec: number): void {
    this.ctime = nowSec;
    this.tellReceivers(-EAGAIN);
    this.senders.notify(1);
  }

  remove(): void {
    this.removed = true;
    for (const message of this.messages) this.table.uncharge(message);
    this.messages = [];
    this.table.ids.remove(this);
    this.tellReceivers(-EIDRM);
    this.senders.notify(1);
  }

  private tellReceivers(error: number): void {
    const all = [...this.receivers];
    this.receivers.clear();
    for (const receiver of all) receiver.finish(error);
  }
}

export class MsgTable {
  readonly ids = new IpcIds<MsgQueue>(MSGMNI);
  /** kernel.msgmax and msgmnb. */
  messageBytes = MSGMAX;
  queueBytes = MSGMNB;
  /** Messages in all queues, and their bytes. */
  messages = 0;
  bytes = 0;

  /** msgget(2): an identifier or a negated errno. */
  get(creds: Credentials, key: number, flags: number, nowSec: number): number {
    return this.ids.get(
      creds,
      key,
      flags,
      () => new MsgQueue(this, key, flags, creds, nowSec),
      () => 0,
    );
  }

  /** False when it is too much. */
  charge({ text }: MsgMessage): boolean {
    if (this.bytes + text.length + (this.messages + 1) * MESSAGE_OVERHEAD > MAX_TOTAL_BYTES) return false;
    this.messages++;
    this.bytes += text.length;
    return true;
  }

  uncharge({ text }: MsgMessage): void {
    this.messages--;
    this.bytes -= text.length;
  }

  destroy(): void {
    for (const queue of this.ids.all()) queue.remove();
  }

  /** /proc/sysvipc/msg. */
  text(): string {
    return this.ids.table((queue) => [
      [queue.bytes, 11],
      [queue.messages.length, 10],
      [queue.lspid, 5],
      [queue.lrpid, 5],
      [queue.uid, 5],
      [queue.gid, 5],
      [queue.cuid, 5],
      [queue.cgid, 5],
      [queue.stime, 10],
      [queue.rtime, 10],
      [queue.ctime, 10],
    ]);
  }
}
