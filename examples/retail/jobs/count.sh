# Fails unless the facts have exactly the lines of the clean files: joins lose and double rows in silence.
. "$(dirname "$0")/lib.sh"

for pair in sales:orders returns:returns; do
    fact=$(($(wc -l <"$DAY/fact/${pair%:*}.psv") - 1))
    clean=$(($(wc -l <"$DAY/clean/${pair#*:}.psv")))
    echo "${pair%:*}: $fact rows from $clean"
    [ "$fact" -eq "$clean" ] || fail "${pair%:*} has $fact rows, clean/${pair#*:}.psv has $clean"
done
