# Waits, at most $ROUNDS tenths of a second, until a worker runs.
for ((round = 0; round < ROUNDS; round++)); do
    if [ -n "$(workers)" ]; then exit 0; fi
    sleep 0.1
done
exit 79
