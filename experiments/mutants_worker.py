"""Runs mutants in a copy of the checkout: the process behind ``python -m experiments.mutants``.

It knows nothing of the rest of the checkout. One pytest session imports and collects the tests
once, runs each once to learn which lines it runs and how long it takes, and is then forked for
every mutant: the fork puts the changed function in the place of the old one and runs the tests
of that line until one fails. What survives there, and what is run by importing a file, is run
in another fork that has imported nothing of the checkout yet. Kernels stay compiled: a changed
file keeps its size and its time of change.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import random
import resource
import select
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import _lru_cache_wrapper
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, TextIO

import coverage
import pytest
from _pytest.runner import runtestprotocol

_SPARE = 3 << 30  # bytes that a mutant may take more than its parent has
_TIMES = 4.0  # times as long as its tests may a mutant take
_FRESH = 3.0  # seconds of tests that are run again after an import of their own
_DIED, _LATE, _UNCLEAR = "died", "late", "unclear"
_END_WITH_PARENT = 1  # of Linux's prctl


def main() -> None:
    """Read what to do from standard input and write what came of it, a line of JSON each."""
    job = json.loads(sys.stdin.readline())
    told = os.fdopen(os.dup(1), "w", buffering=1)
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for name in job["libraries"]:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    _same_examples_each_time()
    fresh = Fresh()
    session = Session(job, told, fresh)
    code = pytest.main([*_options("all"), *job["tests"]], plugins=[session])
    if not session.ran:
        print(json.dumps({"error": f"the tests cannot be collected (pytest: {code})"}), file=told)
    told.flush()
    os._exit(0)  # threads that tests left behind keep nobody waiting


def _same_examples_each_time() -> None:
    """One failing example is enough: none is made smaller."""
    hypothesis: Any = sys.modules.get("hypothesis")
    if hypothesis is not None:
        phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
        hypothesis.settings.register_profile(
            "mutants", derandomize=True, database=None, deadline=None, phases=phases,
            report_multiple_bugs=False,
        )  # fmt: skip
        hypothesis.settings.load_profile("mutants")


def _options(name: str) -> list[str]:
    return ["-q", "-x", "-p", "no:randomly", "--basetemp", str(Path("tmp", name).absolute()),
            "-W", "ignore::pytest.PytestAssertRewriteWarning"]  # fmt: skip


Limits = tuple[float, float]

# -- a fork, and what it says ------------------------------------------------------------------


def in_fork(run: Callable[[], str], limits: Limits) -> str:
    """What a fork of this process gives; ``"died"`` or ``"late"`` where it gives nothing."""
    reads, writes = os.pipe()
    pid = os.fork()
    if not pid:
        said = ""
        try:
            os.setpgid(0, 0)
            ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)
            _limit_itself(limits[0])
            said = run()
        except BaseException as error:  # what a test raises is a test that fails; this is not
            said = f"{_UNCLEAR} {error!r}"
        finally:
            os.write(writes, said.encode())
            os._exit(0)
    os.close(writes)
    ready, _, _ = select.select([reads], [], [], limits[1])
    said = os.read(reads, 4000).decode() if ready else _LATE
    os.close(reads)
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    slow = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU
    return said or (_LATE if slow else _DIED)


def _allow(seconds: float) -> None:
    """So many more of the processor; the system ends a process that takes them all."""
    used = int(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used, resource.RLIM_INFINITY))


def _limit_itself(seconds: float) -> None:
    _allow(seconds)
    held = (
        int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
        * resource.getpagesize()
    )
    resource.setrlimit(resource.RLIMIT_AS, (held + _SPARE, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Fresh:
    """A process that imported libraries alone, forked for what needs a file imported anew."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        if not os.fork():
            ours.close()
            self._serve(theirs.makefile("rw"))
        theirs.close()
        self._pipe = ours.makefile("rw")

    def run(self, file: str, source: bytes, tests: list[str], limits: Limits) -> str:
        """What comes of tests with a source in the place of a file's."""
        asked = {"file": file, "source": source.decode(), "tests": tests, "limits": limits}
        print(json.dumps(asked), file=self._pipe, flush=True)
        return str(json.loads(self._pipe.readline()))

    @staticmethod
    def _serve(pipe: TextIO) -> None:
        for line in pipe:
            asked = json.loads(line)
            path = Path(asked["file"])
            old, times = path.read_bytes(), path.stat()
            path.write_bytes(_as_long(asked["source"].encode(), len(old)))
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            said = in_fork(lambda tests=asked["tests"]: _pytest(tests), asked["limits"])
            path.write_bytes(old)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            print(json.dumps(said), file=pipe, flush=True)
        os._exit(0)


