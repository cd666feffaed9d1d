#!/bin/sh
# check.sh DATE OUTDIR: recomputes every figure of OUTDIR/DATE/report.txt from the files received, with
# nothing of jobs/, and compares. Exit code 0 if all agree; 1 if not, with the figures at fault; 2 if
# there is nothing to check. For a date with an expected-DATE.txt the report must be that, byte by byte.
set -eu
LC_ALL=C
export LC_ALL

[ $# -eq 2 ] || { echo "usage: check.sh DATE OUTDIR" >&2; exit 2; }
here=$(dirname "$0")
day=$2/$1
raw=$day/raw
report=$day/report.txt
for file in "$report" "$raw/stores.psv" "$raw/products.psv" "$raw/customers.psv" "$raw/rates.psv" "$raw/orders.psv" "$raw/returns.psv"; do
    [ -s "$file" ] || { echo "check: $file is missing or empty" >&2; exit 2; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the report must say: a line for each figure, section|name|…|value, amounts as 1234.50.
awk -F '|' '
function hundredths(n) { return sprintf("%s%.0f.%02d", n < 0 ? "-" : "", (abs(n) - abs(n) % 100) / 100, abs(n) % 100) }
function abs(n) { return n < 0 ? -n : n }
function near(n) { return int(n + 0.5) }
function share(a, b) { return sprintf("%.2f", a * 100 / b) }
function digits(text) { gsub(/[^0-9]/, "", text); return text + 0 }   # all amounts have two decimals, all rates four
function aside(feed, why) { asides[feed "|" why]++ }

FNR == 1 { part++; next }
part == 1 { s_name[$1] = $2; s_region[$1] = $4; s_currency[$1] = $5 }
part == 2 { name = $2; sub(/^ +/, "", name); sub(/ +$/, "", name); p_name[$1] = name; p_category[$1] = $3; p_cost[$1] = digits($5) }
part == 3 {
    if ($1 in since) aside("customers", "superseded")
    if (!($1 in since) || since[$1] <= $5) { since[$1] = $5; s = tolower($4); gsub(/ /, "", s); club[$1] = s == "" ? "unknown" : s }
}
part == 4 {
    millionths[$1] = digits($3) * 100 / $2
    earlier = digits($4) * 100 / $2
    printf "rate|%s|%.6f|%.6f|%+.2f\n", $1, millionths[$1] / 1000000, earlier / 1000000, (millionths[$1] - earlier) * 100 / earlier
}
part == 5 {
    k = $1 SUBSEP $2
    if (k in had) { aside("orders", "duplicate"); next }
    had[k] = 1
    if ($3 > "23:59") aside("orders", "bad-time")
    else if (!($4 in s_name)) aside("orders", "unknown-store")
    else if (!($6 in p_name)) aside("orders", "unknown-product")
    else if ($7 == 0) aside("orders", "bad-quantity")
    else if ($8 == "") aside("orders", "bad-price")
    else {
        lots = $7 * digits($8)
        m = millionths[s_currency[$4]]
        g = near(lots * m / 1000000)
        n = near(near(lots * (100 - $9) / 100) * m / 1000000)
        c = $7 * p_cost[$6]
        seg = $5 == "" ? "walk-in" : club[$5]
        cat = p_category[$6]
        reg = s_region[$4]
        hh = substr($3, 1, 2)
        bought[k] = $7; paid[k] = n; kind[k] = cat
        lines++; pieces += $7; gross += g; net += n; cost += c
        if (!(("o", $1) in one)) { one["o", $1]; orders++ }
        if ($5 != "" && !(("m", $5) in one)) { one["m", $5]; members++ }
        if (!(("s", $4, $1) in one)) { one["s", $4, $1]; s_orders[$4]++ }
        if (!(("g", seg, $1) in one)) { one["g", seg, $1]; g_orders[seg]++ }
        if ($5 != "" && !(("h", seg, $5) in one)) { one["h", seg, $5]; g_members[seg]++ }
        cell[cat "|" reg] += n; cell[cat "|Total"] += n; cell["Total|" reg] += n; cell["Total|Total"] += n
        cats[cat]; regs[reg]
        p_pieces[$6] += $7; p_net[$6] += n
        c_sold[cat] += $7
        s_net[$4] += n; s_cost[$4] += c
        h_net[hh] += n
        g_net[seg] += n
    }
}
part == 6 {
    k = $2 SUBSEP $3
    if (!(k in bought)) { aside("returns", "unknown-order"); next }
    if ($4 > bought[k] + 0) { aside("returns", "more-than-sold"); next }
    a = near(paid[k] * $4 / bought[k])
    slips++; back += $4; refund += a
    c_back[kind[k]] += $4; c_refund[kind[k]] += a
    why[$5] += $4
}
END {
    printf "day|Orders|%d|%d\nday|Lines|%d\nday|Pieces|%d\n", orders, members, lines, pieces
    print "day|Gross|" hundredths(gross)
    print "day|Discounts|" hundredths(gross - net) "|" share(gross - net, gross)
    print "day|Net|" hundredths(net) "|" hundredths(near(net / orders))
    print "day|Margin|" hundredths(net - cost) "|" share(net - cost, net)
    print "day|Returns|" hundredths(refund) "|" share(refund, net) "|" back "|" slips
    print "day|Net after returns|" hundredths(net - refund)
    cats["Total"]; regs["Total"]
    for (c in cats) for (r in regs) print "net|" c "|" r "|" hundredths(cell[c "|" r] + 0)
    for (rank = 1; rank <= 10; rank++) {
        best = ""
        for (p in p_net) if (best == "" || p_net[p] > p_net[best] || (p_net[p] == p_net[best] && p < best)) best = p
        if (best == "") break
        print "product|" rank "|" best "|" p_name[best] "|" p_category[best] "|" p_pieces[best] "|" hundredths(p_net[best]) "|" share(p_net[best], net)
        delete p_net[best]
    }
    for (c in c_sold) print "returns|" c "|" c_sold[c] "|" c_back[c] + 0 "|" share(c_back[c], c_sold[c]) "|" hundredths(c_refund[c] + 0) "|" share(c_refund[c], cell[c "|Total"])
    print "returns|Total|" pieces "|" back "|" share(back, pieces) "|" hundredths(refund) "|" share(refund, net)
    for (w in why) print "reason|" w "|" why[w]
    for (s in s_net) {
        rank = 1
        for (t in s_net) if (s_net[t] > s_net[s] || (s_net[t] == s_net[s] && t < s)) rank++
        print "store|" rank "|" s "|" s_name[s] "|" s_region[s] "|" s_currency[s] "|" s_orders[s] "|" hundredths(s_net[s]) "|" share(s_net[s] - s_cost[s], s_net[s])
    }
    for (h in h_net) print "hour|" h "|" hundredths(h_net[h])
    for (g in g_net) print "members|" g "|" g_members[g] + 0 "|" g_orders[g] "|" hundredths(g_net[g]) "|" hundredths(near(g_net[g] / g_orders[g]))
    for (a in asides) print "aside|" a "|" asides[a]
}' "$raw/stores.psv" "$raw/products.psv" "$raw/customers.psv" "$raw/rates.psv" "$raw/orders.psv" "$raw/returns.psv" |
    sort >"$work/must"

# What the report says, as the same kind of lines: read by the columns in which it is printed.
awk '
function cut(from, width,    t) { t = substr($0, from, width); sub(/^ +/, "", t); sub(/ +$/, "", t); return t }
function number(from, width,    t) { t = cut(from, width); gsub(/,/, "", t); return t }
function first(text,    w) { split(text, w, " "); gsub(/,/, "", w[1]); return w[1] }

/^[1-9]\. / { part = $1 + 0; row = 0; next }
/^--/ || /^==/ || !/^  / { next }
{ row++ }
part == 1 {
    label = cut(3, 22); value = number(26, 16); note = substr($0, 44)
    if (label == "Orders") { sub(/^from /, "", note); value = value "|" first(note) }
    else if (label == "Discounts" || label == "Net" || label == "Margin") value = value "|" first(note)
    else if (label == "Returns") { n = split(note, w, " "); gsub(/,/, "", w[5]); gsub(/,/, "", w[8]); value = value "|" w[1] "|" w[5] "|" w[8] }
    print "day|" label "|" value
}
part == 2 && row == 1 { for (i = 0; (heading[i] = cut(17 + 14 * i, 14)) != ""; i++) columns = i; next }
part == 2 { for (i = 0; i <= columns; i++) print "net|" cut(3, 14) "|" heading[i] "|" number(17 + 14 * i, 14) }
part == 3 && row > 1 { print "product|" cut(3, 2) "|" cut(8, 6) "|" cut(16, 26) "|" cut(44, 14) "|" number(59, 8) "|" number(68, 14) "|" number(83, 8) }
part == 4 && /^  Reasons:/ {
    n = split($0, w, /[ ,]+/)
    for (i = 3; i < n; i += 2) print "reason|" w[i] "|" w[i + 1]
    next
}
part == 4 && row > 1 { print "returns|" cut(3, 14) "|" number(18, 10) "|" number(29, 10) "|" number(40, 10) "|" number(51, 14) "|" number(66, 10) }
part == 5 && row > 1 { print "store|" row - 1 "|" cut(3, 4) "|" cut(9, 18) "|" cut(29, 9) "|" cut(40, 8) "|" number(49, 8) "|" number(58, 14) "|" number(73, 9) }
part == 6 { print "hour|" cut(3, 2) "|" number(9, 14) }
part == 7 && row > 1 { print "members|" cut(3, 10) "|" number(14, 9) "|" number(24, 9) "|" number(34, 14) "|" number(49, 12) }
part == 8 { print "rate|" $1 "|" $2 "|" $5 "|" $6 }
part == 9 { print "aside|" $1 "|" $2 "|" first($3) }
' "$report" | sort >"$work/says"

figures=$(($(wc -l <"$work/must")))
[ "$figures" -gt 100 ] || { echo "check: only $figures figures could be computed from $raw" >&2; exit 2; }
if ! diff "$work/must" "$work/says" >"$work/diff"; then
    echo "check: the report of $1 is wrong (< from the files received, > from the report):" >&2
    cat "$work/diff" >&2
    exit 1
fi
if [ -f "$here/expected-$1.txt" ] && ! diff "$here/expected-$1.txt" "$report" >"$work/diff"; then
    echo "check: the report of $1 is not expected-$1.txt (<):" >&2
    cat "$work/diff" >&2
    exit 1
fi
grep -q '^Reconciled: 15 sums agree' "$report" || { echo "check: the report of $1 is not reconciled" >&2; exit 1; }
echo "check: the $figures lines of figures in the report of $1 agree with the files received"
