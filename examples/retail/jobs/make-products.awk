# The assortment with list price and cost in CNY; the same every night. Some names come untidy.
BEGIN {
    seed("products")
    print "product", "name", "category", "price", "cost"
    add("Beverages", 600, 9000, "Green_tea Oolong_tea Coffee_beans Apple_juice Mineral_water")
    add("Snacks", 400, 4000, "Peanuts Rice_crackers Dark_chocolate Potato_chips Dried_mango")
    add("Fresh food", 500, 6000, "Apples Tomatoes Salmon Tofu Eggs")
    add("Bakery", 500, 3500, "Rye_bread Croissants Mooncakes Sponge_cake Steamed_buns")
    add("Household", 900, 12000, "Detergent Paper_towels Light_bulbs Storage_box Frying_pan")
    add("Personal care", 1200, 15000, "Shampoo Toothpaste Hand_cream Sun_lotion Razor")
    add("Electronics", 4900, 39900, "Headphones Power_bank Desk_lamp Kettle Smart_watch")
    add("Toys", 1900, 29900, "Building_blocks Puzzle Plush_panda Kite Chess_set")
}

function add(category, low, high, names,    a, b, i, k, n, name, small, price) {
    n = split(names, a, " ")
    split("small,family,gift", b, ",")
    for (i = 1; i <= n; i++) {
        small = low + random((high - low) / 2)
        for (k = 1; k <= 3; k++) {
            name = a[i] ", " b[k]
            gsub("_", " ", name)
            price = round(small * (5 + 4 * k) / 9)
            price -= price % 10
            if (random(10) == 0) name = " " name "  "
            print sprintf("P%04d", 1000 + ++count), name, category, decimal(price), decimal(round(price * (55 + random(25)) / 100))
        }
    }
}
