"""What of uvicorn serves. Its command line, which the package itself imports, is 1.6 MB of no use here."""

from oma_poller.imports import unopened

with unopened("uvicorn") as uvicorn:
    from uvicorn.config import Config

    uvicorn.Config = Config
    from uvicorn.lifespan import off  # the server imports it itself, by its name
    from uvicorn.protocols.http.h11_impl import H11Protocol
    from uvicorn.server import Server

__all__ = ["Config", "H11Protocol", "Server", "off"]
