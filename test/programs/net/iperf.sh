. /net/lib.sh
# A server of its own for each: between two clients it closes its socket, and who comes then is turned away. It must not
# be tried by a connection, which would be its client.
report() {
  local field=$1
  shift
  iperf3 -s -1 >/dev/null 2>&1 &
  until_ok grep -q ':1451 0*:0000 0A' /proc/net/tcp6
  iperf3 "$@" -J | python3 -c "
import json, sys
report = json.load(sys.stdin)
print(report.get('error'), report['end'].get('$field', {}).get('bytes', 0) > 100000)"
  wait $!
}
report sum_received -c 127.0.0.1 -t 1
report sum_received -c localhost -t 1 -P 4 -R
report sum_received -c 127.0.0.1 -t 1 -Z -w 100K
report sum_received -c ::1 -n 10M -l 1K
report sum_received -c 127.0.0.1 --bidir -t 1
report sum -c 127.0.0.1 -u -b 50M -t 1

echo == dnsmasq and dig
dnsmasq --no-daemon --no-resolv --no-hosts --port=5353 --listen-address=127.0.0.1 --bind-interfaces --user=root \
  --address=/foo.test/1.2.3.4 --address=/six.test/fd00::1 --txt-record=t.test,hello --mx-host=m.test,mail.test,5 \
  2>dnsmasq.log &
until_listening 5353
ask() { dig +short @127.0.0.1 -p 5353 "$@"; }
ask a.foo.test
ask six.test AAAA
ask +tcp t.test TXT
ask m.test MX
dig @127.0.0.1 -p 5353 none.example | grep -o 'status: [A-Z]*'
dig +time=1 +tries=1 @127.0.0.1 -p 5399 x | grep -o 'no servers could be reached'
kill %1
wait
echo == one at the wildcard answers from the address that was asked
dnsmasq --no-daemon --no-resolv --no-hosts --port=5354 --conf-file=/dev/null --pid-file= --user=root \
  --address=/foo.test/1.2.3.4 2>>dnsmasq.log &
until_listening 5354
for server in 127.0.0.1 127.0.0.7 ::1 ::ffff:127.0.0.8; do
  dig +short +time=30 +tries=1 @$server -p 5354 a.foo.test
done
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do dig +short @127.0.0.9 -p 5354 a.foo.test; done | sort | uniq -c
kill %1
wait
grep -i -E 'fail|cannot' dnsmasq.log
