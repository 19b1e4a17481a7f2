# Waits, at most $ROUNDS tenths of a second, until a worker runs.
for ((round = 0; round < ROUNDS; round++)); do
    # In a process of its own: a master that does not listen yet ends it.
    if [ -n "$(find_workers && echo "$WORKERS")" ]; then exit 0; fi
    sleep 0.1
done
exit 79
