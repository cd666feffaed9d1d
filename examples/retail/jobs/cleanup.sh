# Removes what only the night itself needed.
. "$(dirname "$0")/lib.sh"

rm -rf "$DAY/tmp"
