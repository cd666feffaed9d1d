# date|name of the weekday|number of the weekday, Monday 1|day of the year|weekend or workday
BEGIN {
    print date, weekday_name(date), weekday(date), days(date) - days(substr(date, 1, 4) "-01-01") + 1, \
        (weekday(date) >= 6 ? "weekend" : "workday")
}
