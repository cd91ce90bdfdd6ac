"""The bodies of replies: how many bytes they may have, and what is read of those that are odd.

Bytes are counted as they come and after decompression, so that neither an endless body nor a small
one that unpacks to gigabytes is held in memory.
"""

import codecs
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

from sysgen_dagster.inference.event_streams import is_event_stream, join_events

_KIB, _MIB = 1024, 1024 * 1024
# Beside the text: usage, filters' findings, prompts that a gateway repeats, sealed thoughts.
_ENVELOPE_BYTES = _MIB
# A token has about four characters, the longest of today's vocabularies 128, and JSON may spell
# each with six bytes.
_BYTES_A_TOKEN = 512
# Eight words with their spelling and their bytes take about 1 kB.
_BYTES_OF_LOGPROBS = 4 * _KIB
_LARGEST_REPLY = 32 * _MIB
# Of what is no answer, for its words are read and quoted and no more.
MOST_ERROR_BYTES = 64 * _KIB
MOST_LISTING_BYTES = 8 * _MIB  # the largest public gateway's list has about 1 MB
_STEP = 64 * _KIB  # what is unpacked at once
_DEFLATED = frozenset({"gzip", "x-gzip", "deflate"})
_NOT_READ = frozenset({"br", "zstd", "compress", "x-compress"})


class BadBodyError(Exception):
    """A body is longer than it may be, or compressed in a way that cannot be read."""


def most_reply_bytes(tokens: int, with_logprobs: bool = False) -> int:
    """The most bytes of a reply to a request for so many tokens: longer ones are no answers."""
    each = _BYTES_A_TOKEN + (_BYTES_OF_LOGPROBS if with_logprobs else 0)
    return min(_ENVELOPE_BYTES + each * tokens, _LARGEST_REPLY)


@dataclass(slots=True)
class Body:
    """A body while it comes.

    Attributes:
        most: Bytes that it may have, as they come and unpacked.
        encoding: The ``Content-Encoding`` of the reply.
        content: What has come, unpacked.
    """

    most: int
    encoding: str = ""
    content: bytearray = field(default_factory=bytearray)
    _received: int = 0
    _inflater: Any = None

    def add(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            BadBodyError: These are too many, or cannot be unpacked. What came before is there.
        """
        self._received += len(chunk)
        encoding = self.encoding.strip().lower()
        if encoding in _NOT_READ or "," in encoding:
            raise BadBodyError(f"compressed as {encoding[:40]}, which was not asked for")
        if encoding in _DEFLATED:
            self._inflate(chunk, encoding)
        else:
            self._take(chunk)
        if self._received > self.most:
            raise self._too_long()

    def _inflate(self, chunk: bytes, encoding: str) -> None:
        try:
            while chunk:
                if self._inflater is None or self._inflater.eof:  # gzip's parts follow each other
                    self._inflater = zlib.decompressobj(_window_bits(encoding, chunk))
                self._take(self._inflater.decompress(chunk, _STEP))
                chunk = self._inflater.unconsumed_tail or self._inflater.unused_data
        except zlib.error as error:
            raise BadBodyError(f"says that it is compressed as {encoding} ({error})") from None

    def _take(self, part: bytes) -> None:
        room = self.most - len(self.content)
        self.content += part[:room]
        if len(part) > room:
            raise self._too_long()

    def _too_long(self) -> BadBodyError:
        return BadBodyError(f"longer than {self.most:,} bytes")


def _window_bits(encoding: str, chunk: bytes) -> int:
    """What `zlib` is to read: some servers send ``deflate`` without the header of zlib."""
    if encoding != "deflate":
        return 16 + zlib.MAX_WBITS
    return zlib.MAX_WBITS if chunk[0] & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS


def read_json(raw: bytes | bytearray) -> Any:
    """The value in a body, leniently: one bad byte or control character costs no answer.

    Bytes that are no text become U+FFFD, a byte order mark is left out, a number with more digits
    than Python reads becomes infinite, a stream of events becomes the reply that it holds.

    Raises:
        ValueError: It is no JSON, or nested too deep.
    """
    encoding = json.detect_encoding(raw)
    text = raw.decode(encoding, "replace").removeprefix(codecs.BOM_UTF8.decode())
    try:
        try:
            return json.loads(text, strict=False)
        except json.JSONDecodeError:
            if is_event_stream(text):
                return join_events(text)
            raise
        except ValueError:  # only the digits of a number are left
            return json.loads(text, strict=False, parse_int=float)
    except RecursionError:
        raise ValueError("nested too deep") from None
