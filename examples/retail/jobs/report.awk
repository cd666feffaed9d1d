# Lays out the report. Sums come from the marts and are only printed here; shares and rates are made here.
file == "calendar" { day = $2; kind = $5; next }
file == "product-name" { product[$1] = $2; category_of[$1] = $3; next }
file == "store-name" { store[$1] = $2; region_of[$1] = $3; currency[$1] = $4; next }
# These have no heading; the marts have one, which begins with a column's name.
file == "rate" { rate[++rates] = $1; now[$1] = $2; before[$1] = $3; next }
file == "quality" { aside[++asides] = $0; next }
file == "reconciled" { agreed++; next }
file == "product" && FNR > 10 { next }
file == "product" { top[++tops] = $0; next }
file == "store" { place[++places] = $0; next }
FNR == 1 { next }
file == "total" { rows = $2; orders = $3; members = $4; pieces = $5; gross = $6; net = $7; cost = $8; next }
file == "matrix" {
    if (!($1 in region)) { region[$1]; regions[++nr] = $1 }
    if (!($2 in sold)) categories[++nc] = $2
    cell[$1, $2] = $8
    by_region[$1] += $8
    by_category[$2] += $8
    sold[$2] += $6
    next
}
file == "returns" {
    slips += $2; back[$1] = $5; refund[$1] = $6
    back_all += $5; refund_all += $6
    next
}
file == "reason" { reason[++reasons] = $0; next }
file == "hour" { hour[++hours] = $0; if ($7 > most) most = $7; next }
file == "segment" { segment[++segments] = $0; next }

function line(label, value, note) { printf "  %-22s %16s%s\n", label, value, (note == "" ? "" : "  " note) }
function title(text) { printf "\n%s\n%s\n", text, substr(dashes, 1, length(text)) }

END {
    dashes = "------------------------------------------------------------"
    for (i = 0; i < 96; i++) double = double "="
    print "RETAIL REPORT FOR " date ", " day " (" kind ")"
    print double
    print "Amounts in CNY. Net: gross less discounts, before returns. Margin: net less cost of goods."

    title("1. The day")
    line("Orders", grouped(orders), "from " grouped(members) " members, and walk-ins")
    line("Lines", grouped(rows), "")
    line("Pieces", grouped(pieces), "")
    line("Gross", money(gross), "")
    line("Discounts", money(gross - net), percent(gross - net, gross) " % of gross")
    line("Net", money(net), money(round(net / orders)) " per order")
    line("Margin", money(net - cost), percent(net - cost, net) " % of net")
    line("Returns", money(refund_all), percent(refund_all, net) " % of net, " grouped(back_all) " pieces on " grouped(slips) " slips")
    line("Net after returns", money(net - refund_all), "")

    title("2. Net by category and region")
    printf "  %-14s", "Category"
    for (r = 1; r <= nr; r++) printf " %13s", regions[r]
    printf " %13s\n", "Total"
    # The marts are sorted by region first, so the categories of one that sells less come late.
    for (c = 2; c <= nc; c++)
        for (i = c; i > 1 && categories[i - 1] > categories[i]; i--) {
            swap = categories[i]; categories[i] = categories[i - 1]; categories[i - 1] = swap
        }
    for (c = 1; c <= nc; c++) {
        printf "  %-14s", categories[c]
        for (r = 1; r <= nr; r++) printf " %13s", money(cell[regions[r], categories[c]])
        printf " %13s\n", money(by_category[categories[c]])
    }
    printf "  %-14s", "Total"
    for (r = 1; r <= nr; r++) printf " %13s", money(by_region[regions[r]])
    printf " %13s\n", money(net)

    title("3. Ten best products")
    printf "  %3s  %-6s  %-26s  %-14s %8s %14s %8s\n", "", "Id", "Product", "Category", "Pieces", "Net", "% of net"
    for (i = 1; i <= tops; i++) {
        split(top[i], f, "|")
        printf "  %2d.  %-6s  %-26s  %-14s %8s %14s %8s\n", i, f[1], product[f[1]], category_of[f[1]], grouped(f[5]), money(f[7]), percent(f[7], net)
    }

    title("4. Returns by category")
    printf "  %-14s %10s %10s %10s %14s %10s\n", "Category", "Sold", "Returned", "% pieces", "Amount", "% of net"
    for (c = 1; c <= nc; c++) {
        n = categories[c]
        printf "  %-14s %10s %10s %10s %14s %10s\n", n, grouped(sold[n]), grouped(back[n] + 0), percent(back[n], sold[n]), money(refund[n] + 0), percent(refund[n], by_category[n])
    }
    printf "  %-14s %10s %10s %10s %14s %10s\n", "Total", grouped(pieces), grouped(back_all), percent(back_all, pieces), money(refund_all), percent(refund_all, net)
    printf "  Reasons:"
    for (i = 1; i <= reasons; i++) {
        split(reason[i], f, "|")
        printf "%s %s %s", (i > 1 ? "," : ""), f[1], grouped(f[5])
    }
    print " pieces"

    title("5. Stores")
    printf "  %-4s  %-18s  %-9s  %-8s %8s %14s %9s\n", "Id", "Store", "Region", "Currency", "Orders", "Net", "Margin %"
    for (i = 1; i <= places; i++) {
        split(place[i], f, "|")
        printf "  %-4s  %-18s  %-9s  %-8s %8s %14s %9s\n", f[1], store[f[1]], region_of[f[1]], currency[f[1]], grouped(f[3]), money(f[7]), percent(f[7] - f[8], f[7])
    }

    title("6. Net by hour")
    for (i = 1; i <= hours; i++) {
        split(hour[i], f, "|")
        bar = ""
        for (j = round(f[7] * 50 / most); j > 0; j--) bar = bar "#"
        printf "  %s:00 %14s  %s\n", f[1], money(f[7]), bar
    }

    title("7. Members")
    printf "  %-10s %9s %9s %14s %12s\n", "Segment", "Members", "Orders", "Net", "Per order"
    for (i = 1; i <= segments; i++) {
        split(segment[i], f, "|")
        printf "  %-10s %9s %9s %14s %12s\n", f[1], grouped(f[4]), grouped(f[3]), money(f[7]), money(round(f[7] / f[3]))
    }

    title("8. Exchange rates, CNY for one unit")
    for (i = 1; i <= rates; i++) {
        r = rate[i]
        printf "  %-4s %9s  day before %9s  %+.2f %%\n", r, decimal6(now[r]), decimal6(before[r]), (now[r] - before[r]) * 100 / before[r]
    }

    title("9. Rows set aside")
    for (i = 1; i <= asides; i++) {
        split(aside[i], f, "|")
        printf "  %-10s %-16s %6s\n", f[1], f[2], grouped(f[3])
    }
    printf "\nReconciled: %d sums agree with the files received.\n", agreed
}

# Millionths with six decimals.
function decimal6(m) { return sprintf("%d.%06d", int(m / 1000000), m % 1000000) }
