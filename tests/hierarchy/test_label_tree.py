"""The label hierarchy finds, keeps and changes the true groups of labels."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from streamml.errors import ConfigError, ContractError
from streamml.hierarchy import LabelCounts, LabelHierarchy, LabelTree, average_linkage


def csr(rows):
    indptr = np.concatenate(([0], np.cumsum([len(r) for r in rows]))).astype(np.int64)
    return indptr, np.array([c for r in rows for c in sorted(r)], np.int32)


def grouped(rng, n, groups, n_labels, p_group=0.25, p_in=0.75, p_noise=0.03):
    """Labels of a group come together, others only by chance."""
    y = rng.random((n, n_labels)) < p_noise
    for group in groups:
        on = rng.random(n) < p_group
        for label in group:
            y[:, label] |= on & (rng.random(n) < p_in)
    return [np.flatnonzero(row) for row in y]


def feed(hierarchy, rows, each=100):
    indptr, indices = csr(rows)
    for start in range(0, len(rows), each):
        hierarchy.observe(indptr, indices, start, min(start + each, len(rows)))
        hierarchy.check()
        yield hierarchy.tree.leaf_of


def groups_of(labels, size):
    return [labels[i : i + size] for i in range(0, len(labels), size)]


def truth(groups, n_labels):
    found = np.zeros(n_labels, int)
    for k, group in enumerate(groups):
        found[list(group)] = k
    return found


rows_strategy = st.lists(st.frozensets(st.integers(0, 9), max_size=6), max_size=60)


@given(rows_strategy)
@settings(deadline=None)
def test_counts_equal_a_plain_count(rows):
    counts = LabelCounts()
    counts.reserve_labels(10)
    indptr, indices = csr(rows)
    counts.observe(indptr, indices, 0, len(rows))
    plain = np.zeros((10, 10))
    for row in rows:
        for i in row:
            for j in row:
                plain[i, j] += 1
    assert counts.labels().tolist() == plain.diagonal().tolist()
    pairs = counts.pairs()
    assert {(i, j): c for i, j, c in zip(*(a.tolist() for a in pairs), strict=True)} == {
        (i, j): plain[i, j] for i in range(10) for j in range(i + 1, 10) if plain[i, j]
    }


@given(rows_strategy, st.integers(1, 59))
@settings(deadline=None)
def test_counts_do_not_depend_on_how_rows_are_cut(rows, cut):
    indptr, indices = csr(rows)
    whole, parts = LabelCounts(0.99), LabelCounts(0.99)
    for counts, cuts in ((whole, [0, len(rows)]), (parts, [0, min(cut, len(rows)), len(rows)])):
        counts.reserve_labels(10)
        for a, b in itertools.pairwise(cuts):
            counts.observe(indptr, indices, a, b)
    assert whole.labels().tolist() == parts.labels().tolist()
    assert [a.tolist() for a in whole.pairs()] == [a.tolist() for a in parts.pairs()]
    assert whole.modal_size() == parts.modal_size()


def test_fading_counts_survive_rescaling():
    counts = LabelCounts(0.9)
    counts.reserve_labels(2)
    indptr, indices = csr([[0, 1]] * 1000)
    for start in range(0, 1000, 10):
        counts.observe(indptr, indices, start, start + 10)
        counts.maintain()
    assert counts.labels() == pytest.approx([10.0, 10.0])
    assert counts.total == pytest.approx(10.0)
    assert counts.pairs().weight == pytest.approx([10.0])


def test_counting_costs_the_same_at_any_number_of_labels():
    rng = np.random.default_rng(1)
    work = {}
    for n_labels in (100, 10_000):
        rows = [rng.choice(n_labels, 3, replace=False) for _ in range(5000)]
        hierarchy = LabelHierarchy()
        hierarchy.reserve_labels(n_labels)
        for _ in feed(hierarchy, rows):
            pass
        work[n_labels] = hierarchy.counts.work + hierarchy.work
    assert work[10_000] <= 8 * work[100]
    assert work[10_000] <= 50 * 5000  # a bound an event, far from 10,000


@given(rows_strategy)
@settings(max_examples=30, deadline=None)
def test_average_linkage_equals_scipy(rows):
    from scipy.cluster.hierarchy import cophenet, linkage

    rng = np.random.default_rng(len(rows))
    s = rng.random((7, 7))
    i, j = np.triu_indices(7, 1)
    trees = average_linkage(i.astype(np.int32), j.astype(np.int32), s[i, j])
    height = cophenet(linkage(1 - s[i, j], "average"))
    ours = np.zeros((7, 7))

    def walk(tree):
        if tree.parts is not None:
            left, right = tree.parts
            for a in left.labels:
                for b in right.labels:
                    ours[min(a, b), max(a, b)] = 1 - tree.cross
            walk(left)
            walk(right)

    assert len(trees) == 1
    walk(trees[0])
    assert ours[i, j] == pytest.approx(height)


def test_linkage_of_equal_similarities_takes_the_smaller_columns_first():
    trees = average_linkage(
        np.array([2, 0], np.int32), np.array([3, 1], np.int32), np.array([0.5, 0.5])
    )
    assert [tree.labels for tree in trees] == [[0, 1], [2, 3]]


def test_tree_refuses_groups_that_are_no_partition():
    tree = LabelTree()
    tree.add_labels(3)
    with pytest.raises(ContractError, match="partition"):
        tree.replace(tree.root, [[0], [1]], 0)


def test_new_labels_join_the_largest_cluster():
    tree = LabelTree()
    tree.add_labels(3)
    tree.replace(tree.root, [[0], [1, 2]], 10)
    tree.add_labels(5)
    assert tree.groups() == ((0,), (1, 2, 3, 4))
    assert tree.leaf_of.tolist() == [0, 1, 1, 1, 1]


@pytest.mark.parametrize("seed", range(10))
def test_evidence_rule_follows_a_change_of_groups(seed):
    n_labels, rng = 12, np.random.default_rng(seed)
    before = groups_of(np.arange(n_labels), 3)
    after = groups_of(rng.permutation(n_labels), 3)
    rows = grouped(rng, 3000, before, n_labels) + grouped(rng, 2000, after, n_labels)
    found = [leaf_of.copy() for leaf_of in feed(hierarchy_of(n_labels), rows)]
    assert adjusted_rand_score(truth(before, n_labels), found[29]) >= 0.9
    assert adjusted_rand_score(truth(after, n_labels), found[49]) >= 0.9


def hierarchy_of(n_labels, **parameters):
    hierarchy = LabelHierarchy(**parameters)
    hierarchy.reserve_labels(n_labels)
    return hierarchy


def test_evidence_rule_leaves_independent_labels_alone():
    quiet = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y = rng.random((5000, 20)) < rng.uniform(0.02, 0.5, 20)
        hierarchy = hierarchy_of(20)
        for _ in feed(hierarchy, [np.flatnonzero(row) for row in y]):
            pass
        quiet += not hierarchy.changes
    assert quiet >= 18


def test_odac_rule_splits_what_is_apart_and_merges_what_was_one():
    rng = np.random.default_rng(3)
    apart = grouped(rng, 2000, [[0, 1], [2, 3]], 4, p_group=0.6, p_in=0.95, p_noise=0.05)
    hierarchy = hierarchy_of(4, rule="odac")
    for _ in feed(hierarchy, apart):
        pass
    assert hierarchy.tree.groups() == ((0, 1), (2, 3))
    assert hierarchy.changes[0].kind == "split"
    # labels 0 and 1 part for good: their cluster gets wider than its parent was
    parted = [[k, 2, 3] for k in rng.integers(0, 2, 8000)]
    for _ in feed(hierarchy, parted):
        pass
    assert "merge" in [change.kind for change in hierarchy.changes]


def test_odac_breaks_ties_at_distance_one_by_evidence():
    # 0-1 and 2-3 come together often, 4 and 5 are rare and never meet anybody
    rng = np.random.default_rng(5)
    rows = [([0, 1], [2, 3], [4], [5])[k] for k in rng.choice(4, 6000, p=[0.48, 0.48, 0.02, 0.02])]
    hierarchy = hierarchy_of(6, rule="odac")
    for _ in feed(hierarchy, rows):
        pass
    home = hierarchy.tree.leaf_of
    assert home[0] == home[1] != home[2] == home[3]


def test_a_costly_check_is_followed_by_a_longer_pause():
    hierarchy = hierarchy_of(20_000, n_min=10)
    indptr, indices = csr([[0, 1]] * 10)
    hierarchy.observe(indptr, indices, 0, 10)
    hierarchy.check()
    assert hierarchy.next_check - hierarchy.position > 600


def test_unknown_rule_is_refused():
    with pytest.raises(ConfigError, match="evidence"):
        LabelHierarchy("magic")
