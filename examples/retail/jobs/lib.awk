# Shared by the awk programs. Only what every awk has: no intervals in expressions, no gensub.

# Random numbers, the same in every awk: Park and Miller's minimal standard generator, whose products
# stay below 2^46 and are therefore exact in the doubles that awk counts with.
function seed(text,    i) {
    SEED = 20011
    for (i = 1; i <= length(text); i++)
        SEED = (SEED * 31 + index("0123456789-abcdefghijklmnopqrstuvwxyz", substr(text, i, 1))) % 2147483646
    SEED += 1
    for (i = 0; i < 8; i++) random(1)
}

# A whole number, 0 <= number < n.
function random(n) {
    SEED = (SEED * 16807) % 2147483647
    return int(SEED / 2147483647 * n)
}

# One of the words of a text.
function pick(words,    a, n) {
    n = split(words, a, " ")
    return a[random(n) + 1]
}

# The nearest whole number to one that is not negative; halves go up.
function round(x) { return int(x + 0.5) }

# "12.5" or "12.50" as 1250, without a detour through fractions; -1 if it is no amount.
function cents(text,    a) {
    if (text !~ /^[0-9]+(\.[0-9]?[0-9]?)?$/) return -1
    split(text "." , a, ".")
    return a[1] * 100 + substr(a[2] "00", 1, 2)
}

# 1250 as "12.50".
function decimal(c) { return sprintf("%.0f.%02d", (c - c % 100) / 100, c % 100) }

# 1234567 as "1,234,567".
function grouped(n,    s, t) {
    s = sprintf("%.0f", n < 0 ? -n : n)
    t = ""
    while (length(s) > 3) {
        t = "," substr(s, length(s) - 2) t
        s = substr(s, 1, length(s) - 3)
    }
    return (n < 0 ? "-" : "") s t
}

# 123456789 cents as "1,234,567.89".
function money(c,    m) {
    m = c < 0 ? -c : c
    return (c < 0 ? "-" : "") grouped((m - m % 100) / 100) "." sprintf("%02d", m % 100)
}

# part of whole in percent, two decimals.
function percent(part, whole) { return whole ? sprintf("%.2f", part * 100 / whole) : "0.00" }

# Days from 1970-01-01 to a date of the Gregorian calendar.
function days(date,    a, y, m) {
    split(date, a, "-")
    y = a[1] + 0
    m = a[2] + 0
    if (m <= 2) { y--; m += 12 }
    return 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * m - 457) / 5) + a[3] - 719469
}

# 1 Monday … 7 Sunday.
function weekday(date) { return (days(date) + 3) % 7 + 1 }

function weekday_name(date,    a) {
    split("Monday Tuesday Wednesday Thursday Friday Saturday Sunday", a, " ")
    return a[weekday(date)]
}
