# Prints the generation's name, its state, the records of environment $KEY, and what the current worker does.
hold -s
section state
printf '%s\n' "$(<current/state.json)"
for file in "records/$KEY".*.json; do
    if [ -f "$file" ]; then
        section "record ${file#records/}"
        printf '%s\n' "$(<"$file")"
    fi
done
find_workers
show "$BACKENDS"
section end
