// The broker: makes the sockets of --network host, in the container's network namespace. The Sentry, which
// may not, asks for them over a socket (broker_protocol.h).
#pragma once

#include <sys/types.h>

#include "janitor.h"
#include "plan.h"

namespace launcher {

struct Broker {
  pid_t pid = -1;
  // The Sentry's end of the socket.
  int sentry = -1;
  // Where it says that it is ready.
  int report = -1;
};

// Starts the broker where the plan asks for one. It dies with this process, and ends when the Sentry does.
// False with a failure.
bool startBroker(const Plan& plan, const Janitor& janitor, Broker* broker);

// Waits until it is ready. False with its failure.
bool awaitBroker(Broker* broker);

// Ends the broker and reaps it.
void endBroker(Broker* broker);

} // namespace launcher
