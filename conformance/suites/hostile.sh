# hostile: objects made to exhaust whoever reads them, while another client goes on working; memory is watched.
. "$HERE/lib.sh"
cd "$WORK" || exit 1
before=$(peak)
python3 "$HERE/suites/hostile.py" "$HOST" "$NAME" "$PASSWORD" || FAILED=1
after=$(peak)
check "memory stays bounded ($((before / 1024)) MiB, then $((after / 1024)) MiB at most)" [ "$after" -lt $((512 * 1024)) ]
finish
