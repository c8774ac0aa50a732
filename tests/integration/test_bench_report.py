"""The report: what it says of made-up results, and that a browser draws it."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from click.testing import CliRunner

from experiments.bench import parity
from experiments.bench.published import Published, standing
from experiments.bench.report import command as report
from experiments.bench.report.claims import CLAIMS, check
from experiments.bench.report.data import METRICS, Figures
from experiments.bench.report.ranks import rank
from experiments.bench.report.tables import metric_table
from experiments.bench.store import Cell, Result, save
from experiments.common.svg import Axis, Line, Plot, Point
from streamml.errors import install_hint
from tests.conftest import needs

LEARNERS = ("streamml", "streamml, random clusters", "no-change", "majority", "MLHT", "iSOUPT",
            "BR+HT", "BR+NB", "VW plt")  # fmt: skip
DATASETS = ("flags", "emotions", "virusgo", "birds", "yeast", "scene", "demo@1")


def result(dataset, order, learner, status="finished"):
    """Figures by the place in the list: the first is the best, with some noise."""
    place = LEARNERS.index(learner)
    rng = np.random.default_rng([place, DATASETS.index(dataset), order == "natural"])
    level = 0.8 - 0.05 * place + 0.02 * rng.random()
    scores = dict.fromkeys(METRICS, level) | {"hamming_loss": 0.5 - level / 2}
    for name in ("micro", "macro", "example"):
        scores |= {f"{name}_precision": level, f"{name}_recall": level}
    events = 2000 if status == "finished" else 900
    facts = {
        "budget_seconds": 60.0, "budget_memory_mib": 8192.0, "cpu_seconds": 1.0,
        "events_per_second": 10.0 ** (place + 1), "peak_mib_above_start": 5.0, "window": 200,
        "features": 30, "labels": 6, "nonzeros": 12.5, "checksum": "0" * 64,
        "versions": {"python": "3"}, "machine": {"cpu": "<one> & only", "cores": 2},
        "drifts": [["sudden", 700, 700]] if dataset == "demo@1" else [],
        "changes": [["split", "global", 500], ["drift", "local", 800]],
        "label_names": ["a<b>", "c", "d"],
        "trees": [[100, [[0, 1, 2], []]], [600, [[0, 1, 2], [[[0, 1], []], [[2], []]]]]],
    }  # fmt: skip
    xs = np.linspace(40, events, 30)
    curve = {"event": xs.tolist(), "seconds": (xs / 1000).tolist()}
    for name in METRICS:
        curve |= {name: [level] * 30, f"window_{name}": (level + 0.1 * np.sin(xs / 90)).tolist()}
    return Result(Cell(dataset, order, learner, 1), status, "", events, 2000, scores, facts, curve)


def everything():
    for dataset in DATASETS:
        for order in ("natural", "shuffled"):
            for learner in LEARNERS:
                slow = learner == "BR+NB" and dataset in ("yeast", "scene")
                yield result(dataset, order, learner, "unfinished" if slow else "finished")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    try:
        import scikit_posthocs  # noqa: F401
    except ImportError:
        needs(f"scikit-posthocs is not installed: {install_hint('bench')}", found=False)
    folder = tmp_path_factory.mktemp("results")
    for cell in everything():
        save(cell, folder)
    failed = Result(Cell("flags", "natural", "BR+HT", 2), "failed", "it <broke> & burned")
    save(failed, folder)
    reference = folder / "reference"
    reference.mkdir()
    (reference / "published.csv").write_text(
        "dataset,learner,metric,value,source\n"
        "Yeast,HT,exact_match,0.5,x\nYeast,MLHT,exact_match,0.58,x\nBirds,HT,exact_match,0.1,x\n"
        "Yeast,iHomer,exact_match,0.9,x\n"
    )
    done = CliRunner().invoke(
        report.main, ["--results", str(folder), "--out", str(folder / "page" / "report.html"),
                      "--reference", str(reference)])  # fmt: skip
    assert done.exit_code == 0, done.output
    return folder


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loaded, self.tags = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.tags.append(tag)
        if "id" in named:
            self.ids.append(named["id"])
        if tag == "a":
            self.links.append(named["href"])
        self.loaded += [named[k] for k in ("src", "href") if k in named and tag != "a"]


def test_learners_run_on_few_datasets_do_not_shrink_the_table_of_the_others():
    """Ranked: those run everywhere; the group with most cells; all, where all were run."""
    few = {"iSOUPT": 6, "BR+HT": 6, "VW plt": 1}
    found = [result(d, "natural", n) for k, d in enumerate(DATASETS) for n in LEARNERS
             if k < few.get(n, 99)]  # fmt: skip
    figures = Figures.of(found, "natural")
    panels = figures.panels(figures.names)
    assert [len(figures.complete(names)) for names in panels] == [7, 6, 1]
    assert set(panels[0]) == set(LEARNERS) - set(few)
    assert set(panels[1]) == set(LEARNERS) - {"VW plt"}
    assert set(panels[2]) == set(LEARNERS)
    everywhere = Figures.of(everything(), "natural")
    assert everywhere.panels(everywhere.names) == [everywhere.names]


def test_the_page_needs_nothing_else_and_its_links_resolve(made):
    text = (made / "page" / "report.html").read_text()
    page = Page(text)
    assert page.links
    assert all(link[0] == "#" and link[1:] in page.ids for link in page.links)
    assert len(page.ids) == len(set(page.ids))
    assert all(address.startswith("data:") for address in page.loaded)
    assert "@import" not in text
    assert "url(" not in text
    assert "it &lt;broke&gt; &amp; burned" in text
    assert "a&lt;b&gt;" in text
    assert "<one>" not in text


def test_the_best_is_marked_and_the_unfinished_is_not_hidden(made):
    text = (made / "page" / "report.html").read_text()
    table = text.split('<section id="tables-natural">')[1].split("</table>")[0]
    rows = re.findall(r'<tr><th scope="row">([^<]+)</th>(.*?)</tr>', table)
    assert [name for name, _ in rows] == sorted(DATASETS, key=list(dict(rows)).index)
    for _, cells in rows:
        best = re.findall(r'<td class="best">([\d.]+)</td>', cells)
        values = [float(v) for v in re.findall(r">(\d\.\d{3})<", cells)]
        assert best
        assert float(best[0]) == max(values)
    yeast = dict(rows)["yeast"]
    assert re.search(r'<td class="cut" title="[^"]*event 900 of 2,000">0\.\d{3}†</td>', yeast)


def test_a_cell_that_was_killed_before_it_told_anything_is_shown():
    killed = Result(Cell("flags", "natural", "VW plt", 1), "unfinished", "over 9 MiB of memory")
    others = [result("flags", "natural", name) for name in ("streamml", "no-change")]
    table = metric_table(Figures.of([*others, killed], "natural"), "micro_f1")
    assert '<td class="cut" title="over 9 MiB of memory; event 0 of 0">-†</td>' in table


def test_the_summary_in_markdown(made):
    text = (made / "page" / "report.md").read_text()
    assert "127 cells, 122 finished" in text
    assert "| streamml | 7/7 | 1.0 |" in text
    assert "better than the global baselines by 23 %" in text


def test_ranks_and_groups_that_do_not_differ(made):
    figures = Figures.of([r for r in everything() if r.cell.order == "natural"], "natural")
    found = rank(figures, "micro_f1", figures.of_groups("ours", "global", "local", "reference"))
    assert found.datasets == len(DATASETS)
    assert found.ranks[0] == ("streamml", 1.0)
    assert found.p_value < 0.001
    assert sum(r for _, r in found.ranks) == pytest.approx(sum(range(1, 8)))
    assert found.unfinished["BR+NB"] == 2
    assert found.cliques
    assert all(last < len(found.ranks) - 1 for first, last in found.cliques if first == 0)


def test_a_claim_is_the_mean_gain_over_the_others():
    figures = Figures.of([r for r in everything() if r.cell.order == "natural"], "natural")
    verdict = check(figures, CLAIMS[2])
    datasets = DATASETS
    ours, theirs = (
        np.mean([figures.cells[d][n].scores["micro_f1"] for d in datasets])
        for n in ("streamml", "streamml, random clusters")
    )
    assert verdict.gain == pytest.approx(100 * (ours / theirs - 1))
    assert not verdict.holds
    assert verdict.datasets == 7
    assert check(figures, CLAIMS[1]).datasets == 5  # those that BR+NB finished too


def test_a_claim_leaves_out_who_seldom_finished_where_it_was_run():
    """Datasets that the others were never run on say nothing of how often they finish."""
    shared = ("flags", "emotions", "yeast", "scene")
    kept = [
        r for r in everything()
        if r.cell.order == "natural"
        and (r.cell.learner in ("streamml", "no-change") or r.cell.dataset in shared)
    ]  # fmt: skip
    verdict = check(Figures.of(kept, "natural"), CLAIMS[1])
    assert (verdict.against, verdict.left_out, verdict.datasets) == (["BR+NB", "BR+HT"], [], 2)
    rare = [r for r in kept if r.cell.learner != "BR+NB" or r.cell.dataset != "flags"]
    verdict = check(Figures.of(rare, "natural"), CLAIMS[1])
    assert (verdict.against, verdict.left_out, verdict.datasets) == (["BR+HT"], ["BR+NB"], 4)


def test_a_learner_run_on_one_dataset_does_not_shrink_a_claim_to_it():
    kept = [r for r in everything() if r.cell.order == "natural"]
    before = check(Figures.of(kept, "natural"), CLAIMS[1])
    tried = replace(kept[0], cell=Cell("flags", "natural", "BR+ARF", 1))
    verdict = check(Figures.of([*kept, tried], "natural"), CLAIMS[1])
    assert (verdict.left_out, verdict.datasets) == (["BR+ARF"], 5)
    assert verdict.gain == before.gain


def test_parity_lists_what_differs_by_more_than_005(made):
    published = Published.read(made / "reference")
    found = parity.compare(everything(), published)
    assert {(a.dataset, a.learner) for a in found} == {
        ("yeast", "BR+HT"), ("yeast", "MLHT"), ("birds", "BR+HT")}  # fmt: skip
    off = [a for a in found if not a.agrees]
    assert [(a.dataset, a.learner) for a in off] == [("birds", "BR+HT")]
    assert all(math.isclose(a.difference, a.ours - a.published) for a in found)


def test_ours_stands_beside_the_best_published_figure_of_each_dataset(made):
    published = Published.read(made / "reference")
    assert published.best("Yeast", "exact_match") == 0.58  # a tail's figure is no match
    figures = Figures.of(everything(), "natural")
    mine = [figures.cells[d]["streamml"].scores["exact_match"] for d in ("yeast", "birds")]
    found = standing(figures, published, "streamml", "exact_match")
    assert (found.ahead, found.datasets) == (2, 2)
    assert (found.mean, found.best) == pytest.approx((np.mean(mine), (0.58 + 0.1) / 2))
    same = standing(figures, published, "streamml", "exact_match", same_order=True)
    assert (same.datasets, same.best) == (1, 0.1)
    behind = standing(figures, published, "BR+NB", "exact_match")
    assert (behind.ahead, behind.datasets) == (1, 1)  # it did not finish yeast
    assert standing(figures, published, "streamml", "micro_f1") is None
    said = (made / "page" / "report.md").read_text()
    assert f"- streamml: exact match {np.mean(mine):.3f} (0.340), 2 of 2" in said


def test_parity_tells_the_median_difference(made, tmp_path, monkeypatch):
    ours = result("birds", "natural", "BR+HT").scores["exact_match"]
    (tmp_path / "published.csv").write_text(
        "dataset,learner,metric,value,source\n"
        f"Birds,HT,exact_match,{ours + 0.1},x\nBirds,HT,micro_f1,{ours + 0.4},x\n"
    )
    monkeypatch.setenv("STREAMML_REFERENCE", str(tmp_path))
    printed = CliRunner().invoke(parity.main, ["--results", str(made)]).output
    assert "0.250" in printed.splitlines()[-2]


def test_a_plot_of_nothing_says_so():
    assert "no figures" in Plot("empty", Axis("x"), Axis("y", log=True)).svg()
    nan = Plot(
        "a <b>", Axis("x"), Axis("y"), [Line("l", [1, 2], [math.nan, 1.0])], [Point("p", 1, 2)]
    )
    assert "nan" not in nan.svg()
    assert "a &lt;b&gt;" in nan.svg()


PROBE = """<script>
const out = {errors: window.__errors, plots: [], wide: 0};
for (const svg of document.querySelectorAll('svg.plot')) {
  const box = svg.getBoundingClientRect();
  let ink = 0;
  for (const e of svg.querySelectorAll('path.s, circle'))
    { const b = e.getBBox(); if (b.width + b.height > 0) ink++; }
  out.plots.push([svg.getAttribute('aria-label'), box.width, box.height, ink]);
}
const links = [...document.querySelectorAll('a')];
out.broken = links.filter(a => !document.querySelector(a.hash)).length;
out.wide = document.documentElement.scrollWidth - window.innerWidth;
const style = getComputedStyle(document.body);
out.ink = style.color; out.paper = style.backgroundColor;
document.title = 'probed'; document.body.dataset.out = JSON.stringify(out);
</script>"""


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
def test_chromium_draws_every_plot_without_an_error(made, tmp_path, dark):
    import html
    import json

    program = shutil.which("chromium")
    needs("Debian's chromium is not installed: apt-get install chromium", program)
    text = (made / "page" / "report.html").read_text()
    watch = "<script>window.__errors=[];onerror=(m)=>__errors.push(String(m));</script>"
    probed = tmp_path / "probed.html"
    probed.write_text(
        text.replace("<style>", watch + "<style>", 1).replace("</body>", PROBE + "</body>")
    )
    options = ["--blink-settings=preferredColorScheme=0"] if dark else []
    done = subprocess.run(
        [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1300,900", *options,
         "--dump-dom", probed.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr, done.stderr
    found = json.loads(html.unescape(re.search(r'data-out="([^"]*)"', done.stdout)[1]))
    assert found["errors"] == []
    assert found["broken"] == 0
    assert found["wide"] <= 0
    assert len(found["plots"]) >= 2 * (len(DATASETS) + 6)
    for name, width, height, ink in found["plots"]:
        assert width > 100, name
        assert height > 30, name
        assert ink > 0, name
    bright = [sum(map(int, re.findall(r"\d+", found[k])[:3])) for k in ("ink", "paper")]
    assert (bright[0] > bright[1]) == dark
