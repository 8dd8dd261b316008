/**
 * The initial stack of a program, byte for byte as Linux lays it out (create_elf_tables): from the stack pointer up
 * argc, argv[], NULL, envp[], NULL, the auxiliary vector, 16 random bytes, the platform's name, some random slack,
 * the argument strings, the environment strings, the program's path, and eight zero bytes at the top.
 */
import { AT_EXECFN, AT_NULL, AT_PLATFORM, AT_RANDOM } from '../abi/auxv.ts';

/** Key and value pairs; the pointers into the stack itself (random bytes, path, platform) are filled in here. */
export type AuxiliaryVector = readonly (readonly [number, number])[];

export interface StackRequest {
  /** End of the stack area. */
  top: number;
  argv: readonly string[];
  envp: readonly string[];
  /** Path for AT_EXECFN. */
  execfn: string;
  /** "x86_64", "aarch64". */
  platform: string;
  /** 16 bytes for AT_RANDOM. */
  random: Uint8Array;
  /** Bytes to leave free below the strings: 0 to 8191, the stack's own randomisation. */
  slack: number;
  auxv: AuxiliaryVector;
}

export interface InitialStack {
  /** Where argc lies; 16-byte aligned. */
  sp: number;
  /** Bytes of [sp, top). */
  bytes: Buffer;
  /** The auxiliary vector alone, with its end mark. */
  auxv: Uint8Array;
  argStart: number;
  argEnd: number;
  envStart: number;
  envEnd: number;
}

export function buildStack(req: StackRequest): InitialStack {
  const { top, argv, envp } = req;
  const argBytes = stringBytes(argv);
  const envBytes = stringBytes(envp);
  const execfnAt = top - 8 - (req.execfn.length + 1);
  const envStart = execfnAt - envBytes;
  const argStart = envStart - argBytes;
  const afterSlack = argStart - req.slack;
  const platformAt = afterSlack - (afterSlack % 16) - (req.platform.length + 1);
  const randomAt = platformAt - 16;
  const auxWords = 2 * (req.auxv.length + 1);
  const words = 1 + argv.length + 1 + envp.length + 1 + auxWords;
  const unaligned = randomAt - words * 8;
  const sp = unaligned - (unaligned % 16);

  const bytes = Buffer.alloc(top - sp);
  let at = putWord(bytes, 0, argv.length);
  at = putStrings(bytes, at, argv, argStart, sp);
  at = putStrings(bytes, at, envp, envStart, sp);
  const auxvAt = at;
  for (const [key, value] of req.auxv) {
    at = putWord(bytes, at, key);
    at = putWord(bytes, at, pointerOf(key, value, execfnAt, platformAt, randomAt));
  }
  at = putWord(bytes, at, AT_NULL);
  at = putWord(bytes, at, 0);
  bytes.set(req.random.subarray(0, 16), randomAt - sp);
  bytes.latin1Write(req.platform, platformAt - sp);
  bytes.latin1Write(req.execfn, execfnAt - sp);
  return {
    sp,
    bytes,
    auxv: Uint8Array.from(bytes.subarray(auxvAt, at)),
    argStart,
    argEnd: envStart,
    envStart,
    envEnd: execfnAt,
  };
}

/** Bytes that strings take on the stack, each with its NUL. */
export function stringBytes(strings: readonly string[]): number {
  let total = 0;
  for (const text of strings) total += text.length + 1;
  return total;
}

function pointerOf(key: number, value: number, execfn: number, platform: number, random: number): number {
  switch (key) {
    case AT_EXECFN:
      return execfn;
    case AT_PLATFORM:
      return platform;
    case AT_RANDOM:
      return random;
    default:
      return value;
  }
}

/** Writes the pointers from `at` on, the strings at guest address `strings`, and the NULL; the next free offset. */
function putStrings(
  bytes: Buffer,
  at: number,
  texts: readonly string[],
  strings: number,
  sp: number,
): number {
  let address = strings;
  for (const text of texts) {
    at = putWord(bytes, at, address);
    bytes.latin1Write(text, address - sp);
    address += text.length + 1;
  }
  return putWord(bytes, at, 0);
}

function putWord(bytes: Buffer, at: number, value: number): number {
  const high = Math.floor(value / 4294967296);
  bytes.writeUInt32LE(value - high * 4294967296, at);
  bytes.writeUInt32LE(high, at + 4);
  return at + 8;
}
