#!/bin/sh
# The life of an account with curl: sign up, prove the address, log in, look, refresh, log out.
#
# The mailed link is read from the database: run it in the folder where `authd serve` runs, or set AUTHD_DB.
#   AUTHD_DB=/path/to/authd.db examples/shell/account.sh [http://localhost:3000]
set -eu

api="${1:-http://localhost:3000}/v1"
name="jo$(date +%s)$$"
email="$name@example.com"
password='Correct-Horse-7-Battery'

# call METHOD PATH [curl's arguments]: prints the answer; a refusal ends the script.
call() {
  method=$1 path=$2
  shift 2
  curl -sS --fail-with-body -X "$method" "$api$path" -H 'Content-Type: application/json' "$@"
}

# field NAME: the text of that name in the JSON that comes in.
field() { grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }

call POST /auth/register -d "{\"email\":\"$email\",\"username\":\"$name\",\"password\":\"$password\",\"firstName\":\"Jo\",\"lastName\":\"Doe\"}" >/dev/null
echo "signed up: $email"

if ! mail=$(authd mail show --last); then
  echo "the mail cannot be read: run this in the folder of \`authd serve\`, or set AUTHD_DB to its database" >&2
  exit 1
fi
token=$(echo "$mail" | grep -o 'verify-email?token=[A-Za-z0-9_-]*' | head -n 1 | cut -d = -f 2)
call POST /auth/verify-email -d "{\"token\":\"$token\"}" >/dev/null
echo "verified"

session=$(call POST /auth/login -d "{\"email\":\"$email\",\"password\":\"$password\"}")
access=$(echo "$session" | field accessToken)
refresh=$(echo "$session" | field refreshToken)
echo "logged in"

me=$(call GET /users/me -H "Authorization: Bearer $access")
echo "me: $(echo "$me" | field email)"

# A refresh token works once; its successor takes its place.
refreshed=$(call POST /auth/refresh -d "{\"refreshToken\":\"$refresh\"}")
access=$(echo "$refreshed" | field accessToken)
echo "refreshed"

call POST /auth/logout -H "Authorization: Bearer $access" >/dev/null
echo "logged out"

if call GET /users/me -H "Authorization: Bearer $access" >/dev/null 2>&1; then
  echo "the access token still works" >&2
  exit 1
fi
echo "the access token is dead"
