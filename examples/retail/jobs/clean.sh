# clean.sh FEED: rows that can be used, sorted by their key and without a heading, to clean/FEED.psv;
# the others, each after the reason, to clean/rejects-FEED.psv.
. "$(dirname "$0")/lib.sh"

feed=$1
need "raw/$feed.psv"

# Every program puts a field in front of each row: the reason for setting it aside, empty if it is good.
check() {
    case $feed in
        orders) run clean-orders.awk "$DAY/raw/stores.psv" "$DAY/clean/products.psv" "$DAY/raw/orders.psv" ;;
        returns) run clean-returns.awk "$DAY/clean/orders.psv" "$DAY/raw/returns.psv" ;;
        *) run "clean-$feed.awk" "$DAY/raw/$feed.psv" ;;
    esac
}
good() { sed -n 's/^|//p' "$DAY/tmp/checked-$feed" | by 1; }
rejected() { sed -n '/^|/!p' "$DAY/tmp/checked-$feed" | by 1; }

case $feed in
    orders) need clean/products.psv ;;
    returns) need clean/orders.psv ;;
esac
put "tmp/checked-$feed" check
put "clean/$feed.psv" good
put "clean/rejects-$feed.psv" rejected
need "clean/$feed.psv"
echo "$feed: $(($(wc -l <"$DAY/clean/$feed.psv"))) rows good, $(($(wc -l <"$DAY/clean/rejects-$feed.psv"))) set aside"
