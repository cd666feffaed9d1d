# Sums the files received once more, in one pass without clean, dimensions or joins, and compares with
# the marts. Writes measure|from the files|from the marts; fails if any line differs.
. "$(dirname "$0")/lib.sh"

raw=$DAY/raw
mart=$DAY/mart
need raw/manifest.psv mart/total.psv mart/region-category.psv mart/returns-category.psv

# What is checked must still be what was received.
awk -F '|' '{ print $1, $2, $3 }' "$raw/manifest.psv" | while read -r feed sum bytes; do
    [ "$(cksum <"$raw/$feed.psv")" = "$sum $bytes" ] || fail "raw/$feed.psv changed since it was received"
done

from_files() {
    awk -F '|' -f "$jobs/reconcile.awk" \
        file=rate "$raw/rates.psv" file=store "$raw/stores.psv" file=product "$raw/products.psv" \
        file=order "$raw/orders.psv" file=return "$raw/returns.psv" | by 1
}
from_marts() {
    {
        awk -F '|' 'NR > 1 {
            printf "lines|%.0f\norders|%.0f\nmembers|%.0f\npieces|%.0f\ngross|%.0f\nnet|%.0f\ncost|%.0f\n", $2, $3, $4, $5, $6, $7, $8
        }' "$mart/total.psv"
        awk -F '|' 'FNR > 1 { net[$1] += $8 } END { for (r in net) printf "net %s|%.0f\n", r, net[r] }' "$mart/region-category.psv"
        awk -F '|' 'FNR > 1 { n += $2; p += $5; a += $6 } END {
            printf "return lines|%.0f\nreturned pieces|%.0f\nreturned amount|%.0f\n", n, p, a
        }' "$mart/returns-category.psv"
    } | by 1
}

put tmp/from-files from_files
put tmp/from-marts from_marts
put report/reconciled.psv join -t '|' -a 1 -a 2 -e missing -o 0,1.2,2.2 "$DAY/tmp/from-files" "$DAY/tmp/from-marts"
cat "$DAY/report/reconciled.psv"
awk -F '|' '$2 != $3 { bad++; print $1 ": files " $2 ", marts " $3 >"/dev/stderr" } END { exit bad > 0 || NR == 0 }' \
    "$DAY/report/reconciled.psv" || fail "the sums do not agree"
