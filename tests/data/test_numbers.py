"""Numbers as text in either convention: read as they are, or refused; never as others."""

import polars as pl
import pytest

from carrousel.data import ReadOptions, to_panel

READ = {
    "987 beside 1.034": (["987", "1.034", "950"], [987, 1034, 950]),
    "German": (["4.167,28", "12,5", "-3,25"], [4167.28, 12.5, -3.25]),
    "groups of three twice": (["4,787,699", "1,000"], [4787699, 1000]),
    "decimal commas": (["1,5", "-2,25", "4"], [1.5, -2.25, 4]),
    "blanks": (["1 234,5", "12\u202f345,25", "3\u00a0000,0"], [1234.5, 12345.25, 3000]),
    "Swiss": (["1'234.50", "12’000.25"], [1234.5, 12000.25]),
    "lakh": (["12,34,567", "1,00,000"], [1234567, 100000]),
    "exponents": (["1e3", "-2.5E-1"], [1000, -0.25]),
    "a zero before decimals": (["0.123", "1.250"], [0.123, 1.25]),
    "four digits before a point": (["1.234", "1234.5"], [1.234, 1234.5]),
    "signs": (["+1.5", "−2.5", ".5", "5."], [1.5, -2.5, 0.5, 5]),
    "words for nothing": (
        ["1", "NA", "-", "n/a", "", "null", "?", "#N/A", "<NA>", "2"], [1, *[None] * 8, 2],
    ),
}  # fmt: skip
REFUSED = {
    "three digits everywhere": (["1.034", "1.166"], r"may be 1.\d+ or 1,\d+; give decimal='.'"),
    "the same with commas": (["1,034", "1,166"], "decimal=',' .* thousands=','"),
    "small numbers beside": (["1", "2", "3", "1.125"], "'1.125' may be 1.125 or 1,125"),
    "two conventions": (["1,5", "1.5"], "as the rest of the column would have it"),
    "a currency": (["$5", "$6"], "'\\$5' in row 1 is not a number; write the plain number"),
    "a percent sign": (["5", "6 %"], "'6 %' in row 2 is not a number; write the plain number"),
    "a unit": (["5 kg", "6 kg"], "write the plain number"),
    "a word": (["12", "much"], "y: 'much' in row 2 is not a number$"),
    "groups of other sizes": (["1.23.4", "1"], "'1.23.4' in row 1 is not a number"),
    "infinity": (["1", "inf"], "the value in row 2 is infinite"),
}


def values(cells, **options):
    frame = pl.DataFrame({"ds": range(len(cells)), "y": cells})
    return to_panel(frame, freq=1, reading=ReadOptions(**options))[0].y.tolist()


@pytest.mark.parametrize("case", READ)
def test_what_can_be_one_thing_only_is_read(case):
    cells, expected = READ[case]
    wanted = [float("nan") if one is None else float(one) for one in expected]
    assert values(cells) == pytest.approx(wanted, nan_ok=True)


@pytest.mark.parametrize("case", REFUSED)
def test_what_may_be_two_things_or_none_is_refused(case):
    cells, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        values(cells)


def test_options_settle_it():
    assert values(["1.034", "1.166"], decimal=".") == pytest.approx([1.034, 1.166])
    assert values(["1.034", "1.166"], thousands=".") == [1034, 1166]
    assert values(["1.034", "1.166"], decimal=",") == [1034, 1166]
    assert values(["1,034", "1,166"], thousands=",") == [1034, 1166]
    with pytest.raises(ValueError, match=r"'1,5' in row 1 is not a number as the options"):
        values(["1,5"], decimal=".")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decimal": ";"}, "decimal must be one of"),
        ({"thousands": "x"}, "thousands must be one of"),
        ({"decimal": ".", "thousands": "."}, "thousands must differ from decimal"),
        ({"fill": "mean"}, "fill must be one of 'missing', 'zero', got 'mean'"),
        ({"aggregate": "mode"}, "aggregate must be one of 'sum', 'mean'"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        ReadOptions(**options)


@pytest.mark.parametrize(
    "options", [{"day_first": 1}, {"date_format": 3}, {"sheet": True}, {"header": "no"}], ids=str
)
def test_options_of_another_kind(options):
    with pytest.raises(TypeError, match=f"{next(iter(options))} must be"):
        ReadOptions(**options)


def test_the_other_columns_of_a_table_tell_the_convention():
    from carrousel.data.read import open_table

    frame = pl.DataFrame({"ds": ["1", "2"], "y": ["1.034", "1.166"], "x": ["1,5", "2"]})
    table = open_table(frame, ("unique_id", "ds", "y"), ("x",))
    assert table.numbers("y", ["x"]).tolist() == [1034, 1166]
