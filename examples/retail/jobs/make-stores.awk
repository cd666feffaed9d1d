# The chain's stores; the same every night.
BEGIN {
    print "store", "name", "city", "region", "currency"
    add("North", "CNY", "Beijing Tianjin Shenyang Harbin Jinan")
    add("East", "CNY", "Shanghai Hangzhou Nanjing Suzhou Xiamen Ningbo")
    add("South", "CNY", "Guangzhou Shenzhen Changsha Wuhan Foshan")
    add("West", "CNY", "Chengdu Chongqing Kunming Guiyang")
    add("Overseas", "HKD", "Kowloon")
    add("Overseas", "SGD", "Singapore")
    add("Overseas", "JPY", "Osaka")
    add("Overseas", "EUR", "Hamburg")
}

function add(region, currency, cities,    a, i, n) {
    n = split(cities, a, " ")
    for (i = 1; i <= n; i++)
        print sprintf("S%02d", ++count), a[i] " " (count % 3 ? "Plaza" : "Station"), a[i], region, currency
}
