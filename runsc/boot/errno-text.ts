/** strerror(3)'s texts for the errors that starting a container can meet, as runc prints them. */
const TEXTS: Readonly<Record<number, string>> = {
  1: 'operation not permitted',
  2: 'no such file or directory',
  5: 'input/output error',
  7: 'argument list too long',
  8: 'exec format error',
  11: 'resource temporarily unavailable',
  12: 'cannot allocate memory',
  13: 'permission denied',
  17: 'file exists',
  20: 'not a directory',
  21: 'is a directory',
  22: 'invalid argument',
  26: 'text file busy',
  28: 'no space left on device',
  30: 'read-only file system',
  36: 'file name too long',
  40: 'too many levels of symbolic links',
};

/** `errno` may be negated. */
export function errnoText(errno: number): string {
  const n = Math.abs(errno);
  return TEXTS[n] ?? `errno ${n}`;
}
