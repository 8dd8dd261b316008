# tcpdump's lines for connection.py; the arguments are its flags and its filter.
timeout -s INT 300 tcpdump -i lo -n -t -l "$@" >/tmp/seen 2>/tmp/said &
until grep -q listening /tmp/said; do sleep 0.05; done
python3 /capture/connection.py
# Until it has shown all that it has seen: until nothing more comes.
size=-1
until [ "$size" = "$(stat -c %s /tmp/seen)" ]; do
  size=$(stat -c %s /tmp/seen)
  sleep 3
done
kill -INT %1
wait
cat /tmp/seen
grep -E '(captured|dropped)' /tmp/said
