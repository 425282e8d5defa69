"""Which scenes are measured, in full and when time is short."""

from collections.abc import Iterator

from fleet import Fleet
from msgspec import Struct
from scene import Scene

from oma_poller.database.address import Engine


class Plan(Struct, frozen=True):
    """The scenes by what they are for; None where there is no time for one."""

    get: Scene
    mariadb: Scene
    bulk: Scene
    many: Scene
    """Bulk, over many VMAs."""
    idle: Scene
    get_few: Scene | None = None
    get_most: Scene | None = None
    bulk_mariadb: Scene | None = None
    many_mariadb: Scene | None = None
    few: Scene | None = None
    """Bulk, a tenth of `many`, with as many jobs at each VMA."""
    thousand: Scene | None = None
    """Bulk, for its memory alone."""
    repeats: int = 3
    """Repeats of the yardsticks."""
    requests: int = 20_000
    """Requests of the bare loop each time."""

    @property
    def scenes(self) -> Iterator[tuple[str, Scene]]:
        """Each scene with the name of its field."""
        for name in self.__struct_fields__:
            scene = getattr(self, name)
            if isinstance(scene, Scene):
                yield name, scene


FULL = Plan(
    idle=Scene("idle, no active jobs", Fleet(5000, status="completed")),
    get_few=Scene("GET, 500 jobs, SQLite", Fleet(500)),
    get=Scene("GET, 5,000 jobs, SQLite", Fleet(5000), lag_s=15),
    get_most=Scene("GET, 10,000 jobs, SQLite", Fleet(10_000), lag_s=15),
    mariadb=Scene("GET, 5,000 jobs, MariaDB", Fleet(5000), engine=Engine.MYSQL, lag_s=15),
    thousand=Scene("bulk, 1,000 jobs", Fleet(1000), bulk=True, windows=1),
    bulk=Scene("bulk, 5,000 jobs, SQLite", Fleet(5000), bulk=True, max_concurrent=10_000),
    bulk_mariadb=Scene(
        "bulk, 5,000 jobs, MariaDB", Fleet(5000), engine=Engine.MYSQL, bulk=True, max_concurrent=10_000
    ),
    many_mariadb=Scene(
        "bulk, 100,000 jobs, 100 VMAs, MariaDB",
        Fleet(100_000, 100),
        engine=Engine.MYSQL,
        bulk=True,
        max_concurrent=10_000,
    ),
    few=Scene("bulk, 10,000 jobs, 10 VMAs", Fleet(10_000, 10), bulk=True, max_concurrent=10_000),
    many=Scene("bulk, 100,000 jobs, 100 VMAs, SQLite", Fleet(100_000, 100), bulk=True, max_concurrent=10_000),
)


def _short(name: str, fleet: Fleet, engine: Engine = Engine.SQLITE, *, bulk: bool = False) -> Scene:
    """Return a scene of half a minute."""
    most = 10_000 if bulk else 200
    return Scene(
        name, fleet, engine, bulk, most, windows=1, window_s=7.0, warm_up_polls=2, lag_s=0 if bulk else 5
    )


QUICK = Plan(
    idle=Scene("idle, no active jobs", Fleet(1000, status="completed"), windows=1, window_s=5.0),
    get=_short("GET, 1,000 jobs, SQLite", Fleet(1000)),
    mariadb=_short("GET, 1,000 jobs, MariaDB", Fleet(1000), Engine.MYSQL),
    bulk=_short("bulk, 2,000 jobs", Fleet(2000), bulk=True),
    many=_short("bulk, 20,000 jobs, 20 VMAs", Fleet(20_000, 20), bulk=True),
    repeats=1,
    requests=5000,
)
