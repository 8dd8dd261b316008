/** Constants and layouts of inotify(7) beyond the event bits, which are in vfs/notify.ts. */

export const IN_ALL_EVENTS = 0xfff;
export const IN_Q_OVERFLOW = 0x4000;
export const IN_IGNORED = 0x8000;
export const IN_ONLYDIR = 0x1000000;
export const IN_DONT_FOLLOW = 0x2000000;
export const IN_EXCL_UNLINK = 0x4000000;
export const IN_MASK_CREATE = 0x10000000;
export const IN_MASK_ADD = 0x20000000;
export const IN_ONESHOT = 0x80000000;

/** struct inotify_event without its name. */
export const INOTIFY_EVENT_SIZE = 16;

/** fs.inotify.max_queued_events, max_user_instances, max_user_watches. */
export const MAX_QUEUED_EVENTS = 16384;
export const MAX_USER_INSTANCES = 128;
export const MAX_USER_WATCHES = 65536;
