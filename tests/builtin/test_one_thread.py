"""Linear algebra and OpenMP on one thread, without looking for the libraries again and again."""

from __future__ import annotations

import sys
from types import ModuleType

import threadpoolctl

from n2d_builtin.common import one_thread
from n2d_builtin.common.starts import run_starts
from n2d_framework.plugin import FitContext


def numbers_of_threads(_seed):
    return {library["num_threads"] for library in threadpoolctl.threadpool_info()}


def test_libraries_are_looked_for_again_only_after_an_import(monkeypatch):
    made = []

    class Counted(threadpoolctl.ThreadpoolController):
        def __init__(self):
            made.append(self)
            super().__init__()

    for jobs in (1, 2):
        run_starts(numbers_of_threads, 4, FitContext(n_jobs=jobs))  # imports what it needs
    monkeypatch.setattr(threadpoolctl, "ThreadpoolController", Counted)
    for jobs in (1, 2):
        run_starts(lambda seed: seed, 4, FitContext(n_jobs=jobs))
    assert made == []
    monkeypatch.setitem(sys.modules, "n2d_of_a_test", ModuleType("n2d_of_a_test"))
    run_starts(lambda seed: seed, 4, FitContext())
    assert len(made) == 1


def test_each_start_has_one_thread_and_other_numbers_come_back():
    with threadpoolctl.threadpool_limits(2):
        before = numbers_of_threads(0)
        for jobs in (1, 2):
            found = run_starts(numbers_of_threads, 4, FitContext(n_jobs=jobs))
            assert found == [{1}] * 4
        assert numbers_of_threads(0) == before == {2}
    with one_thread.one_openmp_thread():
        openmp = [i for i in threadpoolctl.threadpool_info() if i["user_api"] == "openmp"]
        assert {library["num_threads"] for library in openmp} == {1}
