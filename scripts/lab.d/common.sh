# What every part of the lab shares: where it lives, how it speaks, how it knows its own processes.
# Sourced, never run. Needs nothing but bash and coreutils.
# shellcheck shell=bash disable=SC2034 # names that the other parts use

readonly LAB_NAME_MAX=10

# The folder that holds all of the lab's state.
lab_default_dir() {
    if [[ $(id -u) -eq 0 ]]; then
        echo /var/lib/nonevent-lab
    else
        echo "${XDG_DATA_HOME:-$HOME/.local/share}/nonevent-lab"
    fi
}

LAB_DIR=${NONEVENT_LAB_DIR:-$(lab_default_dir)}

say() { printf '%s: %s\n' "$SAY_AS" "$*" >&2; }

die() {
    say "$*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Milliseconds since the epoch.
now_ms() {
    local now=${EPOCHREALTIME/[.,]/}
    echo $((now / 1000))
}

# Seconds with one decimal since a value of now_ms, e.g. `3.2 s`.
took() {
    local ms=$(($(now_ms) - $1))
    printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
}

# live_pid FILE ARGUMENT: prints the pid in FILE if that process lives and has ARGUMENT on its command line,
# so that a stale file whose number now belongs to another process is never believed.
live_pid() {
    local pid
    [[ -r $1 ]] && pid=$(<"$1") && [[ $pid =~ ^[0-9]+$ ]] || return 1
    grep -zqxF -- "$2" "/proc/$pid/cmdline" 2>/dev/null || return 1
    echo "$pid"
}

# stop_pid FILE ARGUMENT SECONDS: asks the process to end, insists after SECONDS, removes the file.
stop_pid() {
    local pid tries=$(($3 * 10))
    if pid=$(live_pid "$1" "$2"); then
        kill -TERM "$pid" 2>/dev/null || true
        while ((tries-- > 0)) && live_pid "$1" "$2" >/dev/null; do sleep 0.1; done
        if live_pid "$1" "$2" >/dev/null; then
            say "process $pid did not end within $3 s, killing it"
            kill -KILL "$pid" 2>/dev/null || true
            while live_pid "$1" "$2" >/dev/null; do sleep 0.1; done
        fi
    fi
    rm -f "$1"
}

# Runs the same command as root when it is not root already, with the lab folder it would have used.
become_root() {
    [[ $(id -u) -ne 0 ]] || return 0
    have sudo || die "this needs root, and there is no sudo: run it as root"
    say "this needs root: asking sudo"
    exec sudo --preserve-env=DOCKER_HOST,http_proxy,https_proxy,no_proxy,HTTP_PROXY,HTTPS_PROXY,NO_PROXY,NONEVENT_DEBIAN_MIRROR \
        env NONEVENT_LAB_DIR="$LAB_DIR" NONEVENT_LAB_GROUP="$(id -gn)" PATH="$PATH" "$0" "$@"
}

# One `lab` at a time may change this lab's folder; what it starts must not inherit the lock (9>&-).
lock_lab() {
    mkdir -p "$LAB_DIR"
    exec 9>"$LAB_DIR/lock"
    flock -n 9 || {
        say "another lab command is at work, waiting for it"
        flock 9
    }
}
