/** SIOCGIF… (netdevice(7)): what ifconfig and older programs ask about interfaces. */
import { EADDRNOTAVAIL, EFAULT, ENODEV, ENOTTY, EOPNOTSUPP, EPERM } from '../../abi/errno.ts';
import { AF_INET } from '../../abi/socket.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { InetStack, InterfaceQuestions, NetworkInterface } from '../stack/inet-stack.ts';
import { isV4, putV4 } from '../stack/ip.ts';

const SIOCGIFNAME = 0x8910;
const SIOCGIFCONF = 0x8912;
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFADDR = 0x8915;
const SIOCGIFDSTADDR = 0x8917;
const SIOCGIFBRDADDR = 0x8919;
const SIOCGIFNETMASK = 0x891b;
const SIOCGIFMETRIC = 0x891d;
const SIOCGIFMTU = 0x8921;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const SIOCGIFTXQLEN = 0x8942;
const SIOCETHTOOL = 0x8946;
const SIOCGIFMAP = 0x8970;
/** Requests that change something: SIOCSIF…. */
const CHANGING = new Set([
  0x8914, 0x8916, 0x8918, 0x891a, 0x891c, 0x891e, 0x8922, 0x8923, 0x8924, 0x8943, 0x8971,
]);

/** struct ifreq: a name of 16 bytes, then a union of 24. */
const IFNAMSIZ = 16;
const IFREQ_SIZE = 40;
/** Addresses that SIOCGIFCONF lists at most. */
const MOST_INTERFACES = 1024;

/** The answer, or -ENOTTY when it is no such request. */
export function interfaceIoctl(
  stack: InetStack | InterfaceQuestions,
  cmd: number,
  arg: number,
  ctx: CallerContext,
): number {
  if (CHANGING.has(cmd)) return -EPERM;
  if ('interfaceQuestion' in stack) return askHost(stack, cmd, arg, ctx);
  if (cmd === SIOCGIFCONF) return listInterfaces(stack, arg, ctx);
  if (cmd < SIOCGIFNAME || cmd > SIOCGIFMAP) return -ENOTTY;
  const request = ctx.copyInBytes(arg, IFREQ_SIZE);
  if (typeof request === 'number') return -EFAULT;
  const v = new DataView(request.buffer, request.byteOffset, IFREQ_SIZE);
  if (cmd === SIOCGIFNAME) {
    const found = stack.interfaces.find((i) => i.index === v.getInt32(IFNAMSIZ, true));
    if (found === undefined) return -ENODEV;
    putName(request, 0, found.name);
    return ctx.copyOutBytes(arg, request, 0, IFREQ_SIZE);
  }
  const end = request.indexOf(0);
  const name = String.fromCharCode(...request.subarray(0, Math.min(end < 0 ? IFNAMSIZ : end, IFNAMSIZ - 1)));
  const found = stack.interfaces.find((i) => i.name === name);
  if (found === undefined) return cmd === SIOCETHTOOL || isKnown(cmd) ? -ENODEV : -ENOTTY;
  const r = answer(found, cmd, request, v);
  return r < 0 ? r : ctx.copyOutBytes(arg, request, 0, IFREQ_SIZE);
}

/** The same from a network that answers for itself. */
function askHost(stack: InterfaceQuestions, cmd: number, arg: number, ctx: CallerContext): number {
  if (cmd === SIOCGIFCONF) return listHost(stack, arg, ctx);
  if (cmd !== SIOCGIFNAME && !isKnown(cmd)) return -ENOTTY;
  const given = ctx.copyInBytes(arg, IFREQ_SIZE);
  if (typeof given === 'number') return -EFAULT;
  // Only the name or the index is a question's; the rest of the request starts empty.
  const request = new Uint8Array(IFREQ_SIZE);
  if (cmd === SIOCGIFNAME) request.set(given.subarray(IFNAMSIZ, IFNAMSIZ + 4), IFNAMSIZ);
  else request.set(given.subarray(0, IFNAMSIZ - 1));
  const r = stack.interfaceQuestion(cmd, request);
  return r < 0 ? r : ctx.copyOutBytes(arg, request, 0, IFREQ_SIZE);
}

