# Waits, at most $ROUNDS halves of a second, until certificate $CERTIFICATE of the ACME client is valid; asks for it when it is not
# being asked for already; with $FRESH `yes` a new worker asks anew. Prints `valid` or `missing`.
status() {
    local name expires
    state=none
    while IFS=$'\t' read -r name _ state expires _; do
        if [ "$name" = "$CERTIFICATE" ]; then
            if [[ $expires > $(printf '%(%Y-%m-%dT%H:%M:%SZ)T' -1) ]]; then state=valid; fi
            return
        fi
    done <<<"$(TZ=UTC master "@!$worker acme status")"
    state=none
}
export TZ=UTC
for ((round = 0; ; round++)); do
    # A reload may come in between.
    find_workers
    worker=${WORKERS%% *}
    status
    if [ "$state" = valid ]; then
        master "@!$worker nonevent save" >/dev/null
        section certificate
        echo valid
        exit 0
    fi
    if ((round >= ROUNDS)); then break; fi
    if [ "$FRESH" = yes ] && ((round == 0)); then
        hold
        master reload 30 >/dev/null
        exec 8>&-
    fi
    if [ "$state" != Running ] && ((round % 20 == 0)); then master "@!$worker acme renew $CERTIFICATE" >/dev/null; fi
    sleep 0.5
done
section certificate
echo missing
