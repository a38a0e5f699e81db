"""Settings: read once, every slip one sentence that quotes it and says the way out, no secret shown."""

from pathlib import Path

import pytest

from fixtures.settings.env_file import read_env_file
from fixtures.settings.settings import SettingsError, from_values, gathered, names_live

COMPLETE = {
    "CONTACT360_BASE_URL": "https://contact360.example/",
    "CONTACT360_EMAIL": "canary@example.org",
    "CONTACT360_PASSWORD": "sesame-1234",
    "CONNECTRA_BASE_URL": "http://connectra.example:8000",
    "CONNECTRA_API_KEY": "key-5678",
    "DATABASE_URL": "postgresql+asyncpg://verifier:pg-9012@db.example:5432/contact360",
}


def test_a_complete_live_target_is_read() -> None:
    settings = from_values({**COMPLETE, "ELASTICSEARCH_HOST": "es.example", "VQL_EXPORTS": "false"}, "live")

    assert settings.backend_url == "https://contact360.example"
    assert settings.database_url.startswith("postgresql://")
    assert settings.index_url == "http://es.example:9200"
    assert settings.flags["VQL_EXPORTS"] is False
    assert settings.flags["CONNECTRA_ENABLED"] is None


@pytest.mark.parametrize("name", ["CONTACT360_BASE_URL", "CONNECTRA_BASE_URL", "CONNECTRA_API_KEY", "DATABASE_URL"])
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"half configured.*missing: {name}"):
        from_values({key: value for key, value in COMPLETE.items() if key != name}, "live")


def test_one_setting_alone_names_all_the_others() -> None:
    with pytest.raises(SettingsError) as raised:
        from_values({"CONNECTRA_BASE_URL": "http://connectra.example"}, "live")

    for name in ("CONTACT360_BASE_URL", "CONNECTRA_API_KEY", "DATABASE_URL", "CONTACT360_TOKEN"):
        assert name in str(raised.value)


def test_no_secret_is_shown() -> None:
    settings = from_values(COMPLETE, "live")
    shown = repr(settings) + repr(settings.described())

    for secret in ("sesame-1234", "key-5678", "pg-9012", "verifier:"):
        assert secret not in shown
    assert {"sesame-1234", "key-5678", "pg-9012"} <= set(settings.secrets())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONTACT360_BASE_URL", "contact360.example"),
        ("CONTACT360_BASE_URL", "ftp://contact360.example"),
        ("CONNECTRA_BASE_URL", "http://"),
        ("CONNECTRA_BASE_URL", "http://host:port"),
        ("CONNECTRA_API_KEY", "two\nlines"),
        ("DATABASE_URL", "mysql://x"),
        ("VQL_EXPORTS", "maybe"),
        ("ELASTICSEARCH_PORT", "0"),
        ("ELASTICSEARCH_PORT", "nine"),
    ],
)
def test_an_unusable_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        from_values({**COMPLETE, "ELASTICSEARCH_HOST": "es.example", name: value}, "live")


def test_an_error_shows_no_password() -> None:
    with pytest.raises(SettingsError) as raised:
        from_values({**COMPLETE, "CONTACT360_BASE_URL": "ftp://user:sesame@host"}, "live")

    assert "sesame" not in str(raised.value)


def test_an_env_file_is_read_as_a_shell_would(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# comment\nexport CONTACT360_EMAIL='a b'\nDATABASE_URL = postgresql://x # note\n\nEMPTY=\n")

    assert read_env_file(file) == {"CONTACT360_EMAIL": "a b", "DATABASE_URL": "postgresql://x", "EMPTY": ""}


def test_a_damaged_env_file_names_the_line_and_hides_it(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("CONTACT360_EMAIL=a\nsecret without a name\n")

    with pytest.raises(SettingsError, match="line 2") as raised:
        gathered({}, str(file))
    assert "secret without" not in str(raised.value)


def test_a_misspelt_name_is_suggested(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("CONECTRA_API_KEY=x\n")

    with pytest.raises(SettingsError, match="CONNECTRA_API_KEY"):
        gathered({}, str(file))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None], ids=["not-text", "absent"])
def test_an_unreadable_env_file_is_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "env"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError, match="--env-file"):
        gathered({}, str(file))


def test_the_environment_comes_before_the_env_file(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("CONTACT360_EMAIL=file@example.org\nCONTACT360_PASSWORD=x\n")

    values = gathered({"CONTACT360_EMAIL": "env@example.org", "HOME": "/x"}, str(file))

    assert values == {"CONTACT360_EMAIL": "env@example.org", "CONTACT360_PASSWORD": "x"}


def test_flags_alone_are_no_live_target() -> None:
    assert not names_live({"VQL_EXPORTS": "true", "CONNECTRA_ENABLED": "true"})
    assert names_live({"CONNECTRA_BASE_URL": "http://x"})
