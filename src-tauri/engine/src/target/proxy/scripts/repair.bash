# Sends $COMMANDS to the workers if $EXPECTED is still the generation.
hold
[ "$(readlink current)" = "generations/$EXPECTED" ] || exit 75
find_workers
tell "$COMMANDS"
show "$BACKENDS"
section end
