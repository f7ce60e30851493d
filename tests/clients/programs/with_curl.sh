#!/bin/sh
# curl does not come back by itself. Whoever looks on does: from the last id on the screen.
#
#   with_curl.sh ADDRESS
screen=$(mktemp)
trap 'rm -f "$screen"' EXIT
trap 'exit 0' TERM
while true; do
  last=$(sed -n 's/^id: //p' "$screen" | tail -n 1)
  curl --silent --no-buffer --header "Last-Event-ID: $last" "$1" | tee -a "$screen"
  sleep 0.2
done
