# Docker engines of the lab's own: start, find again by pid, stop. Never touches an engine that was found.
# Sourced, never run.
#
# Each engine has a folder engines/NAME: data (images, volumes), exec, docker.pid, docker.log, daemon.json,
# `socket` (where it listens), `programs` (where its dockerd is), and for one beside another `slot` (its addresses).
# shellcheck shell=bash

readonly DEFAULT_SOCKET=/var/run/docker.sock

engine_dir() { echo "$LAB_DIR/engines/$1"; }
engine_socket() { cat "$(engine_dir "$1")/socket" 2>/dev/null; }
engine_pid() { live_pid "$(engine_dir "$1")/pid" "--pidfile=$(engine_dir "$1")/docker.pid"; }
socket_answers() { curl -fsS -m 10 -o /dev/null --unix-socket "$1" http://engine/_ping 2>/dev/null; }

# The docker command, talking to one of our engines and reading no configuration of the user's.
docker_on() {
    local engine=$1
    shift
    env -u DOCKER_CONTEXT -u DOCKER_TLS_VERIFY DOCKER_CONFIG="$LAB_DIR/docker-config" DOCKER_BUILDKIT=0 \
        DOCKER_HOST="unix://$(engine_socket "$engine")" docker "$@"
}

check_engine_name() {
    [[ $1 =~ ^[a-z0-9][a-z0-9-]*$ && ${#1} -le $LAB_NAME_MAX ]] ||
        die "\`$1\` is no engine name: a-z, 0-9 and -, at most $LAB_NAME_MAX characters"
}

# Names of network devices end at 15 characters.
engine_bridge() { echo "nlab-${1:0:LAB_NAME_MAX}"; }

# An engine beside another has a bridge of its own, 198.18.SLOT.0/24: a range set aside for tests, so that no real
# network here is shadowed.
engine_give_bridge() {
    local dir bridge slot
    dir=$(engine_dir "$1")
    bridge=$(engine_bridge "$1")
    if ip link show "$bridge" >/dev/null 2>&1; then
        [[ -s $dir/slot ]] || die "a network device $bridge exists that this lab did not make"
        return
    fi
    (
        flock 8
        for slot in $(cat "$dir/slot" 2>/dev/null) {1..200}; do
            ip -o -4 addr show | grep -F " 198.18.$slot.1/" >/dev/null && continue
            ip link add name "$bridge" type bridge
            ip addr add "198.18.$slot.1/24" dev "$bridge"
            ip link set "$bridge" up
            echo "$slot" >"$dir/slot"
            exit
        done
        die "two hundred engines run already: stop one"
    ) 8>/run/lock/nonevent-lab.lock
}

# Engines that both write the machine's packet filter erase each other's chains. One beside another therefore writes
# nothing (its published ports go through docker-proxy), and these few rules, after all others, let its containers out.
BESIDE_RULES=(
    "mangle FORWARD -i nlab-+ -j MARK --or-mark 0x20000000"
    "mangle FORWARD -i br-+ -j MARK --or-mark 0x20000000"
    "nat POSTROUTING -m mark --mark 0x20000000/0x20000000 -j MASQUERADE"
    "filter FORWARD -i nlab-+ ! -o br-+ -j ACCEPT"
    "filter FORWARD -i br-+ ! -o br-+ -j ACCEPT"
    "filter FORWARD -o nlab-+ -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
    "filter FORWARD -o br-+ -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
)
# Where the filter sees even what stays on one bridge, that passes.
if [[ $(cat /proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null) == 1 ]]; then
    BESIDE_RULES+=("filter FORWARD -m physdev --physdev-is-bridged -j ACCEPT")
fi
readonly BESIDE_RULES

beside_rules_add() {
    local table rule
    while read -r table rule; do
        # shellcheck disable=SC2086 # a rule is several words
        iptables -w -t "$table" -C $rule 2>/dev/null || iptables -w -t "$table" -A $rule
    done < <(printf '%s\n' "${BESIDE_RULES[@]}")
}

beside_rules_remove() {
    local table rule
    while read -r table rule; do
        # shellcheck disable=SC2086 # a rule is several words
        iptables -w -t "$table" -D $rule 2>/dev/null || true
    done < <(printf '%s\n' "${BESIDE_RULES[@]}")
}

# A file as the disk of an engine's data: it can be filled without harm to anything else.
engine_give_disk() {
    local dir
    dir=$(engine_dir "$1")
    if grep -qF " $dir/data " /proc/self/mounts; then return; fi
    mkdir -p "$dir/data"
    [[ -z $(ls -A "$dir/data") ]] || die "the engine $1 has data already, on no disk of its own: purge it first"
    truncate -s "$2" "$dir/disk.ext4"
    mkfs.ext4 -q -F -m 0 "$dir/disk.ext4"
    mount -o loop "$dir/disk.ext4" "$dir/data" || die "a file cannot be mounted as a disk here: that needs root and a loop device"
}

engine_write_config() {
    local engine=$1 mirror=$2 features=$3 dir pools=
    dir=$(engine_dir "$engine")
    # Room for thousands of networks instead of thirty. Only where docker0 is ours: dockerd deletes docker0 when it
    # starts again with pools of its own, whichever engine that belongs to.
    [[ -s $dir/slot ]] || pools='{"base": "172.16.0.0/12", "size": 24}'
    cat >"$dir/daemon.json.new" <<JSON
{
  "log-level": "warn",
  "registry-mirrors": [${mirror:+\"$mirror\"}],
  "features": {$features},
  "default-address-pools": [$pools]
}
JSON
    mv "$dir/daemon.json.new" "$dir/daemon.json"
}

# The containerd of a killed dockerd is about to end too: a new dockerd must not take it for a running one.
engine_end_containerd() {
    local folder=$1/exec/containerd pid
    while pid=$(live_pid "$folder/containerd.pid" "$folder/containerd.toml"); do
        kill -KILL "$pid" 2>/dev/null || true
        sleep 0.05
    done
    rm -f "$folder/containerd.pid"
}

# What a killed machine leaves in exec is worthless after a restart of it.
engine_forget_old_boot() {
    local dir=$1 boot
    boot=$(cat /proc/sys/kernel/random/boot_id)
    if [[ $(cat "$dir/boot" 2>/dev/null) != "$boot" ]]; then rm -rf "$dir/exec"; fi
    echo "$boot" >"$dir/boot"
}

engine_wait() {
    local engine=$1 dir socket tries=600
    dir=$(engine_dir "$engine")
    socket=$(engine_socket "$engine")
    until socket_answers "$socket"; do
        if ((tries-- == 0)) || ! engine_pid "$engine" >/dev/null; then
            tail -n 5 "$dir/docker.log" >&2
            die "the engine $engine did not start: see $dir/docker.log"
        fi
        sleep 0.1
    done
}

# engine_start NAME SOCKET PROGRAMS [MIRROR] [FEATURES]: PROGRAMS is a folder that comes first on the PATH, or empty.
engine_start() {
    local engine=$1 socket=$2 programs=$3 mirror=${4:-} features=${5:-} dir started flags=()
    dir=$(engine_dir "$engine")
    started=$(now_ms)
    ((${#socket} < 100)) || die "the socket path $socket is too long: set NONEVENT_LAB_DIR to a shorter folder"
    mkdir -p "$dir" "$LAB_DIR/docker-config"
    rm -f "$dir/docker.pid" "$dir/pid"
    engine_end_containerd "$dir"
    engine_forget_old_boot "$dir"
    if [[ $socket != "$DEFAULT_SOCKET" ]]; then
        engine_give_bridge "$engine"
        beside_rules_add
        flags+=("--bridge=$(engine_bridge "$engine")" --iptables=false --ip6tables=false)
    fi
    [[ -z ${NONEVENT_LAB_GROUP:-} ]] || flags+=("--group=$NONEVENT_LAB_GROUP")
    echo "$socket" >"$dir/socket"
    engine_write_config "$engine" "$mirror" "$features"
    env -u DOCKER_HOST PATH="${programs:+$programs:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
        setsid nohup dockerd --config-file="$dir/daemon.json" --pidfile="$dir/docker.pid" --host="unix://$socket" \
        --data-root="$dir/data" --exec-root="$dir/exec" \
        --containerd-namespace="lab-$engine" --containerd-plugins-namespace="lab-$engine-plugins" \
        "${flags[@]}" >>"$dir/docker.log" 2>&1 </dev/null 9>&- &
    # Ours, at once: dockerd refuses to start where its own pid file names a living process.
    echo $! >"$dir/pid"
    engine_wait "$engine"
    say "engine $engine $(docker_on "$engine" version --format '{{.Server.Version}}') on unix://$socket ($(took "$started"))"
}

engine_set_mirror() {
    local engine=$1 mirror=$2 dir tries=100
    dir=$(engine_dir "$engine")
    grep -qF "\"$mirror\"" "$dir/daemon.json" && return
    engine_write_config "$engine" "$mirror" ""
    kill -HUP "$(engine_pid "$engine")"
    until docker_on "$engine" info --format '{{.RegistryConfig.Mirrors}}' 2>/dev/null | grep -F "$mirror" >/dev/null; do
        ((tries-- > 0)) || die "the engine $engine did not take up its mirror: see $dir/docker.log"
        sleep 0.1
    done
}

# The bridges of its networks outlive an engine; a purge must know them.
engine_note_bridges() {
    docker_on "$1" network ls --quiet --filter driver=bridge 2>/dev/null | sed 's/^/br-/' >"$(engine_dir "$1")/bridges" || true
}

engine_stop() {
    local engine=$1 dir
    dir=$(engine_dir "$engine")
    engine_pid "$engine" >/dev/null || return 0
    engine_note_bridges "$engine"
    stop_pid "$dir/pid" "--pidfile=$dir/docker.pid" 30
    say "engine $engine stopped"
}

# The crash of dockerd alone: its containers' processes live on until it starts again and ends them. (20.10 then
# counts them as stopped by hand: `unless-stopped` does not bring them back, `always` does.)
engine_kill() {
    local engine=$1 pid dir
    dir=$(engine_dir "$engine")
    pid=$(engine_pid "$engine") || die "the engine $engine does not run"
    engine_note_bridges "$engine"
    kill -KILL "$pid"
    while engine_pid "$engine" >/dev/null; do sleep 0.05; done
    rm -f "$dir/docker.pid" "$dir/pid"
    engine_end_containerd "$dir"
    say "engine $engine killed, its containers live on until it starts again"
}

# The crash of the machine: everything of this engine ends at once.
engine_crash() {
    engine_kill "$1"
    engine_end_shims "$1"
    say "its containers ended with it"
}

# Ends the containers of an engine that does not run: each is the child of a shim that names the engine.
engine_end_shims() {
    local engine=$1 shim pids=()
    for shim in /proc/[0-9]*; do
        grep -zqxF -- "lab-$engine" "$shim/cmdline" 2>/dev/null || continue
        grep -zqF "$(engine_dir "$engine")/exec/containerd/containerd.sock" "$shim/cmdline" 2>/dev/null || continue
        # shellcheck disable=SC2046 # numbers
        pids+=("${shim#/proc/}" $(cat "$shim"/task/*/children 2>/dev/null))
    done
    ((${#pids[@]})) || return 0
    kill -KILL "${pids[@]}" 2>/dev/null || true
}

# Leaves nothing of an engine: containers, networks, bridge, data.
engine_purge() {
    local engine=$1 dir bridge
    dir=$(engine_dir "$engine")
    if engine_pid "$engine" >/dev/null; then
        docker_on "$engine" ps -aq | xargs -r env DOCKER_HOST="unix://$(engine_socket "$engine")" docker rm -f >/dev/null || true
        docker_on "$engine" network prune -f >/dev/null || true
    fi
    engine_stop "$engine"
    engine_end_shims "$engine"
    while read -r bridge; do ip link del "$bridge" 2>/dev/null || true; done < <(cat "$dir/bridges" 2>/dev/null)
    if [[ -s $dir/slot ]]; then
        ip link del "$(engine_bridge "$engine")" 2>/dev/null || true
        ip -o link show | grep -F ': nlab-' >/dev/null || beside_rules_remove
    elif [[ $(engine_socket "$engine") == "$DEFAULT_SOCKET" ]]; then
        ip link del docker0 2>/dev/null || true
    fi
    if grep -qF " $dir/" /proc/self/mounts; then
        awk -v dir="$dir/" 'index($2, dir) == 1 { print $2 }' /proc/self/mounts | sort -r | xargs -r umount ||
            die "something under $dir is still mounted: its data is kept"
    fi
    rm -rf "$dir"
}

engine_names() {
    local dir
    for dir in "$LAB_DIR"/engines/*/; do
        [[ -d $dir ]] && basename "$dir"
    done
    return 0
}
