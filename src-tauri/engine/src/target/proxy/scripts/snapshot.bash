# Prints the generation's name, its state, the records of environment $KEY, and what the current worker does.
hold -s
section generation
readlink current
section state
cat current/state.json
for file in "records/$KEY".*.json; do
    if [ -f "$file" ]; then
        section "record ${file#records/}"
        cat "$file"
    fi
done
section fence
cat "fences/$KEY" 2>/dev/null
show "$BACKENDS"
section end
