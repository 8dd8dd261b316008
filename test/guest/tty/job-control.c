// Controlling terminals, foreground and background groups, signals from keys, hang-ups (credentials(7),
// termios(3)).
#include "../check.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <termios.h>

static int master;
static char name[64];

// Results of the session leader go through a pipe to the parent, which prints: the terminal is not stdout.
static void open_master(void) {
  master = must(posix_openpt(O_RDWR | O_NOCTTY));
  must(unlockpt(master));
  must(ptsname_r(master, name, sizeof name));
}

static volatile sig_atomic_t last, info_pid_ok;
static volatile sig_atomic_t counts[65];

static void note(int signo) {
  last = signo;
  counts[signo]++;
}

static void catch (int signo) {
  struct sigaction sa = {.sa_handler = note};
  must(sigaction(signo, &sa, NULL));
}

static void wait_for(int signo) {
  for (int i = 0; i < 12000 && counts[signo] == 0; i++)
    sleep_ms(5);
}

// Stopped by which signal; 0 when it was not.
static int stopped_by(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, WUNTRACED) != pid)
    return -1;
  return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
}

static void test_acquire(void) {
  open_master();
  pid_t pid = must(fork());
  if (pid == 0) {
    must(setsid());
    fails("/dev/tty without a terminal", open("/dev/tty", O_RDWR), ENXIO);
    int other = must(open(name, O_RDWR | O_NOCTTY));
    fails("O_NOCTTY acquires nothing", open("/dev/tty", O_RDWR), ENXIO);
    pid_t group;
    fails("TIOCGPGRP of another's", ioctl(other, TIOCGPGRP, &group), ENOTTY);
    fails("TIOCGSID of another's", ioctl(other, TIOCGSID, &group), ENOTTY);
    int tty = must(open(name, O_RDWR));
    succeeds("open acquires", close(must(open("/dev/tty", O_RDWR))));
    equal("tcgetsid", tcgetsid(tty), getpid());
    equal("tcgetpgrp", tcgetpgrp(tty), getpid());
    must(ioctl(master, TIOCGPGRP, &group));
    equal("the master sees the group", group, getpid());
    must(ioctl(master, TIOCGSID, &group));
    equal("and the session", group, getpid());
    succeeds("TIOCSCTTY again", ioctl(tty, TIOCSCTTY, 0));
    fails("tcsetpgrp of a group of another session", tcsetpgrp(tty, getppid()), EPERM);
    fails("of none", tcsetpgrp(tty, 1 << 22), ESRCH);
    fails("of a negative one", tcsetpgrp(tty, -2), EINVAL);
    pid_t child = must(fork());
    if (child == 0) {
      fails("TIOCSCTTY of no leader", ioctl(other, TIOCSCTTY, 0), EPERM);
      must(setsid());
      fails("setsid leaves the terminal behind", open("/dev/tty", O_RDWR), ENXIO);
      fails("another session's can't be taken", ioctl(other, TIOCSCTTY, 0), EPERM);
      _exit(check_failures);
    }
    check_failures += status_of(child);
    catch (SIGHUP);
    catch (SIGCONT);
    succeeds("TIOCNOTTY", ioctl(tty, TIOCNOTTY));
    equal("sends SIGHUP", counts[SIGHUP], 1);
    equal("and SIGCONT", counts[SIGCONT], 1);
    fails("gives it up", open("/dev/tty", O_RDWR), ENXIO);
    succeeds("TIOCSCTTY takes it", ioctl(tty, TIOCSCTTY, 0));
    equal("again", tcgetsid(tty), getpid());
    _exit(check_failures);
  }
  check_failures += status_of(pid);
  close(master);
}

// A leader with the terminal as its own, and `body` in it.
static void in_session(void (*body)(int tty)) {
  open_master();
  pid_t pid = must(fork());
  if (pid == 0) {
    must(setsid());
    int tty = must(open(name, O_RDWR));
    check_failures = 0;
    body(tty);
    _exit(check_failures);
  }
  int status = status_of(pid);
  if (status != 0) {
    say("FAIL the session ended with %d\n", status);
    check_failures++;
  }
  close(master);
}

