. /net/lib.sh
# A package, and a repository with it.
mkdir -p mirror/pool package/DEBIAN package/usr/share/hello
printf 'Package: hello-test\nVersion: 1.0\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: test\n' \
  >package/DEBIAN/control
seq 1000 >package/usr/share/hello/f
dpkg-deb -b package mirror/pool/hello-test.deb >/dev/null
cd mirror
sum() { sha256sum <"$1" | cut -d' ' -f1; }
{
  cat ../package/DEBIAN/control
  printf 'Filename: pool/hello-test.deb\nSize: %s\nSHA256: %s\n\n' "$(stat -c %s pool/*.deb)" "$(sum pool/hello-test.deb)"
} >Packages
printf 'Suite: test\nDate: %s\nSHA256:\n %s %s Packages\n' "$(date -Ru)" "$(sum Packages)" "$(stat -c %s Packages)" >Release
cd ..
python3 -m http.server -d mirror 8000 --bind 127.0.0.1 2>http.log &
until_listening 8000

# A system of its own beneath /tmp/root, which _apt can reach as it could the real one.
apt=root/var/lib/apt
mkdir -p root/etc/apt/{apt.conf.d,preferences.d} $apt/lists/partial root/var/cache/apt/archives/partial root/var/log/apt \
  root/var/lib/dpkg/{info,updates}
touch root/var/lib/dpkg/status
chown -R _apt $apt/lists root/var/cache/apt/archives
echo 'deb [trusted=yes] http://127.0.0.1:8000 ./' >root/etc/apt/sources.list
options=(-o Dir=/tmp/root -o Dir::State::status=/tmp/root/var/lib/dpkg/status -o Dir::Bin::methods=/usr/lib/apt/methods
  -o Dir::Bin::dpkg=/usr/bin/dpkg -o Acquire::Languages=none)
without_numbers() { sed -E 's/[0-9.,]+ k?B(\/s)?/n B/g; s/ in [0-9]+s.*//'; }
apt-get -q "${options[@]}" update 2>&1 | without_numbers
stat -c '%U %A %n' $apt/lists/*Packages
apt-cache "${options[@]}" policy hello-test
apt-get -q -y "${options[@]}" -o DPkg::Options::=--root=/tmp/root \
  -o DPkg::Options::=--log=/dev/null install hello-test 2>&1 | without_numbers
wc -l root/usr/share/hello/f
grep -A1 hello root/var/lib/dpkg/status
cut -d'"' -f2 http.log | grep GET | sort

echo == the methods run as _apt
python3 - <<'P' &
import socket, time, glob
server = socket.create_server(('127.0.0.1', 8001))
client, _ = server.accept()
for status in glob.glob('/proc/[0-9]*/status'):
    text = open(status).read()
    if text.startswith('Name:\thttp\n'):
        print([line for line in text.split('\n') if line.startswith(('Uid', 'Gid', 'Groups', 'CapEff', 'NoNewPrivs'))])
client.close()
server.close()
P
until_ok grep -q :1F41 /proc/net/tcp
echo 'deb [trusted=yes] http://127.0.0.1:8001 ./' >root/etc/apt/sources.list
apt-get -q "${options[@]}" -o Acquire::Retries=0 update >/dev/null 2>&1
kill %1
wait
