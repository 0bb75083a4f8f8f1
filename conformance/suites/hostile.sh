# hostile: what is made to exhaust the server or to turn it against others, while another person works and memory is
# watched; a file of conformance/hostile a subject, one after the other.
mkdir -p "$WORK"
exec python3 "$HERE/probe.py" hostile