static void keys(int tty) {
  catch (SIGINT);
  catch (SIGQUIT);
  catch (SIGWINCH);
  must(write(master, "\003", 1));
  wait_for(SIGINT);
  equal("^C", counts[SIGINT], 1);
  must(write(master, "\034", 1));
  wait_for(SIGQUIT);
  equal("^\\", counts[SIGQUIT], 1);
  struct winsize w = {30, 90, 0, 0};
  must(ioctl(master, TIOCSWINSZ, &w));
  wait_for(SIGWINCH);
  equal("a new size", counts[SIGWINCH], 1);
  must(ioctl(master, TIOCSWINSZ, &w));
  sleep_ms(30);
  equal("the same size again", counts[SIGWINCH], 1);
  counts[SIGINT] = 0;
  succeeds("TIOCSIG", ioctl(master, TIOCSIG, SIGINT));
  wait_for(SIGINT);
  equal("sends a signal", counts[SIGINT], 1);
  fails("but not any", ioctl(master, TIOCSIG, SIGKILL), EINVAL);
  // A blocked read is interrupted.
  char c;
  counts[SIGINT] = 0;
  pid_t helper = must(fork());
  if (helper == 0) {
    must(setpgid(0, 0));
    until_asleep(getppid());
    must(write(master, "\003", 1));
    _exit(0);
  }
  fails("^C interrupts a read", read(tty, &c, 1), EINTR);
  equal("no group but the foreground's", status_of(helper), 0);
}

static void background(int tty) {
  signal(SIGTTOU, SIG_DFL);
  pid_t child = must(fork());
  if (child == 0) {
    must(setpgid(0, 0));
    char c;
    if (read(tty, &c, 1) != 1)
      _exit(7);
    _exit(c);
  }
  equal("a background read stops", stopped_by(child), SIGTTIN);
  signal(SIGTTOU, SIG_IGN);
  succeeds("tcsetpgrp", tcsetpgrp(tty, child));
  equal("the new group", tcgetpgrp(tty), child);
  must(write(master, "K\n", 2));
  must(kill(child, SIGCONT));
  equal("in the foreground it reads", status_of(child), 'K');
  equal("a group that is gone stays", tcgetpgrp(tty), child);
  must(tcsetpgrp(tty, getpgrp()));

  child = must(fork());
  if (child == 0) {
    must(setpgid(0, 0));
    signal(SIGTTIN, SIG_IGN);
    char c;
    _exit(read(tty, &c, 1) == -1 ? errno : 0);
  }
  equal("ignoring SIGTTIN a background read fails", status_of(child), EIO);

  child = must(fork());
  if (child == 0) {
    must(setpgid(0, 0));
    _exit(write(tty, "x", 1) == 1 ? 0 : errno);
  }
  equal("a background write passes", status_of(child), 0);

  struct termios t;
  must(tcgetattr(tty, &t));
  t.c_lflag |= TOSTOP;
  must(tcsetattr(tty, TCSANOW, &t));
  signal(SIGTTOU, SIG_DFL);
  child = must(fork());
  if (child == 0) {
    must(setpgid(0, 0));
    _exit(write(tty, "x", 1) == 1 ? 0 : errno);
  }
  equal("under TOSTOP it stops", stopped_by(child), SIGTTOU);
  must(kill(child, SIGKILL));
  status_of(child);
  child = must(fork());
  if (child == 0) {
    must(setpgid(0, 0));
    signal(SIGTTOU, SIG_IGN);
    _exit(write(tty, "x", 1) == 1 ? 0 : errno);
  }
  equal("ignoring SIGTTOU it passes", status_of(child), 0);
  child = must(fork());
  if (child == 0) {
    must(setpgid(0, 0));
    tcsetattr(tty, TCSANOW, &t);
    _exit(0);
  }
  equal("changing attributes stops", stopped_by(child), SIGTTOU);
  must(kill(child, SIGKILL));
  status_of(child);
  child = must(fork());
  if (child == 0) {
    must(setpgid(0, 0));
    tcsetpgrp(tty, getpid());
    _exit(0);
  }
  equal("so does tcsetpgrp", stopped_by(child), SIGTTOU);
  must(kill(child, SIGKILL));
  status_of(child);
}

