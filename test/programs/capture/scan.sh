# What nmap finds on loopback, by segments of its own making: open, closed, and what only listens to certain ports.
python3 -m http.server 8080 >/dev/null 2>&1 &
python3 -m http.server 8443 >/dev/null 2>&1 &
until (exec 3<>/dev/tcp/127.0.0.1/8080 4<>/dev/tcp/127.0.0.1/8443) 2>/dev/null; do sleep 0.1; done
show() {
  echo "-- nmap $*"
  timeout 200 nmap -n "$@" 2>&1 | grep -E '^[0-9]+/|^[0-9]+ +(open|closed)|^All|^Not shown'
}
for how in -sS -sF -sA -sX -sT -sW -sM -sN; do show "$how" -p 8078-8082,8443 127.0.0.1; done
show -6 -sS -p 8080,8443,22 ::1
show -sU -p 53,99 127.0.0.1
show -sO -p 1,6,17,99 127.0.0.1
