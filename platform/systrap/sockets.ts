/**
 * The sockets that a stub reads and writes for its guest (native/stub/sockets.c). What the stub goes by is a table of
 * modes in the slot of the space's first thread, which only the Sentry writes: a descriptor that a guest closes is
 * taken out of it before any other thread can get the same number.
 */
import { addon } from '../../native/addon.ts';
import { FD_SOCKETS, SLOT_FIELDS, SOCKET_NONE, SOCKET_SLOTS } from '../../native/layout/layout.ts';
import { u8 } from '../arena.ts';
import type { KeptSocket, KeptSockets, PlatformThread } from '../platform.ts';
import { OP_DROP_SOCKET, OP_KEEP_SOCKET } from '../platform.ts';
import type { SystrapSpace } from './space.ts';
import type { SystrapThread } from './thread.ts';

/** Of all spaces, since a fork's child goes on with what its parent remembers. */
let turns = 0;

export class SystrapSocket implements KeptSocket {
  readonly turn = ++turns;
  readonly fd: number;
  dropped = false;
  private readonly sockets: SystrapSockets;
  private mode: number;
  /** The stub has it. */
  private there = false;

  constructor(sockets: SystrapSockets, fd: number, mode: number) {
    this.sockets = sockets;
    this.fd = fd;
    this.mode = mode;
  }

  setMode(mode: number): void {
    this.mode = mode;
    if (this.there && !this.dropped) this.sockets.showMode(this.fd, mode);
  }

  /** The thread that was to take it has posted again. */
  arrived(): void {
    this.there = true;
    this.setMode(this.mode);
  }
}

export class SystrapSockets implements KeptSockets {
  table: object | null = null;
  /** The stub was given one, at some time. */
  any = false;
  /** Closed by the guest, to be closed by the stub with the next reply. */
  readonly toDrop: SystrapSocket[] = [];
  private readonly space: SystrapSpace;
  private readonly kept: (SystrapSocket | undefined)[] = [];

  constructor(space: SystrapSpace) {
    this.space = space;
  }

  has(fd: number): boolean {
    return this.kept[fd] !== undefined;
  }

  keep(thread: PlatformThread, fd: number, hostFd: number, mode: number): KeptSocket | null {
    if (fd < 0 || fd >= places() || this.space.dead || this.space.donate(thread, hostFd) < 0) return null;
    const socket = new SystrapSocket(this, fd, mode);
    this.kept[fd] = socket;
    this.any = true;
    thread.addOp(OP_KEEP_SOCKET, fd, socket.turn, 0, 0, 0, 0);
    (thread as SystrapThread).keeping = socket;
    return socket;
  }

  drop(fd: number): void {
    const socket = this.kept[fd];
    if (socket === undefined) return;
    this.kept[fd] = undefined;
    socket.dropped = true;
    this.showMode(fd, SOCKET_NONE);
    if (!this.space.dead) this.toDrop.push(socket);
  }

  dropAll(): void {
    for (let fd = 0; fd < this.kept.length; fd++) this.drop(fd);
  }

  /** With the reply that `thread` is about to get. */
  closeDropped(thread: SystrapThread): void {
    for (let room = thread.opsLeft(); room > 0 && this.toDrop.length > 0; room--) {
      const { fd, turn } = this.toDrop.pop()!;
      thread.addOp(OP_DROP_SOCKET, fd, turn, 0, 0, 0, 0);
    }
  }

  showMode(fd: number, mode: number): void {
    // A dead space's slots may be another's by now.
    const base = this.space.dead ? -1 : this.space.mainSlot();
    if (base >= 0) u8[base + SLOT_FIELDS.socket_modes[0] + fd] = mode;
  }
}

let limit = -1;
/** Numbers that a stub can have. */
function places(): number {
  if (limit < 0) limit = Math.min(SOCKET_SLOTS, addon.openFileLimit() - FD_SOCKETS);
  return limit;
}

/** Another process has another. */
export function forgetOpenFileLimit(): void {
  limit = -1;
}
