# Common to every script that runs in the proxy's container. $MASTER is the port of the master process, $FOLDER the volume.
set -u
cd "$FOLDER" || exit 1

section() { printf '\n\001section %s\n' "$1"; }

# Sends lines to the master process and prints its answers.
master() {
    { exec 3<>"/dev/tcp/127.0.0.1/$MASTER"; } 2>/dev/null || exit 79
    printf '%s\nquit\n' "$1" >&3
    cat <&3
    exec 3>&-
}

# Prints the process ids of all workers, the current one first.
workers() {
    local pid kind
    while read -r pid kind _; do
        if [ "$kind" = worker ]; then echo "$pid"; fi
    done <<<"$(master 'show proc')"
}

# Takes the lock of the volume until the script ends.
hold() {
    exec 8>>lock
    flock -w 20 "$@" 8 || exit 74
}

# Refuses a holder of the environment's lock that was succeeded; remembers one that is newer. $1 environment, $2 number, $3 token.
fence() {
    local number=0 token=
    if [ -f "fences/$1" ]; then read -r number token <"fences/$1"; fi
    if ((number > $2)) || { ((number == $2)) && [ "$token" != "$3" ]; }; then return 1; fi
    if ((number < $2)); then
        mkdir -p fences
        printf '%s %s\n' "$2" "$3" >"fences/$1.new" && mv -f "fences/$1.new" "fences/$1"
    fi
}

# Sends every line of $1 to every worker.
tell() {
    local pid line batch
    [ -n "$1" ] || return 0
    for pid in $(workers); do
        batch=
        while IFS= read -r line; do batch+="@!$pid $line"$'\n'; done <<<"$1"
        section "told $pid"
        master "$batch"
    done
}

# Prints what the current worker does: every map, and the servers of the backends in $1.
show() {
    local pid name
    pid=$(workers | head -n 1)
    [ -n "$pid" ] || exit 79
    for name in hosts serving preview check-path check-host; do
        section "map $name.map"
        master "@!$pid show map $name.map"
    done
    for name in $1; do
        section "servers $name"
        master "@!$pid show servers state $name"
    done
}
