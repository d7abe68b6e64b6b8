import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.prober.procstat import Stat, parse_limit, parse_stat

# Linux 6.18, 3.10 (fewer fields), and a name chosen to mislead.
MODERN = (
    b"984 (bash) S 981 984 984 0 -1 4194304 520 1038 0 0 3 5 7 1 20 0 1 0 1219 4653056 1134 18446744073709551615 "
    b"1 1 0 0 0 0 65536 4 65538 1 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
)
OLD = (
    b"1 (init) S 0 1 1 0 -1 4202752 2017 104113 20 1081 12 88 291 271 20 0 1 0 2 19861504 388 "
    b"18446744073709551615 1 1 0 0 0 0 0 4096 536962595 18446744073709551615 0 0 0 1 0 0 12 0 0\n"
)
MISLEADING = MODERN.replace(b"(bash)", b"(a) R 1 (x y)")


def test_a_modern_kernel() -> None:
    assert parse_stat(MODERN) == Stat(b"bash", "S", 981, 8, 1219, 1134)


def test_an_old_kernel() -> None:
    assert parse_stat(OLD) == Stat(b"init", "S", 0, 100, 2, 388)


def test_a_name_with_parentheses_and_spaces_misleads_nobody() -> None:
    assert parse_stat(MISLEADING) == Stat(b"a) R 1 (x y", "S", 981, 8, 1219, 1134)


@pytest.mark.parametrize("text", [b"", b"984 (bash", b"984 (bash) S 1", MODERN.replace(b" 981 ", b" x ")])
def test_nonsense_is_none(text: bytes) -> None:
    assert parse_stat(text) is None


@given(st.binary())
def test_any_bytes_give_a_value_or_none(text: bytes) -> None:
    parse_stat(text)
    parse_limit(text)


def test_the_soft_limit_on_files() -> None:
    text = b"Limit                     Soft Limit           Hard Limit           Units     \n"
    text += b"Max processes             96330                96330                processes \n"
    assert (
        parse_limit(
            text + b"Max open files            1024                 524288               files     \n"
        )
        == 1024
    )
    assert (
        parse_limit(
            text + b"Max open files            unlimited            unlimited            files     \n"
        )
        is None
    )
    assert parse_limit(text) is None
