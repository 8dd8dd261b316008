// msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
#include "../check.h"
#include <limits.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#define KEY 0x52756e33
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

struct text {
  long type;
  char text[20000];
};
static struct text buffer;

static int send_text(int id, long type, const char* text, int flags) {
  struct text m = {.type = type};
  strcpy(m.text, text);
  return msgsnd(id, &m, strlen(text) + 1, flags);
}

static const char* receive(int id, long type, int flags) {
  memset(&buffer, 0, sizeof buffer);
  if (msgrcv(id, &buffer, 100, type, flags) == -1)
    return strerrorname_np(errno);
  return buffer.text;
}

static struct msqid_ds stat_of(int id) {
  struct msqid_ds d;
  memset(&d, 0xff, sizeof d);
  must(msgctl(id, IPC_STAT, &d));
  return d;
}

static void getting(void) {
  fails("no such key", msgget(KEY, 0600), ENOENT);
  int id = succeeds("create", msgget(KEY, IPC_CREAT | IPC_EXCL | 0640));
  fails("once more", msgget(KEY, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
  equal("found", msgget(KEY, 0), id);
  struct msqid_ds d = stat_of(id);
  equal("key", d.msg_perm.__key, KEY);
  equal("mode", d.msg_perm.mode, 0640);
  equal("bytes", d.msg_qbytes, 16384);
  equal("never used", d.msg_stime + d.msg_rtime + d.msg_lspid + d.msg_lrpid + d.msg_qnum + d.__msg_cbytes, 0);
  holds("made now", labs(d.msg_ctime - time(NULL)) < 5);
  fails("where to", msgctl(id, IPC_STAT, (void*)8), EFAULT);
  fails("no such command", msgctl(id, 77, &d), EINVAL);
  fails("no such id", msgctl(id + 7, IPC_STAT, &d), EINVAL);
  fails("negative id", msgctl(-1, IPC_STAT, &d), EINVAL);
}

static void sending(void) {
  int id = msgget(KEY, 0);
  buffer.type = 1;
  fails("no type", send_text(id, 0, "x", 0), EINVAL);
  fails("negative type", send_text(id, -1, "x", 0), EINVAL);
  fails("too long", msgsnd(id, &buffer, 8193, 0), EINVAL);
  fails("huge", msgsnd(id, &buffer, SIZE_MAX, 0), EINVAL);
  fails("from where", msgsnd(id, (void*)8, 1, 0), EFAULT);
  fails("from where before anything", msgsnd(-1, (void*)8, 1, 0), EFAULT);
  fails("no such queue", msgsnd(id + 7, &buffer, 1, 0), EINVAL);
  fails("negative queue", msgsnd(-1, &buffer, 1, 0), EINVAL);
  char* edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(munmap(edge + 4096, 4096));
  *(long*)(edge + 4088) = 1;
  fails("no text there", msgsnd(id, edge + 4088, 1, 0), EFAULT);
  succeeds("no text", msgsnd(id, edge + 4088, 0, 0));
  struct msqid_ds d = stat_of(id);
  equal("one", d.msg_qnum, 1);
  equal("empty", d.__msg_cbytes, 0);
  equal("sender", d.msg_lspid, getpid());
  holds("sent now", labs(d.msg_stime - time(NULL)) < 5);
  equal("received", msgrcv(id, &buffer, 10, 0, 0), 0);
  d = stat_of(id);
  equal("receiver", d.msg_lrpid, getpid());
  holds("received now", labs(d.msg_rtime - time(NULL)) < 5);
  equal("none left", d.msg_qnum, 0);
}

static void receiving(void) {
  int id = msgget(KEY, 0);
  fails("nothing", msgrcv(id, &buffer, 10, 0, IPC_NOWAIT), ENOMSG);
  fails("negative size", msgrcv(id, &buffer, -1, 0, IPC_NOWAIT), EINVAL);
  fails("negative queue", msgrcv(-1, &buffer, 1, 0, IPC_NOWAIT), EINVAL);
  fails("no such queue", msgrcv(id + 7, &buffer, 1, 0, IPC_NOWAIT), EINVAL);
  send_text(id, 3, "three", 0);
  send_text(id, 1, "one", 0);
  send_text(id, 2, "two", 0);
  send_text(id, 1, "one again", 0);
  send_text(id, LONG_MAX, "last", 0);
  send_text(id, LONG_MAX - 1, "last but one", 0);
  equal("six", stat_of(id).msg_qnum, 6);
  equal("their bytes", stat_of(id).__msg_cbytes, 6 + 4 + 4 + 10 + 5 + 13);
  same_text("copied from a place", receive(id, 2, MSG_COPY | IPC_NOWAIT), "two");
  same_text("no such place", receive(id, 6, MSG_COPY | IPC_NOWAIT), "ENOMSG");
  same_text("a copy must not wait", receive(id, 0, MSG_COPY), "EINVAL");
  same_text("nor except", receive(id, 0, MSG_COPY | IPC_NOWAIT | MSG_EXCEPT), "EINVAL");
  equal("still six", stat_of(id).msg_qnum, 6);
  same_text("by type", receive(id, 2, 0), "two");
  equal("its type", buffer.type, 2);
  same_text("none of this type", receive(id, 2, IPC_NOWAIT), "ENOMSG");
  same_text("another than 3", receive(id, 3, MSG_EXCEPT), "one");
  same_text("the lowest up to 3", receive(id, -3, 0), "one again");
  same_text("the last but one of all", receive(id, LONG_MAX - 1, 0), "last but one");
  same_text("nothing up to 1", receive(id, -1, IPC_NOWAIT), "ENOMSG");
  same_text("the lowest", receive(id, LONG_MIN, 0), "three");
  same_text("the largest", receive(id, LONG_MAX, 0), "last");
  equal("its type too", buffer.type == LONG_MAX, 1);
  send_text(id, 5, "123456789", 0);
  fails("too long", msgrcv(id, &buffer, 4, 0, 0), E2BIG);
  memset(&buffer, '-', sizeof buffer);
  equal("cut", msgrcv(id, &buffer, 4, 0, MSG_NOERROR), 4);
  holds("only so much", memcmp(buffer.text, "1234----", 8) == 0);
  equal("and gone", stat_of(id).msg_qnum, 0);
  send_text(id, 5, "x", 0);
  fails("where to", msgrcv(id, (void*)8, 4, 0, 0), EFAULT);
  equal("lost", stat_of(id).msg_qnum, 0);
}

static volatile int handled;
static void handler(int signo) {
  handled = signo;
}

static void waiting(void) {
  int id = msgget(KEY, 0);
  pid_t pid = fork();
  if (pid == 0)
    _exit(strcmp(receive(id, 7, 0), "seven") != 0);
  until_asleep(pid);
  must(send_text(id, 6, "six", 0));
  must(send_text(id, 7, "seven", 0));
  equal("handed over at once", stat_of(id).msg_qnum, 1);
  equal("to the child", stat_of(id).msg_lrpid, pid);
  equal("which has it", status_of(pid), 0);
  pid = fork();
  if (pid == 0)
    _exit(msgrcv(id, &buffer, 2, 8, 0) == -1 && errno == E2BIG ? 9 : 10);
  until_asleep(pid);
  must(send_text(id, 8, "long", 0));
  equal("too long for who waits", status_of(pid), 9);
  equal("kept", stat_of(id).msg_qnum, 2);
  must(msgrcv(id, &buffer, 100, 0, 0));
  must(msgrcv(id, &buffer, 100, 0, 0));
  // A full queue.
  buffer.type = 4;
  must(msgsnd(id, &buffer, 8192, 0));
  must(msgsnd(id, &buffer, 8000, 0));
  fails("full", msgsnd(id, &buffer, 193, IPC_NOWAIT), EAGAIN);
  succeeds("a small one fits", msgsnd(id, &buffer, 192, IPC_NOWAIT));
  pid = fork();
  if (pid == 0)
    _exit(msgsnd(id, &buffer, 500, 0) != 0);
  until_asleep(pid);
  equal("waits", waitpid(pid, NULL, WNOHANG), 0);
  must(msgrcv(id, &buffer, sizeof buffer.text, 0, 0));
  equal("sent then", status_of(pid), 0);
  equal("three there", stat_of(id).msg_qnum, 3);
  struct msqid_ds d = stat_of(id);
  d.msg_qbytes = 100;
  succeeds("less room", msgctl(id, IPC_SET, &d));
  fails("too full now", msgsnd(id, &buffer, 0, IPC_NOWAIT), EAGAIN);
  pid = fork();
  if (pid == 0)
    _exit(msgsnd(id, &buffer, 500, 0) != 0);
  until_asleep(pid);
  d.msg_qbytes = 16384;
  succeeds("more room", msgctl(id, IPC_SET, &d));
  equal("sent after the change", status_of(pid), 0);
  while (msgrcv(id, &buffer, sizeof buffer.text, 0, IPC_NOWAIT) != -1) {
  }
  // Restarted without a handler only, whatever SA_RESTART says.
  sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handler, .sa_flags = SA_RESTART}, NULL);
  pid = fork();
  if (pid == 0)
    _exit(msgrcv(id, &buffer, 100, 0, 0) == -1 && errno == EINTR && handled ? 11 : 12);
  until_asleep(pid);
  kill(pid, SIGUSR1);
  equal("a handler ends it", status_of(pid), 11);
  pid = fork();
  if (pid == 0)
    _exit(strcmp(receive(id, 0, 0), "late") == 0 ? 13 : 14);
  until_asleep(pid);
  kill(pid, SIGSTOP);
  waitpid(pid, NULL, WUNTRACED);
  kill(pid, SIGCONT);
  until_asleep(pid);
  must(send_text(id, 1, "late", 0));
  equal("a stop does not", status_of(pid), 13);
}

