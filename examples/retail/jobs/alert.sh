# alert.sh WHAT: tells people. Here they find a file; a company would send a message.
. "$(dirname "$0")/lib.sh"

mkdir -p "$DAY"
echo "$HCNDC_DATE $HCNDC_FLOW_NAME: $1" >>"$DAY/ALERT.txt"
echo "$1" >&2
