"""Judges a ceremony with the package webauthn: standard input is the ceremony."""

import json
import sys

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import (
    bytes_to_base64url,
    parse_authentication_options_json,
    parse_registration_options_json,
)

ceremony = json.load(sys.stdin)
registration, login, origin = ceremony["registration"], ceremony["login"], ceremony["origin"]

asked = parse_registration_options_json(registration["options"])
made = verify_registration_response(
    credential=registration["response"],
    expected_challenge=asked.challenge,
    expected_rp_id=asked.rp.id,
    expected_origin=origin,
    require_user_verification=True,
)
asked = parse_authentication_options_json(login["options"])
shown = verify_authentication_response(
    credential=login["response"],
    expected_challenge=asked.challenge,
    expected_rp_id=asked.rp_id,
    expected_origin=origin,
    credential_public_key=made.credential_public_key,
    credential_current_sign_count=made.sign_count,
    require_user_verification=True,
)
json.dump(
    {
        "verified": True,
        "id": bytes_to_base64url(made.credential_id),
        "publicKey": bytes_to_base64url(made.credential_public_key),
        "counter": shown.new_sign_count,
    },
    sys.stdout,
)
