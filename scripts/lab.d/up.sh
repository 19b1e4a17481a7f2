# The commands of the lab: which engine serves, where the base images come from.
# Sourced, never run.
# shellcheck shell=bash disable=SC2034,SC2154 # names of the other parts

readonly ESSENTIAL_IMAGES=(python:3.13-slim haproxy:3.2)
readonly engine28_programs=$LAB_DIR/pkg/docker28/usr/sbin:$LAB_DIR/pkg/docker28/usr/bin:$LAB_DIR/pkg/runc/usr/sbin

# found_engine: prints the version of the engine that the docker command would use, or why there is none.
found_engine() { timeout 20 docker version --format '{{.Server.Version}}' 2>&1; }

# Where the docker command's own resolution leads: DOCKER_HOST, else the context's.
found_endpoint() {
    echo "${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || echo "unix://$DEFAULT_SOCKET")}"
}

# socket_for_main: the default socket, unless an engine that we did not start serves this machine already.
socket_for_main() {
    local known
    known=$(engine_socket main) || known=
    if [[ -n $known && $known != "$DEFAULT_SOCKET" ]]; then
        echo "$known"
    elif found_engine >/dev/null || socket_answers "$DEFAULT_SOCKET"; then
        echo "$(engine_dir main)/docker.sock"
    else
        echo "$DEFAULT_SOCKET"
    fi
}

# Only what a found engine lacks is made: returns 0 if it serves as it is.
found_engine_serves() {
    local version reason
    have docker || return 1
    if ! version=$(found_engine); then
        [[ $version != *"permission denied"* ]] ||
            die "a Docker engine at $(found_endpoint) refuses this user: add it to the group docker, or run as root"
        say "no Docker engine answers at $(found_endpoint)"
        return 1
    fi
    if reason=$(pull_essential); then
        say "Docker engine $version at $(found_endpoint) serves, left as it is"
        return
    fi
    say "Docker engine $version at $(found_endpoint) stays as it is, but cannot get base images ($reason): the lab starts its own beside it"
    return 1
}

main_is_ours() { engine_pid main >/dev/null && socket_answers "$(engine_socket main)"; }

main_engine_up() {
    local socket mirror=
    main_is_ours && return
    "$LAB_SCRIPTS/bootstrap" engine
    socket=$(socket_for_main)
    [[ ! -s $registry_dir/port ]] || mirror=$(registry_url)
    engine_start main "$socket" "" "$mirror"
}

# Docker Hub is asked once, by the engine itself; once a registry stands in for it, that stays.
hub_serves() {
    [[ ! -s $registry_dir/port ]] || return 1
    local reason
    if reason=$(DOCKER_HOST="unix://$(engine_socket main)" pull_essential); then
        say "Docker Hub serves the base images"
    else
        say "Docker Hub does not serve base images, Debian's packages do instead ($reason)"
        return 1
    fi
}

# pull_essential: prints why one could not be had.
pull_essential() {
    local image
    for image in "${ESSENTIAL_IMAGES[@]}"; do
        docker image inspect "$image" >/dev/null 2>&1 || { timeout 600 docker pull --quiet "$image" >/dev/null; } 2>&1 || return 1
    done
}

