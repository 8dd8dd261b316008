. /net/lib.sh
ip addr
ip -br addr
ip link show lo
ip -4 route
ip -6 route
ip neigh
ip -j addr | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["addr_info"])'
ip addr add 10.0.0.1/8 dev lo
echo "addr add: $?"
ip link set lo down
echo "link set: $?"
getent hosts localhost
getent ahosts localhost
getent hosts 127.0.0.1
getent hosts no.such.name
echo "getent: $?"
getent services ssh
getent protocols tcp
hostname -I
cat /proc/net/route /proc/net/if_inet6 /proc/net/arp
wc -l </proc/net/dev
for f in core/somaxconn ipv4/ip_local_port_range ipv4/ip_unprivileged_port_start ipv6/conf/all/disable_ipv6; do
  echo "$f $(cat /proc/sys/net/$f)"
done
ls /sys/class/net
cat /sys/class/net/lo/{mtu,address,flags,operstate}

nc -l 7000 &
nc -lU /tmp/x.sock &
nc -ul 7001 &
until_ok grep -q :1B58 /proc/net/tcp
until_ok grep -q x.sock /proc/net/unix
until_ok grep -q :1B59 /proc/net/udp
echo == /proc/net
sed 1d /proc/net/tcp | cut -c7-40
sed 1d /proc/net/udp | cut -c8-40
sed 1d /proc/net/unix | sed 's/^[0-9a-f]*//' | awk '{ print $3, $4, $5, $6, $8 }'
kill $(jobs -p)
wait 2>/dev/null

echo == ping
quiet() { sed 's/time[= ].*//; /rtt/d'; }
ping -c 2 -i 0.2 127.0.0.1 | quiet
ping -c 1 ::1 | quiet
ping -c 1 -q localhost | quiet
ping -c 1 -W 1 10.1.1.1 2>&1
echo "ping: $?"
gosu nobody ping -c 1 127.0.0.1 2>&1 | quiet

echo == routes
# Of whom the host's kernel says that he asked is not the guest's matter.
ip route get 127.0.0.1 | sed 's/ uid .*//'
ip route get 10.1.1.1
ip rule
ip -s link show lo | head -2

echo == ss
nc -l 7000 >/dev/null &
nc -lU /tmp/y.sock >/dev/null &
nc -ul 7001 >/dev/null &
until_ok grep -q y.sock /proc/net/unix
until_ok grep -q :1B58 /proc/net/tcp
until_ok grep -q :1B59 /proc/net/udp
sleep 5 | nc -p 7002 127.0.0.1 7000 &
until_ok grep -q 1B5A /proc/net/tcp
ss -Htln
ss -Htn | sort
ss -Huln
ss -Hxl | sed 's/[0-9]* *\* *[0-9]* *$//'
ss -Htlnp | sed 's/pid=[0-9]*/pid/'
ss -Htn state established '( sport = :7002 )'
ss -Htn dst 127.0.0.1:7000 | wc -l
kill $(jobs -p)
wait 2>/dev/null
