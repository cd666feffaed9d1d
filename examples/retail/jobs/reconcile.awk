# The day's sums straight from the received files. Shares nothing with the programs that it checks.
FNR == 1 { next }
file == "rate" { rate[$1] = $3 / $2; next }
file == "store" { region[$1] = $4; currency[$1] = $5; next }
file == "product" { cost[$1] = int($5 * 100 + 0.5); next }

file == "order" {
    id = $1 "/" $2
    if (met[id]++) next
    split($3, clock, ":")
    if (clock[1] > 23 || clock[2] > 59 || region[$4] == "" || cost[$6] == "" || $7 < 1 || $8 <= 0) next
    gross = $7 * int($8 * 100 + 0.5)
    net = int(gross * (100 - $9) / 100 + 0.5)
    # A hair more than a half: the rate is a fraction here, and 0.5 may come out as 0.49999….
    gross = int(gross * rate[currency[$4]] + 0.500001)
    net = int(net * rate[currency[$4]] + 0.500001)
    lines++
    orders += !by_order[$1]++
    if ($5 != "") members += !by_member[$5]++
    pieces += $7
    all_gross += gross
    all_net += net
    all_cost += $7 * cost[$6]
    by_region[region[$4]] += net
    sold[id] = $7
    paid[id] = net
    next
}

file == "return" {
    id = $2 "/" $3
    if (!(id in sold) || $4 < 1 || $4 > sold[id] || back[id]++) next
    return_lines++
    returned += $4
    amount += int(paid[id] * $4 / sold[id] + 0.5)
}

END {
    printf "lines|%.0f\norders|%.0f\nmembers|%.0f\npieces|%.0f\n", lines, orders, members, pieces
    printf "gross|%.0f\nnet|%.0f\ncost|%.0f\n", all_gross, all_net, all_cost
    for (r in by_region) printf "net %s|%.0f\n", r, by_region[r]
    printf "return lines|%.0f\nreturned pieces|%.0f\nreturned amount|%.0f\n", return_lines, returned, amount
}
