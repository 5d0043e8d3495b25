"""How far a row goes from a file to its forecast, so that the way gets no longer unseen."""

from benchmarks import way_of_a_row


def test_the_way_of_a_row_from_a_file_to_its_forecast(tmp_path):
    stations, returns = way_of_a_row.measure(tmp_path)
    assert stations[0] == "cli/forecast.py: forecast"
    assert len(stations) <= 22, stations
    assert len(returns) <= 8, returns