static void permissions(void) {
  int id = must(msgget(KEY + 1, IPC_CREAT | 0644));
  must(send_text(id, 1, "public", 0));
  pid_t pid = fork();
  if (pid == 0) {
    must(setgid(3001));
    must(setuid(3000));
    struct msqid_ds d = stat_of(id);
    fails("sending denied", send_text(id, 1, "x", 0), EACCES);
    same_text("reading allowed", receive(id, 0, 0), "public");
    fails("remove denied", msgctl(id, IPC_RMID, NULL), EPERM);
    fails("change denied", msgctl(id, IPC_SET, &d), EPERM);
    fails("open for writing", msgget(KEY + 1, 0600), EACCES);
    int own = must(msgget(IPC_PRIVATE, 0200));
    fails("own, but not readable", msgctl(own, IPC_STAT, &d), EACCES);
    holds("stat any", msgctl(own % 32768, MSG_STAT_ANY, &d) == own);
    fails("nor to receive", msgrcv(own, &buffer, 10, 0, IPC_NOWAIT), EACCES);
    d.msg_qbytes = 16385;
    fails("more than allowed", msgctl(own, IPC_SET, &d), EPERM);
    d.msg_qbytes = 16384;
    d.msg_perm.mode = 0600;
    succeeds("as much as allowed", msgctl(own, IPC_SET, &d));
    must(msgctl(own, IPC_RMID, NULL));
    _exit(check_failures);
  }
  equal("checked by another user", status_of(pid), 0);
  must(msgctl(id, IPC_RMID, NULL));
}

