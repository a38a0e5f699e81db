"""Gate files: what one has to say, and that every slip is refused by name before it can hold nothing back."""

from typing import Any

import pytest

from reports.judge.criteria import KINDS, RULES, SHARES, Criterion, GateError, Recheck, covers, read_gate

HEAD = 'schema = 1\nphase = "p"\ntitle = "t"\nflag = "F"\nguide = "g"\nvalid_hours = 24\nsamples = 9\n'
TABLES = "[recheck]\nlive_s = [1, 5]\nsandbox_s = [0]\n[latency]\nblocks = 4\n"
PLAIN = {"id": "c", "guide": "g", "reason": "r", "rule": "exact", "checks": ["x"]}
SHARE = PLAIN | {"rule": "share", "of": "errors", "target": 0.01, "alert": 0.05}
EXPORTS = "[exports]\ntiny = 1\nsmall = 2\nmedium = 3\nlarge = 4\ndeadline_s = {small = 5}\nshares = {contact = 0.5}\n"


def _table(entry: dict[str, Any]) -> str:
    body = {True: "true", False: "false"}
    return "".join(
        f"{name} = {body[value] if isinstance(value, bool) else repr(value)}\n" for name, value in entry.items()
    )


def _gate(*criteria: dict[str, Any], head: str = HEAD, tables: str = TABLES) -> str:
    return head + tables + "".join(f"[[criterion]]\n{_table(criterion)}" for criterion in criteria or (PLAIN,))


def _without(entry: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}


def test_a_gate_is_read_as_it_stands() -> None:
    gate = read_gate(_gate(PLAIN | {"least": 59, "kind": "advisory"}, SHARE | {"id": "d"}), "gate.toml")

    first, second = gate.criteria
    assert (gate.phase, gate.flag, gate.valid_hours, gate.samples, gate.after) == ("p", "F", 24, 9, "")
    assert gate.recheck == Recheck(live_s=(1, 5), sandbox_s=(0,), fresh_s=60.0)
    assert (gate.latency.blocks, gate.latency.pairs, gate.latency.floor_ms) == (4, 16, 5.0)
    assert (first.checks, first.least, first.kind, first.needs_flag) == (("x",), 59, "advisory", False)
    assert (second.least, second.kind, second.served_by, second.hours) == (1, "blocking", "vql", None)


def test_optional_keys_of_a_gate_have_defaults() -> None:
    gate = read_gate(_gate(tables="recheck = {live_s = [], sandbox_s = []}\n"), "gate.toml")

    assert (gate.latency.blocks, gate.bake, gate.exports) == (8, (), None)


def test_sizes_of_exports_are_read() -> None:
    gate = read_gate(_gate(tables=TABLES + EXPORTS), "gate.toml")

    assert gate.exports is not None
    assert (gate.exports.tiny, gate.exports.deadline_s, gate.exports.shares) == (1, {"small": 5}, {"contact": 0.5})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schema =", "gate.toml: not TOML"),
        (_gate(head=HEAD.replace("schema = 1\n", "")), "schema must be 1"),
        (_gate(head=HEAD.replace("schema = 1", "schema = 2")), "schema must be 1"),
        (HEAD + TABLES, "no \\[\\[criterion\\]\\]"),
        (_gate(PLAIN, PLAIN), "'c' is there twice"),
        (_gate(head=HEAD.replace("title", "titel")), "unknown key 'titel'; did you mean 'title'"),
        (_gate(head=HEAD.replace('title = "t"\n', "")), "missing: title"),
        (_gate(tables="[latency]\n"), "\\[recheck\\]: missing: live_s, sandbox_s"),
        (_gate(tables=TABLES + "block = 3\n"), "\\[latency\\]: unknown key 'block'; did you mean 'blocks'"),
        (_gate(tables=TABLES + EXPORTS.replace("tiny", "teeny")), "\\[exports\\]: unknown key 'teeny'"),
        (_gate(tables=TABLES + '[[bake]]\nphase = "q"\nhours = 2\n'), "\\[\\[bake\\]\\]: missing: longest"),
        (_gate(PLAIN | {"leest": 3}), "criterion 'c': unknown key 'leest'; did you mean 'least'"),
        (_gate(PLAIN | {"zzz": 3}), "unknown key 'zzz'$"),
        (_gate(_without(PLAIN, "id")), "criterion '\\(without id\\)': missing: id"),
        (_gate(_without(PLAIN, "reason")), "missing: reason"),
        (_gate(PLAIN | {"rule": "exakt"}), "rule = 'exakt': expected exact, .*; did you mean 'exact'"),
        (_gate(PLAIN | {"kind": "fatal"}), "kind = 'fatal'"),
        (_gate(PLAIN | {"served_by": "sql"}), "served_by = 'sql'"),
        (_gate(SHARE | {"of": "error"}), "of = 'error'.*did you mean 'errors'"),
        (_gate(_without(SHARE, "of")), "of = ''"),
        (_gate(PLAIN | {"checks": []}), "checks is missing: the rule 'exact'"),
        (_gate(PLAIN | {"least": 0}), "least = 0"),
        (_gate(SHARE | {"target": 0.06}), "target 0.06 is beyond alert 0.05"),
    ],
)
def test_a_slip_is_refused_by_its_name(text: str, message: str) -> None:
    with pytest.raises(GateError, match=message):
        read_gate(text, "gate.toml")


