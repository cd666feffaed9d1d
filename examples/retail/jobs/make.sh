# make.sh FEED: makes a file as a source system would deliver it, from nothing but the data date.
. "$(dirname "$0")/lib.sh"

feed=$1
case $feed in
    stores | products | customers)
        put "raw/$feed.psv" run "make-$feed.awk"
        ;;
    rates)
        # rates DATE BEFORE. The service sleeps through the first call of a night.
        if [ "${HCNDC_ATTEMPT:-2}" = 1 ]; then
            echo "the rate service does not answer, please call again" >&2
            exit 75
        fi
        put raw/rates.psv run make-rates.awk -v today="$2" -v before="$3"
        ;;
    orders)
        need raw/stores.psv raw/products.psv raw/customers.psv
        put raw/orders.psv run make-orders.awk \
            "$DAY/raw/stores.psv" "$DAY/raw/products.psv" "$DAY/raw/customers.psv"
        ;;
    returns)
        need raw/orders.psv
        put raw/returns.psv run make-returns.awk "$DAY/raw/orders.psv"
        ;;
    *)
        fail "no such feed: $feed"
        ;;
esac
echo "$feed: $(($(wc -l <"$DAY/raw/$feed.psv") - 1)) rows"
