# Turns price, discount and rate into amounts: gross, net and cost in cents of CNY.
{
    local_gross = $10 * $11
    local_net = round(local_gross * (100 - $12) / 100)
    print $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
        round(local_gross * $13 / 1000000), round(local_net * $13 / 1000000), $10 * $14
}
