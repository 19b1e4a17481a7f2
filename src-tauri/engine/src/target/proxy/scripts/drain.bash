# Waits, at most $ROUNDS tenths of a second, until backend $IDLE and the servers in $SERVERS (as backend/server) have no sessions.
# Prints how many are left.
count() {
    local pid backend server sessions
    left=0
    for pid in $(workers); do
        while IFS=, read -r backend server _ _ sessions _; do
            [[ $sessions =~ ^[0-9]+$ ]] || continue
            if { [ "$server" = BACKEND ] && [ "$backend" = "$IDLE" ]; } || [[ " $SERVERS " == *" $backend/$server "* ]]; then
                left=$((left + sessions))
            fi
        done <<<"$(master "@!$pid show stat")"
    done
}
for ((round = 0; ; round++)); do
    count
    if ((left == 0 || round >= ROUNDS)); then break; fi
    sleep 0.1
done
section left
echo "$left"