LIMITED = (
    "share",
    "latency",
    "p95",
    "lag",
    "limit",
    "pooled-share",
    "pooled-latency",
    "pooled-p95",
    "burn",
    "pooled-availability",
)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ["target", "alert"])
@pytest.mark.parametrize("value", [None, 0, -0.1, True, "much"], ids=["none", "zero", "negative", "true", "text"])
def test_a_rule_that_judges_a_number_needs_both_its_limits(rule: str, name: str, value: Any) -> None:
    entry = _without(SHARE, name) | {"rule": rule} | ({} if value is None else {name: value})

    if rule in LIMITED:
        sentence = "expected a number" if value in (True, "much") else f"the rule '{rule}' needs a number above 0"
        with pytest.raises(GateError, match=f"{name} = .*: .*{sentence}"):
            read_gate(_gate(entry), "gate.toml")
    elif value is None:
        assert read_gate(_gate(entry), "gate.toml").criteria[0].rule == rule


@pytest.mark.parametrize("rule", RULES)
def test_the_rules_about_shares_say_of_what(rule: str) -> None:
    texts = [read_gate(_gate(SHARE | {"rule": rule, "of": of}), "gate.toml").criteria[0].of for of in SHARES]

    assert texts == list(SHARES)
    if rule in ("share", "pooled-share", "pooled-availability", "burn"):
        with pytest.raises(GateError, match="of = "):
            read_gate(_gate(_without(SHARE, "of") | {"rule": rule}), "gate.toml")
    else:
        read_gate(_gate(_without(SHARE, "of") | {"rule": rule}), "gate.toml")


def test_a_share_may_look_at_every_check_and_stand_at_one_limit() -> None:
    gate = read_gate(_gate(_without(SHARE, "checks") | {"target": 0.05}), "gate.toml")

    assert gate.criteria[0].checks == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("served_by", ["vql", "any"])
def test_every_kind_and_path_of_a_criterion_is_read(kind: str, served_by: str) -> None:
    (criterion,) = read_gate(_gate(PLAIN | {"kind": kind, "served_by": served_by}), "gate.toml").criteria

    assert (criterion.kind, criterion.served_by) == (kind, served_by)


@pytest.mark.parametrize(("hours", "longest", "fits"), [(2, 2, True), (2, 3, True), (0, 1, False), (3, 2, False)])
def test_a_bake_fits_into_what_is_pooled(hours: int, longest: int, fits: bool) -> None:
    text = _gate(tables=TABLES + f'[[bake]]\nphase = "q"\nhours = {hours}\nlongest = {longest}\n')

    if fits:
        assert read_gate(text, "gate.toml").bake[0].longest == longest
    else:
        with pytest.raises(GateError, match="of q: expected 0 < hours <= longest"):
            read_gate(text, "gate.toml")


@pytest.mark.parametrize(
    ("checks", "name", "covered"),
    [
        (("a", "b"), "b", True),
        (("a",), "ab", False),
        (("a*",), "ab", True),
        (("a*",), "a", True),
        (("a*",), "ba", False),
        (("*",), "anything", True),
        ((), "a", False),
    ],
)
def test_a_criterion_looks_at_what_it_names(checks: tuple[str, ...], name: str, covered: bool) -> None:
    assert covers(Criterion(id="c", guide="g", rule="exact", reason="r", checks=checks), name) is covered
