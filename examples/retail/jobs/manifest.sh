# The files received: checksum, bytes and rows of each.
. "$(dirname "$0")/lib.sh"

list() {
    for feed in stores products customers rates orders returns; do
        need "raw/$feed.psv"
        sum=$(cksum <"$DAY/raw/$feed.psv")
        rows=$(($(wc -l <"$DAY/raw/$feed.psv") - 1))
        echo "$feed|${sum%% *}|${sum##* }|$rows"
    done
}

put raw/manifest.psv list
cat "$DAY/raw/manifest.psv"
