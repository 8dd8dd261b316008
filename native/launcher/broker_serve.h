// The broker's requests, one after the other.
#pragma once

#include "broker_policy.h"

namespace launcher {

struct BrokerService {
  int socket = -1;
  // O_PATH directories: /proc/PID/net of this process, and /proc/sys/net.
  int procNet = -1;
  int sysNet = -1;
  // kBrokerMay… that the container has at all; the process has the capabilities for them.
  unsigned rights = 0;
  NetPolicy policy;
};

// Returns when the Sentry is gone.
void serveBroker(const BrokerService& service);

} // namespace launcher
