"""Each extra in an environment that has only it, and what it is for tried there.

    python tools/check_extras.py WHEEL [extra ...]

A first environment has the wheel and its own dependencies; each extra is installed into one of its
own that sees the first. Too slow for the tests: half a minute each, and torch to install.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from check_wheel import environment, pip, run

TRIED = {  # the shortest program that needs the extra
    "explain": """
import torch, carrousel
from carrousel import explain
lstm = carrousel.LSTM(2, 3)
found = explain.attribute(lstm, torch.randn(5, 1, 2), lambda out: out[0][-1].sum(-1),
                          method="integrated_gradients")
assert found.scores.shape[0] == 5 or found.scores.numel() >= 5
""",
    "sktime": """
from carrousel.forecast.adapters.sktime import CarrouselForecaster
from sktime.datasets import load_airline
y = load_airline()
made = CarrouselForecaster(effort="instant").fit(y, fh=range(1, 13)).predict()
assert len(made) == 12
""",
    "gpu": """
import os
os.environ["TRITON_INTERPRET"] = "1"
import torch
from carrousel.ops.gpu import layer
w = [torch.ones(3, 2), torch.ones(3, 3)]
y = layer.forward(0, torch.ones(4, 1, 2), None, torch.zeros(1, 1, 3), None, w, False)[0]
assert y.shape == (4, 1, 3) and y.min() > 0.9
""",
    "ray": """
import ray
from carrousel import Forecaster
from carrousel.data import load_sample
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
data = ray.data.from_arrow(load_sample("airline").to_arrow())
assert Forecaster.pretrained().predict(data, h=3).count() == 3
""",
    "fugue": """
import dask.dataframe as dd
from distributed import Client
from carrousel import Forecaster
from carrousel.data import load_sample
table = load_sample("airline").to_pandas()
fitted = Forecaster(3, effort="instant").fit(table)
with Client(processes=False, dashboard_address=None):
    assert len(fitted.predict(dd.from_pandas(table, npartitions=2)).compute()) == 3
""",
    "holidays": """
import polars as pl, datetime as dt
from carrousel import Forecaster
days = pl.date_range(dt.date(2022, 1, 1), dt.date(2023, 12, 31), eager=True)
table = pl.DataFrame({"ds": days, "y": [float(day.weekday()) for day in days]})
Forecaster(7, holidays="DE", max_steps=2, ensemble=1).fit(table).predict()
""",
    "excel": """
import fastexcel, zipfile
from carrousel.data import to_panel
rows = [("ds", "y"), *((f"2024-01-{k:02}", k) for k in range(1, 29))]
text, number = '<c t="inlineStr"><is><t>{}</t></is></c>', "<c><v>{}</v></c>"
lines = ["".join((number if isinstance(x, int) else text).format(x) for x in row) for row in rows]
sheet = "".join(f"<row>{line}</row>" for line in lines)
formats, sheets = "http://schemas.openxmlformats.org", "spreadsheetml"
main, package = f"{formats}/{sheets}/2006/main", f"{formats}/package/2006"
office = f"{formats}/officeDocument/2006/relationships"
kind = f"application/vnd.openxmlformats-officedocument.{sheets}."
def link(name, what, target):
    return (f'<Relationships xmlns="{package}/relationships"><Relationship Id="{name}" '
            f'Type="{office}/{what}" Target="{target}"/></Relationships>')
types = (f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
         '"application/vnd.openxmlformats-package.relationships+xml"/>'
         f'<Override PartName="/xl/workbook.xml" ContentType="{kind}sheet.main+xml"/>'
         f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}worksheet+xml"/>'
         "</Types>")
book = (f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>')
with zipfile.ZipFile("t.xlsx", "w") as file:
    file.writestr("[Content_Types].xml", types)
    file.writestr("_rels/.rels", link("r", "officeDocument", "xl/workbook.xml"))
    file.writestr("xl/workbook.xml", book)
    file.writestr("xl/_rels/workbook.xml.rels", link("r1", "worksheet", "worksheets/sheet1.xml"))
    file.writestr("xl/worksheets/sheet1.xml",
                  f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>')
panel, _ = to_panel("t.xlsx")
assert panel.lengths[0] == 28
""",
    "reconcile": """
import hierarchicalforecast
from carrousel.forecast.adapters.reconcile import reconcile
""",
    "web": """
from carrousel.web.library import Library
from carrousel.web.serve import server_of
server_of(Library.shipped())
""",
    "text": """
from carrousel import LanguageModel
model = LanguageModel("bpe", vocabulary=300, hidden=8, steps=2).fit("to be or not to be " * 40)
model.next("to", k=2)
""",
    "audio": """
import numpy as np, soundfile
from carrousel import audio
soundfile.write("a.wav", np.sin(np.arange(8000) / 5).astype("float32"), 16000)
""",
    "microphone": """
import importlib.util
assert importlib.util.find_spec("sounddevice")  # a device to hear with is another matter
""",
}  # fmt: skip


def main() -> None:
    wheel, wanted = Path(sys.argv[1]).resolve(), sys.argv[2:] or list(TRIED)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        base = environment(work / "base")
        pip(base, str(wheel))
        shared = site_packages(base)
        failed = []
        for extra in wanted:
            python = environment(work / extra, shared)
            pip(python, f"carrousel[{extra}] @ {wheel.as_uri()}")
            place = Path(tempfile.mkdtemp(dir=work))
            (place / "tried.py").write_text(TRIED[extra], "utf-8")
            done = subprocess.run([python, "tried.py"], cwd=place, check=False)
            print(
                f"carrousel[{extra}]: {'works' if done.returncode == 0 else 'FAILED'}", flush=True
            )
            failed += [extra] if done.returncode else []
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def site_packages(python: Path) -> Path:
    return Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())


if __name__ == "__main__":
    main()