static void suspend(int tty) {
  pid_t child = must(fork());
  if (child == 0) {
    must(setpgid(0, 0));
    signal(SIGTTOU, SIG_IGN);
    must(tcsetpgrp(tty, getpid()));
    for (;;)
      pause();
  }
  for (int i = 0; i < 12000 && tcgetpgrp(tty) != child; i++)
    sleep_ms(5);
  must(write(master, "\032", 1));
  equal("^Z stops the foreground", stopped_by(child), SIGTSTP);
  must(kill(child, SIGCONT));
  int status;
  equal("and SIGCONT goes on", waitpid(child, &status, WCONTINUED), child);
  equal("as told", WIFCONTINUED(status), 1);
  must(write(master, "\003", 1));
  equal("^C ends it", status_of(child), 1000 + SIGINT);
}

// An orphaned group gets EIO rather than a stop that nobody would end.
static void orphan(int tty) {
  int pipes[2];
  must(pipe(pipes));
  must(prctl(PR_SET_CHILD_SUBREAPER, 1));
  pid_t middle = must(fork());
  if (middle == 0) {
    must(setpgid(0, 0));
    pid_t parent = getpid();
    if (must(fork()) == 0) {
      while (getppid() == parent) sleep_ms(5);
      char c;
      char result = read(tty, &c, 1) == -1 ? errno : 0;
      must(write(pipes[1], &result, 1));
      _exit(0);
    }
    _exit(0);
  }
  status_of(middle);
  // The leader is its parent now, in another group of the session: not orphaned. Reading stops it.
  int status;
  pid_t child = waitpid(-1, &status, WUNTRACED);
  equal("with a parent in the session it stops", WIFSTOPPED(status) ? WSTOPSIG(status) : 0, SIGTTIN);
  must(kill(child, SIGKILL));
  status_of(child);
}

static void test_leader_exit(void) {
  open_master();
  int pipes[2];
  must(pipe(pipes));
  pid_t leader = must(fork());
  if (leader == 0) {
    must(setsid());
    int tty = must(open(name, O_RDWR));
    if (must(fork()) == 0) {
      // In the leader's own, the foreground, group.
      catch (SIGHUP);
      catch (SIGCONT);
      char ready = 'r';
      must(write(pipes[1], &ready, 1));
      wait_for(SIGHUP);
      // The terminal is taken away after the signal.
      int own;
      for (int i = 0; i < 12000 && (own = open("/dev/tty", O_RDWR)) >= 0; i++) {
        close(own);
        sleep_ms(5);
      }
      char got[3] = {counts[SIGHUP], counts[SIGCONT], own == -1 ? errno : 0};
      must(write(pipes[1], got, 3));
      _exit(0);
    }
    char c;
    must(read(pipes[0], &c, 1));
    (void)tty;
    _exit(0);
  }
  status_of(leader);
  char got[3];
  equal("what its group says", read(pipes[0], got, 3), 3);
  equal("the leader's exit sends SIGHUP", got[0], 1);
  equal("and no SIGCONT", got[1], 0);
  equal("and the session has no terminal", got[2], ENXIO);
  close(master);
}

static void test_hangup(void) {
  open_master();
  int pipes[2];
  must(pipe(pipes));
  pid_t leader = must(fork());
  if (leader == 0) {
    must(setsid());
    int tty = must(open(name, O_RDWR));
    close(master);
    catch (SIGHUP);
    char c = 'r';
    must(write(pipes[1], &c, 1));
    wait_for(SIGHUP);
    equal("closing the master sends SIGHUP", counts[SIGHUP], 1);
    equal("reads end", read(tty, &c, 1), 0);
    fails("writes fail", write(tty, &c, 1), EIO);
    fails("/dev/tty is gone", open("/dev/tty", O_RDWR), ENXIO);
    _exit(check_failures);
  }
  char c;
  must(read(pipes[0], &c, 1));
  close(master);
  check_failures += status_of(leader);
}

int main(void) {
  alarm(180);
  test_acquire();
  in_session(keys);
  in_session(background);
  in_session(suspend);
  in_session(orphan);
  test_leader_exit();
  test_hangup();
  return check_done();
}
