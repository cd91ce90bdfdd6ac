"""A private authority, and certificates that it signs for servers of tests."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_A_DAY = dt.timedelta(days=1)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@dataclass
class Authority:
    """A private CA whose certificate lies in a file.

    Attributes:
        file: Its certificate, as SSL_CERT_FILE takes it.
    """

    folder: Path
    file: Path = field(init=False)

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.file = self.folder / "ca.pem"
        is_ca = x509.BasicConstraints(ca=True, path_length=None)
        self.file.write_bytes(self._sign("Private CA", self.key, is_ca))

    def server_context(self, host: str = "127.0.0.1", valid_days: int = 1) -> ssl.SSLContext:
        """What a server with a certificate for this address speaks TLS with."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        file = self.folder / f"server-{host}-{valid_days}.pem"
        written = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        file.write_bytes(
            key.private_bytes(*written, serialization.NoEncryption())
            + self._sign("server", key, names, valid_days)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _sign(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        extension: x509.ExtensionType,
        valid_days: int = 1,
    ) -> bytes:
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named("Private CA"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 3 * _A_DAY)
            .not_valid_after(now + valid_days * _A_DAY)
            .add_extension(extension, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)
