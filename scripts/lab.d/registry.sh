# The registry that stands in for Docker Hub where that cannot be reached: 127.0.0.1 only, files in the lab's folder.
# Sourced, never run.
# shellcheck shell=bash

registry_dir=$LAB_DIR/registry
registry_config=$registry_dir/config.yml
registry_binary=$LAB_DIR/pkg/docker-registry/usr/bin/docker-registry

registry_port() { cat "$registry_dir/port" 2>/dev/null || echo "${NONEVENT_LAB_REGISTRY_PORT:-5000}"; }
registry_url() { echo "http://127.0.0.1:$(registry_port)"; }
registry_pid() { live_pid "$registry_dir/registry.pid" "$registry_config"; }
registry_answers() { curl -fsS -m 5 -o /dev/null "$(registry_url)/v2/" 2>/dev/null; }

# registry_has NAME TAG
registry_has() {
    curl -fsS -m 5 -o /dev/null -I -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
        "$(registry_url)/v2/library/$1/manifests/$2" 2>/dev/null
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

registry_install() {
    [[ -x $registry_binary ]] && return
    private_apt_ready
    unpack_packages "$LAB_DIR/pkg/docker-registry" "$(host_codename)" docker-registry
    [[ -x $registry_binary ]] || die "the package docker-registry has no $registry_binary"
}

# The registry as a command, for tests that start one of their own.
registry_command() {
    mkdir -p "$LAB_DIR/tools/bin"
    [[ -x $LAB_DIR/tools/bin/docker-registry ]] && return
    [[ ! -e $LAB_DIR/apt || -w $LAB_DIR/apt ]] || become_root "$@"
    registry_install
    ln -sf "$registry_binary" "$LAB_DIR/tools/bin/docker-registry"
}

registry_configure() {
    local port
    port=$(registry_port)
    while ! port_is_free "$port"; do
        say "port $port is taken, trying the next for the registry"
        port=$((port + 1))
    done
    mkdir -p "$registry_dir/data"
    echo "$port" >"$registry_dir/port"
    cat >"$registry_config" <<CONF
version: 0.1
log: { level: warn }
storage:
  filesystem: { rootdirectory: "$registry_dir/data" }
  delete: { enabled: true }
http: { addr: "127.0.0.1:$port" }
CONF
}

registry_up() {
    registry_pid >/dev/null && registry_answers && return
    local started tries=100
    started=$(now_ms)
    registry_install
    stop_pid "$registry_dir/registry.pid" "$registry_config" 5
    registry_configure
    OTEL_TRACES_EXPORTER=none setsid nohup "$registry_binary" serve "$registry_config" \
        >>"$registry_dir/registry.log" 2>&1 </dev/null 9>&- &
    echo $! >"$registry_dir/registry.pid"
    until registry_answers; do
        if ((tries-- == 0)) || ! registry_pid >/dev/null; then
            die "the registry did not start: see $registry_dir/registry.log"
        fi
        sleep 0.1
    done
    say "registry in place of Docker Hub on $(registry_url) ($(took "$started"))"
}

registry_down() {
    registry_pid >/dev/null || return 0
    stop_pid "$registry_dir/registry.pid" "$registry_config" 10
    say "registry stopped"
}
