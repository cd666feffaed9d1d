# Groups by the columns named in `by`: rows, different orders and customers, and the sum of each amount.
FNR == 1 {
    for (i = 1; i <= NF; i++) column[$i] = i
    groups = by == "none" ? 0 : split(by, name, " ")
    amounts = "order" in column ? split("qty gross net cost", amount, " ") : split("qty amount", amount, " ")
    heading = "rows" OFS "orders" OFS "customers"
    for (i = 1; i <= groups; i++) {
        if (!(name[i] in column)) { print "no column " name[i] >"/dev/stderr"; failed = 1; exit 1 }
    }
    for (i = groups; i >= 1; i--) heading = name[i] OFS heading
    for (i = 1; i <= amounts; i++) heading = heading OFS amount[i]
    print groups ? heading : "all" OFS heading
    next
}
{
    group = groups ? $column[name[1]] : "all"
    for (i = 2; i <= groups; i++) group = group OFS $column[name[i]]
    rows[group]++
    if ("order" in column) {
        if (!((group, $column["order"]) in order)) { order[group, $column["order"]]; orders[group]++ }
        who = $column["customer"]
        if (who != "-" && !((group, who) in customer)) { customer[group, who]; customers[group]++ }
    }
    for (i = 1; i <= amounts; i++) sum[group, i] += $column[amount[i]]
}
END {
    if (failed) exit 1
    for (group in rows) {
        line = group OFS rows[group] OFS orders[group] + 0 OFS customers[group] + 0
        for (i = 1; i <= amounts; i++) line = line OFS sprintf("%.0f", sum[group, i])
        print line
    }
}
