#!/usr/bin/env bash
# A day of the operator of authd, from the package to its removal: what is typed after a $, and what is seen. `day.rs`
# runs it as the superuser in a copy of this system that is gone afterwards, with a network of its own, and checks what
# it leaves in /exchange. A command that fails ends it, and so does an answer that is not the expected one.
set -euo pipefail
exec 2>&1

step() { printf '\n== %s\n' "$*"; }

# run COMMAND…: as in a terminal.
run() {
  printf '$ %s\n' "$*"
  "$@"
}

# await COMMAND…: until it succeeds, for two minutes at most.
await() {
  local end=$((SECONDS + 120))
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "it did not succeed: $*" && cat /var/log/authd.log && exit 1; }
    sleep 0.1
  done
}

# What this copy of a system has in place of systemd: the command of the unit, with its user and capabilities. The
# ports below 1024 need the lines that the unit has in a comment.
service=(setpriv --reuid authd --regid authd --clear-groups --no-new-privs)
bind=-all,+net_bind_service
service_start() {
  local unit=/usr/lib/systemd/system/authd.service
  printf '$ systemctl start authd\n'
  (cd /var/lib/authd && umask 077 && set -a && . /etc/authd/authd.env &&
    exec "${service[@]}" --bounding-set $bind --inh-caps $bind --ambient-caps $bind \
      $(sed -n 's/^ExecStart=//p' $unit)) \
    >>/var/log/authd.log 2>&1 &
  server=$!
}
service_stop() {
  printf '$ systemctl stop authd\n'
  kill -TERM "$server"
  wait "$server"
}

# authd …: as its user, in its folder, with the configuration of the server.
authd() { (cd /var/lib/authd && "${service[@]}" /usr/bin/authd "$@" "${configured[@]}"); }
configured=(--config /etc/authd/authd.toml --env-file /etc/authd/authd.env)

# there FOLDER COMMAND…: as the same user in another folder, which stands for another machine.
there() {
  printf '$ cd %s && %s\n' "$1" "${*:2}"
  (cd "$1" && shift && "${service[@]}" "$@")
}

# call STATUS METHOD PATH [TOKEN [BODY]]: a request of an app, and the status that it must get. The answer is in /tmp/answer.
site=https://id.example.com
call() {
  local expected=$1 status more=()
  [ -z "${4:-}" ] || more+=(-H "Authorization: Bearer $4")
  [ -z "${5:-}" ] || more+=(-H 'Content-Type: application/json' -d "$5")
  status=$(curl -sS --cacert /exchange/root.pem -o /tmp/answer -w '%{http_code}' -X "$2" "${more[@]}" "$site$3")
  printf '%s %s: %s\n' "$2" "$3" "$status"
  [ "$status" = "$expected" ] || { cat /tmp/answer && exit 1; }
}
answer() { jq -r ".data.$1" /tmp/answer; }

# log_in NAME: sets $access and $refresh.
password=Correct-Horse-7-Battery
log_in() {
  call 200 POST /v1/auth/login '' "{\"email\": \"$1@example.com\", \"password\": \"$password\"}"
  access=$(answer accessToken) refresh=$(answer refreshToken)
}

# The world around the box: its name, a mail server, and a certificate authority that asks ports 80 and 443 of the name.
ip link set lo up
echo '127.0.0.1 localhost id.example.com' >/etc/hosts
mkdir /exchange/mails
python3 /exchange/mail_server.py /exchange/mails &
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
  -keyout /tmp/pebble.key -out /tmp/pebble.pem 2>/dev/null
cat >/tmp/pebble.json <<'PEBBLE'
{"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000", "httpPort": 80,
  "tlsPort": 443, "certificate": "/tmp/pebble.pem", "privateKey": "/tmp/pebble.key"}}
PEBBLE
PEBBLE_VA_NOSLEEP=1 pebble -config /tmp/pebble.json >/tmp/pebble.log 2>&1 &
await curl -skf -o /exchange/root.pem https://localhost:15000/roots/0

