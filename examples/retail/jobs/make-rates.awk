# CNY for so many units of a currency, on the data date and on the day before.
BEGIN {
    print "currency", "units", "cny", "cny_before"
    add("CNY", 1, 10000, 0)
    add("HKD", 1, 9150, 40)
    add("SGD", 1, 53900, 300)
    add("JPY", 100, 47200, 400)
    add("EUR", 1, 78100, 500)
}

function add(currency, units, middle, spread) {
    print currency, units, rate(currency, today, middle, spread), rate(currency, before, middle, spread)
}

# Hangs on the date alone, so that today's rate is tomorrow's rate of the day before.
function rate(currency, day, middle, spread,    r) {
    seed("rates" tolower(currency) day)
    r = middle - spread + random(2 * spread + 1)
    return sprintf("%d.%04d", int(r / 10000), r % 10000)
}
