# clean-returns.awk CLEAN-ORDERS RETURNS → key|qty|reason, where key is the order.line sold.
FNR == 1 { file++ }
file == 1 { sold[$1] = $7; next }
FNR == 1 { next }
{
    key = $2 "." $3
    if (!(key in sold)) print "unknown-order", $0
    else if ($4 !~ /^[1-9][0-9]*$/ || $4 + 0 > sold[key] + 0) print "more-than-sold", $0
    else if (key in seen) print "duplicate", $0
    else { seen[key]; print "", key, $4, $5 }
}
