# currency|millionths of a CNY for one unit|the same on the day before. A rate that moved by more than
# a quarter overnight is a slip of somebody's finger.
FNR == 1 { next }
{
    now = micro($3, $2)
    before = micro($4, $2)
    if (now <= 0 || before <= 0) print "bad-rate", $0
    else if (now > before * 1.25 || before > now * 1.25) print "leap", $0
    else print "", $1, sprintf("%.0f", now), sprintf("%.0f", before)
}

function micro(text, units,    a) {
    if (text !~ /^[0-9]+\.[0-9][0-9][0-9][0-9]$/ || units !~ /^[1-9][0-9]*$/) return -1
    split(text, a, ".")
    return (a[1] * 10000 + a[2]) * 100 / units
}
