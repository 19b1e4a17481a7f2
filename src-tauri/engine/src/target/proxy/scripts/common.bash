# Common to every script that runs in the proxy's container. $MASTER is the port of the master process, $FOLDER the volume.
# Processes are dear on a busy machine: what bash can do itself, it does.
set -u
cd "$FOLDER" || exit 1

section() { printf '\n\001section %s\n' "$1"; }

# Sends the lines of $1 to the master process and prints its answers. A master that replaces itself hangs up on whoever it had accepted
# and not heard yet; one whose worker is not ready yet may never answer what it passed on. It is called again, as every line may be sent
# twice. $2: seconds that it may be silent, if not $PATIENCE.
PATIENCE=4
trap '' PIPE
master() {
    local line answer status tries
    for ((tries = 1; tries <= 5; tries++)); do
        { exec 3<>"/dev/tcp/127.0.0.1/$MASTER"; } 2>/dev/null || exit 79
        answer=''
        status=0
        if printf '%s\nquit\n' "$1" >&3; then
            while IFS= read -r -t "${2:-$PATIENCE}" line <&3 || { status=$? && false; }; do answer+=$line$'\n'; done
            # Above 128 its time was over; else it said all and hung up.
            if ((status <= 128)); then
                exec 3>&-
                printf '%s' "$answer"
                return
            fi
            # Not for as long as one that hangs up at once.
            ((tries += 2))
        fi 2>/dev/null
        exec 3>&-
        sleep "0.$tries"
    done
    exit 79
}

# Sets $WORKERS to the process ids of all workers, the current one first.
find_workers() {
    local pid kind
    WORKERS=
    while read -r pid kind _; do
        if [ "$kind" = worker ]; then WORKERS+="$pid "; fi
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
    if [ -z "$1" ]; then return; fi
    for pid in $WORKERS; do
        batch=
        while IFS= read -r line; do batch+="@!$pid $line"$'\n'; done <<<"$1"
        section "told $pid"
        master "${batch%$'\n'}"
    done
}

# Prints what the current worker does: every map, and the servers of the backends in $1.
show() {
    local pid=${WORKERS%% *} name batch=
    [ -n "$pid" ] || exit 79
    for name in hosts serving preview share scheme check-path check-host; do
        batch+="@!$pid echo "$'\001'"section map $name.map"$'\n'"@!$pid show map $name.map"$'\n'
    done
    for name in $1; do
        batch+="@!$pid echo "$'\001'"section servers $name"$'\n'"@!$pid show servers state $name"$'\n'
    done
    echo
    master "${batch%$'\n'}"
}
