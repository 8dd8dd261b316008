// semget(2), semop(2), semtimedop(2), semctl(2).
#include "../check.h"
#include <sys/ipc.h>
#include <sys/sem.h>

#define KEY 0x52756e32

union semun {
  int val;
  struct semid_ds* buf;
  unsigned short* array;
  struct seminfo* info;
};

static int ctl(int id, int num, int cmd, long arg) {
  return semctl(id, num, cmd, (union semun){.buf = (void*)arg});
}

static int op(int id, int num, int delta, int flags) {
  struct sembuf one = {num, delta, flags};
  return semop(id, &one, 1);
}

static int value(int id, int num) {
  return ctl(id, num, GETVAL, 0);
}

// Until `count` tasks wait for the semaphore to grow (or to become zero).
static void until_waiting(int id, int num, int cmd, int count) {
  for (int i = 0; i < 60000 && ctl(id, num, cmd, 0) != count; i++)
    sleep_ms(1);
  equal("so many wait", ctl(id, num, cmd, 0), count);
}

static void getting(void) {
  fails("no such key", semget(KEY, 1, 0600), ENOENT);
  fails("none", semget(KEY, 0, IPC_CREAT | 0600), EINVAL);
  fails("negative", semget(KEY, -1, IPC_CREAT | 0600), EINVAL);
  fails("too many", semget(KEY, 32001, IPC_CREAT | 0600), EINVAL);
  int id = succeeds("create", semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0640));
  fails("once more", semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
  equal("found", semget(KEY, 0, 0), id);
  fails("found, smaller", semget(KEY, 4, 0), EINVAL);
  struct semid_ds d;
  memset(&d, 0xff, sizeof d);
  must(ctl(id, 0, IPC_STAT, (long)&d));
  equal("key", d.sem_perm.__key, KEY);
  equal("mode", d.sem_perm.mode, 0640);
  equal("count", d.sem_nsems, 3);
  equal("never used", d.sem_otime, 0);
  holds("made now", labs(d.sem_ctime - time(NULL)) < 5);
  fails("where to", ctl(id, 0, IPC_STAT, 8), EFAULT);
  fails("no such command", ctl(id, 0, 77, 0), EINVAL);
  fails("no such id", ctl(id + 7, 0, GETVAL, 0), EINVAL);
  fails("negative id", ctl(-1, 0, GETVAL, 0), EINVAL);
}

static void values(void) {
  int id = semget(KEY, 0, 0);
  equal("zero at first", value(id, 2), 0);
  equal("nobody", ctl(id, 2, GETPID, 0), 0);
  succeeds("set", ctl(id, 2, SETVAL, 7));
  equal("is set", value(id, 2), 7);
  equal("by us", ctl(id, 2, GETPID, 0), getpid());
  fails("too large", ctl(id, 2, SETVAL, 32768), ERANGE);
  fails("negative value", ctl(id, 2, SETVAL, -1), ERANGE);
  fails("range before number", ctl(id, 3, SETVAL, -1), ERANGE);
  fails("no such semaphore", ctl(id, 3, SETVAL, 1), EINVAL);
  fails("nor to get", ctl(id, 3, GETVAL, 0), EINVAL);
  fails("nor below", ctl(id, -1, GETVAL, 0), EINVAL);
  unsigned short all[4] = {1, 2, 32767, 9};
  succeeds("set all", ctl(id, 0, SETALL, (long)all));
  unsigned short now[4] = {0, 0, 0, 5};
  succeeds("get all", ctl(id, 99, GETALL, (long)now));
  holds("all of them", now[0] == 1 && now[1] == 2 && now[2] == 32767 && now[3] == 5);
  all[1] = 40000;
  fails("one too large", ctl(id, 0, SETALL, (long)all), ERANGE);
  fails("set from where", ctl(id, 0, SETALL, 8), EFAULT);
  fails("get to where", ctl(id, 0, GETALL, 8), EFAULT);
  equal("nothing changed", value(id, 1), 2);
  struct seminfo limits;
  holds("limits", ctl(0, 0, IPC_INFO, (long)&limits) >= 0);
  equal("per set", limits.semmsl, 32000);
  equal("sets", limits.semmni, 32000);
  equal("per call", limits.semopm, 500);
  equal("all", limits.semmns, 1024000000);
  equal("largest", limits.semvmx, 32767);
  equal("semmap", limits.semmap, 1024000000);
  equal("semmnu", limits.semmnu, 1024000000);
  equal("semume", limits.semume, 500);
  equal("semusz", limits.semusz, 20);
  equal("semaem", limits.semaem, 32767);
  holds("use", ctl(0, 0, SEM_INFO, (long)&limits) >= 0);
  equal("sets in use", limits.semusz, 1);
  equal("semaphores in use", limits.semaem, 3);
  struct semid_ds d;
  equal("by place", ctl(0, 0, SEM_STAT, (long)&d), id);
  equal("by place, any", ctl(0, 0, SEM_STAT_ANY, (long)&d), id);
  fails("nothing there", ctl(100, 0, SEM_STAT, (long)&d), EINVAL);
  must(ctl(id, 0, IPC_STAT, (long)&d));
  d.sem_perm.mode = 0600;
  d.sem_perm.uid = 12;
  succeeds("change", ctl(id, 0, IPC_SET, (long)&d));
  must(ctl(id, 0, IPC_STAT, (long)&d));
  equal("mode changed", d.sem_perm.mode, 0600);
  equal("owner changed", d.sem_perm.uid, 12);
  equal("creator kept", d.sem_perm.cuid, 0);
}

