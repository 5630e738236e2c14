"""The certificates that the environment names: SSL_CERT_FILE and SSL_CERT_DIR.

httpx takes the file, or else the directory, in place of its own certificates. What it raises for
a wrong one names neither the variable nor the path.
"""

from __future__ import annotations

import os
import ssl

from holysheep_core.errors import ConfigurationError

# Not this package's own variables: httpx and OpenSSL read them.
_FILE, _DIRECTORY = "SSL_CERT_FILE", "SSL_CERT_DIR"


def check_certificates() -> None:
    """Check the variable that httpx will use.

    Raises:
        ConfigurationError: There is no such file or directory, or no certificate in the file.
    """
    file, directory = os.environ.get(_FILE), os.environ.get(_DIRECTORY)
    if file:
        why = _fault_of_file(file)
        if why:
            raise ConfigurationError(
                f"{_FILE}={file!r}: {why}. Set it to a PEM file of certificates, or unset it."
            )
    elif directory and not os.path.isdir(directory):  # noqa: PTH112 - any text, as httpx takes it
        raise ConfigurationError(
            f"{_DIRECTORY}={directory!r}: no such directory. Set it to a directory of "
            "certificates, or unset it."
        )


def _fault_of_file(path: str) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:  # a subclass of OSError
        return "no certificate in it"
    except FileNotFoundError:
        return "no such file"
    except (OSError, ValueError) as error:
        return (getattr(error, "strerror", None) or str(error)).lower()
    return ""
