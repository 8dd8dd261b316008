// Hooks run in a process of their own, so that signals and deaths are dealt with meanwhile.
#include "steps.h"

#include <sys/socket.h>
#include <unistd.h>

#include "failure.h"
#include "jail.h"
#include "state.h"

namespace launcher {

bool Steps::begin(int state, int control) {
  state_ = state;
  control_ = control;
  struct pollfd nothing = {-1, 0, 0};
  return advance(nothing, nothing, Outcome());
}

void Steps::wants(struct pollfd* start, struct pollfd* hooks) const {
  *start = start_.wants();
  *hooks = {hooks_->fd(), POLLIN, 0};
}

bool Steps::advance(const struct pollfd& start, const struct pollfd& hooks, const Outcome& outcome) {
  bool hooked = hooks.revents != 0;
  if (hooked && !hooks_->result())
    return stage_ == Stage::hooking
               ? fail("unable to start container process: error during container init: %s", failureText())
               : false;
  if (stage_ == Stage::joining && mover_->joined) {
    if (!hooks_->has(HookStage::create))
      return openGate();
    stage_ = Stage::hooking;
    return hooks_->request(HookStage::create, sharesRootfs(self_->plan) ? gofer_->pivoter : 0);
  }
  if (stage_ == Stage::hooking && hooked)
    return openGate();
  if (stage_ == Stage::booting && outcome.created) {
    stage_ = Stage::created;
    if (!announce())
      return false;
  }
  if (start.revents != 0 && start_.accept()) {
    ssize_t sent = send(control_, "{\"op\":\"start\"}\n", 15, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent;
  }
  if (stage_ < Stage::poststart && outcome.started)
    return run();
  if (stage_ == Stage::poststart && hooked) {
    stage_ = Stage::running;
    return answerCommand();
  }
  return true;
}

bool Steps::openGate() {
  stage_ = Stage::booting;
  return launcher::openGate(mover_);
}

// The container can be started.
bool Steps::announce() {
  return start_.listen(state_) && writeState(self_->plan, state_, "created") && answerCommand();
}

bool Steps::run() {
  start_.unlink();
  if (!writeState(self_->plan, state_, "running"))
    return false;
  if (hooks_->has(HookStage::start)) {
    stage_ = Stage::poststart;
    return hooks_->request(HookStage::start);
  }
  stage_ = Stage::running;
  return answerCommand();
}

// A command returns: what it promised is there.
bool Steps::answerCommand() {
  bool started = stage_ == Stage::running;
  if (started && self_->plan.flag("create")) {
    if (!enterView(self_->plan, sentry_->pid, &view_))
      return false;
    start_.answer(nullptr);
    return true;
  }
  const char* pidFile = self_->plan.get("pid.file");
  if (pidFile != nullptr && !writePidFile(pidFile, getpid()))
    return false;
  shared_->kept = self_->plan.flag("keep");
  letGoOfStdio(*self_);
  if (started && !enterView(self_->plan, sentry_->pid, &view_))
    return false;
  answerDetached(self_, 0);
  return true;
}

} // namespace launcher
