// What the broker may ask of the host's kernel.
#pragma once

namespace launcher {

// Installs the seccomp filter for good. False with a failure.
bool lockBroker();

} // namespace launcher
