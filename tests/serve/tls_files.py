"""Certificates that sign themselves, with their keys, as files; for tests of TLS."""

import subprocess
from pathlib import Path


def write_tls_files(folder: Path, *names: str) -> Path:
    """Write NAME.pem and NAME.key for each, all of the host localhost; the folder."""
    for name in names:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-days", "2", "-keyout", f"{name}.key", "-out", f"{name}.pem"],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
    return folder
