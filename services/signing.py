"""The key that signs documents, so that anybody can check that they were not changed.

Made at the first document and kept with the other secrets, with a certificate of its own; or a PKCS#12 file of the
lender, such as a certificate of a licensed authority, whose name readers of PDF then show as trusted.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs7,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from db import secrets
from services import clock
from services.errors import CollectionsError
from settings import settings

OWN_NAME: Final = "Recoup document signing"
_KEY_BITS: Final = 3072
"""NIST SP 800-57: 128 bits of strength, past 2030."""
_VALID_FOR: Final = timedelta(days=20 * 365)
"""A record is asked for years later; readers warn of a certificate that has run out."""


class SigningKeyUnusable(CollectionsError):
    """The configured key cannot be read or cannot sign."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    """Of the authorities above it, where the file has them."""

    @property
    def name(self) -> str:
        """As the certificate says it."""
        found = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(found[0].value) if found else self.certificate.subject.rfc4514_string()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, hexadecimal."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as a file, for whoever is to trust it. Holds nothing secret."""
        return self.certificate.public_bytes(Encoding.PEM)

    def sign(self, content: bytes) -> bytes:
        """A detached CMS signature (RFC 5652) with SHA-256, in DER, with the certificates."""
        builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
        builder = builder.add_signer(self.certificate, self.key, hashes.SHA256())
        for above in self.chain:
            builder = builder.add_certificate(above)
        wanted = [
            pkcs7.PKCS7Options.DetachedSignature,
            pkcs7.PKCS7Options.Binary,
            pkcs7.PKCS7Options.NoCapabilities,
        ]
        return builder.sign(Encoding.DER, wanted)


def identity() -> Identity:
    """Who signs here.

    Raises:
        SigningKeyUnusable: the file named by the environment is absent, its password wrong, or its key of another kind.
    """
    configured = settings().signing_pkcs12
    if configured is None or not configured.name:  # an empty variable configures nothing
        return _own(secrets.signing_identity(_made))
    password = settings().signing_password
    return _lenders(configured, password.get_secret_value() if password else "")


@cache
def _own(pem: str) -> Identity:
    content = pem.encode()
    key = load_pem_private_key(content, password=None)
    assert isinstance(key, rsa.RSAPrivateKey), "made below"
    return Identity(key, x509.load_pem_x509_certificate(content[content.index(b"-----BEGIN CERTIFICATE") :]), ())


def _made() -> str:
    """A new key with a certificate that it signed itself, in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, OWN_NAME)])
    now = clock.now()
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a reader's clock may be behind
        .not_valid_after(now + _VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (private + certificate.public_bytes(Encoding.PEM)).decode()


def _usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


@cache
def _lenders(path: Path, password: str) -> Identity:
    try:
        key, certificate, chain = pkcs12.load_key_and_certificates(path.read_bytes(), password.encode() or None)
    except OSError as error:
        raise SigningKeyUnusable(f"The signing key {path} cannot be read ({error.strerror}).") from None
    except ValueError:
        raise SigningKeyUnusable(
            f"The signing key {path} cannot be opened: check RECOUP_SIGNING_PASSWORD, and that it is a PKCS#12 file."
        ) from None
    if certificate is None or not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise SigningKeyUnusable(f"The signing key {path} holds no RSA or EC key with its certificate.")
    return Identity(key, certificate, tuple(chain))
