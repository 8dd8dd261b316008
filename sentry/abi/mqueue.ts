/** POSIX message queues: mq_overview(7). */
export const MQUEUE_MAGIC = 0x19800202;
export const MQ_PRIO_MAX = 32768;
/** struct mq_attr: flags, maxmsg, msgsize, curmsgs, and four that are reserved; longs. */
export const MQ_ATTR_SIZE = 64;
/** What a queue may have with CAP_SYS_RESOURCE. */
export const HARD_MSGMAX = 65536;
export const HARD_MSGSIZEMAX = 16 * 1024 * 1024;
export const HARD_QUEUESMAX = 1024;
/** st_size of a queue, and how much read(2) tells. */
export const FILENT_SIZE = 80;
/** The cookie of SIGEV_THREAD, whose last byte says what happened. */
export const NOTIFY_COOKIE_LEN = 32;
export const NOTIFY_WOKENUP = 1;
export const NOTIFY_REMOVED = 2;
