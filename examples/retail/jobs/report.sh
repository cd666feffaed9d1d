# The report for people: out/DATE/report.txt, and on standard output.
. "$(dirname "$0")/lib.sh"

mart=$DAY/mart
for name in total region-category product store hour segment returns-category returns-reason; do
    need "mart/$name.psv"
done
need report/reconciled.psv dim/calendar.psv dim/product.psv dim/store.psv clean/rates.psv

# Best first; equal ones by their id.
best() { sed 1d "$mart/$1.psv" | sort -t '|' -k 7,7nr -k 1,1; }

print() {
    run report.awk \
        file=calendar "$DAY/dim/calendar.psv" file=product-name "$DAY/dim/product.psv" file=store-name "$DAY/dim/store.psv" \
        file=total "$mart/total.psv" file=matrix "$mart/region-category.psv" \
        file=returns "$mart/returns-category.psv" file=reason "$mart/returns-reason.psv" \
        file=product "$DAY/tmp/best-product" file=store "$DAY/tmp/best-store" \
        file=hour "$mart/hour.psv" file=segment "$mart/segment.psv" \
        file=rate "$DAY/clean/rates.psv" file=quality "$DAY/clean/quality.psv" file=reconciled "$DAY/report/reconciled.psv"
}

put tmp/best-product best product
put tmp/best-store best store
put report.txt print
cat "$DAY/report.txt"
