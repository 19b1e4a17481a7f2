#!/bin/sh
# `redis-server` runs as the user redis and, as nothing but its own network can reach it, for all who can.
set -e
case ${1:-} in
    -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "${1:-}" = redis-server ]; then
    if [ "$(id -u)" = 0 ]; then
        find . \! -user redis -exec chown redis:redis {} +
        exec setpriv --reuid redis --regid redis --clear-groups "$0" "$@"
    fi
    asked="$*"
    if [ -f "${2:-}" ]; then asked="$asked $(cat "$2")"; fi
    case $asked in
        *protected-mode*) ;;
        *) set -- "$@" --protected-mode no ;;
    esac
    umask 0077
fi
exec "$@"