static void operations(void) {
  int id = semget(KEY, 0, 0);
  unsigned short all[3] = {1, 2, 32767};
  must(ctl(id, 0, SETALL, (long)all));
  succeeds("take", op(id, 0, -1, 0));
  equal("taken", value(id, 0), 0);
  struct semid_ds d;
  must(ctl(id, 0, IPC_STAT, (long)&d));
  holds("used now", labs(d.sem_otime - time(NULL)) < 5);
  fails("none left", op(id, 0, -1, IPC_NOWAIT), EAGAIN);
  fails("not zero", op(id, 1, 0, IPC_NOWAIT), EAGAIN);
  succeeds("zero", op(id, 0, 0, IPC_NOWAIT));
  fails("over the top", op(id, 2, 1, 0), ERANGE);
  fails("no such semaphore to use", op(id, 3, 1, 0), EFBIG);
  fails("no operations", semop(id, &(struct sembuf){0, 1, 0}, 0), EINVAL);
  struct sembuf many[501] = {{0, 0, 0}};
  fails("too many operations", semop(id, many, 501), E2BIG);
  fails("too many before the address", semop(id, (void*)8, 501), E2BIG);
  succeeds("as many as there may be", semop(id, many, 500));
  fails("from where", semop(id, (void*)8, 1), EFAULT);
  fails("no such set", op(id + 7, 0, 1, 0), EINVAL);
  fails("negative set", op(-1, 0, 1, 0), EINVAL);
  struct sembuf partly[2] = {{1, -1, 0}, {0, -1, IPC_NOWAIT}};
  fails("all or nothing", semop(id, partly, 2), EAGAIN);
  equal("nothing", value(id, 1), 2);
  struct sembuf same[3] = {{0, 1, 0}, {0, 1, 0}, {0, -2, 0}};
  succeeds("one after the other", semop(id, same, 3));
  equal("in the end", value(id, 0), 0);
  struct sembuf lock[2] = {{0, 0, 0}, {0, 1, 0}};
  succeeds("wait for zero and add", semop(id, lock, 2));
  equal("locked", value(id, 0), 1);
  must(ctl(id, 0, SETVAL, 0));
}

static void times(void) {
  int id = semget(KEY, 0, 0);
  struct sembuf take = {0, -1, 0};
  long start = now_ns(CLOCK_MONOTONIC);
  fails("in time", semtimedop(id, &take, 1, &(struct timespec){0, 30000000}), EAGAIN);
  holds("that long", now_ns(CLOCK_MONOTONIC) - start >= 30000000);
  fails("no time at all", semtimedop(id, &take, 1, &(struct timespec){0, 0}), EAGAIN);
  fails("bad time", semtimedop(id, &take, 1, &(struct timespec){0, 1000000000}), EINVAL);
  fails("negative time", semtimedop(id, &take, 1, &(struct timespec){-1, 0}), EINVAL);
  fails("time from where", semtimedop(id, &take, 1, (void*)8), EFAULT);
  struct sembuf give = {0, 1, 0};
  succeeds("time not needed", semtimedop(id, &give, 1, &(struct timespec){0, 1}));
  succeeds("no limit", semtimedop(id, &take, 1, NULL));
}

