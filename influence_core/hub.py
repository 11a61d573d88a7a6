"""Whether the Hugging Face Hub can be reached, asked once and briefly."""

from __future__ import annotations

import ssl
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

PATIENCE = 3.0
"""Seconds to wait for an answer. The Hub's own library tries for half a minute, file by file."""


def reachable() -> bool:
    """Say whether the Hub answers; False where its environment variables forbid to ask."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        with urlopen(Request(constants.ENDPOINT, method="HEAD"), timeout=PATIENCE):
            return True
    except HTTPError:
        return True
    except URLError as error:
        # Somebody answered, with a certificate that only the Hub's own library may know.
        return isinstance(error.reason, ssl.SSLError)
    except OSError:
        return False
