. /net/lib.sh
echo == curl and wget
mkdir web
seq 100000 >web/f
python3 -m http.server -d web 8000 --bind 127.0.0.1 2>http.log &
until_listening 8000
curl -s localhost:8000/f | md5sum
wget -q -O - http://127.0.0.1:8000/f | md5sum
wget -q -r -np -nH -P got http://127.0.0.1:8000/
ls got
curl -s -Z http://127.0.0.1:8000/f -o a1 http://127.0.0.1:8000/f -o a2 2>/dev/null
cmp a1 a2 && echo same
curl -s -w '%{remote_ip} %{local_ip} %{http_version} %{num_connects}\n' -o /dev/null http://127.0.0.1:8000/f
curl -s http://127.0.0.1:9/
echo "refused: $?"
curl -s http://no.such.host/
echo "unknown: $?"
curl -s --connect-timeout 1 http://10.2.3.4/
echo "unreachable: $?"
wget -q http://127.0.0.1:9/
echo "wget: $?"
kill %1
wait

echo == socat
socat -u TCP-LISTEN:7001,reuseaddr,fork OPEN:/tmp/written,creat,append &
socat -t60 TCP-LISTEN:7002,fork,reuseaddr EXEC:'tr a-z A-Z' &
socat -t60 UNIX-LISTEN:/tmp/u.sock,fork TCP:127.0.0.1:7002 &
socat UDP-RECVFROM:7003,fork EXEC:rev &
socat -u ABSTRACT-RECV:datagrams OPEN:/tmp/abstract,creat,append &
socat -t3 TCP6-LISTEN:7004,fork,ipv6only PIPE &
until_listening 7001
until_listening 7002
until_ok grep -q u.sock /proc/net/unix
until_ok grep -q @datagrams /proc/net/unix
until_ok grep -q :1B5B /proc/net/udp
until_ok grep -q :1B5C /proc/net/tcp6
echo one | socat -t60 - TCP:localhost:7001
until_ok grep -q one written
cat written
echo hello | socat -t60 - TCP4:localhost:7002
echo via unix | socat -t60 - UNIX:/tmp/u.sock
{ echo abc; until_ok test -s reversed; } | socat - UDP:127.0.0.1:7003 >reversed
cat reversed
echo datagram | socat -u - ABSTRACT-SENDTO:datagrams
until_ok grep -q datagram abstract
seq 200000 | socat -t60 - TCP6:[::1]:7004 | md5sum
{ echo pty; until_ok test -s from-pty; } | timeout 100 socat - EXEC:cat,pty,raw,echo=0 >from-pty
cat from-pty
socat - TCP:127.0.0.1:9 2>&1 | sed 's/.*E //'
kill $(jobs -p)
wait 2>/dev/null

echo == netcat
nc -l 7010 >got.tcp &
until_ok grep -q :1B62 /proc/net/tcp
seq 1000 | nc -N 127.0.0.1 7010
wait
md5sum got.tcp
nc -z -v 127.0.0.1 7011 2>&1
nc -lU nc.sock >got.unix &
until_ok test -S nc.sock
echo unix | nc -NU nc.sock
wait
cat got.unix
nc -ul -W1 7012 >got.udp &
until_ok grep -q :1B64 /proc/net/udp
echo udp | nc -u -w1 127.0.0.1 7012
wait
cat got.udp
nc -w 1 10.1.2.3 80
echo "nc: $?"