static void waiting(void) {
  int id = semget(KEY, 0, 0);
  pid_t pid = fork();
  if (pid == 0)
    _exit(op(id, 0, -2, 0) != 0);
  until_waiting(id, 0, GETNCNT, 1);
  equal("not for zero", ctl(id, 0, GETZCNT, 0), 0);
  must(op(id, 0, 1, 0));
  equal("not enough", value(id, 0), 1);
  must(op(id, 0, 1, 0));
  equal("taken at once, in its name", value(id, 0), 0);
  equal("it was the child", ctl(id, 0, GETPID, 0), pid);
  equal("the child goes on", status_of(pid), 0);
  must(ctl(id, 0, SETVAL, 1));
  pid = fork();
  if (pid == 0)
    _exit(op(id, 0, 0, 0) != 0);
  until_waiting(id, 0, GETZCNT, 1);
  must(op(id, 0, -1, 0));
  equal("zero is told", status_of(pid), 0);
  // Only the operation that blocks counts.
  pid = fork();
  if (pid == 0) {
    struct sembuf two[2] = {{1, -1, 0}, {0, -1, 0}};
    _exit(semop(id, two, 2) != 0);
  }
  until_waiting(id, 0, GETNCNT, 1);
  equal("not the other", ctl(id, 1, GETNCNT, 0), 0);
  must(ctl(id, 0, SETVAL, 1));
  equal("SETVAL wakes", status_of(pid), 0);
  // In the order of arrival, but who can go on does.
  pid_t first = fork();
  if (first == 0)
    _exit(op(id, 0, -3, 0) != 0);
  until_waiting(id, 0, GETNCNT, 1);
  pid_t second = fork();
  if (second == 0)
    _exit(op(id, 0, -1, 0) != 0);
  until_waiting(id, 0, GETNCNT, 2);
  must(op(id, 0, 1, 0));
  equal("the smaller one first", status_of(second), 0);
  must(op(id, 0, 3, 0));
  equal("then the larger", status_of(first), 0);
  equal("nothing is left", value(id, 0), 0);
}

static volatile int handled;
static void handler(int signo) {
  handled = signo;
}

static void signals(void) {
  int id = semget(KEY, 0, 0);
  sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handler, .sa_flags = SA_RESTART}, NULL);
  pid_t parent = getpid();
  pid_t pid = fork();
  if (pid == 0) {
    until_waiting(id, 0, GETNCNT, 1);
    kill(parent, SIGUSR1);
    _exit(0);
  }
  fails("not restarted", op(id, 0, -1, 0), EINTR);
  equal("handled", handled, SIGUSR1);
  equal("sent", status_of(pid), 0);
  equal("waits no more", ctl(id, 0, GETNCNT, 0), 0);
  pid = fork();
  if (pid == 0)
    _exit(op(id, 0, -1, 0) == -1 && errno == EINTR ? 5 : 6);
  until_waiting(id, 0, GETNCNT, 1);
  kill(pid, SIGSTOP);
  int status;
  waitpid(pid, &status, WUNTRACED);
  kill(pid, SIGCONT);
  equal("a stop interrupts", status_of(pid), 5);
}

static void undoing(void) {
  int id = semget(KEY, 0, 0);
  unsigned short all[3] = {5, 0, 0};
  must(ctl(id, 0, SETALL, (long)all));
  pid_t pid = fork();
  if (pid == 0) {
    op(id, 0, -3, SEM_UNDO);
    op(id, 1, 2, SEM_UNDO);
    op(id, 2, 4, 0);
    _exit(value(id, 0));
  }
  equal("taken by a child", status_of(pid), 2);
  equal("given back", value(id, 0), 5);
  equal("taken back", value(id, 1), 0);
  equal("without undo", value(id, 2), 4);
  equal("by the dead", ctl(id, 0, GETPID, 0), pid);
  pid = fork();
  if (pid == 0) {
    op(id, 0, -3, SEM_UNDO);
    op(id, 0, 1, SEM_UNDO);
    op(id, 1, 3, SEM_UNDO);
    ctl(id, 0, SETVAL, 1);
    op(id, 1, -2, 0);
    kill(getpid(), SIGKILL);
  }
  equal("killed", status_of(pid), 1009);
  equal("SETVAL forgets", value(id, 0), 1);
  equal("never below zero", value(id, 1), 0);
  pid = fork();
  if (pid == 0) {
    op(id, 0, -1, SEM_UNDO);
    execl("/bin/true", "true", NULL);
    _exit(1);
  }
  equal("exec", status_of(pid), 0);
  equal("survives exec", value(id, 0), 1);
  pid = fork();
  if (pid == 0) {
    op(id, 0, -1, SEM_UNDO);
    pid_t grandchild = fork();
    if (grandchild == 0)
      _exit(0);
    status_of(grandchild);
    _exit(10 + value(id, 0));
  }
  equal("not inherited by fork", status_of(pid), 10);
  pid = fork();
  if (pid == 0) {
    must(ctl(id, 1, SETVAL, 32767));
    fails("adjusts too far", op(id, 1, -32767, SEM_UNDO) ?: op(id, 1, 2, 0) ?: op(id, 1, -2, SEM_UNDO), ERANGE);
    equal("and does nothing", value(id, 1), 2);
    must(ctl(id, 1, SETVAL, 0));
    must(unshare(CLONE_SYSVSEM));
    op(id, 0, -1, SEM_UNDO);
    equal("taken with undo", value(id, 0), 0);
    must(unshare(CLONE_SYSVSEM));
    equal("unshare gives back", value(id, 0), 1);
    _exit(check_failures);
  }
  equal("undo in a child", status_of(pid), 0);
  // The wait of one ends with the end of another.
  must(ctl(id, 0, SETVAL, 0));
  int ready[2];
  must(pipe(ready));
  pid = fork();
  if (pid == 0) {
    op(id, 0, 1, 0);
    op(id, 0, -1, SEM_UNDO);
    if (write(ready[1], "r", 1) != 1)
      _exit(1);
    pause();
  }
  char byte;
  must(read(ready[0], &byte, 1));
  pid_t waiter = fork();
  if (waiter == 0)
    _exit(op(id, 0, -1, 0) != 0);
  until_waiting(id, 0, GETNCNT, 1);
  kill(pid, SIGKILL);
  equal("woken by an end", status_of(waiter), 0);
  status_of(pid);
}

