# Calls a node over TLS as any program with grpcio would: ADDRESS CA CERT KEY; and is refused
# without a certificate.
import sys

import grpc

address, ca, cert, key = sys.argv[1:]
read = lambda path: open(path, "rb").read()
text = lambda number, value: bytes([number << 3 | 2, len(value)]) + value
same = lambda message: message


def get(credentials):
    with grpc.secure_channel(address, credentials) as channel:
        call = channel.unary_unary("/psycache.v1.Cache/Get", same, same)
        return call(text(1, b"default") + text(2, b"Tom"), timeout=20)


answer = get(grpc.ssl_channel_credentials(read(ca), read(key), read(cert)))
assert answer.startswith(text(1, b"630")), answer
for credentials in [grpc.ssl_channel_credentials(read(ca)), grpc.ssl_channel_credentials()]:
    try:
        get(credentials)
    except grpc.RpcError as refused:
        assert refused.code() == grpc.StatusCode.UNAVAILABLE, refused
    else:
        sys.exit("served without a certificate")
print("served and refused")
