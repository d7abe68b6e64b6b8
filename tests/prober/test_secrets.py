import pytest

from core.prober.secrets import masked


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["agent", "--token=abc123"], "agent --token=***"),
        (["agent", "--password", "hunter2", "run"], "agent --password *** run"),
        (["env", "API_KEY=abc", "agent"], "env API_KEY=*** agent"),
        (["bash", "-c", "MY_SECRET=abc exec agent -v"], "bash -c MY_SECRET=*** exec agent -v"),
        (["curl", "-H", "Authorization: Bearer abc.def"], "curl -H Authorization: ***"),
        (["psql", "postgres://bob:pw@host/db"], "psql postgres://bob:***@host/db"),
        (["agent", '{"api-key": "abc", "n": 1}'], 'agent {"api-key": ***, "n": 1}'),
        (["agent", "sk-ant-api03-abcdefghijklmnop"], "agent sk***"),
        (["agent", "ghp_abcdefghijklmnop1234"], "agent ghp***"),
        (["agent", "--passwords-file", "--next"], "agent --passwords-file --next"),
    ],
)
def test_secrets_are_hidden(words: list[str], expected: str) -> None:
    assert masked(words) == expected


@pytest.mark.parametrize(
    "words",
    [
        ["agent", "--max-tokens=4096"],
        ["git", "log", "--author=bob"],
        ["python", "-m", "tokenizer", "--out=x"],
        ["agent", "--workspace=/srv/ws", "skill-1"],
        [],
    ],
)
def test_what_is_no_secret_stays(words: list[str]) -> None:
    assert masked(words) == " ".join(words)
