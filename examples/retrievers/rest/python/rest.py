"""A data source of one's own: a REST API that answers `GET /scores/KEY`."""

import encodings.idna  # names of hosts need it, and nothing can be imported later
import re
from http.client import HTTPConnection, HTTPException, IncompleteRead

from componentize_py_types import Err
from wit_world.exports import Retriever as Contract, retriever as wit
from wit_world.imports import types

LONGEST = 1 << 20


class Retriever(Contract):
    def configure(self, config):
        options = {pair.name: pair.value for pair in config.options}
        place = options.pop("place", None)
        for name in [*options, *(secret.name for secret in config.secrets)]:
            raise Err(types.ConfigError_UnknownOption(f"{name} (known: place)"))
        if place is None:
            raise Err(types.ConfigError_MissingOption("place"))
        parts = re.fullmatch(r"([\w.-]+|\[[\da-fA-F:.]+\]):([1-9]\d{0,4})", place)
        if not parts or int(parts[2]) > 65535:
            problem = f"`{place}` is no HOST:PORT, such as api.example:80"
            raise Err(types.ConfigError_InvalidValue(types.BadOption("place", problem)))
        # Each call has a new object: what is kept from one to the next is the class's.
        Retriever.place, Retriever.api = place, HTTPConnection(place)

    def fetch(self, key, timeout_ms):
        if not (key.isascii() and key.isalnum()):
            raise Err(wit.FetchError_BadKey("it is no name"))
        try:
            self.api.timeout = timeout_ms / 1000  # of each step; the node ends the whole
            if sock := self.api.sock:
                sock.settimeout(0)
                try:
                    sock.recv(1)
                    self.api.close()  # it has ended, or says what nobody asked for
                except BlockingIOError:
                    sock.settimeout(self.api.timeout)
                except OSError:
                    self.api.close()
            self.api.request("GET", f"/scores/{key}")
            answer = self.api.getresponse()
            if answer.length is None and not answer.chunked:
                raise HTTPException("its answer has no length")
            body = answer.read(LONGEST + 1)
            if answer.length and len(body) <= LONGEST:
                raise IncompleteRead(body, answer.length)
        except PermissionError:
            self.api.close()
            problem = f"the node does not allow it; start it with --allow-net {self.place}"
            raise Err(wit.FetchError_Rejected(f"{self.place}: {problem}"))
        except (OSError, HTTPException) as error:
            self.api.close()
            problem = getattr(error, "strerror", None) or error
            raise Err(wit.FetchError_Unavailable(f"{self.place}: {problem}"))
        if len(body) > LONGEST:
            self.api.close()
            raise Err(wit.FetchError_BadValue("it is larger than 1 MiB"))
        if answer.status in (200, 404, 410):
            return wit.Fetched(body, None) if answer.status == 200 else None
        passes = answer.status in (408, 425, 429) or answer.status >= 500
        kind = wit.FetchError_Unavailable if passes else wit.FetchError_Rejected
        raise Err(kind(f"{self.place}: it answers {answer.status}"))
