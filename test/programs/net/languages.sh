. /net/lib.sh
make_certificate
"$@"
