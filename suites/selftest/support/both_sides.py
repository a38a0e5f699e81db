"""A sandbox's two backends, asked side by side over real HTTP, and a company as the database has it."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg

ROWS, SEED = 300, 7  # of the sandboxes that are compared
BASE = "/api/v1/companies/company"


@dataclass(frozen=True, kw_only=True)
class Sides:
    """The backend with its flags on and the one without, logged in."""

    vql: httpx.Client
    sql: httpx.Client
    pool: ThreadPoolExecutor

    def ask(self, company: str, *paths: str, **params: Any) -> list[httpx.Response]:
        """Both answers about a company's contacts, by path: VQL first, SQL second."""
        wanted = [
            (side, f"{BASE}/{company}/contacts/{path}") for path in paths or ("",) for side in (self.vql, self.sql)
        ]
        return list(self.pool.map(lambda entry: entry[0].get(entry[1], params=params), wanted))


@dataclass(frozen=True, kw_only=True)
class LargestCompany:
    """A company's row and its contacts, metadata included."""

    uuid: str
    row: Mapping[str, Any]
    people: Sequence[Mapping[str, Any]]

    def texts(self, column: str) -> list[str]:
        """The column's values; a list is joined by commas."""
        values = [person[column] for person in self.people if person[column]]
        return [",".join(value) if isinstance(value, list) else value for value in values]

    def part(self, column: str, length: int = 4) -> str:
        """A piece of a value, in capitals, that some of the contacts have and others haven't."""
        for text in self.texts(column):
            for start in range(len(text) - length + 1):
                piece = text[start : start + length]
                count = sum(piece.lower() in name.lower() for name in self.texts(column))
                if piece.isalnum() and piece.isascii() and 0 < count < len(self.people) - 1:
                    return piece.upper()
        raise AssertionError(f"nothing splits {column}")

    def moment(self, column: str) -> str:
        """A time that one contact has exactly and that others are on both sides of."""
        moments = sorted(person[column] for person in self.people if person[column])
        return moments[len(moments) // 2].isoformat()


@contextmanager
def both_sides(values: Mapping[str, str]) -> Iterator[Sides]:
    """A sandbox's two backends, logged in."""
    login = {"email": values["CONTACT360_EMAIL"], "password": values["CONTACT360_PASSWORD"]}
    urls = values["CONTACT360_BASE_URL"], values["CONTACT360_BASELINE_URL"]
    token = httpx.post(f"{urls[0]}/api/v1/auth/login/", json=login).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    vql, sql = (httpx.Client(base_url=url, headers=headers, timeout=30) for url in urls)
    with vql, sql, ThreadPoolExecutor(6) as pool:
        yield Sides(vql=vql, sql=sql, pool=pool)


def largest_company(database: psycopg.Connection[Any], condition: str) -> LargestCompany:
    """The company with most contacts among those for which the condition holds."""
    row = database.execute(
        "SELECT k.* FROM companies k LEFT JOIN companies_metadata n USING (uuid) "
        f"JOIN contacts c ON c.company_id = k.uuid WHERE {condition} GROUP BY k.id ORDER BY count(*) DESC, k.id LIMIT 1"
    ).fetchone()
    assert row is not None
    people = database.execute(
        "SELECT m.*, c.* FROM contacts c LEFT JOIN contacts_metadata m USING (uuid) WHERE c.company_id = %s",
        (row["uuid"],),
    )
    return LargestCompany(uuid=row["uuid"], row=row, people=people.fetchall())


def uuids_of(page: httpx.Response) -> list[str]:
    """Who is on a page, in its order."""
    return [item["uuid"] for item in page.json()["results"]]
