/** Names of AF_UNIX sockets in one network namespace, and what all of them share. */
import type { Watcher } from '../../../base/host-queue.ts';
import type { Inode } from '../../../vfs/inode.ts';
import type { InetStack, InterfaceQuestions } from '../../stack/inet-stack.ts';
import type { StackHost } from '../../stack/settings.ts';
import { InFlight } from './rights.ts';
import type { UnixSocket } from './unix-socket.ts';

export class UnixNetwork {
  /** Answers SIOCGIF… on any socket: glibc asks on AF_UNIX ones. */
  readonly stack: InetStack | InterfaceQuestions;
  readonly inFlight: InFlight;
  /** For connections to processes of the host. */
  watcher: Watcher | null = null;
  /** Every socket, in order of creation: /proc/net/unix. */
  readonly sockets = new Set<UnixSocket>();
  /** By type and name: sockets of different types may bear the same abstract name. */
  private readonly abstract = new Map<string, UnixSocket>();
  /** By the inode that bind(2) made. The socket holds the path, so the inode stays. */
  private readonly nodes = new WeakMap<Inode, UnixSocket>();
  private autobindNext = 0;

  constructor(stack: InetStack | InterfaceQuestions, host: StackHost | null = null) {
    this.stack = stack;
    this.inFlight = new InFlight(host);
  }

  findAbstract(type: number, name: string): UnixSocket | null {
    return this.abstract.get(`${type}${name}`) ?? null;
  }
  addAbstract(type: number, name: string, socket: UnixSocket): void {
    this.abstract.set(`${type}${name}`, socket);
  }
  removeAbstract(type: number, name: string): void {
    this.abstract.delete(`${type}${name}`);
  }

  findNode(inode: Inode): UnixSocket | null {
    return this.nodes.get(inode) ?? null;
  }
  addNode(inode: Inode, socket: UnixSocket): void {
    this.nodes.set(inode, socket);
  }
  removeNode(inode: Inode): void {
    this.nodes.delete(inode);
  }

  /** A free name of autobind's form: NUL and five hexadecimal digits; null when all 2^20 are taken. */
  autobindName(type: number): string | null {
    for (let tries = 0; tries < 1 << 20; tries++) {
      const name = `\0${this.autobindNext.toString(16).padStart(5, '0')}`;
      this.autobindNext = (this.autobindNext + 1) & 0xfffff;
      if (this.findAbstract(type, name) === null) return name;
    }
    return null;
  }
}
