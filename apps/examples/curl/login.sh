#!/bin/sh
# Links a messenger account: creates a session, prints the page for the account's owner, and waits
# for the outcome. POSIX sh and curl 7.71 or newer. Exit status: 0 connected, 1 not connected, 2 a
# setting is missing.
set -u

for name in QRCAST_API_KEY GREEN_API_ID_INSTANCE GREEN_API_TOKEN; do
  eval "[ -n \"\${$name:-}\" ]" || { echo "set $name" >&2; exit 2; }
done
url=${QRCAST_URL:-http://127.0.0.1:3000}
wait_seconds=30 # the most a request is held

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Prints the text under the name $2 in the JSON $1; nothing if there is none. This works if the JSON
# has no spaces, because quotes inside a text are escaped, so a name between two bare quotes is
# always a name. A text is cut at its own first quote. If you have jq, use it.
field() {
  case $1 in *"\"$2\":\""*) ;; *) return ;; esac
  after=${1#*"\"$2\":\""}
  printf '%s' "${after%%\"*}"
}

# Runs curl with these arguments, and with options on stdin. Secrets are passed there, because every
# user of the machine can read arguments. Curl itself tries again after 429, 5xx and a lost
# connection, and not before Retry-After. Sets $body. Ends the script if the call is refused.
call() {
  status=$({ printf 'header = "Authorization: Bearer %s"\n' "$QRCAST_API_KEY"; cat; } |
    curl -K - --no-progress-meter --retry 8 --retry-all-errors --max-time $((wait_seconds + 10)) \
      --output "$folder/body" --write-out '%{http_code}' "$@") || exit 1
  body=$(cat "$folder/body")
  case $status in 2?? | 304) return ;; esac
  detail=$(field "$body" detail) # the gateway explains a refusal; a proxy before it may not
  echo "refused: ${detail:-status $status}" >&2
  exit 1
}

api_url=${GREEN_API_URL:+, \\\"apiUrl\\\": \\\"$GREEN_API_URL\\\"}
call "${url%/}/v1/sessions" <<END
header = "Content-Type: application/json"
data = "{\"instanceId\": \"$GREEN_API_ID_INSTANCE\", \"apiToken\": \"$GREEN_API_TOKEN\", \"reference\": \"order-77\"$api_url}"
END
id=$(field "$body" id)
echo "page: $(field "$body" pageUrl)"

printed=
while :; do
  call "${url%/}/v1/sessions/$id?formats=text&wait=$wait_seconds" --etag-compare "$folder/etag" --etag-save "$folder/etag" </dev/null
  [ "$status" = 304 ] && continue # there is nothing newer
  state=$(field "$body" state)
  why=$(field "$body" code)$(field "$body" reason) # of a notice or of the end; the code to scan is an object and not a text
  now="$state${why:+ ($why)}"
  [ "$now" = "$printed" ] || echo "$now"
  printed=$now
  [ "$state" = connected ] && exit 0
  case $body in *'"state":"ended"'*'"resumable":false'*) exit 1 ;; esac
done
