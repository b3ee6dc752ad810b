# Runs the commands of a documentation page as they are printed, in the page's own folder. A test
# cannot open a second terminal, answer a prompt or press the button in a mail, and it takes any free
# port, so `authd` and `curl` do that here. Everything else is as printed.
set -euo pipefail

page_server= page_address=
mkfifo "$PAGE_FILES/greeting"
trap 'page_stop' EXIT

page_stop() {
  [ -n "$page_server" ] || return 0
  kill "$page_server" 2>/dev/null || true
  wait "$page_server" || true
  page_server=
}

# page_serve [flags of authd serve]: in place of the server before it, on a free port.
page_serve() {
  local arguments=()
  page_stop
  while [ $# -gt 0 ]; do
    if [ "$1" = --listen ]; then shift; else arguments+=("$1"); fi
    shift
  done
  command authd serve "${arguments[@]}" --listen 127.0.0.1:0 --json \
    --set hashing.memory=64 --set hashing.passes=1 --set tokens.issuer=http://localhost:3000 \
    >"$PAGE_FILES/greeting" 2>>"$PAGE_FILES/log" &
  page_server=$!
  local greeting
  if ! read -r greeting <"$PAGE_FILES/greeting"; then
    cat "$PAGE_FILES/log" >&2
    exit 1
  fi
  page_address=$(jq -r .address <<<"$greeting")
}

# page_text TEXT: with the address of the running server in place of the printed one. The issuer of
# tokens has no path, and stays.
page_text() {
  local text=$1 port
  for port in 3000 5000 8000 8080; do
    text=${text//localhost:$port\//$page_address/}
    text=${text//127.0.0.1:$port\//$page_address/}
  done
  printf '%s\n' "$text"
}

# page_file NAME: writes a file that the page shows.
page_file() {
  local text
  text=$(cat)
  if [ -n "$page_server" ]; then text=$(page_text "$text"); fi
  printf '%s\n' "$text" >"$1"
}

# page_toml: checks a part of a configuration that the page shows.
page_toml() {
  cat >"$PAGE_FILES/part.toml"
  command authd config show --config "$PAGE_FILES/part.toml" >/dev/null
}

# page_verify MAIL: presses the button of the verification link, if the mail has one.
page_verify() {
  [[ $1 =~ verify-email\?token=([A-Za-z0-9_-]+) ]] || return 0
  command curl --fail-with-body -sS "http://$page_address/v1/auth/verify-email" \
    -H 'content-type: application/json' -d "{\"token\":\"${BASH_REMATCH[1]}\"}" >/dev/null
}

authd() {
  local mail
  case "$1 ${2-}" in
    serve*) page_serve "${@:2}" ;;
    'user create')
      if [[ " $* " == *' --password-stdin '* ]]; then
        command authd "$@"
      else
        command authd "$@" --password-stdin <<<'a long enough passphrase'
      fi
      ;;
    health*)
      [ -n "$page_server" ] || page_serve
      AUTHD_LISTEN=$page_address command authd "$@"
      ;;
    'mail show')
      mail=$(command authd "$@")
      printf '%s\n' "$mail"
      page_verify "$mail"
      ;;
    *) command authd "$@" ;;
  esac
}

# An error of the API fails the page.
curl() {
  local argument arguments=()
  [ -n "$page_server" ] || page_serve
  for argument in "$@"; do arguments+=("$(page_text "$argument")"); done
  command curl --fail-with-body -sS "${arguments[@]}"
}
