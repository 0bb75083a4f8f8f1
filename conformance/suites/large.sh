# A document of any size, up and down, by length and in chunks, in constant memory.
. "$HERE/lib.sh"
cd "$WORK" || exit 1
size=${LARGE_MIB:-1024}
top=${URL}files/$NAME
ask() { curl -sS -u "$NAME:$PASSWORD" "$@"; }
content() { head -c "$((size * 1048576))" /dev/zero | openssl enc -aes-128-ctr -nosalt -K 00 -iv 00 2>/dev/null; }
wanted=$(content | sha256sum | cut -d' ' -f1)
before=$(peak)
equal "$size MiB up in chunks" "$(content | ask -o /dev/null -w '%{http_code}' -T - "$top/chunked.bin")" 201
got=$(ask "$top/chunked.bin" | sha256sum | cut -d' ' -f1)
equal "and down, the same" "$got" "$wanted"
content >large.bin
equal "$size MiB up by length" "$(ask -o /dev/null -w '%{http_code}' -T large.bin "$top/length.bin")" 201
got=$(ask "$top/length.bin" | sha256sum | cut -d' ' -f1)
equal "and down, the same" "$got" "$wanted"
rm -f large.bin
grown=$(($(peak) - before))
check "memory stays flat (grew by $grown KiB)" test "$grown" -lt 32768
equal "kept once" "$(find "$DATA/bodies" -type f | wc -l)" 1
finish
