# quality.sh LIMIT: counts what was set aside, by feed and reason. Exit code 0 if nothing was, 3 if
# something was, 1 if more than LIMIT percent of a feed was.
. "$(dirname "$0")/lib.sh"

limit=$1

count() {
    for feed in customers orders returns; do
        need "clean/$feed.psv" "raw/$feed.psv"
        awk -F '|' -v feed="$feed" '
            { count[$1]++ }
            END { for (reason in count) print feed "|" reason "|" count[reason] }
        ' "$DAY/clean/rejects-$feed.psv" | by 2
    done
}

put clean/quality.psv count
cat "$DAY/clean/quality.psv"
[ -s "$DAY/clean/quality.psv" ] || exit 0
for feed in customers orders returns; do
    rows=$(($(wc -l <"$DAY/raw/$feed.psv") - 1))
    aside=$(($(wc -l <"$DAY/clean/rejects-$feed.psv")))
    [ $((aside * 100)) -le $((rows * limit)) ] ||
        fail "$aside of $rows rows of $feed were set aside, more than $limit percent"
done
exit 3
