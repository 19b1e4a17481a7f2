# Replaces generation $EXPECTED by $NEXT, whose folder was uploaded before.
# $KEY $NUMBER $TOKEN: the fence, or an empty $KEY for changes that belong to no environment.
# $RELOAD: `yes` when the workers must be replaced; else $COMMANDS are sent to them. $BACKENDS: whose servers are shown at the end.
# $OLD_FILES: files that nothing refers to once this is done.
hold
abandon() { rm -rf "generations/$NEXT"; exit "$1"; }
[ "$(readlink current)" = "generations/$EXPECTED" ] || abandon 75
# Another commit, by a laptop whose clock goes differently, may have taken the upload for an old one: then it is made again.
[ -f "generations/$NEXT/state.json" ] || abandon 75
if [ -n "$KEY" ]; then fence "$KEY" "$NUMBER" "$TOKEN" || abandon 76; fi

point() { ln -sfn "generations/$1" "current.$1" && mv -fT "current.$1" current; }

if [ "$RELOAD" = yes ]; then
    section refusal
    NONEVENT_STATE="$FOLDER/generations/$NEXT" haproxy -c -f "generations/$NEXT/haproxy.cfg" 2>&1 || abandon 78
fi
# The files must be on the disk before the link that names them is, or a power failure could leave a link to nothing.
sync "generations/$NEXT"/* "generations/$NEXT"
point "$NEXT" || abandon 1
sync .
if [ "$RELOAD" = yes ]; then
    # What the ACME client got a moment ago is in the workers' memory only, and they are about to go.
    find_workers
    for pid in $WORKERS; do master "@!$pid nonevent save" >/dev/null; done
    # It answers when the new worker runs, or does not.
    answer=$(master reload 30)
    if [[ $answer != Success=1* ]]; then
        point "$EXPECTED"
        master reload 30 >/dev/null
        section refusal
        printf '%s\n' "$answer"
        abandon 78
    fi
fi
find_workers
if [ "$RELOAD" != yes ]; then tell "$COMMANDS"; fi
show "$BACKENDS"
section end
# The generation before this one is left for whoever has followed the link and not opened the file yet; those before it go. So do
# uploads that were never committed, once they are old: they are named by their time (UUID version 7).
: >"generations/$EXPECTED/committed"
for folder in generations/*; do
    case ${folder#generations/} in "$EXPECTED" | "$NEXT") continue ;; esac
    if [ -f "$folder/committed" ] || [[ ${folder:12:7} < ${NEXT:0:7} ]]; then rm -rf "$folder"; fi
done
for file in $OLD_FILES; do rm -f "$file"; done
exit 0
