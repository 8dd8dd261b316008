/** IP addresses as 32 hexadecimal digits; IPv4 ones in their IPv6-mapped form, so that all compare alike. */

export type Ip = string;

const V4_PREFIX = '00000000000000000000ffff';
export const ANY4: Ip = `${V4_PREFIX}00000000`;
export const ANY6: Ip = '0'.repeat(32);
export const LOOPBACK4: Ip = `${V4_PREFIX}7f000001`;
export const LOOPBACK6: Ip = `${'0'.repeat(31)}1`;
export const BROADCAST4: Ip = `${V4_PREFIX}ffffffff`;
/** Broadcast address of 127.0.0.0/8. */
export const LOOPBACK_BROADCAST: Ip = `${V4_PREFIX}7fffffff`;

const HEX: string[] = [];
for (let i = 0; i < 256; i++) HEX.push(i.toString(16).padStart(2, '0'));

/** The address made last: who sends a packet sends more, and comparing a string with itself costs nothing. */
let recent: Ip = ANY4;
const recentBytes = new Uint8Array(4);

/** From 4 bytes. */
export function ipFromV4(bytes: Uint8Array, at: number): Ip {
  const a = bytes[at]!;
  const b = bytes[at + 1]!;
  const c = bytes[at + 2]!;
  const d = bytes[at + 3]!;
  if (recentBytes[0] !== a || recentBytes[1] !== b || recentBytes[2] !== c || recentBytes[3] !== d) {
    recent = ipOf4(a, b, c, d);
    recentBytes[0] = a;
    recentBytes[1] = b;
    recentBytes[2] = c;
    recentBytes[3] = d;
  }
  return recent;
}

/** From 16 bytes. */
export function ipFromV6(bytes: Uint8Array, at: number): Ip {
  let text = '';
  for (let i = 0; i < 16; i++) text += HEX[bytes[at + i]!]!;
  return text;
}

export function ipOf4(a: number, b: number, c: number, d: number): Ip {
  return V4_PREFIX + HEX[a]! + HEX[b]! + HEX[c]! + HEX[d]!;
}

/** Writes the last 4 bytes (an IPv4 address). */
export function putV4(ip: Ip, out: Uint8Array, at: number): void {
  for (let i = 0; i < 4; i++) out[at + i] = byteAt(ip, 24 + 2 * i);
}

export function putV6(ip: Ip, out: Uint8Array, at: number): void {
  for (let i = 0; i < 16; i++) out[at + i] = byteAt(ip, 2 * i);
}

/** The byte that two digits stand for. */
function byteAt(ip: Ip, at: number): number {
  return (digit(ip.charCodeAt(at)) << 4) | digit(ip.charCodeAt(at + 1));
}

/** '0' is 0x30, 'a' is 0x61. */
function digit(code: number): number {
  return code < 0x40 ? code - 0x30 : code - 0x57;
}

export function isV4(ip: Ip): boolean {
  return ip.startsWith(V4_PREFIX);
}
export function isAny(ip: Ip): boolean {
  return ip === ANY4 || ip === ANY6;
}
/** 127.0.0.0/8 and ::1: the addresses of lo. */
export function isLoopback(ip: Ip): boolean {
  return ip === LOOPBACK6 || (isV4(ip) && ip.startsWith('7f', 24));
}
export function isMulticast(ip: Ip): boolean {
  // 224.0.0.0/4: the first digit is e.
  return isV4(ip) ? ip.charCodeAt(24) === 0x65 : ip.startsWith('ff');
}

/** Multicast and broadcast: for more than one. */
export function isWide(ip: Ip): boolean {
  return ip === LOOPBACK_BROADCAST || ip === BROADCAST4 || isMulticast(ip);
}

/** Address and port of one side. */
export interface Endpoint {
  readonly ip: Ip;
  readonly port: number;
}

export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && a.ip === b.ip;
}
