# What the scripts of the network programs share. They run with bash in a container of their own, with this folder
# at /net; they print what has to be the same under runc, so numbers that vary are left out or compared in place.
export HOME=/tmp LC_ALL=C
cd /tmp || exit 1

# Waits at most a minute until a command succeeds.
until_ok() {
  local i
  for i in $(seq 1200); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.05
  done
  echo "never succeeded: $*"
  return 1
}

# Waits until something listens at a TCP port of 127.0.0.1.
until_listening() {
  local i
  for i in $(seq 1200); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
    sleep 0.05
  done
  echo "nobody listens at $1"
  return 1
}

# Waits until a process is gone.
until_gone() {
  until_ok test ! -d "/proc/$1"
}

# A certificate for localhost: /tmp/key.pem and /tmp/cert.pem.
make_certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 2 \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
}

# wrk's report without its numbers: "served" when requests were answered, and whatever went wrong, but for requests
# that took more than two seconds on a busy machine.
served() {
  local i
  for i in $(seq 30); do
    wrk "$@" >wrk.out 2>&1
    # A machine that does other things may take the whole second for the connections.
    grep -q '^ *0 requests in' wrk.out || break
  done
  awk '/requests in/ { print ($1 > 0 ? "served" : "nothing served") }
    /Non-2xx|unable/ || /Socket errors/ && !/connect 0, read 0, write 0/' wrk.out
}
