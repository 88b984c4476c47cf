#!/bin/sh
# As the official image does it: options alone mean redis-server, which runs as user redis in /data.
set -eu

case ${1:-} in -* | *.conf) set -- redis-server "$@" ;; esac
[ "${1:-}" = redis-server ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
    find . \! -user redis -exec chown redis '{}' +
    exec setpriv --reuid=redis --regid=redis --init-groups "$0" "$@"
fi
# The official image is compiled without the protected mode; Debian's refuses other containers with it.
exec "$@" --protected-mode no
