/** Constants and layouts of epoll(7). The low event bits are those of poll(2). */

export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;

export const EPOLL_CLOEXEC = 0o2000000;

export const EPOLLEXCLUSIVE = 1 << 28;
export const EPOLLWAKEUP = 1 << 29;
export const EPOLLONESHOT = 1 << 30;
export const EPOLLET = 1 << 31;
/** Bits that steer delivery instead of naming events. */
export const EPOLL_PRIVATE_BITS = EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET;

/** struct epoll_event: u32 events, then the u64 data, packed on x86_64 only. */
export const EPOLL_EVENT_SIZE = process.arch === 'arm64' ? 16 : 12;
export const EPOLL_DATA_OFFSET = process.arch === 'arm64' ? 8 : 4;

/** Instances that may be nested in one another. */
export const EP_MAX_NESTS = 4;
/** Largest maxevents: INT_MAX / sizeof(struct epoll_event). */
export const EP_MAX_EVENTS = Math.floor(0x7fffffff / EPOLL_EVENT_SIZE);
