// Which destinations the container may use: --net-allow and --net-deny.
#pragma once

#include <cstdint>
#include <sys/socket.h>

#include "plan.h"

namespace launcher {

// What is decided about, as the log names it.
enum class NetAction { connect, bind, send };

class NetPolicy {
public:
  // Reads the rules of the plan. False with a failure for one that can't be read.
  bool load(const Plan& plan);
  // A descriptor, or -1.
  void logTo(int log) { log_ = log; }
  bool hasRules() const { return count_ > 0; }
  bool active() const { return count_ > 0 || log_ >= 0; }
  // Decides and logs. An address of another family than IPv4 and IPv6 is none of the policy's business.
  bool permits(NetAction action, int protocol, const struct sockaddr* address) const;
  // Is the address ::, and the same port of 0.0.0.0 denied, which a socket for both versions takes as well?
  bool forbidsDualBind(int protocol, const struct sockaddr* address) const;

private:
  struct Rule {
    bool allow;
    // IPv4 as IPv6-mapped.
    uint8_t address[16];
    int prefix;
    // 0: any.
    uint16_t port;
    const char* text;
  };
  static constexpr int kMaxRules = 512;

  bool add(const char* text, bool allow);
  const Rule* find(bool allow, const uint8_t* address, uint16_t port) const;
  void record(NetAction action, int protocol, const uint8_t* address, uint16_t port, bool permitted,
              const Rule* rule) const;

  Rule rules_[kMaxRules];
  int count_ = 0;
  bool allowList_ = false;
  int log_ = -1;
  const char* id_ = "";
};

} // namespace launcher
