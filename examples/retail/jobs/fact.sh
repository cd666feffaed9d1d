# fact.sh sales | returns: a row for each line sold or returned, looked up in the dimensions by sort and
# join; with a heading, since the marts choose columns by name. Amounts are in cents of CNY.
. "$(dirname "$0")/lib.sh"

# Fields after each join:   1   2     3    4     5        6       7   8     9
# clean/orders              key order hour store customer product qty price discount
sales() {
    echo 'key|order|hour|store|region|customer|segment|product|category|qty|gross|net|cost'
    by 4 "$DAY/clean/orders.psv" |
        join -t '|' -1 4 -2 1 -o 1.1,1.2,1.3,1.4,2.3,1.5,1.6,1.7,1.8,1.9,2.5 - "$DAY/dim/store.psv" |
        # key order hour store region customer product qty price discount rate
        by 6 |
        join -t '|' -1 6 -2 1 -o 1.1,1.2,1.3,1.4,1.5,1.6,2.2,1.7,1.8,1.9,1.10,1.11 - "$DAY/dim/customer.psv" |
        # key order hour store region customer segment product qty price discount rate
        by 8 |
        join -t '|' -1 8 -2 1 -o 1.1,1.2,1.3,1.4,1.5,1.6,1.7,1.8,2.3,1.9,1.10,1.11,1.12,2.4 - "$DAY/dim/product.psv" |
        # key order hour store region customer segment product category qty price discount rate cost
        run fact-sales.awk | by 1
}

# clean/returns: key qty reason
returns() {
    echo 'key|store|region|product|category|qty|amount|reason'
    sed 1d "$DAY/fact/sales.psv" |
        join -t '|' -o 1.1,1.4,1.5,1.8,1.9,2.2,1.12,2.3,1.10 - "$DAY/clean/returns.psv" |
        # key store region product category qty net reason sold
        run fact-returns.awk
}

case $1 in
    sales) need clean/orders.psv dim/store.psv dim/customer.psv dim/product.psv ;;
    returns) need clean/returns.psv fact/sales.psv ;;
    *) fail "no such fact: $1" ;;
esac
put "fact/$1.psv" "$1"
echo "$1: $(($(wc -l <"$DAY/fact/$1.psv") - 1)) rows"
