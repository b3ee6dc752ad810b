"""Checks access tokens of authd with its public keys. Needs `cryptography`, and nothing else."""

from ._refusal import Refusal
from ._verifier import Auth, Verifier

__all__ = ["Auth", "Refusal", "Verifier"]
