"""Canonical JSON and digests: one value, one byte string."""

LARGEST_INTEGER = 2**53 - 1


def _ordered(data: object) -> object:
    if isinstance(data, dict):
        if not all(isinstance(key, str) for key in data):
            raise TypeError("canonical JSON needs text as keys")
        return {key: _ordered(data[key]) for key in sorted(data, key=lambda key: key.encode("utf-16-be"))}
    if isinstance(data, list | tuple):
        return [_ordered(item) for item in data]
    if isinstance(data, int) and not isinstance(data, bool) and abs(data) > LARGEST_INTEGER:
        raise ValueError(f"canonical JSON cannot hold {data}: more than 53 bits")
    if data is None or isinstance(data, str | int):
        return data
    raise TypeError(f"canonical JSON cannot hold a {type(data).__name__}")


def canonical(data: object) -> bytes:
    """The canonical JSON of plain data without floats, as UTF-8.

    Keys are sorted by UTF-16 code unit, nothing is escaped that need not be.
    Raises TypeError for floats and other values that JSON text has no one
    form for, ValueError for integers of more than 53 bits and lone surrogates.

    Source: RFC 8785, JSON Canonicalization Scheme.
    """
    import json  # as hashlib below

    return json.dumps(_ordered(data), separators=(",", ":"), ensure_ascii=False).encode()


def digest(domain: str, data: object) -> str:
    """SHA-256, in hex, of bytes or of the canonical JSON of data, apart for each domain."""
    import hashlib  # costs a tenth of a short answer's time, and not every answer needs a digest

    body = data if isinstance(data, bytes) else canonical(data)
    return hashlib.sha256(f"patreview-{domain}-v1\0".encode() + body).hexdigest()
