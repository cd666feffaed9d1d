# product|name|category|price|cost, amounts in cents.
FNR == 1 { next }
cents($4) <= 0 || cents($5) <= 0 { print "bad-price", $0; next }
$1 in seen { print "duplicate", $0; next }
{
    seen[$1]
    gsub(/^ +| +$/, "", $2)
    print "", $1, $2, $3, cents($4), cents($5)
}
