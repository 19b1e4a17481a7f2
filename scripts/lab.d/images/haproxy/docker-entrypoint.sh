#!/bin/sh
# `haproxy` runs as master and workers in the foreground, so that SIGUSR2 reloads it; options alone mean haproxy too.
set -e
case ${1:-} in
    -*) set -- haproxy "$@" ;;
esac
if [ "${1:-}" = haproxy ]; then
    shift
    set -- haproxy -W -db "$@"
fi
exec "$@"
