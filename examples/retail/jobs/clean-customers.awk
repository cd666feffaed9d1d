# customer|name|email|segment. Of several entries for a member the last one of the latest day counts.
FNR == 1 { next }
{
    gsub(/^ +| +$/, "", $4)
    if (!($1 in updated)) order[++n] = $1
    else if ($5 >= updated[$1]) print "superseded", row[$1]
    else { print "superseded", $0; next }
    updated[$1] = $5
    row[$1] = $0
    good[$1] = $1 OFS $2 OFS tolower($3) OFS ($4 == "" ? "unknown" : tolower($4))
}
END { for (i = 1; i <= n; i++) print "", good[order[i]] }
