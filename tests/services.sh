#!/bin/sh
# Installs the servers that some tests need, where apt-get may. Without them those tests are skipped.
set -u
missing=""
for name in redis-server haproxy nginx chromium prometheus; do
    PATH="$PATH:/usr/sbin" command -v "$name" >/dev/null || missing="$missing $name"
done
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null; then
    echo "Not installed:$missing. Tests that need them are skipped."
    exit 0
fi
run=""
[ "$(id -u)" = 0 ] || run="sudo -n"
# shellcheck disable=SC2086 # a list of names
if $run apt-get update -qq 2>/dev/null && $run apt-get install -qq -y $missing >/dev/null 2>&1; then
    echo "Installed:$missing."
else
    echo "Could not be installed:$missing. Tests that need them are skipped."
fi
