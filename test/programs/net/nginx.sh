. /net/lib.sh
make_certificate
mkdir www nginx
echo hello >www/index.html
head -c 1000000 /dev/zero | tr '\0' x >www/big
nginx -c /net/nginx.conf
until_listening 8080
curl -s localhost:8080/
curl -s 'http://[::1]:8080/'
curl -s localhost:8080/proxied/index.html localhost:8080/proxied/index.html
for path in big proxied/big big; do curl -s localhost:8080/$path | md5sum; done
curl -s -o /dev/null -w '%{http_code} %{num_connects}\n' localhost:8080/nope
curl -s -r 10-20 localhost:8080/big && echo
curl -s --compressed -w '%header{content-encoding}\n' localhost:8080/big -o plain && cmp plain www/big && echo unpacked
curl -s --cacert cert.pem https://localhost:8443/ -w '%{http_version} %{ssl_verify_result}\n'

for connections in 1 10 200; do served -t1 -c$connections -d1s http://127.0.0.1:8080/; done
served -t2 -c50 -d1s http://127.0.0.1:8082/
served -t2 -c20 -d1s http://127.0.0.1:8080/big
served -t2 -c20 -d1s http://127.0.0.1:8080/proxied/index.html
served -t1 -c20 -d1s https://127.0.0.1:8443/

nginx -c /net/nginx.conf -s reload 2>/dev/null
sleep 0.3
curl -s localhost:8080/
old=$(cat nginx.pid)
nginx -c /net/nginx.conf -s quit 2>/dev/null
until_gone "$old"
curl -s localhost:8080/
echo "curl: $?"
# A client that goes away in the middle is logged as 499: which, is a matter of time.
awk '{ print $9 }' access.log | sort -u | grep -v 499
grep -v -E 'notice|"/tmp/www/nope" failed' error.log | sed 's/^[^[]*//'

echo == caddy, a Go program
caddy file-server --listen :8100 --root /tmp/www >caddy.log 2>&1 &
cat >Caddyfile <<C
{
  admin off
  auto_https off
}
:8101 {
  reverse_proxy localhost:8100
}
:8102 {
  respond "hi {remote_host}"
}
C
caddy run --config Caddyfile --adapter caddyfile >caddy2.log 2>&1 &
until_listening 8100
until_listening 8102
curl -s localhost:8100/big | md5sum
curl -s localhost:8101/big | md5sum
curl -s 127.0.0.1:8102 -w ' %{http_code}\n'
served -t1 -c20 -d1s http://127.0.0.1:8100/index.html
kill $(jobs -p)
wait