step install the package
run dpkg -i /exchange/old/*.deb
run authd --version
cat >/etc/authd/authd.toml <<'TOML'
db = "/var/lib/authd/authd.db"

[server]
listen = "0.0.0.0:443"
public_url = "https://id.example.com"
trusted_proxies = []
environment = "production"

[tls]
acme = "ops@day.dev"
acme_directory = "https://localhost:14000/dir"
acme_root = "/etc/authd/authority.pem"
redirect = "0.0.0.0:80"

[mail]
from = "Example <noreply@day.dev>"

[alerts]
mail = "ops@day.dev"

[backup]
every = "1 day"
to = "/var/backups/authd"
TOML
install -m 0644 /tmp/pebble.pem /etc/authd/authority.pem
echo 'AUTHD_MAIL__SMTP_URL=smtp://127.0.0.1:25' >/etc/authd/authd.env
run install -d -m 0700 -o authd -g authd /var/backups/authd
run authd config check

step make the first administrator
run authd user create --email admin@example.com --role admin --verified --password-stdin <<<"$password"

step get a certificate
service_start
await authd health
run authd health
run openssl s_client -connect id.example.com:443 -servername id.example.com -CAfile /exchange/root.pem \
  -verify_hostname id.example.com -verify_return_error </dev/null 2>/dev/null | grep -E '^\$|^issuer|Verif'
run curl -sS -o /dev/null -w '%{http_code} %{redirect_url}\n' http://id.example.com/sign-in

step serve people
log_in admin
call 200 GET /v1/users/me "$access"
call 201 POST /v1/auth/register '' "{\"email\": \"ada@example.com\", \"password\": \"$password\"}"
mail_of() { grep -ls "^To: .*$1@example.com" /exchange/mails/*[0-9]; }
await mail_of ada
link=$(grep -o 'verify-email?token=[A-Za-z0-9_-]*' $(mail_of ada) | head -n 1)
call 200 POST /v1/auth/verify-email '' "{\"token\": \"${link#*=}\"}"
log_in ada
kept_access=$access kept_refresh=$refresh
# One person after the other signs up, each from another address. Those that got 201 are in the ledger.
traffic() {
  local n=0 status
  until [ -e /exchange/traffic.over ]; do
    n=$((n + 1))
    status=$(curl -sS --cacert /exchange/root.pem -o /dev/null -w '%{http_code}' \
      --interface "127.1.$((n / 250)).$((n % 250 + 1))" -H 'Content-Type: application/json' \
      -d "{\"email\": \"person$n@example.com\", \"password\": \"$password\"}" "$site/v1/auth/register")
    if [ "$status" = 201 ]; then echo "person$n@example.com" >>/exchange/ledger; else echo "$status" >>/exchange/failures; fi
  done
}
traffic &
traffic=$!
# signed_up COUNT: whether so many are in the ledger.
signed_up() { [ "$(wc -l </exchange/ledger)" -ge "$1" ]; }
await signed_up 5
run authd top --once
run authd stats --by hour

step back up under traffic
install -d -m 0700 -o authd -g authd /exchange/safe
run install -o authd -m 0600 /var/lib/authd/authd.key /exchange/safe/authd.key
there /exchange/safe age-keygen -o key.txt
recipient=$(age-keygen -y /exchange/safe/key.txt)
cp /exchange/ledger /exchange/ledger.before
run authd backup /var/backups/authd/today.db.age --encrypt-to "$recipient"
await signed_up $(($(wc -l </exchange/ledger) + 5))
touch /exchange/traffic.over
wait "$traffic"
run mv /var/backups/authd/today.db.age /exchange/safe/
there /exchange/safe authd backup verify today.db.age --identity key.txt --key-file authd.key
run authd doctor --root /exchange/root.pem

step upgrade the package
service_stop
run dpkg -i --force-confold /exchange/new/*.deb
service_start
await authd health
call 200 POST /v1/auth/refresh '' "{\"refreshToken\": \"$kept_refresh\"}"
kept_access=$(answer accessToken) kept_refresh=$(answer refreshToken)

step upgrade a database of the oldest version
# serve_in FOLDER: a server for what is there, until it is ended.
serve_in() {
  rm -f "$1/ready.json"
  printf '$ cd %s && authd serve\n' "$1"
  (cd "$1" && exec "${service[@]}" /usr/bin/authd serve --listen 127.0.0.1:0 --ready-file ready.json) >>"$1/log" 2>&1 &
  other=$!
  await test -s "$1/ready.json"
  site=$(jq -r .url "$1/ready.json")
}
end_other() {
  kill -TERM "$other"
  wait "$other"
  site=https://id.example.com
}
cp -r /exchange/oldest /srv/oldest
chown -R authd: /srv/oldest
bob='{"email": "bob@example.com", "password": "correct horse battery"}'
serve_in /srv/oldest
call 200 POST /v1/auth/login '' "$bob"
end_other
run ls /srv/oldest
there /srv/oldest authd user list --limit 3

step restore elsewhere
install -d -m 0700 -o authd -g authd /srv/elsewhere
there /srv/elsewhere authd restore /exchange/safe/today.db.age --identity /exchange/safe/key.txt \
  --key-file /exchange/safe/authd.key
serve_in /srv/elsewhere
call 401 POST /v1/auth/refresh '' "{\"refreshToken\": \"$kept_refresh\"}"
log_in ada
end_other

step roll back
there /srv/oldest authd rollback --yes
cp /srv/oldest/authd.db /exchange/rolled-back.db
serve_in /srv/oldest
call 200 POST /v1/auth/login '' "$bob"
end_other

step rotate the signing key
run authd key list
run authd key rotate --now
call 200 GET /v1/users/me "$kept_access"
log_in ada
run authd key list

step revoke everything
run authd key rotate --revoke --yes
call 401 GET /v1/users/me "$kept_access"
call 401 GET /v1/users/me "$access"
call 401 POST /v1/auth/refresh '' "{\"refreshToken\": \"$kept_refresh\"}"
call 401 POST /v1/auth/refresh '' "{\"refreshToken\": \"$refresh\"}"
run authd audit --limit 3
service_stop
cp /var/lib/authd/authd.db /exchange/revoked.db
cp /srv/elsewhere/authd.db /exchange/restored.db
cp /var/log/authd.log /exchange/log

step uninstall
run dpkg -r authd
run dpkg -P authd
run ls /var/lib/authd
! [ -e /usr/bin/authd ] && ! [ -e /etc/authd/authd.toml ]
chmod -R a+rX /exchange
step the day is over
