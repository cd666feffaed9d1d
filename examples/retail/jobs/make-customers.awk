# Members of the chain's club: those of old, and those who joined on the data date. A member who
# changed something is in the file twice, and the later entry counts.
BEGIN {
    print "customer", "name", "email", "segment", "updated"
    seed("customers")
    for (i = 1; i <= 1500; i++) member(i, sprintf("202%d-%02d-%02d", random(5), 1 + random(12), 1 + random(28)))
    seed("customers" date)
    joined = 5 + random(20)
    for (i = 1501; i <= 1500 + joined; i++) member(i, date)
    for (i = 1; i <= 40; i++) member(1 + random(1500), date)
}

function member(i, updated,    given, family, email, segment) {
    given = pick("Wei Fang Min Jing Lei Yan Tao Anna Omar Lena Ken Maria")
    family = pick("Wang Li Zhang Chen Liu Yang Huang Zhao Wu Zhou Tan Weber")
    email = tolower(given "." family) i "@example.com"
    segment = pick("regular regular regular regular silver silver gold")
    if (random(12) == 0) email = toupper(email)
    if (random(15) == 0) segment = toupper(substr(segment, 1, 1)) substr(segment, 2) " "
    if (random(60) == 0) segment = ""
    print sprintf("C%05d", i), given " " family, email, segment, updated
}
