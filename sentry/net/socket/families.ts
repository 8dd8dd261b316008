/** Address families by number: socket(2) asks here. A family adds itself by one line in `installed`. */
import type { CallerContext } from '../../vfs/context.ts';
import type { SocketFile } from './socket-file.ts';
import { UnixFamily } from './unix/unix-family.ts';

export interface SocketFamily {
  readonly family: number;
  /** A socket of this family, or a negated errno. `flags` is O_NONBLOCK or 0. */
  create(type: number, protocol: number, flags: number, ctx: CallerContext): SocketFile | number;
  /** socketpair(2); absent: EOPNOTSUPP. */
  createPair?(
    type: number,
    protocol: number,
    flags: number,
    ctx: CallerContext,
  ): [SocketFile, SocketFile] | number;
}

/** Makes the families of one kernel (later: of one network namespace). */
const installed: readonly (() => SocketFamily)[] = [() => new UnixFamily()];

export class SocketFamilies {
  private readonly byNumber = new Map<number, SocketFamily>();

  constructor() {
    for (const make of installed) this.add(make());
  }

  add(family: SocketFamily): void {
    this.byNumber.set(family.family, family);
  }
  get(family: number): SocketFamily | undefined {
    return this.byNumber.get(family);
  }
}

const perKernel = new WeakMap<object, SocketFamilies>();

/** The families of a kernel, made on first use. */
export function familiesOf(kernel: object): SocketFamilies {
  let families = perKernel.get(kernel);
  if (families === undefined) perKernel.set(kernel, (families = new SocketFamilies()));
  return families;
}
