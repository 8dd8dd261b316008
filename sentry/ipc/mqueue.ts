/** POSIX message queues (mq_overview(7)): messages by priority, and who is told when the first one comes. */
import { EINVAL, EMFILE, ENOMEM, ENOSPC } from '../abi/errno.ts';
import { HARD_MSGMAX, HARD_MSGSIZEMAX } from '../abi/mqueue.ts';

/** What all queues of a namespace may hold; Linux has its memory controller for that. */
const MAX_TOTAL_BYTES = 256 << 20;
/** What a message takes beside its text, for that limit and RLIMIT_MSGQUEUE (mq_overview(7), "Resource limit"). */
const MESSAGE_OVERHEAD = 48 + 8;

interface MqMessage {
  readonly priority: number;
  readonly text: Uint8Array;
}

/** Who asked by mq_notify(3): told once. */
export interface MqNotification {
  /** The process. */
  readonly owner: object;
  readonly pid: number;
  /** As /proc and read(2) show it: SIGEV_, and the signal. */
  readonly kind: number;
  readonly signo: number;
  /** A message came to an empty queue; `pid` and `uid` are the sender's. */
  arrived(pid: number, uid: number): void;
  /** It is taken back. */
  removed(): void;
}

export class MqueueTable {
  /** fs.mqueue: queues_max, msg_max, msgsize_max, msg_default, msgsize_default. */
  queuesMax = 256;
  msgMax = 10;
  msgsizeMax = 8192;
  msgDefault = 10;
  msgsizeDefault = 8192;
  queues = 0;
  /** Text and bookkeeping of all messages there are. */
  bytes = 0;
  /** Bytes that the queues of a user may come to hold. */
  private readonly reserved = new Map<number, number>();

  /** A new queue, or a negated errno. `maxBytes`: RLIMIT_MSGQUEUE; `may`: CAP_SYS_RESOURCE. */
  make(
    maxMessages: number,
    messageBytes: number,
    uid: number,
    maxBytes: number,
    may: boolean,
  ): PosixQueue | number {
    if (this.queues >= this.queuesMax && !may) return -ENOSPC;
    if (maxMessages <= 0 || messageBytes <= 0) return -EINVAL;
    if (maxMessages > (may ? HARD_MSGMAX : this.msgMax)) return -EINVAL;
    if (messageBytes > (may ? HARD_MSGSIZEMAX : this.msgsizeMax)) return -EINVAL;
    const bytes = maxMessages * (messageBytes + MESSAGE_OVERHEAD);
    const held = this.reserved.get(uid) ?? 0;
    if (held + bytes > maxBytes) return -EMFILE;
    this.reserved.set(uid, held + bytes);
    this.queues++;
    return new PosixQueue(this, maxMessages, messageBytes, uid, bytes);
  }

  giveBack(uid: number, bytes: number): void {
    this.queues--;
    const left = (this.reserved.get(uid) ?? 0) - bytes;
    if (left > 0) this.reserved.set(uid, left);
    else this.reserved.delete(uid);
  }
}

export class PosixQueue {
  readonly maxMessages: number;
  readonly messageBytes: number;
  /** The highest priority first, of one priority the oldest. */
  private messages: MqMessage[] = [];
  private textBytes = 0;
  notification: MqNotification | null = null;
  /** Tasks that sleep in mq_timedreceive(2): while there are any, nobody is notified. */
  receivers = 0;
  private readonly table: MqueueTable;
  private readonly uid: number;
  private readonly reservedBytes: number;

  constructor(
    table: MqueueTable,
    maxMessages: number,
    messageBytes: number,
    uid: number,
    reservedBytes: number,
  ) {
    this.table = table;
    this.maxMessages = maxMessages;
    this.messageBytes = messageBytes;
    this.uid = uid;
    this.reservedBytes = reservedBytes;
  }

  get count(): number {
    return this.messages.length;
  }
  get full(): boolean {
    return this.messages.length >= this.maxMessages;
  }

  /** 0 or -ENOMEM; the caller has looked whether there is room. */
  send(text: Uint8Array, priority: number, pid: number, uid: number): number {
    const bytes = text.length + MESSAGE_OVERHEAD;
    if (this.table.bytes + bytes > MAX_TOTAL_BYTES) return -ENOMEM;
    this.table.bytes += bytes;
    this.textBytes += text.length;
    let at = this.messages.length;
    while (at > 0 && this.messages[at - 1]!.priority < priority) at--;
    this.messages.splice(at, 0, { priority, text });
    if (this.messages.length === 1 && this.receivers === 0) {
      const { notification } = this;
      this.notification = null;
      notification?.arrived(pid, uid);
    }
    return 0;
  }

  /** The first message; there is one. */
  receive(): MqMessage {
    const message = this.messages.shift()!;
    this.textBytes -= message.text.length;
    this.table.bytes -= message.text.length + MESSAGE_OVERHEAD;
    return message;
  }

  /** mq_notify(3) with null, or the end of the process that asked. */
  forgetNotification(owner: object): void {
    if (this.notification?.owner !== owner) return;
    const { notification } = this;
    this.notification = null;
    notification.removed();
  }

  /** What read(2) of the queue says. */
  text(): string {
    const n = this.notification;
    const field = (name: string, value: number, width: number): string =>
      `${name}:${String(value).padEnd(width)}`;
    const fields = [
      field('QSIZE', this.textBytes, 10),
      field('NOTIFY', n?.kind ?? 0, 5),
      field('SIGNO', n?.signo ?? 0, 5),
      field('NOTIFY_PID', n?.pid ?? 0, 6),
    ];
    return `${fields.join(' ')}\n`;
  }

  destroy(): void {
    for (const { text } of this.messages) this.table.bytes -= text.length + MESSAGE_OVERHEAD;
    this.messages = [];
    this.table.giveBack(this.uid, this.reservedBytes);
  }
}
