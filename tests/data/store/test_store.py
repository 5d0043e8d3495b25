"""A store holds what a table of the same rows would give, however these are strewn over files."""

import numpy as np
import polars as pl
import pytest

from carrousel.data import to_panel
from carrousel.data.store import Source, Store, is_source, open_store, partition
from carrousel.data.store.store import MOST_SERIES, MOST_VALUES, cut_in_blocks

DAY = np.timedelta64(1, "D")


def table(series=7, longest=40, seed=0, dtype=np.float32):
    """Daily series of several lengths with gaps, sorted by name and time."""
    rng, rows = np.random.default_rng(seed), []
    for k in range(series):
        length = int(rng.integers(10, longest))
        days = np.datetime64("2024-01-01", "us") + np.arange(length) * DAY
        kept = np.sort(rng.choice(length, length - 2, replace=False))
        y = rng.normal(10, 3, len(kept)).astype(dtype)
        rows.append(pl.DataFrame({"unique_id": f"s{k:03d}", "ds": days[kept], "y": y}))
    return pl.concat(rows)


def strewn(rows, folder, files=3, seed=1):
    """The rows in any order in several files."""
    folder.mkdir(exist_ok=True)
    order = np.random.default_rng(seed).permutation(len(rows))
    for k, part in enumerate(np.array_split(order, files)):
        rows[part].write_parquet(folder / f"{k}.parquet")
    return folder


def assert_same(panel, other):
    assert list(panel.ids) == list(other.ids)
    np.testing.assert_array_equal(panel.y, other.y)
    assert panel.y.dtype == other.y.dtype
    for name in ("offsets", "start"):
        np.testing.assert_array_equal(getattr(panel, name), getattr(other, name))
    assert (panel.freq, panel.time_zone, panel.id_col) == (
        other.freq,
        other.time_zone,
        other.id_col,
    )


def coming(rows):
    """Four more days of every series, without values."""
    days = pl.datetime_range(pl.datetime(2024, 3, 1), pl.datetime(2024, 3, 4), eager=True)
    names = rows["unique_id"].unique().to_frame()
    return names.join(days.alias("ds").to_frame(), how="cross").with_columns(
        pl.lit(None, pl.Float32).alias("y")
    )


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def small_partitions(monkeypatch):
    """As many partitions as a large source has."""
    monkeypatch.setattr(partition, "ROWS", 30)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_store_holds_what_the_sorted_table_gives(tmp_path, cache, dtype):
    rows = table(dtype=dtype)
    store = open_store(strewn(rows, tmp_path / "d"), cache=cache)
    expected, _ = to_panel(rows)
    assert_same(store.panel(), expected)
    parts = [store.block(i) for i in range(store.n_blocks)]
    np.testing.assert_array_equal(np.concatenate([part.y for part in parts]), expected.y)
    assert any("in 3 files" in note for note in store.notes)
    assert any("sorted by ds" in note for note in store.notes)
    assert any("rows in several files" in note for note in store.notes)


def in_months(rows):
    """The last days of months, one after the other in each series."""
    month = pl.int_range(pl.len()).over("unique_id").cast(pl.String) + "mo"
    return rows.with_columns(
        pl.lit(np.datetime64("2020-01-01", "us")).dt.offset_by(month).dt.month_end().alias("ds")
    )


def in_hours(rows):
    """An hour in UTC for each day."""
    first = pl.datetime(2024, 1, 1)
    hours = pl.duration(hours=(pl.col("ds") - first).dt.total_days())
    return rows.with_columns((first + hours).dt.replace_time_zone("UTC").alias("ds"))


