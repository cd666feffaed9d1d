# mart.sh FACT COLUMNS: sums of a fact by the columns named ("none": one row of all), with a heading, to
# mart/FLOW-JOB's name.psv.
. "$(dirname "$0")/lib.sh"

fact=$1
columns=$2
mart=mart/${HCNDC_JOB_NAME:?the name of the job, set by the scheduler}.psv

sums() {
    run sums.awk -v by="$columns" "$DAY/fact/$fact.psv" >"$DAY/tmp/sums-$HCNDC_JOB_NAME"
    sed 1q "$DAY/tmp/sums-$HCNDC_JOB_NAME"
    sed 1d "$DAY/tmp/sums-$HCNDC_JOB_NAME" | sort
}

need "fact/$fact.psv"
put "$mart" sums
cat "$DAY/$mart"
