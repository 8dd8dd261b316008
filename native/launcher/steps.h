// The steps of a container's life that the launcher takes while it supervises: into the cgroups, the hooks of
// `create`, the gate, "created", `start`, "running", poststart. It is the only writer of state.json.
#pragma once

#include <poll.h>

#include "hooks.h"
#include "mover.h"
#include "outcome.h"
#include "shared.h"
#include "standin.h"
#include "start.h"
#include "view.h"

namespace launcher {

class Steps {
public:
  Steps(StandIn* self, Shared* shared, Mover* mover, const Program* sentry, const Program* gofer,
        HookRunner* hooks)
      : self_(self), shared_(shared), mover_(mover), sentry_(sentry), gofer_(gofer), hooks_(hooks) {}

  // Both programs run. `state`: the state directory; `control`: a connection to the Sentry. False with a
  // failure.
  bool begin(int state, int control);

  // Fills the poll entries of the start socket and of the hooks.
  void wants(struct pollfd* start, struct pollfd* hooks) const;
  // Takes every step that can be taken now. False with a failure, which ends the container.
  bool advance(const struct pollfd& start, const struct pollfd& hooks, const Outcome& outcome);
  // Hooks are under way that the container's end doesn't stop.
  bool busy() const { return stage_ == Stage::poststart; }
  // Back to the host's paths, which end with the container's start. False when that failed.
  bool leaveView() { return launcher::leaveView(&view_); }
  // Answers a `start` that waits: null for success, or why the container has ended.
  void answerStart(const char* error) { start_.answer(error); }

private:
  enum class Stage { joining, hooking, booting, created, poststart, running };

  bool openGate();
  bool announce();
  bool run();
  bool answerCommand();

  StandIn* self_;
  Shared* shared_;
  Mover* mover_;
  const Program* sentry_;
  const Program* gofer_;
  HookRunner* hooks_;
  int state_ = -1;
  int control_ = -1;
  StartSocket start_;
  View view_;
  Stage stage_ = Stage::joining;
};

} // namespace launcher