HOW = {
    "whole numbers as names": (
        lambda t: t.with_columns(pl.col("unique_id").str.slice(1).cast(pl.Int64)),
        {},
    ),
    "whole numbers as times": (
        lambda t: t.with_columns((pl.col("ds") - pl.col("ds").min()).dt.total_days()),
        {"freq": 1},
    ),
    "months": (in_months, {}),
    "working days": (lambda t: t.filter(pl.col("ds").dt.weekday() < 6), {}),
    "hours in UTC": (in_hours, {}),
    "gaps filled with zero": (lambda t: t, {"fill": "zero"}),
    "categories as names": (lambda t: t.with_columns(pl.col("unique_id").cast(pl.Categorical)), {}),
    "dates as text": (lambda t: t.with_columns(pl.col("ds").dt.strftime("%Y-%m-%d")), {}),
    "the future without values": (
        lambda t: pl.concat([t, coming(t)]).sort("unique_id", "ds"),
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", HOW)
def test_tables_of_all_kinds_are_read_as_one_table_is(tmp_path, cache, how):
    from carrousel.data import ReadOptions

    change, options = HOW[how]
    rows = change(table())
    freq, reading = options.get("freq"), ReadOptions(fill=options.get("fill", "missing"))
    store = open_store(strewn(rows, tmp_path / "d"), cache=cache, freq=freq, reading=reading)
    assert_same(store.panel(), to_panel(rows, freq=freq, reading=reading)[0])


def test_directories_globs_hive_and_lazy_frames_hold_the_same(tmp_path, cache):
    rows = table()
    flat = strewn(rows, tmp_path / "flat")
    (tmp_path / "hive").mkdir()
    for (name,), part in rows.partition_by("unique_id", as_dict=True, include_key=False).items():
        (tmp_path / "hive" / f"unique_id={name}").mkdir()
        part.write_parquet(tmp_path / "hive" / f"unique_id={name}" / "x.parquet")
    (flat / "_SUCCESS").write_text("")
    sources = [flat, f"{flat}/*.parquet", f"{tmp_path}/f*t/*", tmp_path / "hive", rows.lazy()]
    assert all(map(is_source, sources))
    stores = [open_store(source, cache=cache) for source in sources]
    assert len({store.identity for store in stores}) == 1
    assert_same(stores[3].panel(), to_panel(rows)[0])


def test_a_store_is_made_once_and_again_where_a_file_changed(tmp_path, cache):
    folder = strewn(table(), tmp_path / "d")
    first = open_store(folder, cache=cache)
    made = (first.folder / "store.json").stat().st_mtime_ns
    assert open_store(folder, cache=cache).folder == first.folder
    assert (first.folder / "store.json").stat().st_mtime_ns == made
    table(seed=3).write_parquet(folder / "0.parquet")
    with pytest.raises(ValueError, match=r"two rows for 2024"):
        open_store(folder, cache=cache)
    for old in ("1.parquet", "2.parquet"):
        (folder / old).unlink()
    second = open_store(folder, cache=cache)
    assert second.folder != first.folder
    assert second.identity != first.identity


def test_a_store_that_was_damaged_is_refused_and_made_anew(tmp_path, cache):
    folder = strewn(table(), tmp_path / "d")
    store = open_store(folder, cache=cache)
    values = store.folder / "values.bin"
    content = bytearray(values.read_bytes())
    content[17] ^= 1
    values.write_bytes(content)
    with pytest.raises(ValueError, match=r"values\.bin: it is not as it was written"):
        Store(store.folder)
    again = open_store(folder, cache=cache)
    assert_same(again.panel(), to_panel(table())[0])
    again.remove()
    assert not again.folder.exists()


def test_broken_files_and_series_are_named_and_others_are_kept(tmp_path, cache):
    rows = table()
    folder = strewn(rows.filter(pl.col("unique_id") != "s003"), tmp_path / "d")
    (folder / "broken.parquet").write_bytes(b"PAR1 no more of it")
    text = rows.filter(pl.col("unique_id") == "s003").with_columns(pl.lit("much").alias("y"))
    text.write_parquet(folder / "text.parquet")
    twice = rows.filter(pl.col("unique_id") == "s005").head(1)
    twice.write_parquet(folder / "twice.parquet")
    with pytest.raises(ValueError, match=r"broken\.parquet: cannot be read as Parquet"):
        open_store(folder, cache=cache)
    store = open_store(folder, cache=cache, on_error="skip")
    kept = rows.filter(~pl.col("unique_id").is_in(["s003", "s005"]))
    assert_same(store.panel(), to_panel(kept)[0])
    assert [(b.kind, b.name) for b in store.broken] == [
        ("file", "broken.parquet"),
        ("series", "s003"),
        ("series", "s005"),
    ]
    reasons = [b.reason for b in store.broken]
    assert "text that is no number (text.parquet)" in reasons[1]
    assert "two rows for 2024-01-0" in reasons[2]


REFUSED = {
    "no such column": (lambda t: t.rename({"y": "z"}), "target_col: there is no column 'y'"),
    "names that are fractions": (
        lambda t: t.with_columns(pl.col("y").alias("unique_id")),
        "unique_id must hold text or whole numbers",
    ),
    "a row without a name": (
        lambda t: t.with_columns(pl.lit(None, pl.String).alias("unique_id")),
        "row 1 has no name",
    ),
    "times of no frequency": (
        lambda t: t.with_columns(
            pl.col("ds") + pl.duration(seconds=pl.int_range(pl.len()) ** 2 * 977)
        ),
        "freq is ambiguous",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_read_is_refused_by_name(tmp_path, cache, what):
    change, message = REFUSED[what]
    change(table()).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(ValueError, match=message):
        open_store(f"{tmp_path}/*.parquet", cache=cache)
    assert not list(cache.glob("*/store"))
    assert not list(cache.glob("*/.building-*"))


def test_files_unlike_the_others_are_left_out_by_name(tmp_path, cache):
    rows = table()
    folder = strewn(rows, tmp_path / "d")
    rows.rename({"y": "z"}).write_parquet(folder / "columns.parquet")
    rows.clear().write_parquet(folder / "empty.parquet")
    zoned = rows.with_columns(pl.col("ds").dt.replace_time_zone("UTC"))
    zoned.write_parquet(folder / "zoned.parquet")
    rows.with_columns(pl.lit("soon").alias("ds")).write_parquet(folder / "words.parquet")
    with pytest.raises(ValueError, match=r"^columns\.parquet: target_col: there is no column 'y'"):
        open_store(folder, cache=cache)
    store = open_store(folder, cache=cache, on_error="skip")
    assert_same(store.panel(), to_panel(rows)[0])
    assert {b.name for b in store.broken} == {"columns.parquet", "zoned.parquet", "words.parquet"}


def test_one_file_is_a_source_too(tmp_path, cache):
    strewn(table(), tmp_path, files=1)
    assert_same(open_store(tmp_path / "0.parquet", cache=cache).panel(), to_panel(table())[0])
    with pytest.raises(ValueError, match="there is no Parquet file"):
        open_store(tmp_path / "none.parquet", cache=cache)


def test_a_folder_without_parquet_says_what_there_is(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n")
    with pytest.raises(ValueError, match=r"no Parquet file, only \.csv"):
        Source.of(tmp_path)


@pytest.mark.parametrize("seed", range(3))
def test_blocks_are_whole_series_within_their_limits(seed):
    lengths = np.random.default_rng(seed).integers(1, 3000, 30_000)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    blocks = cut_in_blocks(offsets)
    assert blocks[0] == 0
    assert blocks[-1] == 30_000
    assert (np.diff(blocks) > 0).all()
    assert (np.diff(blocks) <= MOST_SERIES).all()
    assert (np.diff(offsets[blocks]) <= MOST_VALUES).all()
