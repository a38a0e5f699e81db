"""Every document against every row, both ways: the census that samples can't replace."""

import psycopg
import pytest

from fixtures.checks.phase import Phase, require_match
from fixtures.clients.elasticsearch import IndexUnreachable
from fixtures.clients.postgres_sessions.errors import DatabaseUnreachable, DatabaseUnusable, described
from fixtures.contracts.contract import ContractError
from fixtures.index_parity import report, stores
from fixtures.index_parity.census import CensusPlan
from reports.plugin import selection
from reports.plugin.recorder import Recorder
from reports.records.records import Comparison

RECORDS = ("contact", "company")
BUDGET_S = 600  # for each index; what is left out is told, and `python -m fixtures.index_parity` goes on


@pytest.mark.asks("{record}-parity")
@pytest.mark.slow
@pytest.mark.parametrize("record", RECORDS)
def test_index_equals_the_table(request: pytest.FixtureRequest, phase: Phase, recorder: Recorder, record: str) -> None:
    check, settings, contract = f"{record}-parity", phase.target.settings, phase.target.contract
    if settings.index_url is None:
        phase.leave([check], "not asked: ELASTICSEARCH_HOST is not set")
    if settings.kind == "live" and "slow" not in request.config.option.markexpr:
        phase.leave([check], "it reads both stores whole: only asked with -m 'phase0 and slow'")
    if selection.shard_of(request.config)[0] > 1:
        phase.leave([check], "only the first shard runs this check")
    plan = CensusPlan(seed=phase.seed, seconds=BUDGET_S, pauses=tuple(phase.pauses))
    path = recorder.folder / "index-parity" / f"{record}.json"

    try:
        with stores.census(settings, contract, record, plan, path, recorder.redactor) as census:
            state = census.run()
    except (ContractError, IndexUnreachable, DatabaseUnreachable, DatabaseUnusable) as error:
        phase.leave([check], " ".join(str(error).split()))
    except psycopg.Error as error:
        phase.leave([check], described(error))

    again = f"python -m fixtures.index_parity --record {record} --seed {phase.seed}"
    records = list(report.records(state, phase=phase.gate.phase, index=contract.records[record].index, again=again))
    for fact in records:
        recorder.writer.append(fact)
    require_match([entry for entry in records if isinstance(entry, Comparison)])
