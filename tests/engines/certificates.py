"""Makes an authority and a server's certificate for 127.0.0.1, in the directory that is given."""

import datetime
import ipaddress
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(name, key, issuer, issuer_key, extension):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or subject)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    return builder.add_extension(extension, critical=False).sign(issuer_key, hashes.SHA256())


directory = Path(sys.argv[1])
authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
authority = certificate("authority", authority_key, None, authority_key, x509.BasicConstraints(True, None))
names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
server = certificate("server", server_key, authority.subject, authority_key, names)
pem = serialization.Encoding.PEM
(directory / "authority.pem").write_bytes(authority.public_bytes(pem))
(directory / "server.pem").write_bytes(server.public_bytes(pem))
private = serialization.PrivateFormat.PKCS8
(directory / "server.key").write_bytes(server_key.private_bytes(pem, private, serialization.NoEncryption()))
