// shmget(2), shmat(2), shmdt(2), shmctl(2).
#include "../check.h"
#include <sys/ipc.h>
#include <sys/shm.h>

#define PAGE 4096UL
#define KEY 0x52756e31
#define NONE ((void*)-1)

static struct shmid_ds stat_of(int id) {
  struct shmid_ds d;
  memset(&d, 0xff, sizeof d);
  must(shmctl(id, IPC_STAT, &d));
  return d;
}

static void getting(void) {
  fails("no such key", shmget(KEY, PAGE, 0600), ENOENT);
  fails("no size", shmget(KEY, 0, IPC_CREAT | 0600), EINVAL);
  int id = succeeds("create", shmget(KEY, 3 * PAGE - 5, IPC_CREAT | IPC_EXCL | 0640));
  fails("once more", shmget(KEY, PAGE, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
  equal("found", shmget(KEY, 0, 0), id);
  equal("found, smaller", shmget(KEY, PAGE, IPC_CREAT | 0600), id);
  fails("found, larger", shmget(KEY, 4 * PAGE, 0), EINVAL);
  int other = must(shmget(IPC_PRIVATE, PAGE, 0600));
  holds("a private one is another", other != id);
  holds("and yet another", must(shmget(IPC_PRIVATE, PAGE, 0600)) != other);
  struct shmid_ds d = stat_of(id);
  equal("key", d.shm_perm.__key, KEY);
  equal("mode", d.shm_perm.mode, 0640);
  equal("size", d.shm_segsz, 3 * PAGE - 5);
  equal("creator", d.shm_cpid, getpid());
  equal("never used", d.shm_lpid + d.shm_atime + d.shm_dtime + d.shm_nattch, 0);
  holds("made now", labs(d.shm_ctime - time(NULL)) < 5);
  fails("where to", shmctl(id, IPC_STAT, (void*)8), EFAULT);
  fails("no such command", shmctl(id, 77, &d), EINVAL);
  fails("no such id", shmctl(id + 7, IPC_STAT, &d), EINVAL);
  fails("negative id", shmctl(-1, IPC_STAT, &d), EINVAL);
}

static void attaching(void) {
  int id = shmget(KEY, 0, 0);
  char* p = shmat(id, NULL, 0);
  holds("attached", p != NONE);
  equal("empty", p[0] + p[3 * PAGE - 1], 0);
  p[0] = 'a';
  char* q = shmat(id, NULL, SHM_RDONLY);
  equal("the same memory", q[0], 'a');
  fails("cannot become writable", mprotect(q, PAGE, PROT_READ | PROT_WRITE), EACCES);
  struct shmid_ds d = stat_of(id);
  equal("two of them", d.shm_nattch, 2);
  equal("by us", d.shm_lpid, getpid());
  holds("just now", labs(d.shm_atime - time(NULL)) < 5);
  fails("in a page", (long)shmat(id, p + 1, 0), EINVAL);
  fails("over another", (long)shmat(id, p, 0), EINVAL);
  holds("over another, if asked", shmat(id, q, SHM_REMAP) == q);
  q[1] = 'b';
  equal("writable there", p[1], 'b');
  fails("remap what", (long)shmat(id, NULL, SHM_REMAP), EINVAL);
  char* hole = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(munmap(hole, 8 * PAGE));
  holds("rounded down", shmat(id, hole + PAGE + 100, SHM_RND) == hole + PAGE);
  pid_t pid = fork();
  if (pid == 0) {
    p[2] = 'c';
    _exit(stat_of(id).shm_nattch);
  }
  equal("a child has them too", status_of(pid), 6);
  equal("and shares", p[2], 'c');
  equal("its end gives them back", stat_of(id).shm_nattch, 3);
  equal("and who was last", stat_of(id).shm_lpid == getpid() || stat_of(id).shm_lpid == pid, 1);
  succeeds("detach", shmdt(q));
  fails("once", shmdt(q), EINVAL);
  fails("not in the middle", shmdt(p + PAGE), EINVAL);
  fails("not in a page", shmdt(p + 1), EINVAL);
  must(munmap(p + PAGE, PAGE));
  equal("two pieces", stat_of(id).shm_nattch, 3);
  succeeds("both go", shmdt(p));
  equal("one is left", stat_of(id).shm_nattch, 1);
  succeeds("detach the last", shmdt(hole + PAGE));
  holds("just now too", labs(stat_of(id).shm_dtime - time(NULL)) < 5);
  fails("no such segment", (long)shmat(id + 7, NULL, 0), EINVAL);
  p = shmat(id, NULL, 0);
  holds("content stays", p != NONE && memcmp(p, "abc", 3) == 0);
  must(shmdt(p));
}

static void changing(void) {
  int id = shmget(KEY, 0, 0);
  struct shmid_ds d = stat_of(id);
  d.shm_perm.mode = 07644;
  d.shm_perm.uid = 1000;
  d.shm_perm.gid = 1001;
  succeeds("set", shmctl(id, IPC_SET, &d));
  d = stat_of(id);
  equal("mode set", d.shm_perm.mode, 0644);
  equal("owner", d.shm_perm.uid * 10000 + d.shm_perm.gid, 10001001);
  equal("creator stays", d.shm_perm.cuid, geteuid());
  struct shminfo limits;
  holds("limits", shmctl(0, IPC_INFO, (struct shmid_ds*)&limits) >= 2);
  equal("at least", limits.shmmin, 1);
  equal("segments", limits.shmmni, 4096);
  struct shm_info use;
  holds("use", shmctl(0, SHM_INFO, (struct shmid_ds*)&use) >= 2);
  equal("used", use.used_ids, 3);
  equal("pages", use.shm_tot, 5);
  int ids = 0;
  for (int i = 0; i < 3; i++)
    ids += shmctl(i, SHM_STAT, &d) >= 0;
  equal("by place", ids, 3);
  fails("not there", shmctl(4000, SHM_STAT, &d), EINVAL);
}

// As somebody without rights and capabilities.
static void permissions(void) {
  int id = must(shmget(IPC_PRIVATE, PAGE, 0640));
  int readable = must(shmget(KEY + 1, PAGE, IPC_CREAT | 0644));
  pid_t pid = fork();
  if (pid == 0) {
    must(setgid(3001));
    must(setuid(3000));
    struct shmid_ds d;
    fails("stat denied", shmctl(id, IPC_STAT, &d), EACCES);
    succeeds("stat any", shmctl(id % 32768, SHM_STAT_ANY, &d));
    fails("attach denied", (long)shmat(id, NULL, SHM_RDONLY), EACCES);
    fails("remove denied", shmctl(id, IPC_RMID, NULL), EPERM);
    fails("set denied", shmctl(readable, IPC_SET, &d), EPERM);
    holds("reading allowed", shmat(readable, NULL, SHM_RDONLY) != NONE);
    fails("writing not", (long)shmat(readable, NULL, 0), EACCES);
    fails("nor executing", (long)shmat(readable, NULL, SHM_RDONLY | SHM_EXEC), EACCES);
    fails("get for writing", shmget(KEY + 1, PAGE, 0600), EACCES);
    equal("get for reading", shmget(KEY + 1, PAGE, 0444), readable);
    fails("lock denied", shmctl(readable, SHM_LOCK, NULL), EPERM);
    _exit(check_failures);
  }
  equal("checked by another user", status_of(pid), 0);
  must(shmctl(id, IPC_RMID, NULL));
  must(shmctl(readable, IPC_RMID, NULL));
}

static void removing(void) {
  int id = shmget(KEY, 0, 0);
  char* p = shmat(id, NULL, 0);
  succeeds("remove", shmctl(id, IPC_RMID, NULL));
  fails("its key is gone", shmget(KEY, 0, 0), ENOENT);
  equal("but it lives", p[0], 'a');
  equal("marked", stat_of(id).shm_perm.mode, 01644);
  char* q = shmat(id, NULL, 0);
  holds("can still be attached", q != NONE && q[0] == 'a');
  must(shmdt(q));
  char line[256];
  int found = 0;
  FILE* maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps))
    found += strstr(line, "/SYSV52756e31 (deleted)") != NULL;
  fclose(maps);
  equal("in maps", found, 1);
  must(shmdt(p));
  struct shmid_ds d;
  fails("gone", shmctl(id, IPC_STAT, &d), EINVAL);
  int next = must(shmget(IPC_PRIVATE, PAGE, 0600));
  holds("ids don't come back at once", next != id);
  must(shmctl(next, IPC_RMID, NULL));
  // A program that execs or ends detaches.
  id = must(shmget(IPC_PRIVATE, PAGE, 0600));
  must((long)shmat(id, NULL, 0));
  must(shmctl(id, IPC_RMID, NULL));
  pid_t pid = fork();
  if (pid == 0) {
    execl("/bin/true", "true", NULL);
    _exit(1);
  }
  status_of(pid);
  equal("exec let go", stat_of(id).shm_nattch, 1);
}

int main(void) {
  getting();
  attaching();
  changing();
  permissions();
  removing();
  return check_done();
}
