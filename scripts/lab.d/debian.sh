# Debian packages without touching this machine's own: a private apt state that knows several releases.
# Sourced, never run.
# shellcheck shell=bash

readonly DEBIAN_SUITES=(bookworm trixie forky sid)

# This machine's Debian release; on another distribution the oldest one known here, whose programs run everywhere.
host_codename() {
    (
        # shellcheck source=/dev/null
        . /etc/os-release 2>/dev/null || true
        if [[ ${ID:-} == debian && -n ${VERSION_CODENAME:-} ]]; then echo "$VERSION_CODENAME"; else echo "${DEBIAN_SUITES[0]}"; fi
    )
}

# The mirror that this machine's own apt uses, so that no host name is written here.
debian_mirror() {
    if [[ -n ${NONEVENT_DEBIAN_MIRROR:-} ]]; then
        echo "$NONEVENT_DEBIAN_MIRROR"
        return
    fi
    local codename mirror=
    codename=$(host_codename)
    if have apt-get; then
        mirror=$(apt-get update --print-uris | sed -n "s#^'\(.*\)/dists/$codename/InRelease'.*#\1#p" | sed q)
    fi
    [[ -n $mirror ]] || die "no Debian mirror found in this machine's apt sources: set NONEVENT_DEBIAN_MIRROR to one"
    echo "${mirror%/}"
}

private_apt() {
    local command=$1
    shift
    APT_CONFIG=$LAB_DIR/apt/apt.conf "$command" "$@"
}

write_private_apt() {
    local dir=$LAB_DIR/apt mirror suite
    mirror=$(debian_mirror)
    mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
    echo "$mirror" >"$dir/mirror"
    touch "$dir/state/status"
    for suite in "${DEBIAN_SUITES[@]}"; do echo "deb $mirror $suite main"; done >"$dir/sources.list"
    cat >"$dir/apt.conf" <<CONF
Dir::State "$dir/state";
Dir::State::status "$dir/state/status";
Dir::Cache "$dir/cache";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "/dev/null";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
APT::Sandbox::User "root";
CONF
}

# Package lists of all the releases, read again after a day.
private_apt_ready() {
    local stamp=$LAB_DIR/apt/updated started
    [[ -z $(find "$stamp" -mmin -1440 2>/dev/null) ]] || return 0
    started=$(now_ms)
    write_private_apt
    private_apt apt-get update -qq >&2 || private_apt apt-get update -qq >&2 ||
        die "the Debian mirror does not answer: see the lines above"
    touch "$stamp"
    say "package lists of ${DEBIAN_SUITES[*]} read ($(took "$started"))"
}

# suite_with PACKAGE VERSION SUITE...: prints the first release that has the package in that version.
suite_with() {
    local package=$1 version=$2 suite found
    shift 2
    for suite in "$@"; do
        found=$(private_apt apt-cache madison "$package" | awk -v suite="$suite/" '
            index($0, " " suite) { sub(/^[0-9]+:/, "", $3); print $3; exit }')
        if [[ $found == "$version" || $found == "$version"[.+~-]* ]]; then
            echo "$suite"
            return
        fi
    done
    say "no Debian release known here ($*) carries $package $version; they have:"
    private_apt apt-cache madison "$package" >&2
    return 1
}

# unpack_packages FOLDER SUITE PACKAGE...: the files of packages, in a folder, installed nowhere.
unpack_packages() {
    local folder=$1 suite=$2 archive
    shift 2
    rm -rf "$folder" "$folder.new"
    mkdir -p "$folder.new/archives"
    (cd "$folder.new/archives" && private_apt apt-get download -qq "${@/%//$suite}") >&2
    for archive in "$folder.new"/archives/*.deb; do dpkg -x "$archive" "$folder.new"; done
    rm -r "$folder.new/archives"
    mv "$folder.new" "$folder"
}
