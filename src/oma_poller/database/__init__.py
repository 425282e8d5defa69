"""The OMA's SQL database: MariaDB, MySQL and SQLite behind the same ports."""