lab_up() {
    [[ $# -eq 1 ]] || usage_error
    local started
    started=$(now_ms)
    if ! main_is_ours && found_engine_serves; then return; fi
    become_root "$@"
    lock_lab
    [[ ! -s $registry_dir/port ]] || registry_up
    main_engine_up
    if ! hub_serves; then
        registry_up
        engine_set_mirror main "$(registry_url)"
        images_up main
    fi
    say "ready on unix://$(engine_socket main) ($(took "$started"))"
    [[ -z $(lab_env) ]] || say "in your shell: eval \"\$($0 env)\""
}

lab_env() {
    local socket
    if engine_pid main >/dev/null && socket=$(engine_socket main) && socket_answers "$socket" && [[ $(found_endpoint) != "unix://$socket" && $(found_endpoint) != "unix:///run/docker.sock" ]]; then
        printf 'export DOCKER_HOST=%q\n' "unix://$socket"
    fi
    if [[ -d $LAB_DIR/tools/bin && :$PATH: != *":$LAB_DIR/tools/bin:"* ]]; then
        # shellcheck disable=SC2016 # for the shell that reads it
        printf 'export PATH=%q:"$PATH"\n' "$LAB_DIR/tools/bin"
    fi
}

lab_status() {
    local engine pid version
    echo "lab folder  $LAB_DIR"
    if have docker && version=$(found_engine); then
        echo "docker      $version at $(found_endpoint)"
    else
        echo "docker      no engine answers"
    fi
    for engine in $(engine_names); do
        if pid=$(engine_pid "$engine"); then
            echo "engine      $engine: pid $pid, unix://$(engine_socket "$engine")"
        else
            echo "engine      $engine: stopped, data kept"
        fi
    done
    if pid=$(registry_pid); then
        echo "registry    pid $pid, $(registry_url)"
    fi
}

lab_down() {
    local engine purge=
    case ${2:-} in
        '') ;;
        --purge) purge=yes ;;
        *) usage_error ;;
    esac
    [[ -d $LAB_DIR ]] || return 0
    become_root "$@"
    lock_lab
    for engine in $(engine_names); do
        if [[ -n $purge ]]; then engine_purge "$engine"; else engine_stop "$engine"; fi
    done
    registry_down
    if [[ -n $purge ]]; then
        rm -rf "$LAB_DIR"/{engines,registry,images,pkg,apt,docker-config}
        say "data removed from $LAB_DIR"
    fi
}

extra_engine_up() {
    local engine=$1 programs=$2 features=$3 mirror=
    if ! engine_pid "$engine" >/dev/null; then
        "$LAB_SCRIPTS/bootstrap" engine
        [[ ! -s $registry_dir/port ]] || mirror=$(registry_url)
        engine_start "$engine" "$(engine_dir "$engine")/docker.sock" "$programs" "$mirror" "$features"
    fi
    extra_engine_env "$engine"
}

extra_engine_env() { printf 'export DOCKER_HOST=%q\n' "unix://$(engine_dir "$1")/docker.sock"; }

# The certificate authority that tests ask: the ACME server that Let's Encrypt's own tests use. Before 2.9 it refused what HAProxy's
# client sends, requests whose length is not told in advance.
pebble_up() {
    local folder=$LAB_DIR/tools/pebble program suite started
    started=$(now_ms)
    if [[ ! -x $LAB_DIR/tools/bin/pebble-challtestsrv ]]; then
        [[ ! -e $LAB_DIR/apt || -w $LAB_DIR/apt ]] || become_root "$@"
        private_apt_ready
        suite=$(suite_with pebble 2.10 forky sid)
        unpack_packages "$folder" "$suite" pebble
        mkdir -p "$LAB_DIR/tools/bin"
        for program in pebble pebble-challtestsrv; do ln -sf "$folder/usr/bin/$program" "$LAB_DIR/tools/bin/$program"; done
        say "pebble unpacked from Debian $suite ($(took "$started"))"
    fi
}

# Nothing of Nonevent needs Compose: it is what `make bench` compares with.
compose_up() {
    local folder=$LAB_DIR/tools/compose suite started
    started=$(now_ms)
    if [[ ! -x $LAB_DIR/tools/bin/docker-compose ]]; then
        [[ ! -e $LAB_DIR/apt || -w $LAB_DIR/apt ]] || become_root "$@"
        private_apt_ready
        suite=$(suite_with docker-compose 2 forky trixie)
        unpack_packages "$folder" "$suite" docker-compose
        mkdir -p "$LAB_DIR/tools/bin"
        ln -sf "$folder/usr/libexec/docker/cli-plugins/docker-compose" "$LAB_DIR/tools/bin/docker-compose"
        say "Docker Compose unpacked from Debian $suite ($(took "$started"))"
    fi
    echo "$LAB_DIR/tools/bin/docker-compose"
}

engine28_install() {
    [[ -x $LAB_DIR/pkg/docker28/usr/sbin/dockerd ]] && return
    local started suite
    started=$(now_ms)
    lock_lab
    private_apt_ready
    suite=$(suite_with docker.io 28 forky sid)
    # runc alone is linked against a C library newer than this machine's, so it comes from this machine's release.
    unpack_packages "$LAB_DIR/pkg/runc" "$(host_codename)" runc
    unpack_packages "$LAB_DIR/pkg/docker28" "$suite" docker.io docker-cli containerd
    say "Docker 28 unpacked from Debian $suite ($(took "$started"))"
    exec 9>&-
}