static void permissions(void) {
  int id = must(semget(IPC_PRIVATE, 2, 0640));
  int readable = must(semget(KEY + 1, 2, IPC_CREAT | 0644));
  pid_t pid = fork();
  if (pid == 0) {
    must(setgid(3001));
    must(setuid(3000));
    struct semid_ds d;
    unsigned short all[2] = {0, 0};
    fails("stat denied", ctl(id, 0, IPC_STAT, (long)&d), EACCES);
    holds("stat any allowed", ctl(id % 32768, 0, SEM_STAT_ANY, (long)&d) == id);
    fails("get denied", ctl(id, 0, GETVAL, 0), EACCES);
    succeeds("get allowed", ctl(readable, 0, GETVAL, 0));
    fails("set denied", ctl(readable, 0, SETVAL, 1), EACCES);
    fails("set all denied", ctl(readable, 0, SETALL, (long)all), EACCES);
    fails("change denied", op(readable, 0, 1, 0), EACCES);
    succeeds("wait allowed", op(readable, 0, 0, 0));
    fails("size before permission", op(readable, 2, 1, 0), EFBIG);
    fails("remove denied", ctl(readable, 0, IPC_RMID, 0), EPERM);
    fails("owner denied", ctl(readable, 0, IPC_SET, (long)&d), EPERM);
    fails("open for change", semget(KEY + 1, 1, 0600), EACCES);
    _exit(check_failures);
  }
  equal("checked by another user", status_of(pid), 0);
  must(ctl(id, 0, IPC_RMID, 0));
  must(ctl(readable, 0, IPC_RMID, 0));
}

static void shown(void) {
  int id = semget(KEY, 0, 0);
  char line[256];
  char start[64];
  snprintf(start, sizeof start, "%10d %10d   600          3    12 ", KEY, id);
  int found = 0;
  FILE* f = fopen("/proc/sysvipc/sem", "r");
  while (fgets(line, sizeof line, f))
    found += strncmp(line, start, strlen(start)) == 0;
  fclose(f);
  equal("in proc", found, 1);
}

static void removing(void) {
  int id = semget(KEY, 0, 0);
  must(ctl(id, 0, SETVAL, 0));
  pid_t pid = fork();
  if (pid == 0)
    _exit(op(id, 0, -1, SEM_UNDO) == -1 && errno == EIDRM ? 7 : 8);
  until_waiting(id, 0, GETNCNT, 1);
  succeeds("remove", ctl(id, 0, IPC_RMID, 0));
  equal("told so", status_of(pid), 7);
  fails("gone", ctl(id, 0, GETVAL, 0), EINVAL);
  fails("its key too", semget(KEY, 0, 0), ENOENT);
  int next = must(semget(KEY, 1, IPC_CREAT | 0600));
  holds("another id", next != id);
  fails("the old one is known", ctl(id, 0, GETVAL, 0), EINVAL);
  must(ctl(next, 0, IPC_RMID, 0));
}

int main(void) {
  getting();
  values();
  operations();
  times();
  waiting();
  signals();
  undoing();
  permissions();
  shown();
  removing();
  return check_done();
}
