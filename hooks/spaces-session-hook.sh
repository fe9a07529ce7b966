#!/bin/sh
# Tells Spaces that an agent session started, finished a turn, or ended. For
# tools that `spacesctl hooks install` does not know.
#
#   spaces-session-hook.sh start|stop|end [SESSION] < event.json
#
# SESSION is the tool's own id of its session; it may be left out where the
# JSON on standard input has a `session_id`. SPACES_TOOL names the tool. `stop` posts the summary: the
# `last_assistant_message` of the JSON, or the text in SPACES_SUMMARY.
#
# With spacesctl on PATH it does the work. Without it this script speaks to the
# daemon's socket itself, by curl; then SESSION and SPACES_SUMMARY are what it
# knows. It ends with 0 in every case and takes about a second at the most: a
# hook never stops an agent.

set -u

event=${1:-}
session=${2:-}
tool=${SPACES_TOOL:-generic}

case $event in
start | stop | end) ;;
*)
	echo "usage: spaces-session-hook.sh start|stop|end [SESSION]" >&2
	exit 0
	;;
esac

# A JSON string of standard input; control characters but line breaks and tabs go.
json_string() {
	LC_ALL=C tr -d '\000-\010\013\014\016-\037\177' |
		sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e "s/$(printf '\t')/\\\\t/g" -e "s/$(printf '\r')//g" |
		awk 'BEGIN { printf "\"" } NR > 1 { printf "\\n" } { printf "%s", $0 } END { printf "\"" }'
}

quoted() {
	printf '%s' "$1" | json_string
}

socket() {
	if [ -n "${SPACES_SOCKET:-}" ]; then
		printf '%s' "$SPACES_SOCKET"
	elif [ -n "${XDG_RUNTIME_DIR:-}" ]; then
		printf '%s/spaces/spacesd.sock' "$XDG_RUNTIME_DIR"
	elif [ -d "/run/user/$(id -u)" ]; then
		printf '/run/user/%s/spaces/spacesd.sock' "$(id -u)"
	else
		printf '%s/spaces-%s/spacesd.sock' "${TMPDIR:-/tmp}" "$(id -u)"
	fi
}

# call METHOD PARAMS
call() {
	curl --silent --fail --max-time 0.8 --connect-timeout 0.2 --output /dev/null \
		--unix-socket "$(socket)" http://spacesd/rpc \
		--header 'Content-Type: application/json' --data-binary @- <<-END
		{"jsonrpc": "2.0", "id": 1, "method": "$1", "params": $2}
	END
}

if command -v spacesctl >/dev/null 2>&1; then
	set -- hook "session-$event" --tool generic --name "$tool"
	[ "$event" = stop ] && set -- hook stop --tool generic --name "$tool"
	[ -n "$session" ] && set -- "$@" --session "$session"
	if [ "$event" = stop ] && [ -n "${SPACES_SUMMARY:-}" ]; then
		printf '{"cwd": %s, "last_assistant_message": %s}' \
			"$(quoted "$PWD")" "$(quoted "$SPACES_SUMMARY")" | spacesctl "$@"
	else
		spacesctl "$@"
	fi
	exit 0
fi

command -v curl >/dev/null 2>&1 || exit 0
[ -n "$session" ] || exit 0
id=$(quoted "$tool:$session")
cwd=$(quoted "$PWD")

case $event in
start)
	call session.start "{\"id\": $id, \"tool\": $(quoted "$tool"), \"cwd\": $cwd}"
	;;
stop)
	[ -n "${SPACES_SUMMARY:-}" ] || exit 0
	call message.send "{\"channel\": $(quoted "${SPACES_AGENT_LOG:-#agent-logs}"), \"kind\": \"summary\", \"session\": $id, \"cwd\": $cwd, \"content\": $(quoted "$SPACES_SUMMARY")}"
	;;
end)
	call session.end "{\"id\": $id}"
	;;
esac
exit 0
