# Shared by the jobs: where the day's files lie, and how they are written.
set -eu
LC_ALL=C
export LC_ALL

: "${DAY:?the folder of the day, set by the mesh}"
: "${HCNDC_DATE:?the data date, YYYY-MM-DD, set by the scheduler}"
case $HCNDC_DATE in
    [0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]) ;;
    *) echo "not a date: $HCNDC_DATE" >&2; exit 64 ;;
esac
jobs=$(dirname "$0")

# fail WHY: ends the job.
fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# need FILE...: fails unless each file of the day is there with something in it.
need() {
    for file in "$@"; do
        [ -s "$DAY/$file" ] || fail "$DAY/$file is missing or empty"
    done
}

# put FILE COMMAND...: the command's output becomes a file of the day. The file appears whole or not
# at all, so that an attempt that was cut short leaves nothing to stumble over.
put() {
    target=$DAY/$1
    part=$DAY/tmp/$(echo "$1" | tr / -).$$
    shift
    mkdir -p "${target%/*}" "$DAY/tmp"
    "$@" >"$part"
    mv "$part" "$target"
}

# by KEY FILE...: sorts |-separated rows by their field KEY, then by the whole row.
by() {
    key=$1
    shift
    sort -t '|' -k "$key,$key" "$@"
}

# run PROGRAM [ARGUMENT...]: an awk program of this folder on |-separated fields.
run() {
    program=$1
    shift
    awk -F '|' -v OFS='|' -v date="$HCNDC_DATE" -f "$jobs/lib.awk" -f "$jobs/$program" "$@"
}
