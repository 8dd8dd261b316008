/** Readiness bits of poll(2) and the sets of select(2). */

export const POLLIN = 0x1;
export const POLLPRI = 0x2;
export const POLLOUT = 0x4;
export const POLLERR = 0x8;
export const POLLHUP = 0x10;
export const POLLNVAL = 0x20;
export const POLLRDNORM = 0x40;
export const POLLRDBAND = 0x80;
export const POLLWRNORM = 0x100;
export const POLLWRBAND = 0x200;
export const POLLMSG = 0x400;
export const POLLRDHUP = 0x2000;

/** What files announce together: data to read, room to write. */
export const READABLE = POLLIN | POLLRDNORM;
export const WRITABLE = POLLOUT | POLLWRNORM;

/** Which poll bits make a descriptor count in each set of select(2). */
export const SELECT_READ = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR;
export const SELECT_WRITE = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR;

/** struct pollfd: int fd, short events, short revents. */
export const POLLFD_SIZE = 8;
