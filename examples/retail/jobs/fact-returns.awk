# What was paid for the pieces that came back.
{ print $1, $2, $3, $4, $5, $6, round($7 * $6 / $9), $8 }
