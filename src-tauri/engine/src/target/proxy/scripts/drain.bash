# Waits, at most $ROUNDS tenths of a second, until backend $IDLE and the servers in $SERVERS (as backend/server) have no sessions in
# any worker. Prints how many are left.
count() {
    local pid backend server sessions
    left=0
    find_workers
    for pid in $WORKERS; do
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
