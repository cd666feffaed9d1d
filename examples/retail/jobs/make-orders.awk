# make-orders.awk STORES PRODUCTS CUSTOMERS: what the tills sent, a row for each line of an order, in
# the store's currency. About one row in fifty has a fault that `clean` must find.
FNR == 1 { file++; next }
file == 1 { store[++stores] = $1; currency[stores] = $5 }
file == 2 { product[++products] = $1; price[products] = cents($4) }
file == 3 { if (!($1 in seen)) { seen[$1]; customer[++customers] = $1 } }

END {
    # Price labels overseas hold fixed factors, in percent; the day's exchange rate moves the margin.
    factor["CNY"] = 100; factor["HKD"] = 112; factor["SGD"] = 20; factor["JPY"] = 2200; factor["EUR"] = 14
    print "order", "line", "time", "store", "customer", "product", "qty", "unit_price", "discount_percent"
    seed("orders" date)
    orders = (weekday(date) >= 6 ? 1700 : 1200) + random(200)
    day = date
    gsub("-", "", day)
    for (o = 1; o <= orders; o++) {
        id = sprintf("%s-%05d", day, o)
        s = 1 + random(stores)
        if (s > stores - 4 && random(2)) s = 1 + random(6)
        who = random(100) < 35 ? "" : customer[1 + random(customers)]
        # Two peaks: noon, and after work.
        hour = random(5) < 2 ? 9 + random(3) + random(4) : 15 + random(4) + random(4)
        time = sprintf("%02d:%02d", hour, random(60))
        lines = 1 + random(2) + random(3)
        for (l = 1; l <= lines; l++) row(l)
    }
}

function row(l,    p, qty, unit, off, fault, text) {
    p = 1 + int(random(products) * random(products) / products)  # some sell better
    p = 1 + (p * 47) % products
    qty = 1 + (random(3) ? 0 : random(4))
    unit = round(price[p] * factor[currency[s]] / 100)
    off = random(5) ? 0 : 5 * (1 + random(4))
    fault = random(250)
    text = id OFS l OFS (fault == 0 ? "24:61" : time) OFS (fault == 1 ? "S99" : store[s]) OFS who \
        OFS (fault == 2 ? "P9999" : product[p]) OFS (fault == 3 ? 0 : qty) OFS (fault == 4 ? "" : decimal(unit)) OFS off
    print text
    if (random(150) == 0) print text  # sent twice
}
