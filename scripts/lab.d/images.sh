# Base images from Debian's packages, under the names and with the manners of the official ones.
# Sourced, never run. One folder per kind below images/: Dockerfile, setup (runs in the new root), entry point.
# shellcheck shell=bash

# Raised when all images are to be made anew, because what is written here changed what is in them.
readonly RECIPES=2
readonly recipes=$LAB_SCRIPTS/lab.d/images
# The first two are what everything waits for.
readonly BASE_IMAGES=(python:3.13-slim haproxy:3.2 postgres:17 redis:8 python:3.11-slim python:3.14-slim)

# image_recipe KIND TAG: prints the package that carries the version, its version, the packages, the releases to ask.
image_recipe() {
    local version=${2%-slim}
    case $1 in
        python) echo "python$version|$version|python$version python$version-venv netbase tzdata|bookworm trixie forky sid" ;;
        haproxy) echo "haproxy|$version|haproxy|forky sid trixie bookworm" ;;
        postgres) echo "postgresql-$version|$version|postgresql-$version locales tzdata xz-utils zstd|bookworm trixie forky sid" ;;
        redis) echo "redis-server|$version|redis-server tzdata|trixie forky sid bookworm" ;;
        *) die "no recipe for $1:$2" ;;
    esac
}

# The certificates of this machine's bundle that no Debian package put there: a company's, an inspecting proxy's.
host_certificates() {
    # shellcheck disable=SC2016 # awk's own variables
    local bundle=/etc/ssl/certs/ca-certificates.crt one_line='
        /BEGIN CERTIFICATE/ { body = ""; inside = 1; next }
        /END CERTIFICATE/ { inside = 0; print body; next }
        inside { gsub(/[ \r]/, ""); body = body $0 }'
    [[ -r $bundle ]] || return 0
    comm -23 <(awk "$one_line" "$bundle" | sort -u) \
        <(find /usr/share/ca-certificates -name '*.crt' -exec awk "$one_line" {} + 2>/dev/null | sort -u)
}

write_host_certificates() {
    local folder=$1 body count=0
    mkdir -p "$folder"
    while read -r body; do
        count=$((count + 1))
        { echo "-----BEGIN CERTIFICATE-----" && fold -w 64 <<<"$body" && echo "-----END CERTIFICATE-----"; } \
            >"$folder/host-$count.crt"
    done < <(host_certificates)
}

# What the image is made from, in one number: another recipe or another certificate makes it anew.
image_key() {
    { echo "$RECIPES" && find "$recipes/$1" -type f -print0 | sort -z | xargs -0 cat && image_recipe "$1" "$2" && host_certificates; } |
        sha256sum | cut -c1-16
}

image_is_made() {
    [[ $(cat "$LAB_DIR/images/$1-$2.key" 2>/dev/null) == "$(image_key "$1" "$2")" ]] && registry_has "$1" "$2"
}

