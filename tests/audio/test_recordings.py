"""Files, folders and tables of recordings: what is read, what is announced, what is refused."""

import wave

import numpy as np
import pytest

from carrousel.audio import Recordings, read_recordings, read_sound, write_sound

from .conftest import tone

soundfile = pytest.importorskip("soundfile")


def wav(path, sound=None, rate=8000, subtype="PCM_16"):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(440) if sound is None else sound, rate, subtype=subtype)
    return path


@pytest.fixture
def words(tmp_path):
    """Two labels of two recordings each."""
    for label in ("yes", "no"):
        for name in ("1.wav", "2.WAV"):
            wav(tmp_path / "words" / label / name)
    return tmp_path / "words"


@pytest.mark.parametrize(
    ("subtype", "precision"),
    [("PCM_U8", 8e-3), ("PCM_16", 4e-5), ("PCM_24", 2e-7), ("PCM_32", 1e-7), ("FLOAT", 0),
     ("DOUBLE", 0), ("ULAW", 0.02)],
)  # fmt: skip
def test_wav_files_of_all_kinds_hold_the_same_sound(tmp_path, subtype, precision):
    got, rate = read_sound(wav(tmp_path / "a.wav", subtype=subtype))
    assert (rate, got.dtype) == (8000, np.float32)
    np.testing.assert_allclose(got, tone(440), atol=precision)


def test_a_file_that_another_program_wrote(tmp_path):
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(11025)
        file.writeframes(np.array([[16384, 0], [-16384, -16384]], "<i2").tobytes())
    got, rate = read_sound(tmp_path / "a.wav")
    assert (rate, got.tolist()) == (11025, [0.25, -0.5])
    assert read_sound(tmp_path / "a.wav", channel=1)[0].tolist() == [0.0, -0.5]


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.aiff"])
def test_other_files_of_sound_are_read(tmp_path, name):
    soundfile.write(tmp_path / name, tone(440), 8000)
    got, _ = read_sound(tmp_path / name)
    np.testing.assert_allclose(got, tone(440), atol=0.1)


