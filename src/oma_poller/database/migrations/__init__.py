"""The versions of our own tables, applied in order by `oma-poller db upgrade`.

To change those tables, add `versions/vNNNN_NOUN.py`: a docstring whose first line says what it does (the
operator sees it), `revision = "NNNN"`, `down_revision` = the one before, and `upgrade()` with `alembic.op`.
Types that both engines spell differently are in `columns.py`.

Each table's name begins with `oma_poller_`. A version must bear being run again after it was cut off
half-way, since MariaDB commits each DDL statement by itself: `if_not_exists=True` on a table, a look at the
columns before one is added. There is no way back down: an older program refuses tables that are newer.
"""
