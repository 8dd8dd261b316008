/** System V IPC constants and layouts: sysvipc(7), shmget(2), shmctl(2). */
export const IPC_PRIVATE = 0;
export const IPC_CREAT = 0o1000;
export const IPC_EXCL = 0o2000;

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
