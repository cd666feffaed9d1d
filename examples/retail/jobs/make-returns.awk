# make-returns.awk ORDERS: goods brought back on the day they were bought. Some slips name an order
# that nobody knows, or more pieces than were sold.
BEGIN {
    print "return", "order", "line", "qty", "reason"
    seed("returns" date)
}
FNR == 1 || ($1, $2) in seen { next }
{
    seen[$1, $2]
    if (random(100) >= 4 + 4 * ($6 < "P1050")) next
    qty = $7 > 1 ? 1 + random($7) : 1
    if (random(100) == 0) qty += 5
    id = random(120) ? $1 : "unknown-" ++unknown
    print sprintf("R%05d", ++count), id, $2, qty, pick("damaged wrong-size not-needed not-needed expired")
}