# The script that mmdebstrap runs with the new root as its argument, before it packs it.
write_hook() {
    cat >"$1/hook" <<HOOK
#!/bin/sh
set -eu
root=\$1
find '$1/certificates' -name '*.crt' -exec cp {} "\$root/usr/local/share/ca-certificates/" \\;
chroot "\$root" update-ca-certificates >&2
printf 'APT::Keep-Downloaded-Packages "false";\n' >"\$root/etc/apt/apt.conf.d/90image"
cp '$recipes/$2/setup' "\$root/root/setup"
chroot "\$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \\
    /root/setup '${3%-slim}' | tail -n 1 >'$1/version'
rm -rf "\$root/root/setup" "\$root/etc/resolv.conf" "\$root/etc/hostname" "\$root"/tmp/* "\$root"/var/log/*.log \\
    "\$root"/var/log/apt "\$root"/var/cache/debconf/*-old "\$root"/var/lib/dpkg/*-old "\$root"/var/cache/ldconfig \\
    "\$root"/var/cache/apt/*.bin "\$root"/var/cache/apt/archives/*.deb "\$root"/var/lib/apt/lists/*
printf '#!/bin/sh\nexit 101\n' >"\$root/usr/sbin/policy-rc.d"
chmod 755 "\$root/usr/sbin/policy-rc.d"
HOOK
    chmod +x "$1/hook"
}

# image_root WORK KIND TAG SUITE PACKAGES: writes WORK/rootfs.tar and WORK/version.
image_root() {
    local work=$1 kind=$2 tag=$3 suite=$4 packages=$5 options=()
    write_host_certificates "$work/certificates"
    write_hook "$work" "$kind" "$tag"
    # Testing's release file lapses after days; images of it need the same leave.
    case $suite in forky | sid) options+=(--aptopt='Acquire::Check-Valid-Until "false"') ;; esac
    [[ ! -x $recipes/$kind/prepare ]] || options+=(--essential-hook="$recipes/$kind/prepare")
    TMPDIR=$work mmdebstrap --mode=root --variant=minbase --include="ca-certificates ${packages}" \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/lintian/*' \
        "${options[@]}" --customize-hook="$work/hook" --skip=output/dev --skip=cleanup/apt \
        "$suite" "$work/rootfs.tar" "deb $(<"$LAB_DIR/apt/mirror") $suite main" >&2
}

# image_pack ENGINE WORK KIND TAG VERSION: rootfs.tar becomes an image in the registry.
image_pack() {
    local engine=$1 work=$2 kind=$3 tag=$4 version=$5 name
    name=127.0.0.1:$(registry_port)/library/$kind:$tag
    cp -a "$recipes/$kind/." "$work/"
    # uv brings its own certificates and is told otherwise only by this.
    if [[ $kind == python ]] && compgen -G "$work/certificates/*.crt" >/dev/null; then
        echo "ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt" >>"$work/Dockerfile"
    fi
    printf '*\n!rootfs.tar\n!docker-entrypoint.sh\n' >"$work/.dockerignore"
    # One at a time: removing one image's name takes steps that another build shares.
    exec 7>"$LAB_DIR/images/pack.lock"
    flock 7
    docker_on "$engine" build --quiet --build-arg "VERSION=$version" --build-arg "MAJOR=${tag%-slim}" --tag "$name" "$work" >&2
    docker_on "$engine" push "$name" >&2
    docker_on "$engine" rmi "$name" >&2
    exec 7>&-
}

# image_make ENGINE KIND TAG
image_make() {
    local engine=$1 kind=$2 tag=$3 work package wanted packages suites suite version started
    work=$LAB_DIR/images/work/$kind-$tag
    started=$(now_ms)
    rm -rf "$work"
    mkdir -p "$work"
    IFS='|' read -r package wanted packages suites <<<"$(image_recipe "$kind" "$tag")"
    # shellcheck disable=SC2086 # one word per release is meant
    suite=$(suite_with "$package" "$wanted" $suites)
    image_root "$work" "$kind" "$tag" "$suite" "$packages"
    version=$(<"$work/version")
    [[ $version == "${tag%-slim}".* ]] || die "$kind:$tag would hold $version: not made"
    image_pack "$engine" "$work" "$kind" "$tag" "$version"
    image_key "$kind" "$tag" >"$LAB_DIR/images/$kind-$tag.key"
    rm -rf "$work"
    say "$kind:$tag made from Debian $suite: $version ($(took "$started"))"
}

# Two at a time, in order; the log of each is kept. Fails at the end if one failed.
images_make() {
    local engine=$1 image running=0 failed=0 log
    shift
    mkdir -p "$LAB_DIR/images"
    for image in "$@"; do
        if ((running == 2)); then
            wait -n || failed=1
            running=$((running - 1))
        fi
        log=$LAB_DIR/images/${image/:/-}.log
        (image_job "$engine" "${image%%:*}" "${image##*:}" "$log") &
        running=$((running + 1))
    done
    while ((running-- > 0)); do wait -n || failed=1; done
    ((failed == 0)) || die "some base images are missing, the engine serves without them: \`lab up\` tries again"
}

image_job() {
    local said=2
    exec {said}>&2 2>"$4" >&2
    trap 'code=$?; ((code == 0)) || say_to '"$said"' "'"$2:$3"' could not be made: see '"$4"'"' EXIT
    say() { say_to "$said" "$*"; }
    image_make "$1" "$2" "$3"
    image_renew "$1" "$2:$3"
}

# image_renew ENGINE IMAGE: the engine takes the new image; the old one goes unless something uses it.
image_renew() {
    local old
    old=$(docker_on "$1" image inspect --format '{{.Id}}' "$2" 2>/dev/null) || old=
    docker_on "$1" pull --quiet "$2"
    if [[ -n $old && $old != "$(docker_on "$1" image inspect --format '{{.Id}}' "$2")" ]]; then
        docker_on "$1" rmi "$old" || true
    fi
}

say_to() { printf '%s: %s\n' "$SAY_AS" "$2" >&"$1"; }

# images_up ENGINE: every base image is in the registry and in the engine.
images_up() {
    local engine=$1 image missing=()
    for image in "${BASE_IMAGES[@]}"; do
        if image_is_made "${image%%:*}" "${image##*:}"; then
            docker_on "$engine" image inspect "$image" >/dev/null 2>&1 ||
                docker_on "$engine" pull --quiet "$image" >/dev/null
        else
            missing+=("$image")
        fi
    done
    ((${#missing[@]})) || return 0
    "$LAB_SCRIPTS/bootstrap" images
    private_apt_ready
    say "making base images from Debian's packages: ${missing[*]} (about 30 s each, two at a time)"
    images_make "$engine" "${missing[@]}"
}
