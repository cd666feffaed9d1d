# clean-orders.awk STORES PRODUCTS ORDERS → key|order|hour|store|customer|product|qty|price|discount,
# where key is order.line, price is in cents of the store's currency and an unknown customer is "-".
FNR == 1 { file++ }
file == 1 { store[$1]; next }
file == 2 { product[$1]; next }
FNR == 1 { next }
{
    key = $1 "." $2
    if (key in seen) why = "duplicate"
    else if ($3 !~ /^([01][0-9]|2[0-3]):[0-5][0-9]$/) why = "bad-time"
    else if (!($4 in store)) why = "unknown-store"
    else if (!($6 in product)) why = "unknown-product"
    else if ($7 !~ /^[1-9][0-9]*$/) why = "bad-quantity"
    else if (cents($8) <= 0) why = "bad-price"
    else why = ""
    seen[key]
    if (why != "") { print why, $0; next }
    print "", key, $1, substr($3, 1, 2), $4, ($5 == "" ? "-" : $5), $6, $7, cents($8), $9
}
