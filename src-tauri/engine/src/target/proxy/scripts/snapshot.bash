# Prints the generation's name, its state, the records of environment $KEY, and what the current worker does.
hold -s
section state
state=$(<current/state.json)
printf '%s\n' "$state"
# Records of what served before lie there too; they are read when somebody asks for them. The state calls them "kept".
for file in "records/$KEY".*.json; do
    if [[ $state == *"\"record\": \"${file#records/}\""* ]] && [ -f "$file" ]; then
        section "record ${file#records/}"
        printf '%s\n' "$(<"$file")"
    fi
done
find_workers
show "$BACKENDS"
section end
