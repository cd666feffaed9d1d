# dimension.sh NAME: what the facts are looked up in, sorted by its first field.
. "$(dirname "$0")/lib.sh"

calendar() { run calendar.awk; }
# product|name|category|cost
product() { awk -F '|' -v OFS='|' '{ print $1, $2, $3, $5 }' "$DAY/clean/products.psv"; }
# customer|segment; "-" stands for those who are no members
customer() {
    { echo "-|walk-in"; cut -d '|' -f 1,4 "$DAY/clean/customers.psv"; } | by 1
}
# store|name|region|currency|rate, joined by currency
store() {
    sed 1d "$DAY/raw/stores.psv" | by 5 |
        join -t '|' -1 5 -2 1 -o 1.1,1.2,1.4,1.5,2.2 - "$DAY/clean/rates.psv" | by 1
}

case $1 in
    calendar) ;;
    product) need clean/products.psv ;;
    customer) need clean/customers.psv ;;
    store) need raw/stores.psv clean/rates.psv ;;
    *) fail "no such dimension: $1" ;;
esac
put "dim/$1.psv" "$1"
need "dim/$1.psv"
echo "$1: $(($(wc -l <"$DAY/dim/$1.psv"))) rows"