static void limits(void) {
  int id = msgget(KEY, 0);
  must(send_text(id, 1, "123", 0));
  struct msginfo info;
  holds("limits", msgctl(0, IPC_INFO, (struct msqid_ds*)&info) >= 0);
  equal("msgmax", info.msgmax, 8192);
  equal("msgmnb", info.msgmnb, 16384);
  equal("msgmni", info.msgmni, 32000);
  equal("msgpool", info.msgpool, 512000);
  equal("msgmap", info.msgmap, 16384);
  equal("msgssz", info.msgssz, 16);
  equal("msgtql", info.msgtql, 16384);
  equal("msgseg", info.msgseg, 0xffff);
  holds("use", msgctl(0, MSG_INFO, (struct msqid_ds*)&info) >= 0);
  equal("queues", info.msgpool, 1);
  equal("messages", info.msgmap, 1);
  equal("bytes", info.msgtql, 4);
  struct msqid_ds d;
  equal("by place", msgctl(id % 32768, MSG_STAT, &d), id);
  fails("nothing there", msgctl(100, MSG_STAT, &d), EINVAL);
  char line[256];
  char start[64];
  snprintf(start, sizeof start, "%10d %10d   640           4          1 ", KEY, id);
  int found = 0;
  FILE* f = fopen("/proc/sysvipc/msg", "r");
  while (fgets(line, sizeof line, f))
    found += strncmp(line, start, strlen(start)) == 0;
  fclose(f);
  equal("in proc", found, 1);
}

static void removing(void) {
  int id = msgget(KEY, 0);
  while (msgrcv(id, &buffer, sizeof buffer.text, 0, IPC_NOWAIT) != -1) {
  }
  pid_t receiver = fork();
  if (receiver == 0)
    _exit(msgrcv(id, &buffer, 10, 5, 0) == -1 && errno == EIDRM ? 7 : 8);
  buffer.type = 1;
  must(msgsnd(id, &buffer, 8192, 0));
  must(msgsnd(id, &buffer, 8192, 0));
  pid_t sender = fork();
  if (sender == 0)
    _exit(msgsnd(id, &buffer, 8192, 0) == -1 && errno == EIDRM ? 7 : 8);
  until_asleep(receiver);
  until_asleep(sender);
  succeeds("remove", msgctl(id, IPC_RMID, NULL));
  equal("receivers are told", status_of(receiver), 7);
  equal("senders too", status_of(sender), 7);
  fails("gone", msgsnd(id, &buffer, 1, 0), EINVAL);
  fails("its key too", msgget(KEY, 0), ENOENT);
}

int main(void) {
  getting();
  sending();
  receiving();
  waiting();
  permissions();
  limits();
  removing();
  return check_done();
}