def _pytest(tests: list[str]) -> str:
    code = int(pytest.main([*_options("fresh"), *tests]))
    return "survived" if code == 0 else f"killed pytest: {code}"


def _as_long(source: bytes, size: int) -> bytes:
    """The same code in as many bytes, where spaces at the ends of lines are enough for it."""
    if len(source) < size:
        return source + b"\n" * (size - len(source))
    over = len(source) - size
    lines = source.splitlines(keepends=True)
    for k, line in enumerate(lines):  # what is too long comes out of comments
        if over and line.lstrip().startswith(b"#"):
            bare = len(line.rstrip()) - len(line) + len(line.lstrip()) - 1
            cut = min(over, len(line.strip()) - 1) if bare > 0 else 0
            lines[k] = line.rstrip()[: len(line.rstrip()) - cut] + b"\n"
            over -= cut
    return b"".join(lines)


# -- one session for all mutants -----------------------------------------------------------------


class Session:
    """The run loop of a pytest session."""

    def __init__(self, job: dict[str, Any], told: TextIO, fresh: Fresh) -> None:
        self.job = job
        self.told = told
        self.fresh = fresh
        self.ran = False
        self.deadline = time.monotonic() + job["budget"]
        self.seconds: list[float] = []  # of the processor, for each test
        self.wall: list[float] = []
        self.passes: dict[int, bool] = {}  # whether a test does in a fork without a change
        self.kills: Counter[int] = Counter()
        self.imports: dict[tuple[str, ...], bool] = {}

    def tell(self, **said: Any) -> None:
        print(json.dumps(said), file=self.told)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In the place of pytest's own."""
        if session.testsfailed:
            return False
        self.items = session.items
        self.caches = [c for c in gc.get_objects() if isinstance(c, _lru_cache_wrapper)
                       and _path(c.__wrapped__).startswith(str(Path.cwd()))]  # fmt: skip
        self._measure()
        self.ran = True
        self.functions = dict(_functions({m["path"] for m in self.job["mutants"]}))
        gc.collect()
        gc.freeze()
        for number, mutant in enumerate(self.job["mutants"]):
            if time.monotonic() > self.deadline:
                break
            outcome, why = self._outcome(mutant)
            if outcome == _LATE and time.monotonic() > self.deadline:
                break
            self.tell(mutant=number, outcome=outcome, why=why)
        return True

    # -- which test runs which line ------------------------------------------------------

    def _measure(self) -> None:
        paths = sorted({m["path"] for m in self.job["mutants"]})
        measured = coverage.Coverage(data_file=None, include=paths, config_file=False)
        begin, failed = time.monotonic(), []
        measured.start()
        for number, item in enumerate(self.items):
            measured.switch_context(str(number))
            self._forget()
            began = time.process_time(), time.monotonic()
            if _fails(item):
                failed.append(item.nodeid)
                self.passes[number] = False
            self.seconds.append(time.process_time() - began[0])
            self.wall.append(time.monotonic() - began[1])
            if number % 50 == 49:
                self.tell(measured=number + 1, of=len(self.items))
        measured.stop()
        data = measured.get_data()
        self.lines = {p: data.contexts_by_lineno(p) for p in paths}
        self.tell(tests=len(self.items), left_out=failed, seconds=time.monotonic() - begin)

    def _forget(self) -> None:
        """What functions remember is not of the next test, nor of a mutant."""
        for cache in self.caches:
            cache.cache_clear()

    def _tests(self, mutant: dict[str, Any]) -> list[int]:
        """Its guards' tests that run it: guard by guard, quickest first, while time allows."""
        lines = self.lines[mutant["path"]]
        first, last = mutant["lines"]
        wanted = range(first, last + 1) if mutant["function"] else lines
        ran = {int(c) for line in wanted for c in lines.get(line, ()) if c}
        found, spent = [], 0.0
        for guard in mutant["guards"]:
            for k in sorted(ran, key=lambda k: self.seconds[k]):
                if self.passes.get(k, True) and self.items[k].nodeid.startswith(guard):
                    ran.remove(k)
                    spent += self.seconds[k]
                    if found and spent > self.job["longest"]:
                        return found
                    found.append(k)
        return found

    # -- one mutant ----------------------------------------------------------------------

    def _outcome(self, mutant: dict[str, Any]) -> tuple[str, str]:
        tests = self._tests(mutant)
        if not tests:
            return "survived", "no test runs it"
        # what has killed often for its time comes first
        tests.sort(key=lambda k: self.seconds[k] / (1 + self.kills[k]))
        limits = self._limits(tests)
        path = Path(mutant["path"])
        old = path.read_bytes()
        source = old[: mutant["start"]] + mutant["text"].encode() + old[mutant["end"] :]
        if mutant["function"]:
            told = in_fork(lambda: self._patched(mutant, source, tests), limits)
            said, _, why = told.partition(" ")
            if said == "killed" and not self._can_pass(int(why)):
                return self._outcome(mutant)  # without that test
            if said == "killed":
                self.kills[int(why)] += 1
                return "killed", self.items[int(why)].nodeid
            if said in (_LATE, _DIED, _UNCLEAR):
                return said, why
        return self._imported_anew(mutant["path"], source, tests, limits)

    def _limits(self, tests: list[int]) -> Limits:
        """Seconds of the processor, and of the clock, that tests may take."""
        patience = self.job["patience"]
        seconds = patience / 2 + _TIMES * sum(self.seconds[k] for k in tests)
        wall = patience + _TIMES * sum(self.wall[k] for k in tests)
        return seconds, max(1.0, min(wall, self.deadline - time.monotonic()))

    def _can_pass(self, k: int) -> bool:
        """Whether a test passes in a fork without a change; only such a one can kill."""
        if k not in self.passes:
            said = in_fork(lambda: str(_fails(self.items[k])), self._limits([k]))
            self.passes[k] = said == "False"
            if not self.passes[k]:
                self.tell(left_out=[self.items[k].nodeid])
        return self.passes[k]

    def _patched(self, mutant: dict[str, Any], source: bytes, tests: list[int]) -> str:
        where = (mutant["path"], *mutant["function"])
        new = _code(compile(source, mutant["path"], "exec", dont_inherit=True), *where[1:])
        for function in self.functions.get(where, ()):
            if len(new.co_freevars) != len(function.__code__.co_freevars):
                return "anew"
            function.__code__ = new
        self._forget()
        for k in tests:
            _allow(self.job["patience"] / 4 + _TIMES * self.seconds[k])
            if _fails(self.items[k]):
                return f"killed {k}"
        return "survived"

    def _imported_anew(
        self, path: str, source: bytes, tests: list[int], limits: Limits
    ) -> tuple[str, str]:
        few, spent = [], 0.0
        for k in tests:
            spent += self.seconds[k]
            if not few or spent < _FRESH:
                few.append(k)
        names = [self.items[k].nodeid for k in sorted(few)]
        file = os.path.relpath(path)
        limits = limits[0] + self.job["patience"], limits[1] + 2 * self.job["patience"]
        said, _, why = self.fresh.run(file, source, names, limits).partition(" ")
        key = (file, *names)
        if said == "killed" and not self.imports.get(key):
            unchanged = self.fresh.run(file, Path(path).read_bytes(), names, limits)
            self.imports[key] = unchanged == "survived"
            if not self.imports[key]:
                return (
                    _UNCLEAR,
                    f"without a change, its tests in a process of their own: {unchanged}",
                )
        return said, why


