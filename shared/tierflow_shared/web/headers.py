"""The headers of every response. CORS stays closed: nothing here lets a page of another origin read an answer."""

from typing import Final

from starlette.types import Message

# An API answers data: nothing of it may run, be framed, be guessed at, or be kept by a cache.
SECURITY_HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
# The two pages for people need their own styles; the API's documentation takes its program from one address.
_PAGES: Final = (
    b"default-src 'none'; style-src 'unsafe-inline' https://cdn.jsdelivr.net; img-src 'self' data: "
    b"https://fastapi.tiangolo.com; script-src 'unsafe-inline' https://cdn.jsdelivr.net; connect-src 'self'; "
    b"frame-ancestors 'none'"
)
_FOR_DATA: Final = list(SECURITY_HEADERS)
_FOR_PAGES: Final = [
    (name, _PAGES if name == b"content-security-policy" else value) for name, value in SECURITY_HEADERS
]


def secure(message: Message) -> None:
    """Puts the headers on a response that starts. What a route said itself about caching stays."""
    headers = message.setdefault("headers", [])
    is_page = says_cache = False
    for name, value in headers:
        if name == b"content-type":
            is_page = value.startswith(b"text/html")
        elif name == b"cache-control":
            says_cache = True
    ours = _FOR_PAGES if is_page else _FOR_DATA
    headers.extend(ours[:-1] if says_cache else ours)
