// The launcher's one loop: signals, the exit pipe, the terminal. Any of the processes may die at any moment;
// the container ends then, with the reason that is known first.
#include "supervise.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"
#include "flow.h"

namespace launcher {
namespace {

void sendControl(int control, const char* line) {
  // A control socket that nobody reads must not stop the launcher: the Sentry is gone or hangs.
  ssize_t sent = send(control, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
  (void)sent;
}

void forwardSignal(const Supervised& supervised, const struct signalfd_siginfo& signal) {
  char line[96];
  switch ((int)signal.ssi_signo) {
  case SIGCHLD:
  case SIGURG:
    return;
  case SIGHUP:
    // The kernel's: our controlling terminal is the container's own console, where the Sentry sees it too.
    if (signal.ssi_code == SI_KERNEL && supervised.console->slave >= 0)
      return;
    break;
  case SIGCONT:
    if (signal.ssi_code == SI_KERNEL)
      return;
    break;
  case SIGWINCH:
    if (supervised.console->slave >= 0 || supervised.console->master >= 0) {
      int rows, columns;
      updateSize(*supervised.console, &rows, &columns);
      snprintf(line, sizeof line, "{\"op\":\"winch\",\"rows\":%d,\"columns\":%d}\n", rows, columns);
      sendControl(supervised.control, line);
      return;
    }
    break;
  }
  snprintf(line, sizeof line, "{\"op\":\"kill\",\"signal\":%u,\"all\":false}\n", signal.ssi_signo);
  sendControl(supervised.control, line);
}

const char* describeEnd(int status, char* text, size_t size) {
  if (WIFSIGNALED(status)) {
    snprintf(text, size, "killed by signal %d", WTERMSIG(status));
  } else {
    snprintf(text, size, "exited with status %d", WEXITSTATUS(status));
  }
  return text;
}

void killIfAlive(const Program& program) {
  if (program.pid > 0)
    kill(program.pid, SIGKILL);
}

// The sandbox itself failed: unless the container's end is known, this is the reason, and 128+9 the status,
// as for a container that was killed.
void sandboxFailed(Outcome* outcome, const char* reason, int status) {
  if (outcome->ended)
    return;
  outcome->ended = true;
  outcome->status = status;
  snprintf(outcome->error, sizeof outcome->error, "%s", reason);
}

// Reaps whoever has ended.
void reap(const Supervised& supervised, OutcomeReader* reader, Outcome* outcome) {
  Program* programs[] = {supervised.sentry, supervised.gofer};
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid == supervised.mover->pid && !moverEnded(*supervised.shared, status, supervised.mover)) {
      sandboxFailed(outcome, failureText(), 1);
    }
    if (pid == supervised.broker->pid) {
      char text[64], reason[128];
      supervised.broker->pid = -1;
      snprintf(reason, sizeof reason, "the broker ended unexpectedly: %s",
               describeEnd(status, text, sizeof text));
      // One that ends well has lost its Sentry, whose end says more.
      if (status != 0)
        sandboxFailed(outcome, reason, 128 + SIGKILL);
    }
    for (Program* program : programs) {
      const char* name = program->gofer ? "gofer" : "sentry";
      char text[64], reason[1100];
      if (pid == program->pid) {
        program->pid = -1;
        // What the Sentry said last is in the pipe already.
        if (!program->gofer)
          reader->advance(supervised.exits, outcome);
        // A gofer that ends well has lost its Sentry, whose end or last report says more.
        bool follows = program->gofer && status == 0;
        if (!outcome->ended && !follows) {
          snprintf(reason, sizeof reason, "the %s ended unexpectedly: %s", name,
                   describeEnd(status, text, sizeof text));
          bool killed = WIFSIGNALED(status);
          sandboxFailed(outcome, reason, killed ? 128 + WTERMSIG(status) : 1);
        }
      } else if (pid == program->pivoter) {
        program->pivoter = -1;
        if (status != 0 && !outcome->ended) {
          bool told = readPivoterFailure(program);
          snprintf(reason, sizeof reason, "jail of the %s: %s", name,
                   told ? failureText() : describeEnd(status, text, sizeof text));
          sandboxFailed(outcome, reason, 1);
        }
        if (status == 0 && program->gofer && !supervised.goferReady(supervised.context))
          sandboxFailed(outcome, failureText(), 1);
      }
    }
  }
}

void waitFor(pid_t* pid) {
  if (*pid <= 0)
    return;
  while (waitpid(*pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  *pid = -1;
}

} // namespace

void endPrograms(Program* sentry, Program* gofer, Mover* mover) {
  Program* programs[] = {sentry, gofer};
  for (Program* program : programs) {
    killIfAlive(*program);
    if (program->pivoter > 0)
      kill(program->pivoter, SIGKILL);
  }
  if (mover->pid > 0)
    kill(mover->pid, SIGKILL);
  // The Sentry is its pid namespace's init: once it is reaped, every stub is gone.
  for (Program* program : programs) {
    waitFor(&program->pid);
    waitFor(&program->pivoter);
  }
  waitFor(&mover->pid);
}

void supervise(const Supervised& supervised, Outcome* outcome) {
  OutcomeReader reader;
  const Console& console = *supervised.console;
  bool copies = console.master >= 0;
  bool fromStdin = copies;
  bool stdinIsTerminal = copies && isatty(STDIN_FILENO);
  // As runc: the container's terminal is fed from stdin and written to stdout, whatever those are.
  Flow input(STDIN_FILENO, console.master), output(console.master, STDOUT_FILENO);
  while (!outcome->ended || supervised.steps->busy()) {
    struct pollfd polled[9];
    memset(polled, 0, sizeof polled);
    polled[0] = {supervised.signals, POLLIN, 0};
    // After the container's end the other sides are gone.
    polled[1] = {outcome->ended ? -1 : supervised.exits, POLLIN, 0};
    for (int index = 2; index < 6; index++)
      polled[index].fd = -1;
    if (fromStdin)
      input.wants(&polled[2], &polled[3]);
    if (copies)
      output.wants(&polled[4], &polled[5]);
    // Replies of the Sentry are of no interest, but must not fill the socket.
    polled[6] = {outcome->ended ? -1 : supervised.control, POLLIN, 0};
    supervised.steps->wants(&polled[7], &polled[8]);
    if (poll(polled, 9, -1) < 0 && errno != EINTR)
      break;

    // Without a Sentry of its own, the container ends with that of its sandbox.
    if (polled[1].revents != 0 && !reader.advance(supervised.exits, outcome) && supervised.sentry->pid <= 0)
      sandboxFailed(outcome, "the sandbox has ended", 128 + SIGKILL);
    if (polled[0].revents != 0) {
      struct signalfd_siginfo signal;
      if (read(supervised.signals, &signal, sizeof signal) == (ssize_t)sizeof signal) {
        forwardSignal(supervised, signal);
      }
      reap(supervised, &reader, outcome);
    }
    if (!supervised.steps->advance(polled[7], polled[8], *outcome)) {
      // Also when the container has ended meanwhile: a hook that failed is what the command reports.
      outcome->ended = false;
      sandboxFailed(outcome, failureText(), 1);
      break;
    }
    if (fromStdin)
      input.advance(polled[2], polled[3]);
    if (copies)
      output.advance(polled[4], polled[5]);
    if (stdinIsTerminal && copies && input.over()) {
      // The user's terminal has been hung up. So is the container's then, by closing its other side.
      close(console.master);
      copies = fromStdin = false;
    }
    if (polled[6].revents != 0) {
      char ignored[512];
      ssize_t got = recv(supervised.control, ignored, sizeof ignored, MSG_DONTWAIT);
      (void)got;
    }
  }
  endPrograms(supervised.sentry, supervised.gofer, supervised.mover);
  if (copies)
    output.drain();
}

} // namespace launcher
