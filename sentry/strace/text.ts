/** Strings, addresses and errors as strace writes them. */
import * as errno from '../abi/errno.ts';

/** What strerror(3) says. */
const ERROR_TEXTS: Readonly<Record<string, string>> = {
  EPERM: 'Operation not permitted',
  ENOENT: 'No such file or directory',
  ESRCH: 'No such process',
  EINTR: 'Interrupted system call',
  EIO: 'Input/output error',
  ENXIO: 'No such device or address',
  E2BIG: 'Argument list too long',
  ENOEXEC: 'Exec format error',
  EBADF: 'Bad file descriptor',
  ECHILD: 'No child processes',
  EAGAIN: 'Resource temporarily unavailable',
  ENOMEM: 'Cannot allocate memory',
  EACCES: 'Permission denied',
  EFAULT: 'Bad address',
  ENOTBLK: 'Block device required',
  EBUSY: 'Device or resource busy',
  EEXIST: 'File exists',
  EXDEV: 'Invalid cross-device link',
  ENODEV: 'No such device',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  EINVAL: 'Invalid argument',
  ENFILE: 'Too many open files in system',
  EMFILE: 'Too many open files',
  ENOTTY: 'Inappropriate ioctl for device',
  ETXTBSY: 'Text file busy',
  EFBIG: 'File too large',
  ENOSPC: 'No space left on device',
  ESPIPE: 'Illegal seek',
  EROFS: 'Read-only file system',
  EMLINK: 'Too many links',
  EPIPE: 'Broken pipe',
  EDOM: 'Numerical argument out of domain',
  ERANGE: 'Numerical result out of range',
  EDEADLK: 'Resource deadlock avoided',
  ENAMETOOLONG: 'File name too long',
  ENOLCK: 'No locks available',
  ENOSYS: 'Function not implemented',
  ENOTEMPTY: 'Directory not empty',
  ELOOP: 'Too many levels of symbolic links',
  ENODATA: 'No data available',
  EOVERFLOW: 'Value too large for defined data type',
  ELIBBAD: 'Accessing a corrupted shared library',
  ENOTSOCK: 'Socket operation on non-socket',
  EDESTADDRREQ: 'Destination address required',
  EMSGSIZE: 'Message too long',
  EPROTOTYPE: 'Protocol wrong type for socket',
  ENOPROTOOPT: 'Protocol not available',
  EPROTONOSUPPORT: 'Protocol not supported',
  ESOCKTNOSUPPORT: 'Socket type not supported',
  EOPNOTSUPP: 'Operation not supported',
  EAFNOSUPPORT: 'Address family not supported by protocol',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  ENETUNREACH: 'Network is unreachable',
  ECONNABORTED: 'Software caused connection abort',
  ECONNRESET: 'Connection reset by peer',
  ENOBUFS: 'No buffer space available',
  EISCONN: 'Transport endpoint is already connected',
  ENOTCONN: 'Transport endpoint is not connected',
  ESHUTDOWN: 'Cannot send after transport endpoint shutdown',
  ETIMEDOUT: 'Connection timed out',
  ECONNREFUSED: 'Connection refused',
  EHOSTUNREACH: 'No route to host',
  EALREADY: 'Operation already in progress',
  EINPROGRESS: 'Operation now in progress',
  ESTALE: 'Stale file handle',
  ECANCELED: 'Operation canceled',
  ERESTARTSYS: 'To be restarted if SA_RESTART is set',
  ERESTARTNOINTR: 'To be restarted',
  ERESTARTNOHAND: 'To be restarted if no handler',
  ERESTART_RESTARTBLOCK: 'Interrupted by signal',
};

/** Made when the first error is shown. */
const errorNames = new Map<number, string>();

/** "ENOENT" for 2; "512" when there is no name. */
export function errnoName(value: number): string {
  if (errorNames.size === 0) {
    for (const [name, number] of Object.entries(errno)) {
      if (!errorNames.has(number)) errorNames.set(number, name);
    }
  }
  return errorNames.get(value) ?? String(value);
}
/** "ENOENT (No such file or directory)". */
export function showError(value: number): string {
  const name = errnoName(value);
  const text = ERROR_TEXTS[name];
  return text === undefined ? name : `${name} (${text})`;
}

export function showAddress(value: number): string {
  return value === 0 ? 'NULL' : `0x${value.toString(16)}`;
}

const ESCAPES = new Map<number, string>([
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0b, '\\v'],
  [0x0c, '\\f'],
  [0x0d, '\\r'],
  [0x22, '\\"'],
  [0x5c, '\\\\'],
]);

/**
 * Quoted, with C escapes, octal as short as it can be; "..." behind it when there is more than `limit` bytes or
 * `more` says so.
 */
export function quote(bytes: Uint8Array, limit: number, more = false): string {
  const n = Math.min(bytes.length, limit);
  let text = '"';
  for (let i = 0; i < n; i++) {
    const c = bytes[i]!;
    const escape = ESCAPES.get(c);
    if (escape !== undefined) {
      text += escape;
    } else if (c >= 0x20 && c < 0x7f) {
      text += String.fromCharCode(c);
    } else {
      // A digit that follows would be taken as a part of a short octal escape.
      const next = i + 1 < n ? bytes[i + 1]! : 0;
      const digits = c.toString(8);
      text += `\\${next >= 0x30 && next <= 0x39 ? digits.padStart(3, '0') : digits}`;
    }
  }
  return `${text}"${more || bytes.length > limit ? '...' : ''}`;
}

/** "0644"; three digits at least. */
export function showMode(mode: number): string {
  return mode === 0 ? '000' : `0${mode.toString(8)}`.padStart(3, '0');
}
