# kill -9 in the middle of 8 concurrent uploads, again and again: all that was acknowledged is there, byte for byte.
. "$HERE/lib.sh"
stop
python3 "$HERE/crash.py" "$BEFFROI" "$DATA" "$NAME" "$PASSWORD" "${ROUNDS:-20}" || FAILED=1
finish