def test_what_was_written_is_read_again(tmp_path):
    write_sound(tmp_path / "new" / "a.wav", 4 * tone(440), 8000)
    with wave.open(str(tmp_path / "new" / "a.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
    got, _ = read_sound(tmp_path / "new" / "a.wav")
    np.testing.assert_allclose(got, (4 * tone(440)).clip(-1, 1), atol=1e-4)


def test_only_wav_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"give a name that ends in \.wav"):
        write_sound(tmp_path / "a.mp3", tone(440), 8000)


def _damaged(path):
    path.write_bytes(b"RIFF\x10\0\0\0WAVEfmt nonsense")


def _text(path):
    path.write_text("not a sound")


def _nothing(path):
    path.touch()


def _no_samples(path):
    wav(path, np.zeros(0))


def _nan(path):
    wav(path, np.array([0, np.nan, 0.1]), subtype="FLOAT")


def _canceling(path):
    wav(path, np.stack([tone(440), -tone(440)], 1))


WRONG = {
    _damaged: "cannot be read as sound",
    _text: "cannot be read as sound",
    _nothing: "cannot be read as sound",
    _no_samples: "it holds no samples",
    _nan: "its samples must be finite, got nan at sample 1",
    _canceling: "its 2 channels cancel each other; give channel=0",
}


@pytest.mark.parametrize("make", WRONG, ids=lambda make: make.__name__)
def test_a_bad_file_is_named_alone_and_in_a_folder(words, make):
    make(words / "no" / "bad.wav")
    with pytest.raises(ValueError, match=f"bad.wav: {WRONG[make]}"):
        read_sound(words / "no" / "bad.wav")
    with pytest.raises(ValueError, match=f"1 recording of 5 cannot be used: .*{WRONG[make]}"):
        read_recordings(words)


def test_all_bad_files_are_counted(words):
    for k in range(5):
        _text(words / "yes" / f"bad{k}.wav")
    with pytest.raises(ValueError, match=r"^5 recordings of 9 .*bad0.*bad2.* and 2 more$"):
        read_recordings(words)


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.wav: there is no such file"):
        read_sound(tmp_path / "a.wav")
    with pytest.raises(FileNotFoundError, match="is a folder"):
        read_sound(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        read_recordings(tmp_path / "nowhere")


def test_impossible_channels_are_refused(tmp_path):
    with pytest.raises(ValueError, match="channel must be 0 to 0, got 1"):
        read_sound(wav(tmp_path / "a.wav"), channel=1)


def test_silence_is_announced_once_and_read(words):
    for name in ("1.wav", "2.WAV"):
        wav(words / "no" / name, np.zeros(100))
    with pytest.warns(UserWarning, match=r"1\.wav: it is silent.*\(and 1 other like it\)") as told:
        assert len(read_recordings(words)) == 4
    assert len(told) == 1


def test_a_file_that_is_cut_off_is_announced(tmp_path):
    path = wav(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes()[:3044])
    with pytest.warns(UserWarning, match=r"a\.wav: it is cut off, 3,044 of 8,044 bytes"):
        assert len(read_sound(path)[0]) == 1500


def test_a_folder_for_each_label(words):
    (words / "no" / "._1.wav").write_text("what a system keeps for itself")
    (words / "no" / "notes.txt").write_text("no sound")
    got = read_recordings(words)
    assert got.labels == ["no", "no", "yes", "yes"]
    assert [name[-5:] for name in got.names] == ["1.wav", "2.WAV"] * 2
    assert (got.rate, got.speakers, len(list(got))) == (8000, None, 4)
    assert got.take(np.array([3, 0])).labels == ["yes", "no"]


def test_a_folder_for_each_speaker_within_labels(tmp_path):
    for speaker in ("ann", "bo"):
        wav(tmp_path / "yes" / speaker / "1.wav")
    got = read_recordings(tmp_path, speakers=True)
    assert (got.labels, got.speakers) == (["yes", "yes"], ["ann", "bo"])
    with pytest.raises(ValueError, match=r"must hold label/\*\.wav, got .*speakers=True"):
        read_recordings(tmp_path)


def test_recordings_without_labels(words, tmp_path):
    one = wav(tmp_path / "one.wav")
    assert read_recordings(one, labeled=False).labels is None
    assert len(read_recordings(words / "yes", labeled=False)) == 2
    with pytest.raises(ValueError, match="one recording has no label"):
        read_recordings(one)
    with pytest.raises(ValueError, match=r"must hold label/\*\.wav"):
        read_recordings(words / "yes")
    with pytest.raises(ValueError, match=r"must hold \*\.wav, got no/1\.wav"):
        read_recordings(words, labeled=False)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no recordings in it; it must hold label/\*\.wav"):
        read_recordings(tmp_path)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_of_paths(words, separator):
    rows = [("path", "label", "speaker"), ("yes/1.wav", "1 9 4 7", "ann"), ("no/1.wav", "007", "b")]
    table = words / "list.csv"
    table.write_text("\n".join(separator.join(row) for row in rows))
    got = read_recordings(table)
    assert (got.labels, got.speakers) == (["1 9 4 7", "007"], ["ann", "b"])
    assert read_recordings(table, labeled=False).labels is None
    assert read_recordings(table, label_col="speaker").labels == ["ann", "b"]


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        (
            "file,label\nyes/1.wav,yes\n",
            ValueError,
            "no column 'path'; the columns are 'file', 'label'",
        ),
        ("path,label\n", ValueError, "no rows"),
        ("path,label\nyes/1.wav,\n", ValueError, "column 'label' is empty in row 1"),
        ("path,label\nyes/9.wav,a\nno/1.wav,b\n", FileNotFoundError, "1 of 2 files .*9.wav"),
        ("", ValueError, "the file is empty"),
    ],
)
def test_a_bad_table_is_refused(words, text, error, says):
    (words / "list.csv").write_text(text)
    with pytest.raises(error, match=says):
        read_recordings(words / "list.csv")


def test_rates_that_differ_become_the_lowest_and_this_is_announced(words):
    wav(words / "yes" / "3.wav", tone(440, rate=44100), 44100)
    with pytest.warns(UserWarning, match="resampled to 8,000 Hz: 1 recording at 44,100 Hz$"):
        got = read_recordings(words)
    assert got.rate == 8000
    np.testing.assert_allclose(got.samples[-1][400:-400], tone(440)[400:-400], atol=5e-3)


def test_a_rate_that_files_lack_is_announced(words):
    with pytest.warns(UserWarning, match="4 recordings at 8,000 Hz; above 4,000 Hz they hold noth"):
        assert read_recordings(words, 16000).rate == 16000
    with pytest.raises(ValueError, match="rate must be at least"):
        read_recordings(words, 0)


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    path = wav(tmp_path / "a.wav")
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    with pytest.raises(ImportError, match=r"soundfile: pip install carrousel\[audio\]"):
        read_sound(path)


def test_recordings_without_labels_are_taken_without():
    assert Recordings([np.ones(3)], 8000, ["a"]).take([0]).labels is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"names": []}, "names must be as many as the 2 samples, got 0"),
        ({"labels": ["a"]}, "labels must be as many as the 2 samples, got 1"),
        ({"speakers": list("abc")}, "speakers must be as many as the 2 samples, got 3"),
        ({"rate": 0}, "rate must be at least"),
    ],
)
def test_recordings_that_do_not_fit_together(options, says):
    right = {"samples": [np.ones(3)] * 2, "rate": 8000, "names": ["a", "b"]}
    with pytest.raises(ValueError, match=says):
        Recordings(**{**right, **options})