function listHost(stack: InterfaceQuestions, arg: number, ctx: CallerContext): number {
  const room = ctx.readI32(arg);
  const at = ctx.readU64(arg + 8);
  if (room === null || at === null) return -EFAULT;
  const out = new Uint8Array(MOST_INTERFACES * IFREQ_SIZE);
  const filled = stack.interfaceList(out);
  if (filled < 0) return filled;
  if (at === 0) return ctx.writeI32(arg, filled);
  const fit = Math.max(0, Math.min(filled, room - (room % IFREQ_SIZE)));
  const r = ctx.copyOutBytes(at, out, 0, fit);
  return r < 0 ? r : ctx.writeI32(arg, fit);
}

function isKnown(cmd: number): boolean {
  return [
    SIOCGIFFLAGS,
    SIOCGIFADDR,
    SIOCGIFDSTADDR,
    SIOCGIFBRDADDR,
    SIOCGIFNETMASK,
    SIOCGIFMETRIC,
    SIOCGIFMTU,
    SIOCGIFHWADDR,
    SIOCGIFINDEX,
    SIOCGIFTXQLEN,
    SIOCGIFMAP,
  ].includes(cmd);
}

function answer(i: NetworkInterface, cmd: number, request: Uint8Array, v: DataView): number {
  const v4 = i.addresses.find((a) => isV4(a.ip));
  switch (cmd) {
    case SIOCGIFFLAGS:
      v.setInt16(IFNAMSIZ, i.flags & 0xffff, true);
      return 0;
    case SIOCGIFINDEX:
      v.setInt32(IFNAMSIZ, i.index, true);
      return 0;
    case SIOCGIFMTU:
      v.setInt32(IFNAMSIZ, i.mtu, true);
      return 0;
    case SIOCGIFMETRIC:
      v.setInt32(IFNAMSIZ, 0, true);
      return 0;
    case SIOCGIFTXQLEN:
      v.setInt32(IFNAMSIZ, 1000, true);
      return 0;
    case SIOCGIFMAP:
      request.fill(0, IFNAMSIZ);
      return 0;
    case SIOCGIFHWADDR:
      request.fill(0, IFNAMSIZ);
      v.setUint16(IFNAMSIZ, i.type, true);
      request.set(i.hardwareAddress, IFNAMSIZ + 2);
      return 0;
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
    case SIOCGIFBRDADDR:
    case SIOCGIFNETMASK: {
      if (v4 === undefined) return -EADDRNOTAVAIL;
      request.fill(0, IFNAMSIZ);
      v.setUint16(IFNAMSIZ, AF_INET, true);
      if (cmd === SIOCGIFNETMASK)
        v.setUint32(IFNAMSIZ + 4, v4.prefix === 0 ? 0 : -1 << (32 - v4.prefix), false);
      else if (cmd !== SIOCGIFBRDADDR) putV4(v4.ip, request, IFNAMSIZ + 4);
      return 0;
    }
    case SIOCETHTOOL:
      return -EOPNOTSUPP;
    default:
      return -ENOTTY;
  }
}

/** struct ifconf: int length, then a pointer to struct ifreq[]; a null pointer asks for the length alone. */
function listInterfaces(stack: InetStack, arg: number, ctx: CallerContext): number {
  const room = ctx.readI32(arg);
  const at = ctx.readU64(arg + 8);
  if (room === null || at === null) return -EFAULT;
  const entries = stack.interfaces.filter((i) => i.addresses.some((a) => isV4(a.ip)));
  if (at === 0) return ctx.writeI32(arg, entries.length * IFREQ_SIZE);
  const fit = entries.slice(0, Math.max(0, Math.floor(room / IFREQ_SIZE)));
  const out = new Uint8Array(fit.length * IFREQ_SIZE);
  fit.forEach((i, n) => {
    putName(out, n * IFREQ_SIZE, i.name);
    out[n * IFREQ_SIZE + IFNAMSIZ] = AF_INET;
    putV4(i.addresses.find((a) => isV4(a.ip))!.ip, out, n * IFREQ_SIZE + IFNAMSIZ + 4);
  });
  const r = ctx.copyOutBytes(at, out, 0, out.length);
  return r < 0 ? r : ctx.writeI32(arg, out.length);
}

function putName(out: Uint8Array, at: number, name: string): void {
  out.fill(0, at, at + IFNAMSIZ);
  for (let i = 0; i < name.length; i++) out[at + i] = name.charCodeAt(i);
}
