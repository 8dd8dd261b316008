// Rules about destinations. The command line has resolved names and checked the form; a rule arrives as
// `ADDRESS/PREFIX PORT TEXT`, with port 0 for any and the rule as it was written.
#include "broker_policy.h"

#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <netinet/in.h>

#include "descriptors.h"
#include "failure.h"

namespace launcher {
namespace {

constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool isMapped(const uint8_t* address) {
  return memcmp(address, kMapped, sizeof kMapped) == 0;
}

// False for families without rules. To any address means to this machine: such a destination is judged as
// lo's.
bool readAddress(const struct sockaddr* from, bool destination, uint8_t* address, uint16_t* port) {
  if (from->sa_family == AF_INET) {
    struct sockaddr_in in;
    memcpy(&in, from, sizeof in);
    memcpy(address, kMapped, sizeof kMapped);
    memcpy(address + 12, &in.sin_addr, 4);
    *port = ntohs(in.sin_port);
  } else if (from->sa_family == AF_INET6) {
    struct sockaddr_in6 in;
    memcpy(&in, from, sizeof in);
    memcpy(address, &in.sin6_addr, 16);
    *port = ntohs(in.sin6_port);
  } else {
    return false;
  }
  static const uint8_t none[16] = {};
  if (destination && isMapped(address) && memcmp(address + 12, none, 4) == 0) {
    address[12] = 127;
    address[15] = 1;
  } else if (destination && memcmp(address, none, 16) == 0) {
    address[15] = 1;
  }
  return true;
}

// ::/0 and its like are IPv6 networks: IPv4 addresses have the mapped form in here alone.
bool covers(const uint8_t* network, int prefix, const uint8_t* address) {
  if (prefix < 8 * (int)sizeof kMapped && isMapped(address))
    return false;
  int bytes = prefix / 8, bits = prefix % 8;
  if (memcmp(network, address, (size_t)bytes) != 0)
    return false;
  return bits == 0 || ((network[bytes] ^ address[bytes]) & (0xff << (8 - bits)) & 0xff) == 0;
}

const char* protocolName(int protocol) {
  switch (protocol) {
  case IPPROTO_TCP:
    return "tcp";
  case IPPROTO_UDP:
    return "udp";
  case IPPROTO_UDPLITE:
    return "udplite";
  case IPPROTO_ICMP:
    return "icmp";
  case IPPROTO_ICMPV6:
    return "icmpv6";
  default:
    return "other";
  }
}

} // namespace

bool NetPolicy::add(const char* text, bool allow) {
  if (count_ == kMaxRules)
    return fail("network rules: at most %d", kMaxRules);
  Rule& rule = rules_[count_];
  char address[64];
  const char* slash = strchr(text, '/');
  const char* space = slash == nullptr ? nullptr : strchr(slash, ' ');
  const char* written = space == nullptr ? nullptr : strchr(space + 1, ' ');
  if (written == nullptr || (size_t)(slash - text) >= sizeof address)
    return fail("network rule %s: malformed", text);
  snprintf(address, sizeof address, "%.*s", (int)(slash - text), text);
  rule.prefix = atoi(slash + 1);
  rule.port = (uint16_t)atoi(space + 1);
  rule.text = written + 1;
  rule.allow = allow;
  if (inet_pton(AF_INET, address, rule.address + 12) == 1) {
    memcpy(rule.address, kMapped, sizeof kMapped);
    rule.prefix += 96;
  } else if (inet_pton(AF_INET6, address, rule.address) != 1) {
    return fail("network rule %s: malformed", text);
  }
  if (rule.prefix < 0 || rule.prefix > 128)
    return fail("network rule %s: malformed", text);
  allowList_ = allowList_ || allow;
  count_++;
  return true;
}

bool NetPolicy::load(const Plan& plan) {
  id_ = plan.text("container.id");
  size_t cursor = 0;
  while (const char* text = plan.next("net.deny", &cursor)) {
    if (!add(text, false))
      return false;
  }
  cursor = 0;
  while (const char* text = plan.next("net.allow", &cursor)) {
    if (!add(text, true))
      return false;
  }
  return true;
}

const NetPolicy::Rule* NetPolicy::find(bool allow, const uint8_t* address, uint16_t port) const {
  for (int index = 0; index < count_; index++) {
    const Rule& rule = rules_[index];
    if (rule.allow == allow && (rule.port == 0 || rule.port == port) &&
        covers(rule.address, rule.prefix, address))
      return &rule;
  }
  return nullptr;
}

bool NetPolicy::permits(NetAction action, int protocol, const struct sockaddr* to) const {
  uint8_t address[16];
  uint16_t port;
  if (!active() || !readAddress(to, action != NetAction::bind, address, &port))
    return true;
  // A port of the system's choice is no service that others could know.
  if (action == NetAction::bind && port == 0)
    return true;
  const Rule* rule = find(false, address, port);
  bool permitted = rule == nullptr;
  if (permitted && allowList_) {
    rule = find(true, address, port);
    permitted = rule != nullptr;
  }
  record(action, protocol, address, port, permitted, rule);
  return permitted;
}

bool NetPolicy::forbidsDualBind(int protocol, const struct sockaddr* to) const {
  uint8_t address[16];
  uint16_t port;
  static const uint8_t any[16] = {};
  if (!readAddress(to, false, address, &port) || port == 0 || memcmp(address, any, sizeof any) != 0)
    return false;
  memcpy(address, kMapped, sizeof kMapped);
  const Rule* rule = find(false, address, port);
  if (rule == nullptr)
    return false;
  record(NetAction::bind, protocol, address, port, false, rule);
  return true;
}

void NetPolicy::record(NetAction action, int protocol, const uint8_t* address, uint16_t port, bool permitted,
                       const Rule* rule) const {
  if (log_ < 0)
    return;
  static const char* const actions[] = {"connect", "bind", "send"};
  char shown[INET6_ADDRSTRLEN] = "", when[32] = "", line[1024];
  bool v4 = isMapped(address);
  inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? address + 12 : address, shown, sizeof shown);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  struct tm utc;
  gmtime_r(&now.tv_sec, &utc);
  strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
  int length = snprintf(line, sizeof line,
                        "{\"time\":\"%s.%03ldZ\",\"id\":\"%.256s\",\"action\":\"%s\",\"protocol\":\"%s\","
                        "\"address\":\"%s\",\"port\":%u,\"decision\":\"%s\",\"rule\":%s%.256s%s}\n",
                        when, now.tv_nsec / 1000000, id_, actions[(int)action], protocolName(protocol), shown,
                        port, permitted ? "allow" : "deny", rule == nullptr ? "" : "\"",
                        rule == nullptr ? "null" : rule->text, rule == nullptr ? "" : "\"");
  // One write(2) to a file opened for append: lines of several writers stay whole.
  if (length > 0 && (size_t)length < sizeof line)
    writeAll(log_, line, (size_t)length);
}

} // namespace launcher
