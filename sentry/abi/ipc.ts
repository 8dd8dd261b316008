/** System V IPC constants and layouts: sysvipc(7), shmget(2), shmctl(2), semget(2), semctl(2), msgget(2), msgctl(2). */
export const IPC_PRIVATE = 0;
export const IPC_CREAT = 0o1000;
export const IPC_EXCL = 0o2000;
export const IPC_NOWAIT = 0o4000;

export const IPC_RMID = 0;
export const IPC_SET = 1;
export const IPC_STAT = 2;
export const IPC_INFO = 3;

export const SHM_LOCK = 11;
export const SHM_UNLOCK = 12;
export const SHM_STAT = 13;
export const SHM_INFO = 14;
export const SHM_STAT_ANY = 15;

/** shmget flags. */
export const SHM_HUGETLB = 0o4000;
export const SHM_NORESERVE = 0o10000;

/** shmat flags. */
export const SHM_RDONLY = 0o10000;
export const SHM_RND = 0o20000;
export const SHM_REMAP = 0o40000;
export const SHM_EXEC = 0o100000;

/** Mode bits of a segment. */
export const SHM_DEST = 0o1000;
export const SHM_LOCKED = 0o2000;

/** struct shmid64_ds, shminfo64, shm_info. */
export const SHMID_DS_SIZE = 112;
export const SHMINFO_SIZE = 72;
export const SHM_INFO_SIZE = 48;

/** kernel.shmmni; kernel.shmmax and shmall are as good as infinite. */
export const SHMMNI = 4096;

/** semop flags. */
export const SEM_UNDO = 0x1000;

/** semctl commands. */
export const GETPID = 11;
export const GETVAL = 12;
export const GETALL = 13;
export const GETNCNT = 14;
export const GETZCNT = 15;
export const SETVAL = 16;
export const SETALL = 17;
export const SEM_STAT = 18;
export const SEM_INFO = 19;
export const SEM_STAT_ANY = 20;

/** Limits of semaphores: kernel.sem holds the first four. */
export const SEMMSL = 32000;
export const SEMMNS = 1024000000;
export const SEMOPM = 500;
export const SEMMNI = 32000;
export const SEMVMX = 32767;
/** What a process's adjustment may reach. */
export const SEMAEM = 32767;

/** struct sembuf, struct seminfo. */
export const SEMBUF_SIZE = 6;
export const SEMINFO_SIZE = 40;
/** struct semid64_ds: x86_64 keeps a word behind each time for a clock of 32 bits. */
export const SEMID_DS_SIZE_X86 = 104;
export const SEMID_DS_SIZE = 88;

/** msgrcv flags. */
export const MSG_NOERROR = 0o10000;
export const MSG_EXCEPT = 0o20000;
export const MSG_COPY = 0o40000;

/** msgctl commands. */
export const MSG_STAT = 11;
export const MSG_INFO = 12;
export const MSG_STAT_ANY = 13;

/** kernel.msgmni, msgmax, msgmnb. */
export const MSGMNI = 32000;
export const MSGMAX = 8192;
export const MSGMNB = 16384;

/** struct msqid64_ds, struct msginfo. */
export const MSQID_DS_SIZE = 120;
export const MSGINFO_SIZE = 32;