def _fails(item: pytest.Item) -> bool:
    doctest: Any = getattr(item, "dtest", None)
    names = dict(doctest.globs) if doctest else {}
    failed = any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))
    if doctest:
        doctest.globs.update(names)  # it forgets them, and is run again
    return failed


def _path(function: object) -> str:
    return getattr(getattr(function, "__code__", None), "co_filename", "")


def _functions(paths: set[str]) -> Iterator[tuple[tuple[str, str, int], list[FunctionType]]]:
    """Functions of files by path, qualified name and first line."""
    found: dict[tuple[str, str, int], list[FunctionType]] = {}
    for one in gc.get_objects():
        if type(one) is FunctionType and one.__code__.co_filename in paths:
            code = one.__code__
            key = (code.co_filename, code.co_qualname, code.co_firstlineno)
            found.setdefault(key, []).append(one)
    yield from found.items()


def _code(code: CodeType, name: str, line: int) -> CodeType:
    for part in code.co_consts:
        if isinstance(part, CodeType):
            if (part.co_qualname, part.co_firstlineno) == (name, line):
                return part
            if name.startswith(part.co_qualname + "."):
                try:
                    return _code(part, name, line)
                except LookupError:
                    continue
    raise LookupError(f"no {name} in line {line}")


if __name__ == "__main__":
    random.seed(0)
    main()
